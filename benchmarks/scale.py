"""Compare pages of an account with 1,000,000 tasks with pages of one with 1,000, on both databases.

Both accounts are in a database of 2,000,000 tasks. Each has three times as many changes as tasks, a
third of them to a single task, and as many trashed tasks as tasks. Three lists and an archived one
have a tenth of an account's tasks each; the large account has 500 lists. Both accounts request
every page in turn. A page of the large account should take at most 1.5 times as long, and must
never read the whole account. The results go to benchmarks/scale.md after some minutes.
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
import uuid
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
from todo.journal.writes import MAX_TASKS
from todo.models.engine import create_engine
from todo.models.json import to_json
from todo.models.task import label_columns
from todo.positions import last_position
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
CHANGED = min(MAX_TASKS, LARGE // 10)
LISTS = {SMALL: 6, LARGE: 500}  # of an account with this many tasks

LABEL_COLUMNS = ("labels", "label_keys")
# The columns that deleted tasks have, too, and those of tasks only.
BOTH_COLUMNS = (
    "account_id, uid, list_id, position, priority, name, name_folded, name_words, note, note_words,"
    " labels, label_keys, label_words, due_at, due_all_day,"
    " creation_date, modification_date, completion_date"
)
TASK_COLUMNS = f"{BOTH_COLUMNS}, id, parent_id, subtasks_total, subtasks_open"
LIST_COLUMNS = (
    "id, account_id, revision, name, archived, position, size, creation_date, modification_date"
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
        return max(3, 600 * self.tasks // 1_000_000)


@dataclass(frozen=True)
class Ids:
    """The ids of an account, and of its tasks and lists."""

    account: int
    first_task: int
    first_list: int = 0
    step: int = 1  # between the ids of tasks

    def task(self, number: int) -> int:
        return self.first_task + number * self.step


def rows(ids: Ids, tasks: int) -> Iterator[tuple[Any, ...]]:
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
        done = is_completed(number, tasks)
        in_list, parent, subtasks = list_of(number, tasks), parent_of(number), subtasks_of(number)
        labels = label_columns(labels_of(number, mixed, tasks))
        yield (
            ids.account,
            str(uuid.uuid4()),
            None if in_list is None or not ids.first_list else ids.first_list + in_list,
            last_position(mixed + 1),
            1 + mixed // 3 % 9 if mixed % 3 == 0 else None,
            name,
            fold(name),
            indexed_words(name),
            note,
            indexed_words(note),
            *(to_json(labels[key]).decode() if labels[key] else None for key in LABEL_COLUMNS),
            labels["label_words"],
            due,
            all_day,
            created,
            created + timedelta(days=mixed % 90, seconds=mixed % 86400),
            created + timedelta(days=mixed % 60, seconds=mixed % 80000) if done else None,
            ids.task(number),
            None if parent is None else ids.task(parent),
            len(subtasks),
            sum(not is_completed(subtask, tasks) for subtask in subtasks),
        )


def is_completed(number: int, tasks: int) -> bool:
    """Return whether a task is completed: most of the older ones are."""
    return number < tasks * 6 // 10 and number % 20 != 0


def list_of(number: int, tasks: int) -> int | None:
    """Return the number of a task's list, or None: two tenths of the tasks are in the inbox.

    One tenth each is in the first three lists and in the first archived one.
    """
    tens, tenth = divmod(number // 10, 10)
    if tenth < 2:
        return None
    return tenth - 2 if tenth < 6 else 4 + tens % (LISTS[tasks] - 4)


def is_archived(number: int) -> bool:
    """Return whether a list is archived: one of ten."""
    return number % 10 == 3


def parent_of(number: int) -> int | None:
    """Return the number of a task's parent: 0 to 5 of the 9 tasks after a parent are subtasks."""
    parent = number // 10 * 10
    return parent if number in subtasks_of(parent) else None


def subtasks_of(number: int) -> range:
    """Return the numbers of a task's subtasks."""
    return range(number + 1, number + 1 + (number // 10 % 6 if number % 10 == 0 else 0))


def labels_of(number: int, mixed: int, tasks: int) -> list[str]:
    """Return the labels of a task: a fifth has the common one, and a third has some."""
    labels = ["Home"] if mixed % 5 == 3 else []
    labels += ["urgent"] if mixed % 4 and mixed % 5 in {2, 3} else []
    labels += [f"project {mixed % 97}"] if mixed % 10 in {3, 4} else []
    return [*labels, "Rare"] if number % (tasks // 5) == tasks // 10 + 2 else labels


def lists(ids: Ids, tasks: int) -> Iterator[tuple[Any, ...]]:
    """Yield the lists of an account in their order."""
    for number in range(LISTS[tasks]):
        name, position = f"List {number}", last_position(number + 1)
        list_id = ids.first_list + number
        yield list_id, ids.account, 1, name, is_archived(number), position, 100, NOW, NOW


def words_of(number: int, tasks: int) -> str:
    """Return the search words in the name of a task."""
    common = " milk" if number % 4 == 0 else ""
    rare = " saffron" if number % (tasks // 5) == tasks // 10 else ""
    old = " ancient" if number < tasks // 4 else ""
    return common + rare + old


def all_rows(others: list[Login], small: Ids, large: Ids) -> Iterator[tuple[Any, ...]]:
    """Yield all tasks: those of the other accounts, interleaved, then those of the two accounts."""
    ids = [Ids(login.id, number, step=len(others)) for number, login in enumerate(others, start=1)]
    for several in zip(*(rows(each, SMALL) for each in ids), strict=True):
        yield from several
    yield from rows(small, SMALL)
    yield from rows(large, LARGE)


def changes(ids: Ids, tasks: int) -> Iterator[tuple[Any, ...]]:
    """Yield the changes of an account, one per revision; every third changes its first task."""
    for number in range(CHANGES * tasks):
        task = ids.task(0 if number % CHANGES == 0 else number * 7919 % tasks)
        before, after = f'{{"name":"Task {number}"}}', f'{{"name":"Task {number + 1}"}}'
        # Revision 1 is the registration.
        yield ids.account, number + 2, "task", task, NOW, "update", before, after


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
            few = Ids(small.id, 1 + len(others) * SMALL, 1)
            many = Ids(large.id, few.task(SMALL), 1 + LISTS[SMALL])
            write(
                cursor,
                "lists",
                LIST_COLUMNS,
                itertools.chain(lists(few, SMALL), lists(many, LARGE)),
            )
            write(cursor, "tasks", TASK_COLUMNS, all_rows(others, few, many))
            for ids, tasks in ((few, SMALL), (many, LARGE)):
                write(cursor, "changes", CHANGE_COLUMNS, changes(ids, tasks))
                cursor.execute(
                    f"UPDATE accounts SET revision = {CHANGES * tasks + 1} WHERE id = {ids.account}"
                )
            # A deleted task has its uid for ever.
            columns = BOTH_COLUMNS.replace("uid", "'deleted-' || uid", 1)
            cursor.execute(
                f"INSERT INTO trash (id, {BOTH_COLUMNS}, deletion_date)"
                f" SELECT id + {10**12}, {columns}, modification_date"
                f" FROM tasks WHERE account_id IN ({small.id}, {large.id})"
            )
            # Keep half of the trash within its retention.
            cursor.execute(f"UPDATE trash SET deletion_date = '{as_text(NOW)}' WHERE id % 2 = 0")
            if engine.dialect.name == "postgresql":
                for table in ("tasks", "lists"):
                    cursor.execute(
                        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id))"
                        f" FROM {table}"
                    )
        connection.commit()
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as analysing:
            analysing.execute(text("SET statement_timeout = 0"))
            analysing.execute(text("VACUUM ANALYZE"))
    engine.dispose()
    return small, large


@contextmanager
def without_indexes(cursor: Any, dialect: str) -> Iterator[None]:
    """Drop the indexes and recreate them at the end of the block, which is much faster.

    Those of ids remain, because foreign keys refer to them.
    """
    if dialect == "sqlite":
        cursor.execute("PRAGMA synchronous = OFF")
        cursor.execute("PRAGMA cache_size = -500000")
        cursor.execute("BEGIN")
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
            " AND tbl_name IN ('tasks', 'trash', 'changes') AND sql IS NOT NULL"
            " AND name NOT LIKE '%_account_id_id'"
        )
    else:
        cursor.execute("SET statement_timeout = 0; SET maintenance_work_mem = '512MB'")
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes"
            " WHERE tablename IN ('tasks', 'trash', 'changes') AND indexname NOT LIKE 'pk_%'"
            " AND indexname NOT LIKE '%_account_id_id'"
        )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    if dialect == "postgresql":
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the foreign keys of the tasks
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
    query: str  # with fields that Client.filled_in() replaces
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
        *("archived=any", "archived=true"),
        *("list={list}", "list=inbox", "parent=none"),
        *("priority=high", "priority=none"),
        *("label=home", "label=home,urgent", "labelled=true", "labelled=false"),
    ]
    sorts = [
        f"sort={minus}{key}"
        for key in ("id", "name", "creation_date", "modification_date", "position")
        for minus in ("", "-")
    ]
    return [
        Case("all", ""),
        *(Case(query.partition("{")[0].partition(now)[0], query) for query in filters),
        Case("id=(200 ids)", "id={ids}", middle=False),
        Case("parent=", "parent={parent}", middle=False),
        *(Case(query, query, middle=False) for query in ("label=rare", "label=home,rare")),
        *(Case(query, query) for query in sorts),
        *(
            Case(f"sort={minus}{key}{which}", f"sort={minus}{key}", within=within)
            for key, with_key, without in (
                ("due_date", "due=any", "due=none"),
                ("completion_date", "completed=true", "completed=false"),
                ("priority", "priority=high,medium,low", "priority=none"),
            )
            for minus in ("", "-")
            for which, within in (("", with_key), (", those without", without))
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
        """Return the query with its fields replaced.

        {middle}: the date when half of the tasks had been created; {ids}: some ids; {list}: the id
        of a list with a tenth of the tasks; {parent}: the id of a task with five subtasks.
        """
        if "{ids}" in query:
            found = self.ask(f"limit=200&{self.middle_of('', '')}&fields=id")
            query = query.format(ids=",".join(str(task["id"]) for task in found["tasks"]))
        if "{list}" in query:
            query = query.format(list=self.ask("", path="/lists")["lists"][0]["id"])
        if "{parent}" in query:
            found = self.ask("limit=200&fields=id,subtasks")["tasks"]
            parent = next(task for task in found if task["subtasks"]["total"] == 5)
            query = query.format(parent=parent["id"])
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
        if not within.startswith(("due=none", "completed=false", "priority=none")):
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
    for path, query in (("counts", ""), ("lists", "count=true"), ("labels", "")):
        times = medians(
            lambda p=path, q=query: small.ask(q, path=f"/{p}"),  # type: ignore[misc]
            lambda p=path, q=query: large.ask(q, path=f"/{p}"),  # type: ignore[misc]
        )
        yield line(f"GET {path}, {query}".removesuffix(", "), *times[:2])
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
            query = f"created_before={quote(before.isoformat())}&archived=any"
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
    settings = {"sqlalchemy.url": url, "todo.secure_cookies": "false", "todo.limit_reads": "0"}
    app = make_app({}, **settings)
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
        "trashed tasks as tasks. Three lists and an archived one have a tenth of an account's",
        f"tasks each, of {LISTS[LARGE]} lists in the account with many tasks; a fifth of the tasks",
        "have the label `home`. The figures are medians in milliseconds, for the SQL of the page",
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
