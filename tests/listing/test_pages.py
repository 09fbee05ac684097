"""Pages, orders and filters of task lists, checked against a model in Python."""

import base64
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.client import Client, User, faults, pages
from tests.support.factories import Login, make_task, make_tasks
from todo import clock
from todo.models import Task
from todo.words import fold

KEYS: dict[str, Callable[[Task], Any]] = {
    "id": lambda task: task.id,
    "due_date": lambda task: task.due_at,
    "creation_date": lambda task: task.creation_date,
    "modification_date": lambda task: task.modification_date,
    "completion_date": lambda task: task.completion_date,
    "name": lambda task: fold(task.name),
}

# By query: the default order and a predicate of the matching tasks.
FILTERS: dict[str, tuple[str, Callable[[Task], bool]]] = {
    "": ("id", lambda task: True),
    "completed=true": ("id", lambda task: task.completed),
    "completed=false": ("id", lambda task: not task.completed),
    "due=none": ("id", lambda task: task.due_at is None),
    "due=any": ("due_date", lambda task: task.due_at is not None),
    "due=none&completed=false": ("id", lambda task: not task.due_at and not task.completed),
    "search=ap": ("-id", lambda task: "ap" in fold(task.name)),
    "search=ap&completed=true": ("-id", lambda t: "ap" in fold(t.name) and t.completed),
}

NAMES = ["Äpfel", "apple", "Zebra", "émile", "Émile", "東京", "ab", "aB", "a b", "🍎 ap", "ﬁg"]


def in_order(tasks: list[Task], sort: str) -> list[int]:
    """Return the sorted ids: equal keys by id, tasks without a key last."""
    key, down = KEYS[sort.removeprefix("-")], sort.startswith("-")
    with_key = sorted((t for t in tasks if key(t) is not None), key=lambda t: (key(t), t.id))
    without = sorted((t for t in tasks if key(t) is None), key=lambda t: t.id)
    step = -1 if down else 1
    return [task.id for task in with_key[::step] + without[::step]]


def walk(client: Client, url: str) -> list[int]:
    """Return the ids of all pages."""
    return [task["id"] for page in pages(client, url, "tasks") for task in page]


@pytest.fixture
def tasks(db: Session, alice: Login, bob: Login) -> list[Task]:
    """Alice's tasks among Bob's, with every kind of due date and many equal dates."""
    rng = random.Random(1)
    now = clock.now()

    def moment() -> Any:
        return now - timedelta(hours=rng.randrange(8))

    for _ in range(40):
        due_date = rng.choice([None, now.date() + timedelta(days=rng.randrange(-2, 3)), moment()])
        values = {"name": rng.choice(NAMES), "due_date": due_date, "completed": rng.random() < 0.4}
        dates = {"creation_date": moment(), "modification_date": moment()}
        if values["completed"]:
            dates["completion_date"] = moment()
        make_task(db, rng.choice([alice, alice, bob]), **values, **dates)
    return list(db.scalars(select(Task).where(Task.account_id == alice.id)))


@pytest.mark.parametrize("sort", [sign + key for key in KEYS for sign in ("", "-")])
def test_list_sorts_by_every_key(alice: User, tasks: list[Task], sort: str) -> None:
    assert walk(alice, f"{alice.tasks_url}?limit=7&sort={sort}") == in_order(tasks, sort)


@pytest.mark.parametrize("query", FILTERS)
def test_filter_finds_matching_tasks_in_each_order(
    alice: User, tasks: list[Task], query: str
) -> None:
    sort, is_match = FILTERS[query]
    found = [task for task in tasks if is_match(task)]
    assert found
    assert walk(alice, f"{alice.tasks_url}?limit=3&{query}") == in_order(found, sort)
    for sort in ("-due_date", "completion_date", "-id"):
        url = f"{alice.tasks_url}?limit=4&count=true&sort={sort}&{query}"
        assert walk(alice, url) == in_order(found, sort)
        assert alice.get(url).json["total"] == len(found)


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("created", "creation_date"),
        ("modified", "modification_date"),
        ("completed", "completion_date"),
        ("due", "due_at"),
    ],
)
def test_date_range_includes_start_and_excludes_end(
    alice: User, tasks: list[Task], name: str, attribute: str
) -> None:
    # All-day due dates compare differently: tests/listing/test_due_dates.py.
    days = {task.id for task in tasks if name == "due" and task.due_all_day}
    tasks = [task for task in tasks if task.id not in days]
    dates = sorted({getattr(task, attribute) for task in tasks} - {None})
    begin, end = dates[1], dates[-1]
    url = f"{alice.tasks_url}?limit=3&{name}_after={begin:%FT%T.%fZ}&{name}_before={end:%FT%T.%fZ}"
    inside = [task for task in tasks if (date := getattr(task, attribute)) and begin <= date < end]
    order = "due_date" if name == "due" else attribute
    assert [n for n in walk(alice, url) if n not in days] == in_order(inside, order)


def test_day_bound_starts_in_account_zone(alice: User, db: Session) -> None:
    alice.send_json("PATCH", alice.url, {"timezone": "Pacific/Kiritimati"})
    created = datetime(2020, 2, 1, 10, tzinfo=UTC)
    make_task(db, alice, name="Tea", creation_date=created)
    for query, matches in [
        ("created_after=2020-02-02", True),
        ("created_after=2020-02-03", False),
        ("created_before=2020-02-02", False),
        ("created_before=2020-02-03", True),
        ("created_after=02/02/2020 00:00:00", True),
        ("created_before=2020-02-02T00:00:00", False),
    ]:
        assert bool(alice.get(f"{alice.tasks_url}?{query}").json["tasks"]) is matches, query


def test_paging_during_writes_lists_each_survivor_once(alice: User, db: Session) -> None:
    ids = [make_task(db, alice, name=f"Task {n % 4}") for n in range(30)]
    for sort in ("id", "-id", "name", "-creation_date"):
        seen: list[int] = []
        deleted: set[int] = set()
        url: str | None = f"{alice.tasks_url}?limit=4&sort={sort}"
        while url:
            page = alice.get(url).json
            seen += [task["id"] for task in page["tasks"]]
            url = page["next"]
            # Delete a listed task, the task of the cursor and a task not yet listed.
            gone = {seen[0], seen[-1], next(n for n in [*ids, 0] if n not in seen)} - deleted
            for task_id in gone & set(ids):
                alice.delete(f"{alice.tasks_url}/{task_id}")
                deleted.add(task_id)
            make_task(db, alice, name="Task 2")
        assert len(seen) == len(set(seen))
        ids = [task_id for task_id in ids if task_id not in deleted]
        assert set(ids) <= set(seen)
        ids += [make_task(db, alice, name=f"Task {n % 4}") for n in range(20)]


def test_page_has_50_tasks_by_default_and_at_most_200(alice: User, db: Session) -> None:
    make_tasks(db, alice, [{"name": "Tea"}] * 201)
    first = alice.get(alice.tasks_url).json
    assert len(first["tasks"]) == 50
    assert first["next"].startswith(f"{alice.tasks_url}?after=")
    assert "total" not in first
    most = alice.get(f"{alice.tasks_url}?limit=200&count=true").json
    assert (len(most["tasks"]), most["total"]) == (200, 201)
    assert len(alice.get(most["next"]).json["tasks"]) == 1
    assert alice.head(alice.tasks_url).headers["Link"] == f'<{first["next"]}>; rel="next"'


def test_next_link_keeps_query(alice: User, tasks: list[Task]) -> None:
    query = "search=%C3%84p+&limit=1&fields=id,name&sort=-name"
    page = alice.get(f"{alice.tasks_url}?{query}").json
    assert page["next"].startswith(f"{alice.tasks_url}?{query}&after=")
    assert page["tasks"][0].keys() == {"id", "name"}
    assert alice.get(page["next"]).json["tasks"][0].keys() == {"id", "name"}


@pytest.mark.parametrize("fields", ["id", "name,id", "due_date,completed"])
def test_fields_parameter_selects_members(alice: User, db: Session, fields: str) -> None:
    make_task(db, alice, name="Tea")
    [task] = alice.get(alice.tasks_url).json["tasks"]
    [part] = alice.get(f"{alice.tasks_url}?fields={fields}").json["tasks"]
    assert part == {field: task[field] for field in fields.split(",")}


def test_id_filter_skips_foreign_and_unknown_ids(alice: User, bob: Login, db: Session) -> None:
    mine = [make_task(db, alice), make_task(db, alice)]
    bobs_task = make_task(db, bob)
    url = f"{alice.tasks_url}?id={mine[1]},{bobs_task},{mine[0]},{2**63 - 1},{mine[0]}"
    assert walk(alice, url) == mine


def test_counts_equal_list_totals(alice: User, tasks: list[Task]) -> None:
    def total(query: str) -> int:
        return alice.get(f"{alice.tasks_url}?count=true&{query}").json["total"]

    counts = {
        "open": total("completed=false"),
        "completed": total("completed=true"),
        "overdue": total("due=overdue"),
        "due_today": total("due=today"),
        "undated": total("due=none"),
    }
    assert alice.get(f"{alice.url}/counts").json == {"username": "alice", **counts}
    assert counts["open"] + counts["completed"] == len(tasks)
    assert counts["overdue"] > 0


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ("limit=500", "200"),
        ("limit=0", "1"),
        ("sort=note", "'id', '-id', 'due_date', '-due_date', 'creation_date'"),
        ("due=soon", "'overdue', 'today', 'tomorrow', 'week', 'upcoming', 'none' or 'any'"),
        ("fields=nope", "id, uid, name, note, list_id"),
        ("offset=1", "completed, due, due_after, due_before"),
        ("due_after=1", "2030-02-01T09:30:00Z, 2030-02-01 or 01/02/2030 09:30:00"),
    ],
)
def test_query_fault_names_allowed_values(alice: User, query: str, allowed: str) -> None:
    [fault] = alice.get(f"{alice.tasks_url}?{query}").json["errors"]
    assert fault["field"] == query.partition("=")[0]
    assert allowed in fault["message"]


# --- invalid cursors


def cursor_of(answer: Any) -> str:
    cursor: str = answer.json["next"].rpartition("after=")[2]
    return cursor


def decoded(cursor: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(cursor + "=="))


def encoded(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_cursor_of_another_list_is_refused(alice: User, bob: User, tasks: list[Task]) -> None:
    after = cursor_of(alice.get(f"{alice.tasks_url}?limit=1"))
    url = f"{alice.tasks_url}?after={after}"
    for query in ("", "&limit=9", "&fields=id", "&count=true", "&sort=id"):
        assert alice.get(url + query).status_int == 200
    for query in ("&completed=true", "&sort=-id", "&sort=name", "&search=ap", "&id=1", "&due=any"):
        assert faults(alice.get(url + query)) == {"after": "cursor"}
    assert faults(bob.get(f"{bob.tasks_url}?after={after}")) == {"after": "cursor"}


MIDNIGHT = "2030-02-01T00:00:00+00:00"
WRONG_KEYS: dict[str, list[Any]] = {
    "id": ["x"],
    "name": [None, 1, "a\0b", "n" * 256, "\ud800", [[MIDNIGHT, 1], [MIDNIGHT, 1]]],
    "creation_date": [
        *(None, "", "2030-02-01", "2030-02-01T09:30:00"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"),
    ],
    "due_date": [
        *("soon", ["x"], [], MIDNIGHT, [MIDNIGHT, MIDNIGHT], [[MIDNIGHT, 1]]),
        *([[MIDNIGHT, 1], ["soon", 1]], [["2030-02-01T00:00:00", 1], [MIDNIGHT, 1]]),
        *([[MIDNIGHT, -1], [MIDNIGHT, 1]], [[MIDNIGHT, 2**63], [MIDNIGHT, 1]]),
        *([[MIDNIGHT], [MIDNIGHT, 1]], [["9999-12-31T23:59:59-12:00", 1], [MIDNIGHT, 1]]),
    ],
}


@pytest.mark.parametrize("sort", WRONG_KEYS)
def test_forged_cursor_key_is_refused(alice: User, tasks: list[Task], sort: str) -> None:
    url = f"{alice.tasks_url}?limit=1&sort={sort}"
    digest, _, task_id = decoded(cursor_of(alice.get(url)))
    for key in WRONG_KEYS[sort]:
        answer = alice.get(f"{url}&after={encoded([digest, key, task_id])}")
        assert faults(answer) == {"after": "cursor"}, key


def test_malformed_cursor_is_refused(alice: User, tasks: list[Task]) -> None:
    url = f"{alice.tasks_url}?limit=1"
    digest, key, task_id = decoded(cursor_of(alice.get(url)))
    wrong_ids = [0, -1, 2**63, 1.5, "1"]
    lists = [
        *([digest, key, wrong] for wrong in wrong_ids),
        [digest, key],
        [digest, key, task_id, 1],
    ]
    for value in (*lists, {"of": digest}, "[" * 5000, "nothing", ""):
        assert faults(alice.get(f"{url}&after={encoded(value)}")) == {"after": "cursor"}
    for text in ("", "%00", "a", "%C3%A9", "====", "%ED%A0%80", "x" * 10_000):
        answer = alice.get(f"{url}&after={text}")
        assert answer.status_int == 400
        assert answer.json["code"] in ("validation", "bad_query")


def test_forged_cursor_reveals_no_foreign_tasks(alice: User, bob: Login, db: Session) -> None:
    mine, others = [], []
    for _ in range(3):
        mine.append(make_task(db, alice))
        others.append(make_task(db, bob))
    digest, key, _ = decoded(cursor_of(alice.get(f"{alice.tasks_url}?limit=1")))
    after = encoded([digest, key, others[0]])
    assert walk(alice, f"{alice.tasks_url}?after={after}") == mine[1:]
