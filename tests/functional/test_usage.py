"""The bytes that an account uses, and its quotas."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User
from tests.support.factories import Login, make_key, make_task
from tests.support.fixtures import Patch, SetClock
from todo.http.transactions import commit_so_far
from todo.jobs.purge import purge_expired
from todo.journal import retention
from todo.journal import undo as undo_module
from todo.models import Account, batches
from todo.views import trash as trash_view

# The bytes of a row, a UUID, the position of the first task of a new account, and its
# `recurrence_from`.
PLAIN = 200 + 38 + len('"120i""due"')

SetQuota = Callable[..., None]


@pytest.fixture
def set_quota(app: Any) -> Iterator[SetQuota]:
    settings = app.registry["settings"]
    before = vars(settings).copy()

    def set_quotas(**quotas: int) -> None:
        for name, quota in quotas.items():
            setattr(settings, f"quota_{name}", quota)

    yield set_quotas
    vars(settings).update(before)


def used(user: User, name: str = "tasks") -> int:
    count: int = user.get(f"{user.url}/usage").json[name]["bytes"]
    return count


def test_usage_counts_texts_and_rows(alice: User, set_quota: SetQuota) -> None:
    answer = alice.get(f"{alice.url}/usage").json
    registration = answer["journal"]["bytes"]
    assert answer == {
        "username": "alice",
        "tasks": {"bytes": 0, "quota": 200_000_000},
        "journal": {"bytes": registration, "quota": 500_000_000},
        "keys": {"bytes": 0, "quota": 100_000_000},
    }
    task = {"name": "Milk", "note": 'é"\n'}
    size = PLAIN + len('"Milk"') + len('"é\\"\\n"'.encode())
    key = {"Idempotency-Key": "one"}
    created = alice.send_json("POST", alice.tasks_url, task, key)
    assert used(alice) == size
    assert used(alice, "journal") == registration + size
    assert used(alice, "keys") == 200 + len(created.body)
    set_quota(tasks=0)
    assert alice.get(f"{alice.url}/usage").json["tasks"] == {"bytes": size, "quota": None}


def test_usage_follows_every_change_of_a_task(alice: User) -> None:
    url = alice.post_json(alice.tasks_url, {"name": "Milk", "note": "x" * 998}).location
    assert used(alice) == PLAIN + len('"Milk"') + 1000
    alice.send_json("PATCH", url, {"note": None})
    assert used(alice) == PLAIN + len('"Milk"')
    alice.send_json("PATCH", alice.all_tasks_url, {"name": "Oat milk"})
    assert used(alice) == PLAIN + len('"Oat milk"')
    journal = used(alice, "journal")
    assert journal > 0
    alice.delete(url)
    assert used(alice) == PLAIN + len('"Oat milk"'), "the trash counts"
    alice.delete(alice.trash_url)
    assert used(alice) == 0
    assert used(alice, "journal") < journal, "the purge has erased the values"


def test_account_above_its_quota_can_only_shrink(alice: User, set_quota: SetQuota) -> None:
    url = alice.post_json(alice.tasks_url, {"name": "Milk", "note": "x" * 100}).location
    set_quota(tasks=used(alice) + 200)
    before = alice.get(alice.tasks_url).json
    for method, path, fields in (
        ("POST", alice.tasks_url, {"name": "Tea"}),
        ("PATCH", url, {"note": "x" * 1000}),
        ("PATCH", alice.all_tasks_url, {"note": "x" * 1000}),
    ):
        refused = alice.send_json(method, path, fields)
        assert (refused.status_int, refused.json["code"]) == (409, "quota")
        assert "empty the trash" in refused.json["detail"]
    assert alice.get(alice.tasks_url).json == before
    set_quota(tasks=1)
    assert alice.send_json("PATCH", url, {"note": "short", "completed": True}).status_int == 200
    assert alice.delete(url).status_int == 200
    assert alice.post(f"{alice.trash_url}/{url.rpartition('/')[2]}/restore").status_int == 200
    assert alice.delete(url).status_int == 200
    assert alice.delete(alice.trash_url).status_int == 200
    set_quota(tasks=1000)
    assert alice.post_json(alice.tasks_url, {"name": "Tea"}).status_int == 201


def test_completed_occurrence_counts_towards_the_quota(alice: User, set_quota: SetQuota) -> None:
    fields = {"name": "Milk", "due_date": "2030-02-05", "recurrence": "FREQ=DAILY"}
    url = alice.post_json(alice.tasks_url, fields).location
    set_quota(tasks=used(alice) + 100)
    before = alice.get(alice.tasks_url).json
    for path in (url, alice.all_tasks_url):
        refused = alice.send_json("PATCH", path, {"completed": True})
        assert (refused.status_int, refused.json["code"]) == (409, "quota")
    assert alice.get(alice.tasks_url).json == before
    assert alice.post(f"{url}/skip").json["task"]["due_date"] == "2030-02-06"


def test_undo_that_would_exceed_the_quota_is_refused(alice: User, set_quota: SetQuota) -> None:
    url = alice.post_json(alice.tasks_url, {"name": "Milk", "note": "x" * 1000}).location
    changed = alice.send_json("PATCH", url, {"note": None})
    set_quota(tasks=used(alice) + 100)
    undo = changed.headers["Link"].partition(">")[0].removeprefix("<")
    assert alice.post(undo).json["code"] == "quota"
    assert alice.get(url).json["task"]["note"] is None


@pytest.mark.purged
def test_journal_above_its_quota_loses_oldest_revisions(alice: User, set_quota: SetQuota) -> None:
    url = alice.post_json(alice.tasks_url, {"name": "Milk"}).location
    set_quota(journal=3000)
    for number in range(20):
        assert alice.send_json("PATCH", url, {"note": str(number) * 300}).status_int == 200
    assert used(alice, "journal") <= 3000
    changes = f"{alice.url}/changes"
    assert alice.get(f"{changes}?since=2").json["code"] == "cursor_expired"
    revision = alice.get(changes.replace("changes", "tasks")).json["revision"]
    kept = alice.get(f"{changes}?since={revision - 2}").json["changes"]
    assert [change["after"]["note"][0] for change in kept] == ["1", "1"]
    assert len(alice.get(f"{url}/history").json["history"]) < 20


@pytest.mark.purged
def test_purge_trims_journals_above_the_quota(
    app: Any, alice: User, bob: Login, db: Session, set_quota: SetQuota
) -> None:
    for login in (alice, bob):
        for number in range(5):
            make_task(db, login, name=str(number), note="x" * 400)
    before = db.get_one(Account, bob.id).journal_bytes
    settings = app.registry["settings"]
    set_quota(journal=before)
    make_task(db, alice, name="over")  # the registration and the first task must go
    assert purge_expired(db, settings, lambda _: None)["changes"] == 2
    db.expire_all()
    assert db.get_one(Account, alice.id).journal_bytes <= before
    assert db.get_one(Account, bob.id).journal_bytes == before
    set_quota(journal=0)
    assert purge_expired(db, settings, lambda _: None)["changes"] == 0


def test_new_key_above_the_quota_is_refused(
    alice: User, db: Session, set_quota: SetQuota, set_clock: SetClock
) -> None:
    set_quota(keys=1000)
    now = set_clock(timedelta(0))
    first = {"Idempotency-Key": "first"}
    created = alice.send_json("POST", alice.tasks_url, {"name": "Milk"}, first)
    make_key(db, alice, "large", now + timedelta(hours=24), body=b"x" * 1000)
    refused = alice.send_json("POST", alice.tasks_url, {"name": "Tea"}, {"Idempotency-Key": "new"})
    assert (refused.status_int, refused.json["code"]) == (409, "quota")
    assert "without a key" in refused.json["detail"]
    assert alice.send_json("POST", alice.tasks_url, {"name": "Milk"}, first).body == created.body
    assert alice.post_json(alice.tasks_url, {"name": "Tea"}).status_int == 201
    set_clock(timedelta(hours=25))
    purge_expired(db, alice.app.registry["settings"], lambda _: None)
    assert used(alice, "keys") == 0


@pytest.mark.purged
def test_undo_above_the_quota_of_the_journal_is_complete(
    alice: User, set_quota: SetQuota, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(undo_module, "BATCH_SIZE", 2)
    alice.post_json(alice.tasks_url, {"tasks": [{"name": "Milk", "note": "x" * 100}] * 7})
    changed = alice.send_json("PATCH", alice.all_tasks_url, {"note": "y" * 100})
    set_quota(journal=1)
    path = changed.headers["Link"].partition(">")[0].removeprefix("<")
    assert alice.post(path).json["undone"] == 7
    tasks = alice.get(alice.tasks_url).json["tasks"]
    assert {task["note"] for task in tasks} == {"x" * 100}


@pytest.mark.purged
def test_purge_above_the_quota_of_the_journal_counts_once(alice: User, set_quota: SetQuota) -> None:
    """At the end of every test, the counts must be the sums of the rows."""
    for note in ("x" * 300, "y" * 300):
        url = alice.post_json(alice.tasks_url, {"name": "Milk", "note": note}).location
        alice.delete(url)
    set_quota(journal=900)
    assert alice.delete(alice.trash_url).json["deleted"] == 2
    alice.post_json(alice.tasks_url, {"name": "Tea"})


@pytest.mark.parametrize("single", [True, False])
def test_long_history_is_erased_in_several_transactions(
    alice: User, db: Session, monkeypatch: Patch, single: bool
) -> None:
    url = alice.post_json(alice.tasks_url, {"name": "Milk"}).location
    for number in range(7):
        alice.send_json("PATCH", url, {"note": str(number) * 400})
    alice.delete(url)
    monkeypatch.setattr(batches, "BATCH_WEIGHT", 100)
    monkeypatch.setattr(retention, "BATCH_BYTES", 2000)
    commits: list[Any] = []

    def commit(request: Any) -> None:
        commits.append(request)
        commit_so_far(request)

    monkeypatch.setattr(trash_view, "commit_so_far", commit)
    path = f"/{url.rpartition('/')[2]}" if single else ""
    assert alice.delete(f"{alice.trash_url}{path}").status_int == 200
    assert len(commits) >= 3
    found = alice.get(f"{alice.url}/changes?since=1").json["changes"]
    assert {(change["before"], change["after"]) for change in found} == {(None, None)}


def test_creation_of_too_many_words_is_refused(alice: User) -> None:
    note = "".join(chr(0x4E00 + number % 7919 * 2) for number in range(10_000))
    tasks = {"tasks": [{"name": "x", "note": note}] * 13}
    refused = alice.post_json(alice.tasks_url, tasks)
    assert (refused.status_int, refused.json["code"]) == (409, "too_many")
    assert refused.json["count"] == 13
    assert alice.post_json(alice.tasks_url, tasks["tasks"][0]).status_int == 201
