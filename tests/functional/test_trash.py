"""The trash: what was deleted is nowhere else, comes back as it was, or goes for good."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.support import journal
from tests.support.client import User, faults
from tests.support.factories import Login, make_key, make_task, make_trashed
from tests.support.fixtures import ApiToken, Move, Patch
from todo import clock
from todo.http.request import Request
from todo.http.transactions import commit_so_far
from todo.models import Account, Base, Change, Task, Token, TrashedTask
from todo.services import trash as trash_service
from todo.views import trash as view

DAYS = 3
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def three_days(app: Any, monkeypatch: Patch) -> None:
    """Keep the trash for a time in which no login ends."""
    monkeypatch.setattr(app.registry["settings"], "trash_retention", DAYS * DAY)


@pytest.fixture
def milk(db: Session, alice: Login) -> int:
    """A task with words that no other has."""
    due, note = date(2030, 2, 1), "two bottles of saffron"
    return make_task(db, alice, name="Crème", note=note, due_date=due, completed=True)


@pytest.fixture
def gone(alice: User, milk: int) -> int:
    """The same, in the trash; with an earlier change."""
    alice.send_json("PATCH", f"{alice.tasks_url}/{milk}", {"name": "Crème brûlée"})
    assert alice.delete(f"{alice.tasks_url}/{milk}").status_int == 200
    return milk


def trashed(user: User) -> list[int]:
    return [task["id"] for task in user.get(f"{user.trash_url}?limit=200").json["tasks"]]


def listed(user: User, query: str = "") -> list[int]:
    return [task["id"] for task in user.get(f"{user.tasks_url}?{query}").json["tasks"]]


def changes(session: Session, login: Login) -> list[tuple[str, bool]]:
    """Return what was done with tasks, and whether its values are known."""
    session.commit()
    query = select(Change).where(Change.account_id == login.id, Change.kind == "task")
    found = session.scalars(query.order_by(Change.revision), execution_options={"yield_per": 100})
    return [(each.action, bool(each.before or each.after)) for each in found]


def everything(session: Session) -> str:
    """Return all that the database has, but for the answers that keys replay."""
    session.commit()
    tables = [each for each in Base.metadata.sorted_tables if each.name != "idempotency_keys"]
    rows = [str(row) for each in tables for row in session.execute(select(each))]
    if session.get_bind().dialect.name == "sqlite":
        query = text("SELECT rowid FROM task_words WHERE task_words MATCH :word")
        for account in session.scalars(select(Account.id)).all():
            word = {"word": f'"{account:016x}saffron"'}
            rows += [f"saffron of {row}" for row in session.execute(query, word)]
    return "\n".join(rows)


def test_it_is_kept_for_30_days(app: Any) -> None:
    assert app.registry["settings"].trash_retention == 30 * DAY


def test_every_column_of_a_task_is_kept() -> None:
    kept = {each.name: each.type for each in TrashedTask.__table__.columns}
    assert kept.pop("deletion_date")
    assert {name: repr(kind) for name, kind in kept.items()} == {
        each.name: repr(each.type) for each in Task.__table__.columns
    }


def test_a_deleted_task_is_in_the_trash(alice: User, milk: int) -> None:
    url = f"{alice.tasks_url}/{milk}"
    task = alice.get(url).json["task"]
    answer = alice.delete(url)
    assert answer.json == {"username": "alice", "msg": "Deleted."}
    answer = alice.get(alice.trash_url)
    [found] = answer.json["tasks"]
    assert found.pop("deletion_date") > found["modification_date"]
    assert found == task
    assert answer.json["revision"] == task["revision"] + 1
    assert (answer.json["username"], answer.json["next"]) == ("alice", None)
    assert "ETag" not in answer.headers, "time alone takes tasks out of it"


def test_it_is_nowhere_else(alice: User, db: Session, gone: int) -> None:
    other = make_task(db, alice, name="Tea")
    for query in ("", "search=saffron", "completed=true", "due=any", f"id={gone}", "sort=-name"):
        assert gone not in listed(alice, query), query
    assert alice.get(f"{alice.tasks_url}?count=true").json["total"] == 1
    counts = alice.get(f"{alice.url}/counts").json
    assert (counts["open"], counts["completed"]) == (1, 0)
    url = f"{alice.tasks_url}/{gone}"
    for method, fields in (("GET", {}), ("PUT", {"name": "x"}), ("PATCH", {}), ("DELETE", {})):
        assert alice.send_json(method, url, fields).status_int == 404
    exported = alice.get(f"{alice.url}/export").json
    assert [task["id"] for task in exported["tasks"]] == [other]
    assert [task["id"] for task in exported["trash"]] == [gone]
    assert alice.send_json("PATCH", alice.tasks_url, {"note": "x"}).json["updated"] == 1
    every = f"{alice.tasks_url}?created_after=0001-01-01"
    assert alice.delete(f"{every}&dry_run=true").json["deleted"] == 1
    assert trashed(alice) == [gone], "a dry run moves nothing"
    assert alice.delete(every).json["deleted"] == 1
    assert trashed(alice) == [other, gone]


@pytest.mark.parametrize("query", [None, "search=saffron", "completed=true"])
def test_restored_it_is_as_before(alice: User, db: Session, milk: int, query: str | None) -> None:
    """Whether it was deleted alone or by filters."""
    url = f"{alice.tasks_url}/{milk}"
    before = alice.get(url).json["task"]
    stored = db.execute(select(Task.__table__)).mappings().one()
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


def test_who_restored_it(alice: Login, db: Session, gone: int, api_token: ApiToken) -> None:
    token_id, script = api_token()
    task = script.post(f"{alice.trash_url}/{gone}/restore").json["task"]
    db.commit()
    change = db.scalars(select(Change).order_by(Change.revision.desc()).limit(1)).one()
    assert (change.action, change.revision) == ("restore", task["revision"])
    assert (change.token_id, change.token_kind, change.token_name) == (token_id, "api", "script")
    assert change.before is None
    assert change.after == {name: task[name] for name in change.after or ()}
    assert (change.after or {}).keys() >= {"name", "note", "due_date", "completed"}


@pytest.mark.parametrize("all_at_once", [True, False])
def test_what_goes_for_good_leaves_no_value(
    alice: User, db: Session, gone: int, all_at_once: bool
) -> None:
    alice.post(f"{alice.trash_url}/{gone}/restore")
    alice.delete(f"{alice.tasks_url}/{gone}")
    kept = make_task(db, alice, name="Tea")
    revision = alice.get(alice.tasks_url).json["revision"]
    assert "saffron" in everything(db)
    answer = alice.delete(alice.trash_url if all_at_once else f"{alice.trash_url}/{gone}")
    outcome: dict[str, Any] = {"deleted": 1} if all_at_once else {"msg": "Deleted."}
    assert answer.json == {"username": "alice"} | outcome
    found = everything(db)
    assert "saffron" not in found
    assert "Crème" not in found
    assert (trashed(alice), listed(alice)) == ([], [kept])
    assert alice.get(alice.tasks_url).json["revision"] == revision + 1
    actions = ("create", "update", "delete", "restore", "delete", "create", "purge")
    assert changes(db, alice) == [(each, len(actions) - 2 == n) for n, each in enumerate(actions)]
    for method, path in (("POST", f"/{gone}/restore"), ("DELETE", f"/{gone}")):
        assert alice.request(alice.trash_url + path, method=method).status_int == 404


def test_others_are_left_alone(alice: User, bob: User, db: Session, gone: int) -> None:
    tea = make_trashed(db, alice, name="Tea")
    rice = make_trashed(db, bob, name="Rice")
    alice.delete(f"{alice.trash_url}/{gone}")
    assert trashed(alice) == [tea]
    assert alice.delete(alice.trash_url).json["deleted"] == 1
    assert trashed(bob) == [rice]
    assert changes(db, bob) == [("create", True), ("delete", True)]


def test_a_task_that_is_not_deleted_is_not_in_the_trash(alice: User, milk: int) -> None:
    for method, path in (("DELETE", ""), ("POST", "/restore")):
        answer = alice.request(f"{alice.trash_url}/{milk}{path}", method=method)
        assert answer.status_int == 404
    assert alice.delete(alice.trash_url).json["deleted"] == 0
    assert listed(alice) == [milk]


def test_pages_lead_through_all_while_others_are_deleted(alice: User, db: Session) -> None:
    ids = [make_task(db, alice, name=str(number)) for number in range(9)]
    for chosen in (ids[4:], ids[1:4], ids[:1]):  # several at the same moment
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
        # Before the cursor one comes and one goes, and the last one of the page itself.
        make_trashed(db, alice)
        alice.post(f"{alice.trash_url}/{page[0]}/restore")
        alice.delete(f"{alice.trash_url}/{page[-1]}")
    assert found == expected


def test_pages_that_are_refused(alice: User, bob: User, db: Session) -> None:
    for _ in range(2):
        make_task(db, alice)
        make_trashed(db, alice)
    foreign = alice.get(f"{alice.tasks_url}?limit=1").json["next"].partition("after=")[2]
    own = alice.get(f"{alice.trash_url}?limit=1").json["next"].partition("after=")[2]
    assert faults(alice.get(f"{alice.trash_url}?after={foreign}")) == {"after": "cursor"}
    assert faults(bob.get(f"{bob.trash_url}?after={own}")) == {"after": "cursor"}
    assert faults(alice.get(f"{alice.tasks_url}?after={own}")) == {"after": "cursor"}


@pytest.mark.usefixtures("three_days")
def test_after_its_time_it_is_not_there(
    alice: User, db: Session, gone: int, set_clock: Move
) -> None:
    """From that moment on, and not only when its row is purged."""
    used = set_clock(DAYS * DAY - SECOND)
    db.scalars(select(Token)).one().last_used_date = used
    db.commit()
    assert trashed(alice) == [gone]
    set_clock(DAYS * DAY + SECOND)
    assert trashed(alice) == []
    assert alice.get(f"{alice.url}/export").json["trash"] == []
    for method, path in (("POST", f"/{gone}/restore"), ("DELETE", f"/{gone}")):
        assert alice.request(alice.trash_url + path, method=method).status_int == 404
    assert "saffron" in everything(db)
    assert alice.delete(alice.trash_url).json["deleted"] == 0, "it was not there any more"
    assert "saffron" not in everything(db)


def test_a_deleted_account_takes_its_trash_along(
    alice: User, bob: Login, db: Session, gone: int
) -> None:
    make_key(db, alice, "one", clock.now() + DAY)
    kept = make_trashed(db, bob)
    assert alice.delete(alice.url).status_int == 204
    assert "saffron" not in everything(db)
    assert db.scalars(select(TrashedTask.id)).all() == [kept]


@pytest.fixture
def full(real_alice: User, committed: Session, monkeypatch: Patch) -> User:
    """Somebody with five tasks in the trash, of which two are erased at once."""
    monkeypatch.setattr(trash_service, "BATCH_SIZE", 2)
    for _ in range(5):
        make_trashed(committed, real_alice)
    return real_alice


def test_a_very_full_trash_is_emptied_by_one_request(
    alice: User, db: Session, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(trash_service, "BATCH_SIZE", 3)
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
        assert revision == before + -(-number // 3), "one a batch"
        again = alice.send_json("DELETE", alice.trash_url, {}, headers)
        assert again.body == answer.body
    db.commit()
    query = select(Change.token_kind).where(Change.action == "purge")
    assert set(db.scalars(query)) == {"session"}


def test_what_is_deleted_meanwhile_stays(
    full: User, committed: Session, monkeypatch: Patch
) -> None:
    deleted = []

    def delete_another(request: Request) -> None:
        commit_so_far(request)
        deleted.append(make_trashed(committed, full))

    monkeypatch.setattr(view, "commit_so_far", delete_another)
    assert full.delete(full.trash_url).json["deleted"] == 5
    assert sorted(trashed(full)) == deleted
    committed.commit()
    journal.check(committed)


def test_an_old_key_is_used_anew_by_several_transactions(
    alice: User, db: Session, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(trash_service, "BATCH_SIZE", 2)
    for _ in range(5):
        make_trashed(db, alice)
    make_key(db, alice, "old", clock.now() - timedelta(days=1))
    answer = alice.send_json("DELETE", alice.trash_url, {}, {"Idempotency-Key": "old"})
    assert (answer.status_int, answer.json["deleted"]) == (200, 5)


def test_whose_login_ends_meanwhile_empties_no_further(
    full: User, committed: Session, monkeypatch: Patch
) -> None:

    def log_out(request: Request) -> None:
        commit_so_far(request)
        committed.delete(committed.scalars(select(Token)).one())
        committed.commit()
        monkeypatch.setattr(view, "commit_so_far", commit_so_far)

    monkeypatch.setattr(view, "commit_so_far", log_out)
    assert full.delete(full.trash_url).status_int == 401
    assert len(committed.scalars(select(TrashedTask.id)).all()) == 3
    journal.check(committed)
    committed.commit()
    assert full.app.registry["engine"].pool.checkedout() == 0


@pytest.mark.parametrize(
    ("error", "status"),
    [(RuntimeError("inside"), 500), (OperationalError("DELETE", {}, Exception("locked")), 503)],
)
def test_an_error_in_the_middle_says_that_a_part_is_gone(
    alice: User, db: Session, monkeypatch: Patch, error: Exception, status: int
) -> None:
    for _ in range(3):
        make_trashed(db, alice)
    monkeypatch.setattr(trash_service, "BATCH_SIZE", 2)

    def fail(request: Request) -> None:
        commit_so_far(request)
        raise error

    monkeypatch.setattr(view, "commit_so_far", fail)
    answer = alice.delete(alice.trash_url)
    assert answer.status_int == status
    assert "A part of this was done" in answer.json["detail"]
    assert len(trashed(alice)) == 1
