"""Lists of tasks: create, show, change, count, delete."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support import outline
from tests.support.client import User, faults
from tests.support.factories import make_list
from tests.support.fixtures import Patch, SetClock
from tests.support.outline import add, add_list, ids, list_ids, show, show_list, undo, unversioned
from todo.journal import writes
from todo.models import List
from todo.positions import last_position
from todo.services import lists as lists_service

FIELDS = {
    *("id", "name", "note", "color", "archived", "position"),
    *("creation_date", "modification_date", "revision"),
}


def test_create_list_with_name_only_sets_defaults(alice: User) -> None:
    answer = alice.post_json(f"{alice.url}/lists", {"name": "Home"})
    assert answer.status_int == 201
    assert answer.json.keys() == {"msg", "username", "list", "revision"}
    assert (answer.json["msg"], answer.json["username"]) == ("posted", "alice")
    new = answer.json["list"]
    assert new.keys() == FIELDS
    assert (new["name"], new["note"], new["color"], new["archived"]) == ("Home", None, None, False)
    assert new["revision"] == answer.json["revision"]
    assert answer.headers["ETag"] == f'"{new["revision"]}"'
    assert answer.location == f"{alice.url}/lists/{new['id']}"
    shown = alice.get(answer.location)
    assert shown.json == {"username": "alice", "list": new}
    assert shown.headers["ETag"] == answer.headers["ETag"]


def test_create_list_accepts_form_and_json(alice: User) -> None:
    fields = {"name": "Home", "note": "daily", "color": "#3366FF", "archived": True}
    shown = fields | {"color": "#3366ff"}
    url = f"{alice.url}/lists"
    form = fields | {"archived": "yes"}
    for answer in (alice.post(url, form), alice.post_json(url, fields)):
        assert answer.json["list"].items() >= shown.items()
    assert alice.put(answer.location, {"note": "", "color": ""}).json["list"]["color"] is None
    assert show_list(alice, answer.json["list"]["id"])["note"] is None


def test_lists_are_in_their_order(alice: User, bob: User) -> None:
    home, job, shop = (add_list(alice, name) for name in ("Home", "Job", "Shop"))
    add_list(bob, "Bob's")
    answer = alice.get(f"{alice.url}/lists")
    assert answer.json.keys() == {"username", "lists", "revision"}
    assert answer.headers["ETag"] == f'"{answer.json["revision"]}"'
    assert [each["id"] for each in answer.json["lists"]] == [home, job, shop]
    assert outline.move_list(alice, shop, first=True).status_int == 200
    assert list_ids(alice) == [shop, home, job]
    assert alice.get(f"{alice.url}/lists", headers={"If-None-Match": "*"}).status_int == 304


def test_lists_are_filtered_by_archived(alice: User) -> None:
    home, old = add_list(alice), add_list(alice, archived=True)
    assert list_ids(alice) == [home, old]
    assert list_ids(alice, "archived=false") == [home]
    assert list_ids(alice, "archived=true") == [old]
    assert faults(alice.get(f"{alice.url}/lists?archived=any")) == {"archived": "type"}


def test_lists_with_counts_show_open_tasks_and_inbox(alice: User, bob: User) -> None:
    home, old = add_list(alice), add_list(alice, archived=True)
    empty = add_list(alice)
    parent = add(alice, list_id=home)
    add(alice, parent_id=parent)
    add(alice, list_id=home, completed=True)
    outline.delete(alice, add(alice, list_id=home))
    add(alice, list_id=old)
    add(alice)
    add(bob)
    answer = alice.get(f"{alice.url}/lists?count=true").json
    assert answer["inbox"] == {"open": 1}
    assert {each["id"]: each["open"] for each in answer["lists"]} == {home: 2, old: 1, empty: 0}
    assert "inbox" not in alice.get(f"{alice.url}/lists?count=false").json


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_list_update_keeps_omitted_fields(alice: User, set_clock: SetClock, method: str) -> None:
    list_id = add_list(alice, note="daily", color="#000000")
    url, before = f"{alice.url}/lists/{list_id}", show_list(alice, list_id)
    set_clock(timedelta(seconds=1))
    answer = alice.send_json(method, url, {"color": "#ffffff"})
    assert answer.status_int == 200
    after = answer.json["list"]
    assert after["modification_date"] > before["modification_date"]
    assert unversioned([after]) == unversioned([before | {"color": "#ffffff"}])
    assert after["revision"] == before["revision"] + 1
    assert answer.headers["ETag"] == f'"{after["revision"]}"'
    assert show_list(alice, list_id) == after


def test_list_update_accepts_answer_as_read(alice: User) -> None:
    url = f"{alice.url}/lists/{add_list(alice)}"
    answer = alice.get(url).json
    assert alice.put_json(url, answer).json == answer
    answer["list"] |= {"archived": True, "position": "zz", "id": 99}
    changed = alice.put_json(url, answer["list"]).json["list"]
    assert changed["archived"] is True
    assert changed["position"] != "zz"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": ""}, {"name": "blank"}),
        ({"name": "x" * 256}, {"name": "too_long"}),
        ({"name": None}, {"name": "null"}),
        ({"name": 7}, {"name": "type"}),
        ({"name": "a\0"}, {"name": "nul"}),
        ({"note": "x" * 10_001}, {"note": "too_long"}),
        ({"color": "red"}, {"color": "color"}),
        ({"color": "#12345"}, {"color": "color"}),
        ({"color": "#1234567"}, {"color": "color"}),
        ({"color": "#12345\n"}, {"color": "color"}),
        ({"color": "#12345٣"}, {"color": "color"}),
        ({"archived": "maybe"}, {"archived": "type"}),
        ({"archived": None}, {"archived": "null"}),
        ({"colour": "#123456"}, {"colour": "unknown_field"}),
        ({"name": " ", "color": "red"}, {"name": "blank", "color": "color"}),
    ],
)
def test_wrong_fields_of_list_are_refused(
    alice: User, given: dict[str, Any], expected: dict[str, str]
) -> None:
    list_id = add_list(alice)
    before = outline.lists(alice)
    body = {"name": "Job"} | given
    assert faults(alice.send_json("POST", f"{alice.url}/lists", body)) == expected
    assert faults(alice.send_json("PATCH", f"{alice.url}/lists/{list_id}", given)) == expected
    assert outline.lists(alice) == before


def test_list_without_name_is_refused(alice: User) -> None:
    assert faults(alice.send_json("POST", f"{alice.url}/lists", {})) == {"name": "missing"}


def test_list_of_another_account_is_not_found(alice: User, bob: User) -> None:
    bobs = add_list(bob)
    for number in (bobs, bobs + 99, "0", 2**63, "x"):
        url = f"{alice.url}/lists/{number}"
        requests = [("GET", url), ("PATCH", url), ("DELETE", url), ("POST", f"{url}/move")]
        for method, path in [*requests, ("GET", f"{url}/history")]:
            answer = alice.send_json(method, path, {"last": True} if path[-1] == "e" else {})
            assert (answer.status_int, answer.json["code"]) == (404, "not_found")
    assert alice.get(f"{bob.url}/lists").status_int == 403


def test_stale_change_of_list_is_refused_with_current_list(alice: User) -> None:
    list_id = add_list(alice)
    url = f"{alice.url}/lists/{list_id}"
    stale = alice.get(url).headers["ETag"]
    alice.send_json("PATCH", url, {"note": "daily"})
    requests = [
        ("PATCH", url, {"name": "Job"}),
        ("DELETE", url, {}),
        ("POST", f"{url}/move", {"first": True}),
    ]
    for method, path, body in requests:
        answer = alice.send_json(method, path, body, {"If-Match": stale})
        assert (answer.status_int, answer.json["code"]) == (412, "precondition")
        assert answer.json["list"] == show_list(alice, list_id)
        assert answer.json["changed"] == ["note"]
        assert answer.json["etag"] == alice.get(url).headers["ETag"]
    current = {"If-Match": alice.get(url).headers["ETag"]}
    assert alice.send_json("PATCH", url, {"name": "Job"}, current).status_int == 200


def test_list_requests_with_one_key_run_once(alice: User) -> None:
    key = {"Idempotency-Key": "one"}
    posted = alice.send_json("POST", f"{alice.url}/lists", {"name": "Home"}, key)
    again = alice.send_json("POST", f"{alice.url}/lists", {"name": "Home"}, key)
    assert (again.json, again.headers["Idempotency-Replayed"]) == (posted.json, "true")
    assert len(list_ids(alice)) == 1
    key = {"Idempotency-Key": "two"}
    deleted = [alice.send_json("DELETE", posted.location, {}, key) for _ in range(2)]
    assert [answer.status_int for answer in deleted] == [200, 200]
    assert deleted[0].json == deleted[1].json


def test_dry_run_changes_no_list(alice: User) -> None:
    list_id = add_list(alice)
    task_id = add(alice, list_id=list_id)
    before = alice.get(f"{alice.url}/lists").json
    made = alice.post_json(f"{alice.url}/lists?dry_run=true", {"name": "Job"})
    assert (made.status_int, made.json["dry_run"]) == (201, True)
    assert "Location" not in made.headers
    gone = alice.delete(f"{alice.url}/lists/{list_id}?dry_run=true").json
    assert gone == {"username": "alice", "msg": "Deleted.", "tasks": 1, "dry_run": True}
    assert alice.get(f"{alice.url}/lists").json == before
    assert ids(alice) == [task_id]


def test_each_write_of_list_can_be_undone(alice: User) -> None:
    home, job = add_list(alice), add_list(alice)
    url, before = f"{alice.url}/lists/{home}", outline.lists(alice)
    changed = alice.send_json("PATCH", url, {"name": "House", "archived": True})
    assert undo(alice, changed).status_int == 200
    assert unversioned(outline.lists(alice)) == unversioned(before)
    assert undo(alice, outline.move_list(alice, job, first=True)).status_int == 200
    assert unversioned(outline.lists(alice)) == unversioned(before)
    created = alice.post_json(f"{alice.url}/lists", {"name": "Shop"})
    undone = undo(alice, created)
    assert undone.json.items() >= {"username": "alice", "undone": 1}.items()
    assert list_ids(alice) == [home, job]
    assert undo(alice, undone).status_int == 200
    assert [each["name"] for each in outline.lists(alice)] == ["Home", "Home", "Shop"]
    deleted = alice.delete(url)
    assert undo(alice, deleted).status_int == 200
    assert unversioned(outline.lists(alice)[:2]) == unversioned(before)


def test_deletion_of_list_cannot_be_undone_twice(alice: User) -> None:
    deleted = alice.delete(f"{alice.url}/lists/{add_list(alice)}")
    assert undo(alice, deleted).status_int == 200
    again = undo(alice, deleted)
    assert (again.status_int, again.json["code"]) == (409, "undo_conflict")
    assert len(list_ids(alice)) == 1


def test_creation_of_list_with_tasks_cannot_be_undone(alice: User) -> None:
    posted = alice.post_json(f"{alice.url}/lists", {"name": "Home"})
    task_id = add(alice, list_id=posted.json["list"]["id"])
    answer = undo(alice, posted)
    assert (answer.status_int, answer.json["code"]) == (409, "undo_conflict")
    assert [conflict["id"] for conflict in answer.json["conflicts"]] == [task_id]
    assert show(alice, task_id)["list_id"] == posted.json["list"]["id"]


def test_history_and_feed_have_changes_of_list(alice: User) -> None:
    list_id = add_list(alice)
    changed = alice.send_json("PATCH", f"{alice.url}/lists/{list_id}", {"name": "Job"})
    history = alice.get(f"{alice.url}/lists/{list_id}/history").json["history"]
    assert [(each["kind"], each["action"]) for each in history] == [
        ("list", "update"),
        ("list", "create"),
    ]
    assert (history[0]["before"], history[0]["after"]) == ({"name": "Home"}, {"name": "Job"})
    assert history[1]["after"].keys() == FIELDS - {"id", "modification_date", "revision"}
    assert outline.feed(alice, changed) == history[:1]
    deleted = alice.delete(f"{alice.url}/lists/{list_id}")
    [change] = outline.feed(alice, deleted)
    assert (change["kind"], change["action"], change["id"]) == ("list", "delete", list_id)


def test_account_has_at_most_a_thousand_lists(alice: User, db: Session) -> None:
    assert lists_service.MAX_LISTS == 1_000
    rows = [{"name": "Home", "position": last_position(2, index)} for index in range(999)]
    writes.create(db, List, alice.id, rows)
    db.commit()
    last = add_list(alice)
    answer = alice.post_json(f"{alice.url}/lists", {"name": "One more"})
    assert (answer.status_int, answer.json["code"]) == (409, "too_many")
    assert answer.json["count"] == 1_000
    found = list_ids(alice)
    assert (len(found), found[-1]) == (1_000, last)


def test_undo_exceeds_no_limit_of_lists(alice: User, db: Session, monkeypatch: Patch) -> None:
    monkeypatch.setattr(lists_service, "MAX_LISTS", 2)
    first = add_list(alice)
    add_list(alice)
    deleted = alice.delete(f"{alice.url}/lists/{first}")
    last = make_list(db, alice)
    answer = undo(alice, deleted)
    assert (answer.status_int, answer.json["code"]) == (409, "too_many")
    assert list_ids(alice)[-1] == last
    assert len(list_ids(alice)) == 2
