"""Compare pages of an account with 1,000,000 tasks with pages of one with 1,000, on both databases.

Both accounts are in a database of 2,000,000 tasks. Each has three times as many changes as tasks, a
third of them to a single task, and as many trashed tasks as tasks. Both accounts request every page
in turn. A page of the large account should take at most 1.5 times as long, and must never read the
whole account. The results go to benchmarks/scale.md after some minutes.
`SCALE_TASKS=100000 make bench-scale` uses a tenth of the tasks.
"""

import base64
import io
import itertools
import json
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import webob
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.support.databases import database, migrate, postgresql_server
from tests.support.factories import Login, make_account
from tests.support.plans import Query, explain, page_queries
from todo import main as make_app
from todo.models.engine import create_engine
from todo.words import fold, indexed_words

LARGE = int(os.environ.get("SCALE_TASKS", "1000000"))
SMALL = 1000
CHANGES = 3  # per task of an account
LIMIT = 1.5  # the maximum ratio of large to small account
PAGE_MAX = 200  # tasks
PAIRS = 101
SECONDS = 2  # the time limit for all pairs: slow requests get fewer than PAIRS
RESULTS = Path(__file__).with_suffix(".md")

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
NOW = datetime.now(UTC)
YEARS = timedelta(days=3 * 365)
CHANGED = min(10_000, LARGE // 10)

TASK_COLUMNS = (
    "account_id, name, name_folded, name_words, note, note_words, due_at, due_all_day,"
    " creation_date, modification_date, completion_date"
)
CHANGE_COLUMNS = "account_id, revision, kind, object_id, date, action, before, after"


# --- the tasks


@dataclass(frozen=True)
class Times:
    """The creation and due dates of the tasks of an account of this size."""

    tasks: int

    def created(self, number: int) -> datetime:
        return MIDNIGHT - YEARS + YEARS * (number / self.tasks)

    @property
    def days(self) -> int:
        """Tasks are due up to this many days from today. In both accounts, one day fills a page."""
        return max(6, 600 * self.tasks // 1_000_000)


def rows(account_id: int, tasks: int) -> Iterator[tuple[Any, ...]]:
    """Yield the tasks of an account in the order of their creation."""
    times = Times(tasks)
    for number in range(tasks):
        # Mix the numbers, so that names and dates are not in the order of the ids.
        mixed = number * 7919 % tasks
        verb = ("Buy", "Call", "Éclair", "mend", "Write")[mixed % 5]
        name = f"{verb} {mixed:07d}{words_of(number, tasks)}"
        note = f"number {number} of the list, see page {mixed % 300}" if number % 2 else None
        created = times.created(number)
        all_day = mixed % 5 in {0, 1}
        due = None
        if mixed % 5 < 4:
            due = MIDNIGHT + timedelta(days=mixed // 5 % (2 * times.days) - times.days)
            due += timedelta(seconds=0 if all_day else mixed * 37 % 86400)
        # Most of the older tasks are completed.
        done = number < tasks * 6 // 10 and number % 20
        yield (
            account_id,
            name,
            fold(name),
            indexed_words(name),
            note,
            indexed_words(note),
            due,
            all_day,
            created,
            created + timedelta(days=mixed % 90, seconds=mixed % 86400),
            created + timedelta(days=mixed % 60, seconds=mixed % 80000) if done else None,
        )


def words_of(number: int, tasks: int) -> str:
    """Return the search words in the name of a task."""
    common = " milk" if number % 4 == 0 else ""
    rare = " saffron" if number % (tasks // 5) == tasks // 10 else ""
    old = " ancient" if number < tasks // 4 else ""
    return common + rare + old


def all_rows(others: list[Login], small: Login, large: Login) -> Iterator[tuple[Any, ...]]:
    """Yield all tasks: those of the other accounts, interleaved, then those of the two accounts."""
    for row in rows(0, SMALL):
        yield from ((login.id, *row[1:]) for login in others)
    yield from rows(small.id, SMALL)
    yield from rows(large.id, LARGE)


def changes(login: Login, first_task: int, tasks: int) -> Iterator[tuple[Any, ...]]:
    """Yield the changes of an account, one per revision; every third changes its first task."""
    for number in range(CHANGES * tasks):
        task = first_task + (0 if number % CHANGES == 0 else number * 7919 % tasks)
        before, after = f'{{"name":"Task {number}"}}', f'{{"name":"Task {number + 1}"}}'
        # Revision 1 is the registration.
        yield login.id, number + 2, "task", task, NOW, "update", before, after


def load(url: str) -> tuple[Login, Login]:
    """Fill the database and return the small and the large account."""
    engine = create_engine(url)
    with Session(engine) as session:
        others = [make_account(session) for _ in range(LARGE // SMALL - 1)]
        small, large = make_account(session, "small"), make_account(session, "large")
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        write = load_sqlite if engine.dialect.name == "sqlite" else load_postgresql
        with without_indexes(cursor, engine.dialect.name):
            write(cursor, "tasks", TASK_COLUMNS, all_rows(others, small, large))
            for login, tasks in ((small, SMALL), (large, LARGE)):
                cursor.execute(f"SELECT min(id) FROM tasks WHERE account_id = {login.id}")
                [(first_task,)] = cursor.fetchall()
                write(cursor, "changes", CHANGE_COLUMNS, changes(login, first_task, tasks))
                cursor.execute(
                    f"UPDATE accounts SET revision = {CHANGES * tasks + 1} WHERE id = {login.id}"
                )
            cursor.execute(
                f"INSERT INTO trash (id, {TASK_COLUMNS}, deletion_date)"
                f" SELECT id + {10**12}, {TASK_COLUMNS}, modification_date"
                f" FROM tasks WHERE account_id IN ({small.id}, {large.id})"
            )
            # Keep half of the trash within its retention.
            cursor.execute(f"UPDATE trash SET deletion_date = '{as_text(NOW)}' WHERE id % 2 = 0")
        connection.commit()
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as analysing:
            analysing.execute(text("SET statement_timeout = 0"))
            analysing.execute(text("VACUUM ANALYZE"))
    engine.dispose()
    return small, large


@contextmanager
def without_indexes(cursor: Any, dialect: str) -> Iterator[None]:
    """Drop the indexes and recreate them at the end of the block, which is much faster."""
    if dialect == "sqlite":
        cursor.execute("PRAGMA synchronous = OFF")
        cursor.execute("PRAGMA cache_size = -500000")
        cursor.execute("BEGIN")
        cursor.execute(
            "SELECT name, sql FROM sqlite_master"
            " WHERE type = 'index' AND tbl_name IN ('tasks', 'changes') AND sql IS NOT NULL"
        )
    else:
        cursor.execute("SET statement_timeout = 0; SET maintenance_work_mem = '512MB'")
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes"
            " WHERE tablename IN ('tasks', 'changes') AND indexname NOT LIKE 'pk_%'"
        )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        cursor.execute(definition)


def as_text(value: Any) -> Any:
    return value.isoformat(" ", "microseconds")[:26] if isinstance(value, datetime) else value


def load_sqlite(cursor: Any, table: str, columns: str, written: Iterator[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * len(columns.split(",")))
    cursor.executemany(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})",
        (tuple(map(as_text, row)) for row in written),
    )


def load_postgresql(
    cursor: Any, table: str, columns: str, written: Iterator[tuple[Any, ...]]
) -> None:
    while chunk := list(itertools.islice(written, 50_000)):
        lines = (
            "\t".join("\\N" if value is None else str(as_text(value)) for value in row)
            for row in chunk
        )
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO("\n".join(lines)))


# --- the pages


@dataclass(frozen=True)
class Case:
    """A list whose pages are measured."""

    name: str
    query: str  # {middle}: the date when half of the tasks had been created; {ids}: some ids
    middle: bool = True  # whether to measure a page in the middle, too
    # If the list has two segments: the filter that selects the one whose middle is measured.
    within: str | None = None
    limited: bool = True  # whether LIMIT applies


def cases() -> list[Case]:
    now = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    filters = [
        *(f"completed={value}" for value in ("true", "false")),
        *(
            f"due={when}"
            for when in ("overdue", "today", "tomorrow", "week", "upcoming", "none", "any")
        ),
        f"due_after={now}",
        f"due_before={now}",
        *(
            f"{what}_{bound}={{middle}}"
            for what in ("created", "modified", "completed")
            for bound in ("after", "before")
        ),
    ]
    sorts = [
        f"sort={minus}{key}"
        for key in ("id", "name", "creation_date", "modification_date")
        for minus in ("", "-")
    ]
    return [
        Case("all", ""),
        *(Case(query.partition("{")[0].partition(now)[0], query) for query in filters),
        Case("id=(200 ids)", "id={ids}", middle=False),
        *(Case(query, query) for query in sorts),
        *(
            Case(f"sort={minus}{key}{which}", f"sort={minus}{key}", within=within)
            for key, with_key, without in (
                ("due_date", "due=any", "due=none"),
                ("completion_date", "completed=true", "completed=false"),
            )
            for minus in ("", "-")
            for which, within in (("", with_key), (", without a date", without))
        ),
        Case("search: rare word", "search=saffron", middle=False),
        Case("search: common word", "search=milk"),
        Case("search: prefix of a common word", "search=mil"),
        Case("search: word in the oldest tasks only", "search=ancient", limited=False),
        Case("search: common and rare word", "search=milk+saffron", middle=False, limited=False),
        Case("search: two common words", "search=ancient+milk", limited=False),
        Case("search: one letter", "search=m", limited=False),
    ]


@dataclass(frozen=True)
class Client:
    """A client of the application with the number of its tasks."""

    app: Any
    login: Login
    tasks: int

    def ask(self, query: str, method: str = "GET", body: Any = None, path: str = "/tasks") -> Any:
        """Send a request and return the JSON of the answer. Raise SystemExit unless it is 200."""
        headers = {"Authorization": f"Bearer {self.login.token}"}
        request = webob.Request.blank(
            f"{self.login.url}{path}?{query}", method=method, headers=headers
        )
        if body is not None:
            request.json_body = body
            request.content_type = "application/json"
        response = request.get_response(self.app)
        if response.status_int != 200:
            raise SystemExit(f"{method} {query} gets {response.status}: {response.text}")
        return response.json

    def filled_in(self, query: str) -> str:
        """Return the query with {middle} and {ids} replaced."""
        if "{ids}" in query:
            found = self.ask(f"limit=200&{self.middle_of('', '')}&fields=id")
            query = query.format(ids=",".join(str(task["id"]) for task in found["tasks"]))
        middle = Times(self.tasks).created(self.tasks // 2)
        return query.replace("{middle}", middle.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def middle_of(self, query: str, within: str) -> str:
        """Return the query parameter for a page in the middle of a list."""
        longer = f"{query}&{within}".strip("&")
        left = max(1, self.ask(f"{longer}&limit=1&count=true")["total"] // 2)
        url = longer
        while left:
            page = self.ask(f"{url}&fields=id&limit={min(left, PAGE_MAX)}".lstrip("&"))
            left -= len(page["tasks"])
            url = f"{longer}&after={page['after']}"
        place = cursor_of(page)
        # Turn the position in the segment's list into a cursor of the list itself.
        of, *_ = cursor_of(self.ask(f"{query}&limit=1"))
        written = json.dumps([of, *place[1:]]).encode()
        return f"after={base64.urlsafe_b64encode(written).decode().rstrip('=')}"


def cursor_of(page: Any) -> Any:
    (after,) = parse_qs(urlsplit(page["next"]).query)["after"]
    return json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))


# --- the measurement


def milliseconds(run: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - begun)


def medians(small: Callable[[], Any], large: Callable[[], Any]) -> tuple[float, float, float]:
    """Run both alternately; return the medians of their times in ms and of their ratio.

    The ratio is computed per pair, because other load on the machine slows both runs of a pair.
    """
    pairs: list[tuple[float, float]] = []
    small(), large()
    begun = time.perf_counter()
    while len(pairs) < PAIRS and (len(pairs) < 3 or time.perf_counter() - begun < SECONDS):
        pairs.append((milliseconds(small), milliseconds(large)))
    few, many = zip(*pairs, strict=True)
    ratio = statistics.median(long / short for short, long in pairs)
    return statistics.median(few), statistics.median(many), ratio


def pages(engine: Engine, small: Client, large: Client) -> Iterator[str]:
    """Yield the lines of the table of pages."""
    yield "| page | SQL: few | many | ratio | request: few | many | ratio | plan |"
    yield "| --- | --: | --: | --: | --: | --: | --: | --- |"
    for case in cases():
        requests = [(client, client.filled_in(case.query), "/tasks") for client in (small, large)]
        within = case.within or ""
        if not within.startswith(("due=none", "completed=false")):
            yield page(engine, case, f"{case.name}, first", requests)
        if case.middle:
            requests = [
                (client, f"{query}&{client.middle_of(query, within)}", path)
                for client, query, path in requests
            ]
            yield page(engine, case, f"{case.name}, middle", requests)


def pages_of_changes(engine: Engine, small: Client, large: Client) -> Iterator[str]:
    """Yield the lines of the table for pages of the feed and of a history."""
    for name, path, place in (
        ("changes", "/changes", "since"),
        ("history", "/tasks/{first}/history", "after"),
    ):
        for where, part in (("first", 0.0), ("middle", 0.5), ("late", 0.9)):
            requests = []
            for client in (small, large):
                revision = (
                    int(CHANGES * client.tasks * (part if place == "since" else 1 - part)) + 1
                )
                [first] = client.ask("limit=1&fields=id")["tasks"]
                requests.append((client, f"{place}={revision}", path.format(first=first["id"])))
            yield page(engine, Case(name, ""), f"{name}, {where}", requests)


def pages_of_trash(engine: Engine, small: Client, large: Client) -> Iterator[str]:
    """Yield the lines of the table for pages of the trash."""
    firsts = [client.ask("limit=50", path="/trash") for client in (small, large)]
    later = [f"limit=50&{urlsplit(first['next']).query.partition('&')[2]}" for first in firsts]
    for where, queries in (("first", ["limit=50"] * 2), ("next", later)):
        requests = [
            (client, query, "/trash") for client, query in zip((small, large), queries, strict=True)
        ]
        yield page(engine, Case("trash", ""), f"trash, {where}", requests)


def change_and_undo(client: Client) -> None:
    """Change a task and undo the change."""
    [task] = client.ask("limit=1&sort=-id")["tasks"]
    path = f"/tasks/{task['id']}"
    client.ask("", "PATCH", {"note": task["name"]}, path=path)
    revision = client.ask("", path=path)["task"]["revision"]
    client.ask("", "POST", None, path=f"/changes/{revision}/undo")


def page(engine: Engine, case: Case, name: str, requests: list[tuple[Client, str, str]]) -> str:
    queries: list[list[Query]] = []
    for client, query, path in requests:
        with page_queries(client.app.registry["reading_engine"]) as run:
            client.ask(query, path=path)
        queries.append(run)
    few, many = queries
    with engine.connect() as connection:
        sql = medians(
            lambda: [query.run(connection) for query in few],
            lambda: [query.run(connection) for query in many],
        )
        plan = explain(connection, many[-1])
    (small, small_query, small_path), (large, large_query, large_path) = requests
    whole = medians(
        lambda: small.ask(small_query, path=small_path),
        lambda: large.ask(large_query, path=large_path),
    )
    rows_read = f"; {plan.rows_read} rows" if plan.rows_read else ""
    ratio = f"{whole[2]:.2f}"
    if case.limited and whole[2] > LIMIT:
        ratio = f"**{ratio}**"
    line = f"| {name} | {sql[0]:.2f} | {sql[1]:.2f} | {sql[2]:.2f} "
    line += f"| {whole[0]:.2f} | {whole[1]:.2f} | {ratio} "
    line += f"| {plan}{rows_read} |"
    print(line, flush=True)
    return line


def slow_requests(small: Client, large: Client) -> Iterator[str]:
    """Yield the lines of the table of requests that may be slow."""
    yield "| request | few | many |"
    yield "| --- | --: | --: |"

    def line(name: str, few: float, many: float) -> str:
        print(f"| {name} | {few:.1f} | {many:.1f} |", flush=True)
        return f"| {name} | {few:.1f} | {many:.1f} |"

    for query in ("count=true", "completed=false&count=true", "search=milk&count=true"):
        times = medians(lambda q=query: small.ask(q), lambda q=query: large.ask(q))  # type: ignore[misc]
        yield line(f"GET tasks, {query}", *times[:2])
    times = medians(lambda: small.ask("", path="/counts"), lambda: large.ask("", path="/counts"))
    yield line("GET counts", *times[:2])
    times = medians(lambda: change_and_undo(small), lambda: change_and_undo(large))
    yield line("GET, PATCH and undo of one task", *times[:2])
    for method, body, changed in (
        ("PATCH", {"completed": True}, "updated"),
        ("PATCH", {"name": "Another name"}, "updated"),
        ("DELETE", None, "deleted"),
    ):
        took = []
        for client, number in ((small, SMALL // 10), (large, CHANGED)):
            before = Times(client.tasks).created(number)
            query = f"created_before={quote(before.isoformat())}"
            begun = time.perf_counter()
            answer = client.ask(query, method, body)
            took.append(1000 * (time.perf_counter() - begun))
            if answer[changed] != number:
                raise SystemExit(f"{method} {query}: {answer}")
        what = ", ".join(body or {})
        yield line(f"{method} {what} of {SMALL // 10} of 1,000, and of {CHANGED:,} tasks", *took)


def measure(name: str, url: str) -> Iterator[str]:
    """Measure one database and yield its lines of the report."""
    migrate(url)
    begun = time.perf_counter()
    logins = load(url)
    print(f"{name}: loaded in {time.perf_counter() - begun:.0f} s", flush=True)
    app = make_app({}, **{"sqlalchemy.url": url, "todo.secure_cookies": "false"})
    engine = app.registry["engine"]
    small, large = (
        Client(app, login, tasks) for login, tasks in zip(logins, (SMALL, LARGE), strict=True)
    )
    with engine.connect() as connection:
        version = (
            sqlite3.sqlite_version
            if engine.dialect.name == "sqlite"
            else connection.scalar(text("SHOW server_version")).split()[0]
        )
    yield f"\n## {name} {version}\n"
    yield from pages(engine, small, large)
    yield from pages_of_changes(engine, small, large)
    yield from pages_of_trash(engine, small, large)
    yield ""
    yield from slow_requests(small, large)
    engine.dispose()


def main() -> None:
    """Measure on both databases and write the results."""
    lines = [
        "# Pages of an account with many tasks",
        "",
        f"`make bench-scale` wrote this page. It compares an account with many tasks ({LARGE:,})",
        f"to one with few ({SMALL:,}), in a database of {2 * LARGE:,} tasks. Each account has",
        "three times as many changes as tasks, every third of them to the same task, and as many",
        "trashed tasks as tasks. The figures are medians in milliseconds, for the SQL of the page",
        "and for the whole request through the application. Requests of both accounts alternate.",
        "",
        f"A request for many tasks may take {LIMIT} times as long; a higher ratio is **bold**.",
        "There is no limit for a word that only the oldest tasks contain, for two words of which",
        "one is common, and for a single letter. The data is warm: each page was read before.",
        "The column `plan` shows the indexes, and how many rows PostgreSQL read for the page of 50",
        "tasks.",
        "",
        f"Python {platform.python_version()}.",
    ]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, place in (
            ("SQLite", folder),
            ("PostgreSQL", stack.enter_context(postgresql_server())),
        ):
            lines += measure(name, stack.enter_context(database(place)))
    RESULTS.write_text("\n".join(lines) + "\n")
    print(f"wrote {RESULTS.name}")


if __name__ == "__main__":
    main()
