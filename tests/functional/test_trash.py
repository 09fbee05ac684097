"""The trash: what was deleted is nowhere else, comes back as it was, or goes for good."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.support.client import Client, faults
from tests.support.factories import Login, make_key, make_task, make_token, make_trashed
from todo import clock
from todo.models import Account, Base, Change, Task, Token, TrashedTask
from todo.models.meta import ID_MAX
from todo.models.token import Kind, Scope

DAYS = 3
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
KEY = {"Idempotency-Key": "0f6b5e0c-3c5b-4f0e-9a9b-1d2f6a1c7e55"}

Move = Callable[[timedelta], datetime]


@pytest.fixture
def three_days(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the trash for a time in which no login ends."""
    monkeypatch.setattr(app.registry["settings"], "trash_time", DAYS * DAY)


@pytest.fixture
def milk(dbsession: Session, alice: Login) -> int:
    """A task with words that no other has."""
    due, note = date(2030, 2, 1), "two bottles of saffron"
    return make_task(dbsession, alice, name="Crème", note=note, due_date=due, completed=True)


@pytest.fixture
def gone(as_alice: Client, alice: Login, milk: int) -> int:
    """The same, in the trash; with an earlier change."""
    as_alice.send_json("PATCH", f"{alice.tasks_url}/{milk}", {"name": "Crème brûlée"})
    assert as_alice.delete(f"{alice.tasks_url}/{milk}").status_int == 200
    return milk


def trashed(client: Client, login: Login) -> list[int]:
    return [task["id"] for task in client.get(f"{login.trash_url}?limit=200").json["tasks"]]


def listed(client: Client, login: Login, query: str = "") -> list[int]:
    return [task["id"] for task in client.get(f"{login.tasks_url}?{query}").json["tasks"]]


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
    assert app.registry["settings"].trash_time == 30 * DAY


def test_every_column_of_a_task_is_kept() -> None:
    kept = {each.name: each.type for each in TrashedTask.__table__.columns}
    assert kept.pop("deletion_date")
    assert {name: repr(kind) for name, kind in kept.items()} == {
        each.name: repr(each.type) for each in Task.__table__.columns
    }


def test_a_deleted_task_is_in_the_trash(as_alice: Client, alice: Login, milk: int) -> None:
    url = f"{alice.tasks_url}/{milk}"
    task = as_alice.get(url).json["task"]
    answer = as_alice.delete(url)
    assert answer.json == {"username": "alice", "msg": "Deleted."}
    answer = as_alice.get(alice.trash_url)
    [found] = answer.json["tasks"]
    assert found.pop("deletion_date") > found["modification_date"]
    assert found == task
    assert answer.json["revision"] == task["revision"] + 1
    assert (answer.json["username"], answer.json["next"]) == ("alice", None)
    assert "ETag" not in answer.headers, "time alone takes tasks out of it"


def test_it_is_nowhere_else(as_alice: Client, alice: Login, dbsession: Session, gone: int) -> None:
    other = make_task(dbsession, alice, name="Tea")
    for query in ("", "search=saffron", "completed=true", "due=any", f"id={gone}", "sort=-name"):
        assert gone not in listed(as_alice, alice, query), query
    assert as_alice.get(f"{alice.tasks_url}?count=true").json["total"] == 1
    counts = as_alice.get(f"{alice.url}/counts").json
    assert (counts["open"], counts["completed"]) == (1, 0)
    url = f"{alice.tasks_url}/{gone}"
    for method, fields in (("GET", {}), ("PUT", {"name": "x"}), ("PATCH", {}), ("DELETE", {})):
        assert as_alice.send_json(method, url, fields).status_int == 404
    exported = as_alice.get(f"{alice.url}/export").json
    assert [task["id"] for task in exported["tasks"]] == [other]
    assert [task["id"] for task in exported["trash"]] == [gone]
    assert as_alice.send_json("PATCH", alice.tasks_url, {"note": "x"}).json["updated"] == 1
    every = f"{alice.tasks_url}?created_after=0001-01-01"
    assert as_alice.delete(f"{every}&dry_run=true").json["deleted"] == 1
    assert trashed(as_alice, alice) == [gone], "a dry run moves nothing"
    assert as_alice.delete(every).json["deleted"] == 1
    assert trashed(as_alice, alice) == [other, gone]


@pytest.mark.parametrize("query", [None, "search=saffron", "completed=true"])
def test_restored_it_is_as_before(
    as_alice: Client, alice: Login, dbsession: Session, milk: int, query: str | None
) -> None:
    """Whether it was deleted alone or by filters."""
    url = f"{alice.tasks_url}/{milk}"
    before = as_alice.get(url).json["task"]
    stored = dbsession.execute(select(Task.__table__)).mappings().one()
    as_alice.delete(url if query is None else f"{alice.tasks_url}?{query}")
    assert listed(as_alice, alice) == []
    answer = as_alice.post(f"{alice.trash_url}/{milk}/restore")
    assert answer.status_int == 200
    after = answer.json["task"]
    dated = {name: after[name] for name in ("modification_date", "revision")}
    assert after == before | dated
    assert after["revision"] == before["revision"] + 2
    assert after["modification_date"] > before["modification_date"]
    assert answer.headers["ETag"] == f'"{after["revision"]}"'
    assert as_alice.get(url).json == {"username": "alice", "task": after}
    dbsession.commit()
    columns = dict(dbsession.execute(select(Task.__table__)).mappings().one())
    assert {name: columns[name] for name in columns if name not in dated} == {
        name: stored[name] for name in stored if name not in dated
    }
    for found in ("search=creme+bott", "due=any", "completed=true", ""):
        assert listed(as_alice, alice, found) == [milk], found
    assert trashed(as_alice, alice) == []
    assert as_alice.post(f"{alice.trash_url}/{milk}/restore").status_int == 404
    assert changes(dbsession, alice) == [("create", True), ("delete", True), ("restore", True)]
    assert as_alice.post_json(alice.tasks_url, {"name": "Tea"}).json["task"]["id"] > milk


def test_who_restored_it(app: Any, alice: Login, dbsession: Session, gone: int) -> None:
    token_id, secret = make_token(dbsession, alice.id, kind=Kind.API, name="script")
    dbsession.commit()
    task = Client(app, secret).post(f"{alice.trash_url}/{gone}/restore").json["task"]
    dbsession.commit()
    change = dbsession.scalars(select(Change).order_by(Change.revision.desc()).limit(1)).one()
    assert (change.action, change.revision) == ("restore", task["revision"])
    assert (change.token_id, change.token_kind, change.token_name) == (token_id, "api", "script")
    assert change.before is None
    assert change.after == {name: task[name] for name in change.after or ()}
    assert (change.after or {}).keys() >= {"name", "note", "due_date", "completed"}


@pytest.mark.parametrize("all_at_once", [True, False])
def test_what_goes_for_good_leaves_no_value(
    as_alice: Client, alice: Login, dbsession: Session, gone: int, all_at_once: bool
) -> None:
    as_alice.post(f"{alice.trash_url}/{gone}/restore")
    as_alice.delete(f"{alice.tasks_url}/{gone}")
    kept = make_task(dbsession, alice, name="Tea")
    revision = as_alice.get(alice.tasks_url).json["revision"]
    assert "saffron" in everything(dbsession)
    answer = as_alice.delete(alice.trash_url if all_at_once else f"{alice.trash_url}/{gone}")
    outcome: dict[str, Any] = {"deleted": 1} if all_at_once else {"msg": "Deleted."}
    assert answer.json == {"username": "alice"} | outcome
    found = everything(dbsession)
    assert "saffron" not in found
    assert "Crème" not in found
    assert (trashed(as_alice, alice), listed(as_alice, alice)) == ([], [kept])
    assert as_alice.get(alice.tasks_url).json["revision"] == revision + 1
    actions = ("create", "update", "delete", "restore", "delete", "create", "purge")
    assert changes(dbsession, alice) == [
        (each, len(actions) - 2 == n) for n, each in enumerate(actions)
    ]
    for method, path in (("POST", f"/{gone}/restore"), ("DELETE", f"/{gone}")):
        assert as_alice.request(alice.trash_url + path, method=method).status_int == 404


def test_others_are_left_alone(
    as_alice: Client, as_bob: Client, alice: Login, bob: Login, dbsession: Session, gone: int
) -> None:
    tea = make_trashed(dbsession, alice, name="Tea")
    rice = make_trashed(dbsession, bob, name="Rice")
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("DELETE", f"/{gone}"),
        ("POST", f"/{gone}/restore"),
    ):
        assert as_bob.request(alice.trash_url + path, method=method).status_int == 403
        if path:
            assert as_bob.request(bob.trash_url + path, method=method).status_int == 404
    as_alice.delete(f"{alice.trash_url}/{gone}")
    assert trashed(as_alice, alice) == [tea]
    assert as_alice.delete(alice.trash_url).json["deleted"] == 1
    assert trashed(as_bob, bob) == [rice]
    assert changes(dbsession, bob) == [("create", True), ("delete", True)]


def test_a_token_that_reads_changes_nothing(
    app: Any, as_alice: Client, alice: Login, dbsession: Session, gone: int
) -> None:
    _, secret = make_token(dbsession, alice.id, kind=Kind.API, scope=Scope.READ, name="reader")
    dbsession.commit()
    reader = Client(app, secret)
    assert trashed(reader, alice) == [gone]
    for method, path in (("DELETE", ""), ("DELETE", f"/{gone}"), ("POST", f"/{gone}/restore")):
        answer = reader.request(alice.trash_url + path, method=method)
        assert (answer.status_int, answer.json["code"]) == (403, "insufficient_scope")
    assert trashed(as_alice, alice) == [gone]


@pytest.mark.parametrize(
    "task_id", ["0", "x", "-1", "%D9%A3", str(ID_MAX), str(ID_MAX + 1), "1%0A"]
)
def test_what_is_not_there(as_alice: Client, alice: Login, gone: int, task_id: str) -> None:
    for method, path in (("DELETE", ""), ("POST", "/restore")):
        answer = as_alice.request(f"{alice.trash_url}/{task_id}{path}", method=method)
        assert answer.status_int == 404


def test_a_task_that_is_not_deleted_is_not_in_the_trash(
    as_alice: Client, alice: Login, milk: int
) -> None:
    for method, path in (("DELETE", ""), ("POST", "/restore")):
        answer = as_alice.request(f"{alice.trash_url}/{milk}{path}", method=method)
        assert answer.status_int == 404
    assert as_alice.delete(alice.trash_url).json["deleted"] == 0
    assert listed(as_alice, alice) == [milk]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/{id}/restore"), ("DELETE", "/{id}"), ("DELETE", "")]
)
def test_with_a_key_it_is_done_once(
    as_alice: Client, alice: Login, dbsession: Session, gone: int, method: str, path: str
) -> None:
    url = alice.trash_url + path.format(id=gone)
    first = as_alice.send_json(method, url, {}, KEY)
    assert first.status_int == 200
    # Were it done again, it would be refused, or would take this, too.
    other = make_trashed(dbsession, alice)
    again = as_alice.send_json(method, url, {}, KEY)
    assert (again.status_int, again.body) == (200, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers.get("ETag") == first.headers.get("ETag")
    assert trashed(as_alice, alice) == [other]


def test_pages_lead_through_all_while_others_are_deleted(
    as_alice: Client, alice: Login, dbsession: Session
) -> None:
    ids = [make_task(dbsession, alice, name=str(number)) for number in range(9)]
    for chosen in (ids[4:], ids[1:4], ids[:1]):  # several at the same moment
        as_alice.delete(f"{alice.tasks_url}?id={','.join(map(str, chosen))}")
    expected = [*ids[:1], *ids[3:0:-1], *ids[:3:-1]]
    assert trashed(as_alice, alice) == expected
    found: list[int] = []
    url = f"{alice.trash_url}?limit=2"
    while url:
        answer = as_alice.get(url)
        page = [task["id"] for task in answer.json["tasks"]]
        url = answer.json["next"]
        link = f'<{url}>; rel="next"' if url else None
        assert answer.headers.get("Link") == link
        found += page
        # Before the cursor one comes and one goes, and the last one of the page itself.
        make_trashed(dbsession, alice)
        as_alice.post(f"{alice.trash_url}/{page[0]}/restore")
        as_alice.delete(f"{alice.trash_url}/{page[-1]}")
    assert found == expected


def test_pages_that_are_refused(
    as_alice: Client, as_bob: Client, alice: Login, bob: Login, dbsession: Session
) -> None:
    for _ in range(2):
        make_task(dbsession, alice)
        make_trashed(dbsession, alice)
    foreign = as_alice.get(f"{alice.tasks_url}?limit=1").json["next"].partition("after=")[2]
    own = as_alice.get(f"{alice.trash_url}?limit=1").json["next"].partition("after=")[2]
    for query, field, code in (
        ("limit=0", "limit", "range"),
        ("limit=201", "limit", "range"),
        ("sort=id", "sort", "unknown_field"),
        ("completed=true", "completed", "unknown_field"),
        ("after=x", "after", "cursor"),
        (f"after={foreign}", "after", "cursor"),
    ):
        assert faults(as_alice.get(f"{alice.trash_url}?{query}")) == {field: code}, query
    assert faults(as_bob.get(f"{bob.trash_url}?after={own}")) == {"after": "cursor"}
    assert faults(as_alice.get(f"{alice.tasks_url}?after={own}")) == {"after": "cursor"}


@pytest.mark.usefixtures("three_days")
def test_after_its_time_it_is_not_there(
    as_alice: Client, alice: Login, dbsession: Session, gone: int, set_clock: Move
) -> None:
    """From that moment on, and not only when its row is purged."""
    used = set_clock(DAYS * DAY - SECOND)
    dbsession.scalars(select(Token)).one().last_used_date = used
    dbsession.commit()
    assert trashed(as_alice, alice) == [gone]
    set_clock(DAYS * DAY + SECOND)
    assert trashed(as_alice, alice) == []
    assert as_alice.get(f"{alice.url}/export").json["trash"] == []
    for method, path in (("POST", f"/{gone}/restore"), ("DELETE", f"/{gone}")):
        assert as_alice.request(alice.trash_url + path, method=method).status_int == 404
    assert "saffron" in everything(dbsession)
    assert as_alice.delete(alice.trash_url).json["deleted"] == 0, "it was not there any more"
    assert "saffron" not in everything(dbsession)


def test_a_deleted_account_takes_its_trash_along(
    as_alice: Client, alice: Login, bob: Login, dbsession: Session, gone: int
) -> None:
    make_key(dbsession, alice, "one", clock.now() + DAY)
    kept = make_trashed(dbsession, bob)
    assert as_alice.delete(alice.url).status_int == 204
    assert "saffron" not in everything(dbsession)
    assert dbsession.scalars(select(TrashedTask.id)).all() == [kept]
