"""Saved filters: create, show, change, delete, and list their tasks."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session
from webtest import TestResponse

from tests.support.client import Client, User, faults, pages
from tests.support.databases import all_rows
from tests.support.factories import Login, make_account, make_filter, make_filters, make_task
from tests.support.fixtures import Patch
from todo.services import filters as service

QUERY = "due=overdue&sort=-priority"
OUTDATED = "due=yesterday&limit=9999&color=red"  # as if a former version had accepted it


@pytest.fixture
def filters_url(alice: Login) -> str:
    return f"{alice.url}/filters"


@pytest.fixture
def saved(alice: Login, filters_url: str, db: Session) -> str:
    """The URL of one of Alice's filters."""
    return f"{filters_url}/{make_filter(db, alice, name='Urgent', query=QUERY)}"


@pytest.fixture
def outdated(alice: Login, filters_url: str, db: Session) -> str:
    """The URL of a filter whose query is no longer accepted."""
    return f"{filters_url}/{make_filter(db, alice, name='Old', query=OUTDATED)}"


def link(answer: TestResponse) -> str:
    path: str = answer.headers["Link"].partition(">")[0].removeprefix("<")
    return path


def names(answer: TestResponse) -> list[str]:
    assert answer.status_int == 200, answer
    return [task["name"] for task in answer.json["tasks"]]


def messages(answer: TestResponse) -> dict[str, list[str]]:
    """Return the messages of each field with a fault."""
    found: dict[str, list[str]] = {}
    for fault in answer.json["errors"]:
        found.setdefault(fault["field"], []).append(fault["message"])
    return found


def test_saved_filter_is_shown_and_listed(alice: User, filters_url: str) -> None:
    created = alice.post_json(filters_url, {"name": "Urgent", "query": QUERY})
    assert created.status_int == 201
    saved = created.json["filter"]
    revision = saved["revision"]
    assert created.json == {
        "msg": "posted",
        "username": "alice",
        "filter": saved,
        "revision": revision,
    }
    assert saved.keys() == {
        *("id", "name", "query", "creation_date", "modification_date", "revision")
    }
    assert (saved["name"], saved["query"]) == ("Urgent", QUERY)
    assert created.headers["ETag"] == f'"{revision}"'
    assert created.headers["Location"] == f"{filters_url}/{saved['id']}"
    shown = alice.get(created.headers["Location"])
    assert shown.json == {"username": "alice", "filter": saved}
    assert shown.headers["ETag"] == f'"{revision}"'
    other = alice.post(filters_url, {"name": "All", "query": "sort=id"}).json["filter"]
    listed = alice.get(filters_url)
    assert listed.json == {
        "username": "alice",
        "filters": [saved, other],
        "revision": other["revision"],
    }
    unchanged = alice.get(filters_url, headers={"If-None-Match": listed.headers["ETag"]})
    assert unchanged.status_int == 304


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_change_keeps_other_fields(alice: User, saved: str, method: str) -> None:
    before = alice.get(saved).json["filter"]
    changed = alice.send_json(method, saved, {"name": "Late"})
    after = changed.json["filter"]
    assert after == before | {key: after[key] for key in ("name", "modification_date", "revision")}
    assert after["name"] == "Late"
    assert (after["revision"], changed.headers["ETag"]) == (3, '"3"')
    whole = alice.get(saved).json
    whole["filter"]["query"] = "due=today"
    assert alice.send_json(method, saved, whole).json["filter"]["query"] == "due=today"
    assert alice.send_form(method, saved, "query=due%3Dnone").json["filter"]["query"] == "due=none"
    unchanged = alice.send_json(method, saved, {"query": "due=none"})
    assert "Link" not in unchanged.headers
    assert unchanged.headers["ETag"] == alice.get(saved).headers["ETag"]


def test_deletion_keeps_tasks_and_can_be_undone(alice: User, saved: str, db: Session) -> None:
    make_task(db, alice)
    before = alice.get(saved).json["filter"]
    deleted = alice.delete(saved)
    assert deleted.json == {"username": "alice", "msg": "Deleted.", "revision": 4}
    assert alice.get(saved).status_int == alice.get(f"{saved}/tasks").status_int == 404
    assert len(alice.get(alice.tasks_url).json["tasks"]) == 1
    assert alice.post(link(deleted)).json["undone"] == 1
    after = alice.get(saved).json["filter"]
    assert after == before | {key: after[key] for key in ("modification_date", "revision")}


def test_undo_of_creation_and_of_change(alice: User, filters_url: str) -> None:
    created = alice.post_json(filters_url, {"name": "Urgent", "query": QUERY})
    url = created.headers["Location"]
    changed = alice.send_json("PATCH", url, {"name": "Late", "query": ""})
    assert alice.get(url).json["filter"]["query"] == ""
    refused = alice.post(link(created))
    assert (refused.status_int, refused.json["code"]) == (409, "undo_conflict")
    assert refused.json["conflicts"][0]["kind"] == "filter"
    assert alice.post(link(changed)).status_int == 200
    assert alice.get(url).json["filter"]["query"] == QUERY
    assert alice.post(link(created)).status_int == 200
    assert alice.get(filters_url).json["filters"] == []


def test_history_and_feed_show_each_change(alice: User, saved: str) -> None:
    alice.send_json("PATCH", saved, {"query": "due=today"})
    alice.delete(saved)
    feed = alice.get(f"{alice.url}/changes?since=1").json["changes"]
    assert [(each["kind"], each["action"]) for each in feed] == [
        ("filter", "create"),
        ("filter", "update"),
        ("filter", "delete"),
    ]
    assert feed[0]["after"].keys() == {"name", "query", "creation_date"}
    assert (feed[1]["before"], feed[1]["after"]) == ({"query": QUERY}, {"query": "due=today"})
    assert alice.post(f"{alice.url}/changes/4/undo").status_int == 200
    found = pages(alice, f"{saved}/history?limit=3", "history")
    assert [each["action"] for page in found for each in page] == [
        *("restore", "delete", "update", "create")
    ]
    assert found[0][1:] + found[1] == feed[::-1]


def test_dry_run_stores_nothing(alice: User, filters_url: str, db: Session) -> None:
    before = all_rows(db)
    answer = alice.post_json(f"{filters_url}?dry_run=true", {"name": "Late", "query": QUERY})
    assert (answer.status_int, answer.json["dry_run"]) == (201, True)
    assert answer.json["filter"]["query"] == QUERY
    assert {"Location", "ETag", "Link"}.isdisjoint(answer.headers)
    assert all_rows(db) == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_stale_if_match_is_refused(alice: User, saved: str, method: str) -> None:
    etag = alice.get(saved).headers["ETag"]
    changed = alice.send_json("PATCH", saved, {"name": "Late"}).json["filter"]
    refused = alice.send_json(method, saved, {}, {"If-Match": etag})
    assert (refused.status_int, refused.json["code"]) == (412, "precondition")
    assert refused.json["filter"] == alice.get(saved).json["filter"] == changed
    assert refused.json["changed"] == ["name"]
    current = {"If-Match": f'"{changed["revision"]}"'}
    assert alice.send_json(method, saved, {}, current).status_int == 200


def test_repeated_creation_is_replayed(alice: User, filters_url: str) -> None:
    fields, key = {"name": "Late", "query": QUERY}, {"Idempotency-Key": "one"}
    first, again = (alice.send_json("POST", filters_url, fields, key) for _ in range(2))
    assert again.body == first.body
    assert len(alice.get(filters_url).json["filters"]) == 1


def test_filters_beyond_maximum_are_refused(alice: User, filters_url: str, db: Session) -> None:
    ids = make_filters(db, alice, [{}] * service.MAX_FILTERS)
    refused = alice.post_json(filters_url, {"name": "Late", "query": QUERY})
    assert (refused.status_int, refused.json["code"]) == (409, "too_many")
    assert refused.json["count"] == len(alice.get(filters_url).json["filters"]) == 1000
    alice.delete(f"{filters_url}/{ids[0]}")
    assert alice.post_json(filters_url, {"name": "Late", "query": QUERY}).status_int == 201


def test_undo_exceeds_no_maximum_of_filters(
    alice: User, filters_url: str, saved: str, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(service, "MAX_FILTERS", 1)
    deleted = alice.delete(saved)
    assert alice.post_json(filters_url, {"name": "Late", "query": QUERY}).status_int == 201
    refused = alice.post(link(deleted))
    assert (refused.status_int, refused.json["code"]) == (409, "too_many")
    assert refused.json["count"] == 2
    assert [each["name"] for each in alice.get(filters_url).json["filters"]] == ["Late"]


def test_maximum_counts_own_filters_only(
    alice: User, bob: Login, filters_url: str, db: Session, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(service, "MAX_FILTERS", 1)
    make_filter(db, bob)
    assert alice.post_json(filters_url, {"name": "Late", "query": QUERY}).status_int == 201
    assert [each["name"] for each in alice.get(filters_url).json["filters"]] == ["Late"]


BAD_FIELDS = [
    ({"name": "Late"}, {"query": "missing"}),
    ({"query": QUERY}, {"name": "missing"}),
    ({"name": " \u200b", "query": QUERY}, {"name": "blank"}),
    ({"name": "n" * 256, "query": QUERY}, {"name": "too_long"}),
    ({"name": None, "query": None}, {"name": "null", "query": "null"}),
    ({"name": 1, "query": ["due=today"]}, {"name": "type", "query": "type"}),
    ({"name": "Late", "query": "due=today", "color": "red"}, {"color": "unknown_field"}),
    ({"name": "a\0", "query": "search=a\0"}, {"name": "nul", "query": "nul"}),
    (
        {"name": "a\ud800", "query": "search=a\ud800"},
        dict.fromkeys(("name", "query"), "bad_unicode"),
    ),
    ({"name": "Late", "query": "&" * 2001}, {"query": "too_long"}),
    ({"name": "", "query": "limit=9999"}, {"name": "blank", "query": "range"}),
]


@pytest.mark.parametrize(("fields", "expected"), BAD_FIELDS)
def test_bad_fields_are_refused_and_nothing_is_stored(
    alice: User, filters_url: str, db: Session, fields: dict[str, Any], expected: dict[str, str]
) -> None:
    before = all_rows(db)
    assert faults(alice.post_json(filters_url, fields)) == expected
    assert all_rows(db) == before


# A query, and the beginning of the message of each fault.
BAD_QUERIES = [
    ("limit=9999", ["limit: This must be less than or equal to 200."]),
    ("limit=0", ["limit: This must be greater than or equal to 1."]),
    ("limit=", ["limit: This must be a whole number."]),
    ("color=red", ["color: Unknown parameter; allowed here: completed, "]),
    ("after=WyJiIixudWxsLDJd", ["after: Unknown parameter"]),
    ("_=1", ["_: Unknown parameter"]),
    ("dry_run=true", ["dry_run: Unknown parameter"]),
    ("Due=today", ["Due: Unknown parameter"]),
    ("?due=today", ["Unknown parameter"]),
    ("{0}=%25s", ["Unknown parameter"]),
    ("https://example.com/?due=today", ["Unknown parameter"]),
    ("due=yesterday", ["due: This must be 'overdue', "]),
    ("due", ["due: This must be 'overdue', "]),
    ("due=today&due=today", ["due: This parameter may be given only once."]),
    ("due_before=2030-02-30", ["due_before: This is not a date"]),
    ("due_after=2030-02-01T09:00:00+01:00", ["due_after: This is not a date"]),
    ("sort=color", ["sort: This must be 'id', "]),
    ("fields=id,secret", ["fields: This must be a comma-separated list"]),
    ("priority=1", ["priority: This must be a comma-separated list"]),
    ("list=1.5", ["list: This must be an id or inbox."]),
    ("id=" + "1," * 200 + "1", ["id: This must have at most 200 ids."]),
    ("search=%2C", ["search: This must contain a word"]),
    ("search=%00a", ["search: This must not contain a NUL character."]),
    ("search=%ff", ["This must be percent-encoded UTF-8."]),
    ("search=%ed%a0%80", ["This must be percent-encoded UTF-8."]),
    ("&" * 1500, ["This has too many parameters."]),
    ("limit=0&count=1&x=", ["limit: ", "count: This must be true or false.", "x: Unknown"]),
]


@pytest.mark.parametrize(("query", "expected"), BAD_QUERIES)
def test_bad_query_is_refused_like_that_of_a_list(
    alice: User, filters_url: str, saved: str, db: Session, query: str, expected: list[str]
) -> None:
    before = all_rows(db)
    for method, url in (("POST", filters_url), ("PUT", saved), ("PATCH", saved)):
        answer = alice.send_json(method, url, {"name": "Late", "query": query})
        assert faults(answer).keys() == {"query"}
        assert {fault["pointer"] for fault in answer.json["errors"]} == {"/query"}
        found = messages(answer)["query"]
        assert all(map(str.startswith, found, expected)), found
        assert len(found) == len(expected)
    assert all_rows(db) == before


ACCEPTED = [
    "",
    "&&",
    "limit=200&count=true&fields=id,name",
    "search=crème+brûlée",
    "search=cr%C3%A8me",
    "due_after=2030-02-01T09:00:00%2B01:00&due_before=01/02/2030 09:30:00",
    "list=inbox&parent=none&archived=any&priority=high,none&sort=-priority",
    "id=1,2,3&completed=FALSE",
    "due=none".ljust(999 + 8, "&"),
]


@pytest.mark.parametrize("query", ACCEPTED)
def test_accepted_query_is_stored_unchanged(alice: User, filters_url: str, query: str) -> None:
    created = alice.post_json(filters_url, {"name": "All", "query": query})
    assert created.status_int == 201, created
    assert created.json["filter"]["query"] == query
    assert alice.get(f"{created.headers['Location']}/tasks").status_int == 200


def test_longest_name_and_query_are_stored(alice: User, filters_url: str) -> None:
    ids = ",".join(str(10**9 + number) for number in range(150))
    query = f"id={ids}&search={'😀' * 200}".ljust(2000, "&")
    fields = {"name": "😀" * 255, "query": query}
    created = alice.post_json(filters_url, fields)
    assert created.status_int == 201, created
    assert {name: created.json["filter"][name] for name in fields} == fields


@pytest.fixture
def tasks(db: Session, alice: Login) -> None:
    for number in range(5):
        make_task(db, alice, name=f"Task {number}", note="x", completed=number == 3)


def save(user: User, query: str) -> str:
    """Save the query and return the URL of its tasks."""
    created = user.post_json(f"{user.url}/filters", {"name": "Saved", "query": query})
    return f"{created.headers['Location']}/tasks"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "completed=false&sort=-name&count=true",
        "search=task&fields=id,name",
        "due=overdue",
        "completed=true",
        "limit=2&count=true",
    ],
)
def test_tasks_of_filter_equal_list_with_its_query(alice: User, tasks: None, query: str) -> None:
    url = save(alice, query)
    saved, listed = alice.get(url), alice.get(f"{alice.tasks_url}?{query}")
    differing = {"next"} if listed.json["next"] else set()
    assert saved.status_int == listed.status_int == 200
    assert {key for key in listed.json if saved.json[key] != listed.json[key]} == differing
    assert saved.json.keys() == listed.json.keys()
    assert saved.headers.get("ETag") == listed.headers.get("ETag")


def test_pages_of_filter_stay_under_its_path(alice: User, tasks: None) -> None:
    url = save(alice, "completed=false&sort=-name&limit=2")
    first = alice.get(url).json
    assert first["next"] == f"{url}?after={first['after']}"
    assert names(alice.get(first["next"])) == ["Task 1", "Task 0"]
    found = pages(alice, url, "tasks")
    assert [[task["name"] for task in page] for page in found] == [
        ["Task 4", "Task 2"],
        ["Task 1", "Task 0"],
    ]
    chosen = alice.get(f"{url}?limit=1&fields=name&count=true").json
    assert chosen["next"] == f"{url}?limit=1&fields=name&count=true&after={chosen['after']}"
    found = pages(alice, f"{url}?limit=3&fields=name", "tasks")
    assert [len(page) for page in found] == [3, 1]


def test_parameters_of_request_replace_those_of_query(alice: User, tasks: None) -> None:
    url = save(alice, "sort=name&limit=2&fields=name&count=true")
    answer = alice.get(f"{url}?limit=4&fields=completed&count=false").json
    assert answer["tasks"] == [{"completed": number == 3} for number in range(4)]
    assert "total" not in answer
    answer = alice.get(f"{url}?fields=id,completed&_=1").json
    assert [task.keys() for task in answer["tasks"]] == [{"id", "completed"}] * 2
    assert answer["total"] == 5
    assert len(alice.get(f"{save(alice, 'limit=2')}?limit=1").json["tasks"]) == 1


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("sort=id", {"sort": "unknown_field"}),
        ("due=today&completed=true", {"due": "unknown_field", "completed": "unknown_field"}),
        ("limit=9999", {"limit": "range"}),
        ("limit=0", {"limit": "range"}),
        ("limit=%D9%A1", {"limit": "type"}),
        ("fields=secret", {"fields": "choice"}),
        ("count=1&count=1", {"count": "type"}),
        ("limit=1&limit=1", {"limit": "duplicate"}),
        ("after=nothing", {"after": "cursor"}),
        ("after=%00", {"after": "nul"}),
    ],
)
def test_other_parameters_are_refused(
    alice: User, saved: str, parameters: str, expected: dict[str, str]
) -> None:
    assert faults(alice.get(f"{saved}/tasks?{parameters}")) == expected


def test_cursor_of_changed_query_is_refused(alice: User, tasks: None) -> None:
    url = save(alice, "completed=false&limit=1")
    following = alice.get(url).json["next"]
    alice.send_json("PATCH", url.removesuffix("/tasks"), {"query": "completed=true&limit=1"})
    assert faults(alice.get(following)) == {"after": "cursor"}


def test_tasks_that_do_not_depend_on_time_have_etag(alice: User, tasks: None) -> None:
    url = save(alice, "completed=false")
    etag = alice.get(url).headers["ETag"]
    assert alice.get(url, headers={"If-None-Match": etag}).status_int == 304
    alice.send_json("PATCH", url.removesuffix("/tasks"), {"query": "completed=true"})
    changed = alice.get(url, headers={"If-None-Match": etag})
    assert names(changed) == ["Task 3"]
    for due in ("overdue", "today", "tomorrow", "week", "upcoming"):
        timed = alice.get(save(alice, f"due={due}"), headers={"If-None-Match": "*"})
        assert timed.status_int == 200
        assert "ETag" not in timed.headers


def test_days_of_query_are_in_timezone_of_account(app: Any, db: Session) -> None:
    login = make_account(db, "zoe", timezone="Asia/Tokyo")
    make_task(db, login, name="Tea", due_date=date(2030, 2, 1))
    zoe = User(app, login)
    zoe.post_json(zoe.tasks_url, {"name": "Milk", "due_date": "2030-01-31T16:00:00Z"})
    url = save(zoe, "due_after=2030-02-01T00:30:00")
    assert names(zoe.get(url)) == ["Milk"]
    zoe.send_json("PATCH", zoe.url, {"timezone": "UTC"})
    assert names(zoe.get(url)) == []


def test_tasks_of_filter_are_those_of_its_account(
    app: Any, alice: User, bob: Login, saved: str, db: Session
) -> None:
    make_task(db, bob)
    stored = make_filter(db, bob, query="")
    assert len(names(User(app, bob).get(f"{bob.url}/filters/{stored}/tasks"))) == 1
    for path in (f"{stored}", f"{stored}/tasks", f"{stored}/history", "0", "x/tasks"):
        assert alice.get(f"{alice.url}/filters/{path}").status_int == 404
    assert Client(app).get(f"{saved}/tasks").status_int == 401


def test_outdated_query_is_shown_but_its_tasks_are_409(alice: User, outdated: str) -> None:
    assert alice.get(outdated).json["filter"]["query"] == OUTDATED
    answer = alice.get(f"{outdated}/tasks")
    assert (answer.status_int, answer.json["code"]) == (409, "filter_outdated")
    assert {fault["field"]: fault["code"] for fault in answer.json["errors"]} == {
        "due": "choice",
        "limit": "range",
        "color": "unknown_field",
    }
    assert all(f"{name}: " in answer.json["detail"] for name in ("due", "limit", "color"))
    # A request cannot repair it, but a change can.
    assert alice.get(f"{outdated}/tasks?limit=1").json["code"] == "filter_outdated"
    assert alice.send_json("PATCH", outdated, {"name": "Older"}).status_int == 200
    assert faults(alice.put_json(outdated, alice.get(outdated).json)).keys() == {"filter.query"}
    assert alice.send_json("PATCH", outdated, {"query": QUERY}).status_int == 200
    assert alice.get(f"{outdated}/tasks").status_int == 200


@pytest.mark.parametrize("query", ["search=%ff", "&" * 1500])
def test_unreadable_stored_query_is_409(alice: User, db: Session, query: str) -> None:
    stored = make_filter(db, alice, query=query)
    answer = alice.get(f"{alice.url}/filters/{stored}/tasks")
    assert (answer.status_int, answer.json["code"]) == (409, "filter_outdated")
    assert [fault["field"] for fault in answer.json["errors"]] == ["query"]
