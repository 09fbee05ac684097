"""Search and filters of the trash, and the restoration and purge of many deleted tasks at once."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support.client import User, faults, pages
from tests.support.factories import Login, make_task, make_trashed
from tests.support.fixtures import Patch, SetClock
from todo import clock
from todo.models import Task, Token, TrashedTask, batches
from todo.services import matching

DAY = timedelta(days=1)
RETENTION_DAYS = 3

# {first}, {second} and {third} are the ids of tasks, {now} and {today} the time and the day.
FILTERS = [
    *("completed=true", "completed=false"),
    *(f"due={when}" for when in ("overdue", "today", "tomorrow", "week", "upcoming")),
    *("due=none", "due=any", "due_after={today}", "due_before={now}"),
    *("created_after={now}", "created_before={now}", "modified_after={now}"),
    *("modified_before={now}", "completed_after={now}", "completed_before={now}"),
    *("id={first}", "id={first},{third}"),
    *("search=milk", "search=creme+bru", "search=bottles+mil"),
    *("search=milk&completed=true", "due=any&completed=false&id={first},{second}"),
]


def listed(user: User, query: str = "") -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = user.get(f"{user.tasks_url}?limit=200&{query}").json["tasks"]
    return tasks


def trashed(user: User, query: str = "") -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = user.get(f"{user.trash_url}?limit=200&{query}").json["tasks"]
    return tasks


def ids_of(tasks: list[dict[str, Any]]) -> list[int]:
    return [task["id"] for task in tasks]


@pytest.fixture
def task_ids(db: Session, alice: Login, bob: Login) -> list[int]:
    """Create three tasks each for Alice and Bob, one completed; return the ids of Alice's."""
    values: list[dict[str, Any]] = [
        {"name": "Milk", "note": "two bottles", "completed": True},
        {"name": "Crème brûlée", "due_date": clock.now().date()},
        {"name": "Malt milk", "due_date": clock.now() - DAY},
    ]
    return [make_task(db, login, **each) for login in (alice, bob) for each in values][:3]


@pytest.fixture
def trashed_ids(alice: User, bob: User, task_ids: list[int]) -> list[int]:
    """Move these tasks to the trash of their accounts; return the ids of Alice's."""
    for user in (alice, bob):
        assert user.delete(user.all_tasks_url).json["deleted"] == 3
    return task_ids


@pytest.mark.parametrize("query", FILTERS)
def test_trash_filter_matches_same_tasks_as_in_list(
    alice: User, db: Session, task_ids: list[int], query: str, set_clock: SetClock
) -> None:
    now = set_clock(timedelta(seconds=2))
    # After {now}: tasks that the filters by creation, change and completion tell apart.
    task_ids += [
        make_task(db, alice, name="Tea", due_date=now.date() + DAY, completed=True),
        make_task(db, alice, name="Rice", due_date=now.date() + 5 * DAY),
        make_task(db, alice, name="Oats", due_date=now.date() + 30 * DAY),
    ]
    query = query.format(
        **dict(zip(("first", "second", "third"), task_ids, strict=False)),
        now=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        today=now.date(),
    )
    expected = ids_of(listed(alice, query))
    assert 0 < len(expected) < len(task_ids), "the filter tells the tasks apart"
    alice.delete(alice.all_tasks_url)
    assert ids_of(trashed(alice, query)) == sorted(expected, reverse=True)


def test_trash_filter_by_deletion_date(
    alice: User, db: Session, task_ids: list[int], set_clock: SetClock
) -> None:
    alice.send_json("PATCH", alice.url, {"timezone": "Asia/Tokyo"})
    first, second, third = task_ids
    for days, task_id in enumerate((second, first, third)):
        set_clock(days * DAY)
        alice.delete(f"{alice.tasks_url}/{task_id}")
    dates = {task["id"]: task["deletion_date"] for task in trashed(alice)}
    assert list(dates) == [third, first, second]
    assert ids_of(trashed(alice, f"deleted_after={dates[first]}")) == [third, first]
    assert ids_of(trashed(alice, f"deleted_before={dates[first]}")) == [second]
    both = f"deleted_after={dates[second]}&deleted_before={dates[third]}"
    assert ids_of(trashed(alice, both)) == [first, second]
    # A day begins in the account's time zone.
    begins = (clock.now() + timedelta(hours=9)).date()
    for bound, expected in (("after", [third]), ("before", [first, second])):
        assert ids_of(trashed(alice, f"deleted_{bound}={begins}")) == expected


@pytest.mark.parametrize("query", ["search=milk", "completed=false", "deleted_after=2020-01-01"])
def test_filtered_trash_pages_are_complete_and_in_order(
    alice: User, db: Session, query: str
) -> None:
    ids = [make_task(db, alice, name=f"Milk {number}") for number in range(5)]
    for chosen in ([ids[3]], ids[:2], [ids[4], ids[2]]):
        alice.delete(f"{alice.tasks_url}?id={','.join(map(str, chosen))}")
        if "deleted" not in query:
            make_trashed(db, alice, name="Tea", completed=True)
    found = pages(alice, f"{alice.trash_url}?{query}&limit=2", "tasks")
    assert [ids_of(page) for page in found] == [[ids[4], ids[2]], [ids[1], ids[0]], [ids[3]]]


def test_trash_cursor_of_other_filter_is_refused(
    alice: User, bob: User, trashed_ids: list[int]
) -> None:
    url = f"{alice.trash_url}?due=any&limit=1"
    cursor = alice.get(url).json["after"]
    assert alice.get(f"{url}&after={cursor}").status_int == 200
    for other in (
        alice.get(f"{alice.trash_url}?after={cursor}"),
        alice.get(f"{alice.trash_url}?due=none&after={cursor}"),
        bob.get(f"{bob.trash_url}?due=any&after={cursor}"),
    ):
        assert faults(other) == {"after": "cursor"}


def test_filtered_restore_moves_matching_tasks_only(
    alice: User, bob: User, db: Session, task_ids: list[int], set_clock: SetClock
) -> None:
    before = listed(alice)
    set_clock(timedelta(seconds=1))
    stored = db.execute(select(Task.__table__).order_by(Task.id)).mappings().all()
    for user in (alice, bob):
        user.delete(user.all_tasks_url)
    answer = alice.post(f"{alice.trash_url}/restore?search=milk")
    assert answer.status_int == 200
    after = listed(alice)
    revision = alice.get(alice.tasks_url).json["revision"]
    assert answer.json == {"username": "alice", "restored": 2, "revision": revision}
    assert answer.headers["Link"] == f'<{alice.url}/changes/{revision}/undo>; rel="undo"'
    assert ids_of(after) == [task_ids[0], task_ids[2]]
    for old, new in zip([before[0], before[2]], after, strict=True):
        dated = {name: new[name] for name in ("modification_date", "revision")}
        assert new == old | dated
        assert new["revision"] == revision > old["revision"]
        assert new["modification_date"] > old["modification_date"]
    db.commit()
    for row in db.execute(select(Task.__table__)).mappings():
        [was] = [each for each in stored if each["id"] == row["id"]]
        stamps = {name: row[name] for name in ("modification_date", "revision")}
        assert dict(row) == dict(was) | stamps
    assert ids_of(listed(alice, "search=milk&sort=id")) == ids_of(after)
    assert ids_of(trashed(alice)) == [task_ids[1]]
    assert trashed(alice, "search=milk") == []
    assert (len(trashed(bob)), listed(bob)) == (3, [])


def test_restore_of_every_task_by_filter(alice: User, trashed_ids: list[int]) -> None:
    answer = alice.post(f"{alice.trash_url}/restore?deleted_after=0001-01-01")
    assert answer.json["restored"] == 3
    assert (ids_of(listed(alice)), trashed(alice)) == (trashed_ids, [])
    again = alice.post(f"{alice.trash_url}/restore?deleted_after=0001-01-01")
    assert again.json == {"username": "alice", "restored": 0}
    assert "Link" not in again.headers


def test_filtered_restore_is_reverted_by_one_undo(alice: User, trashed_ids: list[int]) -> None:
    before = [task | {"deletion_date": None} for task in trashed(alice)]
    restored = alice.post(f"{alice.trash_url}/restore?search=milk")
    undone = alice.post(f"{alice.url}/changes/{restored.json['revision']}/undo")
    assert undone.json["undone"] == 2
    assert listed(alice) == []
    stamps = ("modification_date", "revision")
    after = sorted(trashed(alice), key=lambda task: -task["id"])
    for old, new in zip(before, after, strict=True):
        assert new | {name: old[name] for name in (*stamps, "deletion_date")} == old
    assert len(trashed(alice, "search=milk")) == 2


@pytest.mark.parametrize("query", ["", "?dry_run=true", "?dry_run=false"])
def test_restore_without_filter_is_refused(alice: User, trashed_ids: list[int], query: str) -> None:
    answer = alice.post(f"{alice.trash_url}/restore{query}")
    assert faults(answer) == {"query": "missing"}
    assert len(trashed(alice)) == 3


def test_restore_of_too_many_tasks_is_refused(
    alice: User, trashed_ids: list[int], monkeypatch: Patch
) -> None:
    monkeypatch.setattr(matching, "MAX_TASKS", 2)
    answer = alice.post(f"{alice.trash_url}/restore?deleted_after=0001-01-01")
    assert (answer.status_int, answer.json["code"], answer.json["count"]) == (409, "too_many", 3)
    assert len(trashed(alice)) == 3
    assert alice.post(f"{alice.trash_url}/restore?completed=false").json["restored"] == 2


def test_restore_of_too_much_text_is_refused(
    alice: User, trashed_ids: list[int], monkeypatch: Patch
) -> None:
    words = len(" milk bottles two")
    monkeypatch.setattr(matching, "MAX_INDEXED_CHARACTERS", words - 1)
    answer = alice.post(f"{alice.trash_url}/restore?completed=true")
    assert (answer.status_int, answer.json["code"], answer.json["count"]) == (409, "too_many", 1)
    monkeypatch.setattr(matching, "MAX_INDEXED_CHARACTERS", words)
    assert alice.post(f"{alice.trash_url}/restore?completed=true").json["restored"] == 1


@pytest.mark.parametrize(
    ("method", "path", "counted", "count"),
    [
        ("POST", "/restore?completed=false", "restored", 2),
        ("DELETE", "?completed=false", "deleted", 2),
        ("DELETE", "?", "deleted", 3),
    ],
)
def test_dry_run_on_trash_changes_nothing(
    alice: User, trashed_ids: list[int], method: str, path: str, counted: str, count: int
) -> None:
    before = alice.get(alice.trash_url).json
    url = f"{alice.trash_url}{path}&dry_run="
    dry = alice.request(f"{url}true", method=method, headers={"Idempotency-Key": "dry"})
    assert dry.json == {"username": "alice", counted: count, "dry_run": True}
    assert "Link" not in dry.headers
    assert alice.get(alice.trash_url).json == before
    done = alice.request(f"{url}false", method=method)
    assert done.json[counted] == count
    assert "dry_run" not in done.json
    assert len(trashed(alice)) == 3 - count


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_filtered_purge_deletes_matching_tasks_only(
    alice: User, bob: User, trashed_ids: list[int], monkeypatch: Patch, batch: int
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", batch)
    before = trashed(alice)
    answer = alice.delete(f"{alice.trash_url}?search=milk")
    assert answer.json == {"username": "alice", "deleted": 2, "remaining": 0}
    assert "Link" not in answer.headers
    assert trashed(alice) == [before[1]]
    assert len(trashed(bob)) == 3
    assert alice.delete(f"{alice.trash_url}?search=milk").json["deleted"] == 0
    assert alice.delete(alice.trash_url).json["deleted"] == 1


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("serach=milk", {"serach": "unknown_field"}),
        ("search=", {"search": "no_words"}),
        ("completed=maybe&due=none", {"completed": "type"}),
        ("sort=name", {"sort": "unknown_field"}),
    ],
)
def test_purge_and_restore_with_wrong_filter_change_nothing(
    alice: User, trashed_ids: list[int], query: str, fault: dict[str, str]
) -> None:
    before = alice.get(alice.trash_url).json
    for method, path in (("DELETE", ""), ("POST", "/restore")):
        answer = alice.request(f"{alice.trash_url}{path}?{query}", method=method)
        assert faults(answer) == fault
        assert alice.get(alice.trash_url).json == before


def test_expired_tasks_do_not_match_filters_of_trash(
    app: Any,
    alice: User,
    db: Session,
    trashed_ids: list[int],
    monkeypatch: Patch,
    set_clock: SetClock,
) -> None:
    monkeypatch.setattr(app.registry["settings"], "trash_retention", RETENTION_DAYS * DAY)
    used = set_clock(RETENTION_DAYS * DAY + timedelta(seconds=1))
    for token in db.scalars(select(Token)):
        token.last_used_date = used
    db.commit()
    kept = make_trashed(db, alice, name="New milk")
    assert ids_of(trashed(alice, "search=milk")) == [kept]
    dry = f"{alice.trash_url}?search=milk&dry_run=true"
    assert alice.delete(dry).json["deleted"] == 1
    assert alice.post(f"{alice.trash_url}/restore?search=milk").json["restored"] == 1
    assert ids_of(listed(alice)) == [kept]
    # Its purge deletes them, but does not count them, as if the hourly purge had been first.
    assert alice.delete(f"{alice.trash_url}?search=milk").json["deleted"] == 0
    db.commit()
    mine = select(TrashedTask.id).where(TrashedTask.account_id == alice.id)
    assert db.scalars(mine).all() == [trashed_ids[1]]


def test_trash_search_folds_like_task_search(alice: User, trashed_ids: list[int]) -> None:
    for search in ("creme", "CRÈME brul", "cre\u0300me"):
        assert ids_of(trashed(alice, f"search={quote(search)}")) == [trashed_ids[1]], search


def test_restore_path_is_no_task_id(alice: User, trashed_ids: list[int]) -> None:
    for method in ("GET", "DELETE"):
        answer = alice.request(f"{alice.trash_url}/restore", method=method)
        assert (answer.status_int, answer.headers["Allow"]) == (405, "OPTIONS, POST")
    assert len(trashed(alice)) == 3
