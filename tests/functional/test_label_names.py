"""The labels of an account: list, rename, merge and delete them."""

from urllib.parse import quote

import pytest
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support import outline
from tests.support.client import User, faults, pages
from tests.support.fixtures import Patch
from tests.support.labels import stored
from tests.support.outline import (
    add,
    add_list,
    change,
    delete,
    feed,
    ids,
    restore,
    show,
    undo,
    unversioned,
)
from todo.journal import writes
from todo.services import matching


def path_of(user: User, name: str) -> str:
    return f"{user.url}/labels/{quote(name, safe='')}"


def rename(user: User, name: str, new: str, query: str = "") -> TestResponse:
    url = path_of(user, name) + query
    return user.send_json("PATCH", url, {"name": new})


def counts(user: User, query: str = "") -> list[tuple[str, int]]:
    answer = user.get(f"{user.url}/labels?{query}")
    assert answer.status_int == 200, answer
    return [(each["name"], each["tasks"]) for each in answer.json["labels"]]


def labels(user: User, query: str = "archived=any") -> list[list[str]]:
    return [task["labels"] for task in outline.tasks(user, query)]


def test_labels_are_listed_with_open_tasks(alice: User, bob: User) -> None:
    assert counts(alice) == []
    old, home = add_list(alice, archived=True), add_list(alice)
    parent = add(alice, labels=["job", "Über"], list_id=home)
    add(alice, labels=["JOB"], parent_id=parent)
    add(alice, labels=["job", "Done"], completed=True)
    add(alice, labels=["job", "Zoo", "old"], list_id=old)
    delete(alice, add(alice, labels=["job", "gone"]))
    add(bob, labels=["job", "bob's"])
    answer = alice.get(f"{alice.url}/labels").json
    assert answer.keys() == {"username", "labels", "next", "after", "revision"}
    assert (answer["username"], answer["next"], answer["after"]) == ("alice", None, None)
    assert answer["revision"] == alice.get(alice.tasks_url).json["revision"]
    shown = [("Done", 0), ("job", 2), ("old", 0), ("Zoo", 0), ("Über", 1)]
    assert counts(alice) == shown
    for name, count in shown:
        query = f"label={quote(name)}&completed=false&count=true"
        assert alice.get(f"{alice.tasks_url}?{query}").json["total"] == count
    change(alice, parent, labels=[])
    assert ("Über", 1) not in counts(alice)


def test_labels_come_in_pages(alice: User) -> None:
    names = ["a", "a&b=c", "A/b", "b", "日本", "😀"]
    add(alice, labels=names)
    found = pages(alice, f"{alice.url}/labels?limit=2", "labels")
    assert [[each["name"] for each in page] for page in found] == [names[:2], names[2:4], names[4:]]
    assert counts(alice, "after=A%26B%3DC&limit=1") == [("A/b", 1)]
    assert [name for name, _ in counts(alice, "after=aa")] == names[3:]
    assert counts(alice, f"after={quote('😀')}") == []
    assert len(pages(alice, f"{alice.url}/labels?limit=6", "labels")) == 1


def test_wrong_page_of_labels_is_refused(alice: User) -> None:
    for query, expected in (
        ("limit=0", {"limit": "range"}),
        ("limit=201", {"limit": "range"}),
        ("after=", {"after": "blank"}),
        ("after=a%2Cb", {"after": "label"}),
        ("after=a%00", {"after": "nul"}),
        ("count=true", {"count": "unknown_field"}),
    ):
        assert faults(alice.get(f"{alice.url}/labels?{query}")) == expected


def test_labels_have_etag_of_account(alice: User) -> None:
    task_id = add(alice, labels=["home"])
    answer = alice.get(f"{alice.url}/labels")
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert tag == {"If-None-Match": f'"{answer.json["revision"]}"'}
    assert alice.get(f"{alice.url}/labels", headers=tag).status_int == 304
    change(alice, task_id, completed=True)
    assert alice.get(f"{alice.url}/labels", headers=tag).json["labels"][0]["tasks"] == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_rename_changes_label_everywhere(alice: User, bob: User, method: str) -> None:
    old = add_list(alice, archived=True)
    tasks = [
        add(alice, labels=["a", "home", "z"]),
        add(alice, labels=["HOME"], completed=True),
        add(alice, labels=["home"], list_id=old),
        add(alice, labels=["homework"]),
    ]
    others = [add(bob, labels=["home"]), add(bob, labels=["House"])]
    answer = alice.send_json(method, path_of(alice, "Home"), {"name": " House "})
    assert answer.status_int == 200
    revision = show(alice, tasks[0])["revision"]
    label = {"name": "House", "tasks": 1}
    expected = {"username": "alice", "label": label, "updated": 3, "revision": revision}
    assert answer.json == expected
    assert labels(alice) == [["a", "House", "z"], ["House"], ["House"], ["homework"]]
    assert [show(alice, each)["revision"] for each in tasks[:3]] == [revision] * 3
    assert ids(alice, "search=house&archived=any&sort=id") == tasks[:3]
    assert ids(alice, "label=house&archived=any") == tasks[:3]
    assert ids(alice, "label=home&archived=any") == []
    assert [show(bob, each)["labels"] for each in others] == [["home"], ["House"]]


def test_rename_by_form(alice: User) -> None:
    add(alice, labels=["home"])
    answer = alice.send_form("PUT", path_of(alice, "home"), "name=House")
    assert answer.json["label"] == {"name": "House", "tasks": 1}


def test_rename_merges_labels(alice: User) -> None:
    for given in (["home", "x", "Job"], ["JOB", "home"], ["home"], ["job"]):
        add(alice, labels=given)
    before = outline.tasks(alice)
    answer = rename(alice, "home", "JOB")
    assert answer.json["label"] == {"name": "Job", "tasks": 4}
    assert answer.json["updated"] == 3
    assert labels(alice) == [["Job", "x"], ["Job"], ["Job"], ["Job"]]
    assert counts(alice) == [("Job", 4), ("x", 1)]
    undo(alice, answer)
    assert unversioned(outline.tasks(alice)) == unversioned(before)
    assert counts(alice) == [("home", 3), ("Job", 3), ("x", 1)]


def test_rename_changes_case_only(alice: User) -> None:
    tasks = [add(alice, labels=["a", "home"]), add(alice, labels=["home"])]
    answer = rename(alice, "HOME", "Home")
    assert answer.json["label"] == {"name": "Home", "tasks": 2}
    assert labels(alice) == [["a", "Home"], ["Home"]]
    assert show(alice, add(alice, labels=["home"]))["labels"] == ["Home"]
    undo(alice, answer)
    assert [show(alice, each)["labels"] for each in tasks] == [["a", "home"], ["home"]]


def test_rename_without_effect_changes_nothing(alice: User, db: Session) -> None:
    add(alice, labels=["home"])
    before = stored(db)
    answer = rename(alice, "HOME", "home")
    label = {"name": "home", "tasks": 1}
    assert answer.json == {"username": "alice", "label": label, "updated": 1}
    assert "Link" not in answer.headers
    assert stored(db) == before


def test_wrong_new_name_is_refused(alice: User) -> None:
    add(alice, labels=["home"])
    for body, expected in (
        ({"name": "a,b"}, {"name": "label"}),
        ({"name": " "}, {"name": "blank"}),
        ({"name": "x" * 65}, {"name": "too_long"}),
        ({"name": "a\0"}, {"name": "nul"}),
        ({"name": None}, {"name": "null"}),
        ({"name": ["a"]}, {"name": "type"}),
        ({}, {"name": "missing"}),
        ({"name": "a", "tasks": 3}, {"tasks": "unknown_field"}),
    ):
        assert faults(alice.send_json("PATCH", path_of(alice, "home"), body)) == expected
    assert labels(alice) == [["home"]]


def test_label_without_tasks_is_not_found(alice: User, bob: User) -> None:
    add(bob, labels=["home"])
    delete(alice, add(alice, labels=["gone"]))
    add(alice, labels=["homes"])
    for name in ("home", "gone", "h", "homes ", "a\0", "x" * 65, "a,homes", "%", "\u0301" * 99):
        for method in ("PATCH", "DELETE"):
            answer = alice.send_json(method, path_of(alice, name), {"name": "new"})
            assert (answer.status_int, answer.json["code"]) == (404, "not_found"), name
    assert labels(bob) == [["home"]]


def test_delete_takes_label_off_everywhere(alice: User, bob: User) -> None:
    old = add_list(alice, archived=True)
    for fields in ({}, {"completed": True}, {"list_id": old}):
        add(alice, labels=["a", "Home", "z"], **fields)
    add(alice, labels=["z"])
    add(bob, labels=["home"])
    before = outline.tasks(alice, "archived=any")
    answer = alice.delete(path_of(alice, "home"))
    revision = alice.get(alice.tasks_url).json["revision"]
    expected = {"username": "alice", "msg": "Deleted.", "updated": 3, "revision": revision}
    assert answer.json == expected
    assert labels(alice) == [["a", "z"]] * 3 + [["z"]]
    assert ids(alice, "search=home&archived=any") == []
    assert alice.delete(path_of(alice, "home")).status_int == 404
    undo(alice, answer)
    assert unversioned(outline.tasks(alice, "archived=any")) == unversioned(before)
    assert labels(bob) == [["home"]]


def test_dry_run_answers_as_the_change_and_changes_nothing(alice: User, db: Session) -> None:
    for given in (["home"], ["home", "Job"], ["job"]):
        add(alice, labels=given)
    before = stored(db)
    for new in ("House", "Home", "JOB"):
        dry = rename(alice, "home", new, "?dry_run=true")
        assert dry.json["dry_run"] is True
        assert "Link" not in dry.headers
        assert stored(db) == before
        done = rename(alice, "home", new)
        assert dry.json["label"] == done.json["label"], new
        assert dry.json["updated"] == done.json["updated"] == 2
        undo(alice, done)
        before = stored(db)
    dry = alice.delete(path_of(alice, "home") + "?dry_run=true")
    assert dry.json == {"username": "alice", "msg": "Deleted.", "updated": 2, "dry_run": True}
    assert stored(db) == before


def test_history_and_feed_show_tasks_of_label(alice: User) -> None:
    first, second = add(alice, labels=["a", "home"]), add(alice, labels=["home", "job"])
    answers = [rename(alice, "home", "job"), alice.delete(path_of(alice, "job"))]
    before: dict[int, list[str]] = {first: ["a", "home"], second: ["home", "job"]}
    for answer, after in zip(
        answers, ({first: ["a", "job"], second: ["job"]}, {first: ["a"], second: []}), strict=True
    ):
        changed = feed(alice, answer)
        assert [each["id"] for each in changed] == [first, second]
        for task_id in (first, second):
            history = alice.get(f"{alice.tasks_url}/{task_id}/history").json["history"]
            [entry] = [each for each in history if each["revision"] == answer.json["revision"]]
            assert entry["before"] == {"labels": before[task_id]}
            assert entry["after"] == {"labels": after[task_id]}
        before = after


def test_later_change_prevents_undo(alice: User) -> None:
    task_id = add(alice, labels=["home"])
    answer = rename(alice, "home", "job")
    change(alice, task_id, labels=["job", "x"])
    refused = undo(alice, answer)
    assert (refused.status_int, refused.json["code"]) == (409, "undo_conflict")
    assert refused.json["conflicts"] == [{"kind": "task", "id": task_id, "fields": ["labels"]}]
    assert labels(alice) == [["job", "x"]]


def test_idempotency_key_replays_rename_and_deletion(alice: User) -> None:
    task_id = add(alice, labels=["home"])
    for method, name in (("PATCH", "home"), ("DELETE", "job")):
        key = {"Idempotency-Key": f"{method}-{name}"}
        answers = [
            alice.send_json(method, path_of(alice, name), {"name": "job"}, key) for _ in range(2)
        ]
        assert [each.status_int for each in answers] == [200, 200]
        assert answers[0].body == answers[1].body
        assert answers[1].headers["Idempotency-Replayed"] == "true"
        assert answers[0].headers["Link"] == answers[1].headers["Link"]
    assert show(alice, task_id)["revision"] == answers[0].json["revision"]


def test_change_of_too_many_tasks_is_refused(alice: User, db: Session, monkeypatch: Patch) -> None:
    for _ in range(3):
        add(alice, labels=["home"])
    add(alice, labels=["job"])
    before = stored(db)
    for module, name, limit in (
        (matching, "MAX_TASKS", 2),
        (matching, "MAX_INDEXED_CHARACTERS", 20),
        (matching, "MAX_RECORDED_BYTES", 600),
        (writes, "MAX_RECORDED_BYTES", 600),
    ):
        with monkeypatch.context() as lowered:
            lowered.setattr(module, name, limit)
            for method in ("PATCH", "DELETE"):
                answer = alice.send_json(method, path_of(alice, "home"), {"name": "x"})
                assert answer.status_int == 409
                assert (answer.json["code"], answer.json["count"]) == ("too_many", 3)
    assert stored(db) == before
    assert rename(alice, "home", "x").json["updated"] == 3


def test_task_in_trash_keeps_its_labels(alice: User) -> None:
    """A rename or deletion is of the labels of tasks; the task comes back as it was deleted."""
    trashed, other = add(alice, labels=["home"]), add(alice, labels=["home"])
    delete(alice, trashed)
    assert rename(alice, "home", "house").json["updated"] == 1
    assert restore(alice, trashed)["labels"] == ["home"]
    assert show(alice, other)["labels"] == ["house"]
    assert counts(alice) == [("home", 1), ("house", 1)]
    assert rename(alice, "home", "house").json["label"] == {"name": "house", "tasks": 2}


@pytest.mark.parametrize("first", ["home", "Home"])
def test_label_has_one_spelling_in_every_answer(alice: User, first: str) -> None:
    """A restored task may have another spelling than the tasks since; that of the oldest wins."""
    trashed = add(alice, labels=[first])
    delete(alice, trashed)
    later = first.swapcase()
    other = add(alice, labels=[later])
    assert restore(alice, trashed)["labels"] == [first]
    assert show(alice, other)["labels"] == [later]
    assert counts(alice) == [(first, 2)]
    new, _ = add(alice, labels=["HomE"]), add(alice, labels=["job"])
    assert show(alice, new)["labels"] == [first]
    merged = rename(alice, "job", "hOME")
    assert merged.json["label"] == {"name": first, "tasks": 4}
    assert rename(alice, "HOME", "Home").json["label"] == {"name": "Home", "tasks": 4}
    assert labels(alice) == [["Home"]] * 4
