"""The trash: deleted tasks, their restoration, and their purge."""

from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.support import journal
from tests.support.client import User, faults
from tests.support.factories import Login, make_key, make_task, make_trashed
from tests.support.fixtures import ApiToken, Patch, SetClock
from todo import clock
from todo.http.request import Request
from todo.http.transactions import commit_so_far
from todo.jobs.purge import purge_expired
from todo.models import Account, Base, Change, Task, Token, TrashedTask, batches
from todo.services import trash as trash_service
from todo.views import trash as view

RETENTION_DAYS = 3
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def short_retention(app: Any, monkeypatch: Patch) -> None:
    """Keep the trash for less time than a login session lasts."""
    monkeypatch.setattr(app.registry["settings"], "trash_retention", RETENTION_DAYS * DAY)


@pytest.fixture
def milk(db: Session, alice: Login) -> int:
    """A task with words that appear in no other task."""
    due, note = date(2030, 2, 1), "two bottles of saffron"
    return make_task(db, alice, name="Crème", note=note, due_date=due, completed=True)


@pytest.fixture
def deleted_milk(alice: User, milk: int) -> int:
    """The same task, updated and then deleted."""
    alice.send_json("PATCH", f"{alice.tasks_url}/{milk}", {"name": "Crème brûlée"})
    assert alice.delete(f"{alice.tasks_url}/{milk}").status_int == 200
    return milk


def trashed(user: User) -> list[int]:
    return [task["id"] for task in user.get(f"{user.trash_url}?limit=200").json["tasks"]]


def listed(user: User, query: str = "") -> list[int]:
    return [task["id"] for task in user.get(f"{user.tasks_url}?{query}").json["tasks"]]


def changes(session: Session, login: Login) -> list[tuple[str, bool]]:
    """Return the actions recorded for the account's tasks, and whether they have values."""
    session.commit()
    query = select(Change).where(Change.account_id == login.id, Change.kind == "task")
    found = session.scalars(query.order_by(Change.revision), execution_options={"yield_per": 100})
    return [(each.action, bool(each.before or each.after)) for each in found]


def dump(session: Session) -> str:
    """Return all rows as text, except the responses stored for idempotency keys."""
    session.commit()
    tables = [each for each in Base.metadata.sorted_tables if each.name != "idempotency_keys"]
    rows = [str(row) for each in tables for row in session.execute(select(each))]
    if session.get_bind().dialect.name == "sqlite":
        for index, account in product(
            ("task_words", "trash_words"), session.scalars(select(Account.id)).all()
        ):
            query = text(f"SELECT rowid FROM {index} WHERE {index} MATCH :word")
            word = {"word": f'"{account:016x}saffron"'}
            rows += [f"saffron of {row} in {index}" for row in session.execute(query, word)]
    return "\n".join(rows)


def test_trash_retention_is_30_days(app: Any) -> None:
    assert app.registry["settings"].trash_retention == 30 * DAY


def test_trash_table_has_every_task_column() -> None:
    kept = {each.name: each.type for each in TrashedTask.__table__.columns}
    assert kept.pop("deletion_date")
    assert {name: repr(kind) for name, kind in kept.items()} == {
        each.name: repr(each.type)
        for each in Task.__table__.columns
        if each.name not in ("subtasks_total", "subtasks_open", "remind_at")
    }


def test_deleted_task_is_listed_in_trash(alice: User, milk: int, set_clock: SetClock) -> None:
    url = f"{alice.tasks_url}/{milk}"
    task = alice.get(url).json["task"]
    set_clock(SECOND)
    alice.delete(url)
    answer = alice.get(alice.trash_url)
    [found] = answer.json["tasks"]
    assert found.pop("deletion_date") > found["modification_date"]
    assert found == {name: task[name] for name in task if name != "subtasks"}
    assert answer.json["revision"] == task["revision"] + 1
    assert (answer.json["username"], answer.json["next"]) == ("alice", None)
    assert "ETag" not in answer.headers, "the trash changes with time alone"


def test_deleted_task_is_absent_outside_trash(alice: User, db: Session, deleted_milk: int) -> None:
    other = make_task(db, alice, name="Tea")
    for query in (
        "",
        "search=saffron",
        "completed=true",
        "due=any",
        f"id={deleted_milk}",
        "sort=-name",
    ):
        assert deleted_milk not in listed(alice, query), query
    assert alice.get(f"{alice.tasks_url}?count=true").json["total"] == 1
    counts = alice.get(f"{alice.url}/counts").json
    assert (counts["open"], counts["completed"]) == (1, 0)
    url = f"{alice.tasks_url}/{deleted_milk}"
    for method, fields in (("GET", {}), ("PUT", {"name": "x"}), ("PATCH", {}), ("DELETE", {})):
        assert alice.send_json(method, url, fields).status_int == 404
    exported = alice.get(f"{alice.url}/export").json
    assert [task["id"] for task in exported["tasks"]] == [other]
    assert [task["id"] for task in exported["trash"]] == [deleted_milk]
    assert alice.send_json("PATCH", alice.all_tasks_url, {"note": "x"}).json["updated"] == 1
    every = f"{alice.tasks_url}?created_after=0001-01-01"
    assert alice.delete(f"{every}&dry_run=true").json["deleted"] == 1
    assert trashed(alice) == [deleted_milk], "a dry run moves nothing"
    assert alice.delete(every).json["deleted"] == 1
    assert trashed(alice) == [other, deleted_milk]


@pytest.mark.parametrize("query", [None, "search=saffron", "completed=true"])
def test_restored_task_equals_original(
    alice: User, db: Session, milk: int, query: str | None, set_clock: SetClock
) -> None:
    """This holds for single and bulk deletion."""
    url = f"{alice.tasks_url}/{milk}"
    before = alice.get(url).json["task"]
    stored = db.execute(select(Task.__table__)).mappings().one()
    set_clock(SECOND)
    alice.delete(url if query is None else f"{alice.tasks_url}?{query}")
    assert listed(alice) == []
    answer = alice.post(f"{alice.trash_url}/{milk}/restore")
    assert answer.status_int == 200
    after = answer.json["task"]
    dated = {name: after[name] for name in ("modification_date", "revision")}
    assert after == before | dated
    assert after["revision"] == before["revision"] + 2
    assert after["modification_date"] > before["modification_date"]
    assert answer.headers["ETag"] == f'"{after["revision"]}"'
    assert alice.get(url).json == {"username": "alice", "task": after}
    db.commit()
    columns = dict(db.execute(select(Task.__table__)).mappings().one())
    assert {name: columns[name] for name in columns if name not in dated} == {
        name: stored[name] for name in stored if name not in dated
    }
    for found in ("search=creme+bott", "due=any", "completed=true", ""):
        assert listed(alice, found) == [milk], found
    assert trashed(alice) == []
    assert alice.post(f"{alice.trash_url}/{milk}/restore").status_int == 404
    assert changes(db, alice) == [("create", True), ("delete", True), ("restore", True)]
    assert alice.post_json(alice.tasks_url, {"name": "Tea"}).json["task"]["id"] > milk


def test_restore_is_recorded_with_token_and_values(
    alice: Login, db: Session, deleted_milk: int, api_token: ApiToken
) -> None:
    token_id, script = api_token()
    task = script.post(f"{alice.trash_url}/{deleted_milk}/restore").json["task"]
    db.commit()
    change = db.scalars(select(Change).order_by(Change.revision.desc()).limit(1)).one()
    assert (change.action, change.revision) == ("restore", task["revision"])
    assert (change.token_id, change.token_kind, change.token_name) == (token_id, "api", "script")
    assert change.before is None
    assert journal.shown(change.after) == {name: task[name] for name in change.after or ()}
    assert (change.after or {}).keys() >= {"name", "note", "due_date", "completed"}


@pytest.mark.parametrize("all_at_once", [True, False])
def test_purge_erases_all_values(
    alice: User, db: Session, deleted_milk: int, all_at_once: bool
) -> None:
    alice.post(f"{alice.trash_url}/{deleted_milk}/restore")
    alice.delete(f"{alice.tasks_url}/{deleted_milk}")
    kept = make_task(db, alice, name="Tea")
    revision = alice.get(alice.tasks_url).json["revision"]
    assert "saffron" in dump(db)
    answer = alice.delete(alice.trash_url if all_at_once else f"{alice.trash_url}/{deleted_milk}")
    emptied = {"deleted": 1, "remaining": 0}
    outcome: dict[str, Any] = emptied if all_at_once else {"msg": "Deleted."}
    assert answer.json == {"username": "alice"} | outcome
    found = dump(db)
    assert "saffron" not in found
    assert "Crème" not in found
    assert (trashed(alice), listed(alice)) == ([], [kept])
    assert alice.get(alice.tasks_url).json["revision"] == revision + 1
    actions = ("create", "update", "delete", "restore", "delete", "create", "purge")
    assert changes(db, alice) == [(each, len(actions) - 2 == n) for n, each in enumerate(actions)]
    for method, path in (("POST", f"/{deleted_milk}/restore"), ("DELETE", f"/{deleted_milk}")):
        assert alice.request(alice.trash_url + path, method=method).status_int == 404


def test_purge_keeps_other_tasks_and_accounts(
    alice: User, bob: User, db: Session, deleted_milk: int
) -> None:
    tea = make_trashed(db, alice, name="Tea")
    rice = make_trashed(db, bob, name="Rice")
    alice.delete(f"{alice.trash_url}/{deleted_milk}")
    assert trashed(alice) == [tea]
    assert alice.delete(alice.trash_url).json["deleted"] == 1
    assert trashed(bob) == [rice]
    assert changes(db, bob) == [("create", True), ("delete", True)]


def test_trash_operations_on_active_task_are_refused(alice: User, milk: int) -> None:
    for method, path in (("DELETE", ""), ("POST", "/restore")):
        answer = alice.request(f"{alice.trash_url}/{milk}{path}", method=method)
        assert answer.status_int == 404
    assert alice.delete(alice.trash_url).json["deleted"] == 0
    assert listed(alice) == [milk]


def test_trash_pages_are_complete_during_changes(alice: User, db: Session) -> None:
    ids = [make_task(db, alice, name=str(number)) for number in range(9)]
    for chosen in (ids[4:], ids[1:4], ids[:1]):  # several with the same date
        alice.delete(f"{alice.tasks_url}?id={','.join(map(str, chosen))}")
    expected = [*ids[:1], *ids[3:0:-1], *ids[:3:-1]]
    assert trashed(alice) == expected
    found: list[int] = []
    url = f"{alice.trash_url}?limit=2"
    while url:
        answer = alice.get(url)
        page = [task["id"] for task in answer.json["tasks"]]
        url = answer.json["next"]
        link = f'<{url}>; rel="next"' if url else None
        assert answer.headers.get("Link") == link
        found += page
        # Add and remove a task before the cursor, and remove the last task of the page.
        make_trashed(db, alice)
        alice.post(f"{alice.trash_url}/{page[0]}/restore")
        alice.delete(f"{alice.trash_url}/{page[-1]}")
    assert found == expected


def test_trash_cursor_of_other_list_or_account_is_refused(
    alice: User, bob: User, db: Session
) -> None:
    for _ in range(2):
        make_task(db, alice)
        make_trashed(db, alice)
    foreign = alice.get(f"{alice.tasks_url}?limit=1").json["next"].partition("after=")[2]
    own = alice.get(f"{alice.trash_url}?limit=1").json["next"].partition("after=")[2]
    assert faults(alice.get(f"{alice.trash_url}?after={foreign}")) == {"after": "cursor"}
    assert faults(bob.get(f"{bob.trash_url}?after={own}")) == {"after": "cursor"}
    assert faults(alice.get(f"{alice.tasks_url}?after={own}")) == {"after": "cursor"}


@pytest.mark.usefixtures("short_retention")
def test_expired_trash_is_hidden_before_purge(
    alice: User, db: Session, deleted_milk: int, set_clock: SetClock
) -> None:
    """Expired tasks are hidden at once, before the purge deletes their rows."""
    used = set_clock(RETENTION_DAYS * DAY - SECOND)
    db.scalars(select(Token)).one().last_used_date = used
    db.commit()
    assert trashed(alice) == [deleted_milk]
    set_clock(RETENTION_DAYS * DAY + SECOND)
    assert trashed(alice) == []
    assert alice.get(f"{alice.url}/export").json["trash"] == []
    for method, path in (("POST", f"/{deleted_milk}/restore"), ("DELETE", f"/{deleted_milk}")):
        assert alice.request(alice.trash_url + path, method=method).status_int == 404
    assert "saffron" in dump(db)
    assert alice.delete(alice.trash_url).json["deleted"] == 0, "expired tasks do not count"
    assert "saffron" not in dump(db)


def test_account_delete_erases_trash(
    app: Any, alice: User, bob: Login, db: Session, deleted_milk: int
) -> None:
    make_key(db, alice, "one", clock.now() + DAY)
    kept = make_trashed(db, bob)
    assert alice.delete(alice.url).status_int == 204
    purge_expired(db, app.registry["settings"], lambda _: None)
    assert "saffron" not in dump(db)
    assert db.scalars(select(TrashedTask.id)).all() == [kept]


@pytest.fixture
def user_with_trash(real_alice: User, committed: Session, monkeypatch: Patch) -> User:
    """A user with five tasks in the trash, which is purged in batches of two."""
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    for _ in range(5):
        make_trashed(committed, real_alice)
    return real_alice


def test_emptying_trash_purges_all_batches(alice: User, db: Session, monkeypatch: Patch) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 3)
    for number in (7, 6):
        for _ in range(number):
            make_task(db, alice)
        alice.delete(f"{alice.tasks_url}?due=none")
        before = alice.get(alice.tasks_url).json["revision"]
        headers = {"Idempotency-Key": str(number)}
        answer = alice.send_json("DELETE", alice.trash_url, {}, headers)
        assert (answer.status_int, answer.json["deleted"]) == (200, number)
        assert trashed(alice) == []
        revision = alice.get(alice.tasks_url).json["revision"]
        assert revision == before + -(-number // 3), "one revision per batch"
        again = alice.send_json("DELETE", alice.trash_url, {}, headers)
        assert again.body == answer.body
    db.commit()
    query = select(Change.token_kind).where(Change.action == "purge")
    assert set(db.scalars(query)) == {"session"}


@pytest.mark.parametrize(("most", "counts"), [(4, [(4, 3), (3, 0)]), (7, [(7, 0)]), (8, [(7, 0)])])
def test_one_request_empties_a_bounded_part_of_the_trash(
    alice: User, db: Session, monkeypatch: Patch, most: int, counts: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 3)
    monkeypatch.setattr(trash_service, "MOST_AT_ONCE", most)
    for _ in range(7):
        make_trashed(db, alice)
    answers = [alice.delete(alice.trash_url).json for _ in counts]
    assert [(each["deleted"], each["remaining"]) for each in answers] == counts
    assert trashed(alice) == []


def test_emptying_trash_of_long_tasks_takes_several_requests(
    alice: User, db: Session, monkeypatch: Patch
) -> None:
    for _ in range(5):
        make_trashed(db, alice, name="Milk", note="long words")
    monkeypatch.setattr(batches, "BATCH_SIZE", 1)
    monkeypatch.setattr(trash_service, "MOST_CHARACTERS", 2 * len(" milk long words"))
    answers = [alice.delete(alice.trash_url).json for _ in range(3)]
    counts = [(answer["deleted"], answer["remaining"]) for answer in answers]
    assert counts == [(2, 3), (2, 1), (1, 0)]


def test_batches_of_the_trash_are_bounded_in_words(
    alice: User, db: Session, monkeypatch: Patch
) -> None:
    for _ in range(4):
        make_trashed(db, alice, name="Milk", note="long words")
    # A uid, a position and `recurrence_from` as well.
    fields = len('"Milk""long words"') + 38 + len('"120i""due"')
    history = 2 * (200 + fields)  # a creation and a deletion
    monkeypatch.setattr(batches, "BATCH_WEIGHT", 2 * (len(" milk long words") + history // 10))
    before = alice.get(alice.tasks_url).json["revision"]
    assert alice.delete(alice.trash_url).json["deleted"] == 4
    assert alice.get(alice.tasks_url).json["revision"] == before + 2, "one revision per batch"


def test_emptying_trash_keeps_tasks_deleted_concurrently(
    user_with_trash: User, committed: Session, monkeypatch: Patch
) -> None:
    deleted = []

    def delete_another(request: Request) -> None:
        commit_so_far(request)
        deleted.append(make_trashed(committed, user_with_trash))

    monkeypatch.setattr(view, "commit_so_far", delete_another)
    assert user_with_trash.delete(user_with_trash.trash_url).json["deleted"] == 5
    assert sorted(trashed(user_with_trash)) == deleted
    committed.commit()
    journal.check(committed)


def test_emptying_trash_reuses_expired_idempotency_key(
    alice: User, db: Session, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    for _ in range(5):
        make_trashed(db, alice)
    make_key(db, alice, "old", clock.now() - timedelta(days=1))
    answer = alice.send_json("DELETE", alice.trash_url, {}, {"Idempotency-Key": "old"})
    assert (answer.status_int, answer.json["deleted"]) == (200, 5)


def test_emptying_trash_stops_when_login_is_revoked(
    user_with_trash: User, committed: Session, monkeypatch: Patch
) -> None:

    def log_out(request: Request) -> None:
        commit_so_far(request)
        committed.delete(committed.scalars(select(Token)).one())
        committed.commit()
        monkeypatch.setattr(view, "commit_so_far", commit_so_far)

    monkeypatch.setattr(view, "commit_so_far", log_out)
    assert user_with_trash.delete(user_with_trash.trash_url).status_int == 401
    assert len(committed.scalars(select(TrashedTask.id)).all()) == 3
    journal.check(committed)
    committed.commit()
    assert user_with_trash.app.registry["engine"].pool.checkedout() == 0


@pytest.mark.parametrize(
    ("error", "status"),
    [(RuntimeError("inside"), 500), (OperationalError("DELETE", {}, Exception("locked")), 503)],
)
def test_emptying_trash_error_reports_partial_purge(
    alice: User, db: Session, monkeypatch: Patch, error: Exception, status: int
) -> None:
    for _ in range(3):
        make_trashed(db, alice)
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)

    def fail(request: Request) -> None:
        commit_so_far(request)
        raise error

    monkeypatch.setattr(view, "commit_so_far", fail)
    answer = alice.delete(alice.trash_url)
    assert answer.status_int == status
    assert "Part of this was done" in answer.json["detail"]
    assert len(trashed(alice)) == 1
