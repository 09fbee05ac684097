"""Unusual but valid input: methods, fields and content types that the service accepts."""

from datetime import date
from urllib.parse import urlencode

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User, constant_headers
from tests.support.factories import make_task

ACCOUNTS = "/api/v1/accounts"
TASKS = f"{ACCOUNTS}/alice/tasks"
TASK = f"{TASKS}/{{id}}"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
CAROL_FORM = urlencode(
    {"username": "carol", "email": "carol@example.com", "password": "a good password"}
)


@pytest.mark.parametrize(
    ("case", "method", "path", "body", "status"),
    [
        ("HEAD", "HEAD", TASK, "", 200),
        ("PUT of a form", "PUT", TASK, "name=Tea", 200),
        ("DELETE with a body", "DELETE", TASK, "name=%ff&x=1", 200),
        ("no password2", "POST", ACCOUNTS, CAROL_FORM, 201),
        ("false in a form", "POST", TASKS, "name=n&completed=false", 201),
        ("read-only fields", "PUT", TASK, "id=9&creation_date=then", 200),
        ("read-only account field", "POST", ACCOUNTS, f"{CAROL_FORM}&id=1", 201),
    ],
)
def test_unusual_request_is_accepted(
    alice: User, db: Session, case: str, method: str, path: str, body: str, status: int
) -> None:
    url = path.replace("{id}", str(make_task(db, alice)))
    before = alice.get(url).json.get("task")
    response = alice.send_form(method, url, body)
    assert response.status_int == status
    if case == "HEAD":
        assert response.body == b""
        assert constant_headers(response) == constant_headers(alice.get(url))
    if case == "false in a form":
        assert response.json["task"]["completed"] is False
    if case == "read-only fields":
        assert response.json["task"] == before


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, '{"name": "' + "[" * 40 + '"}'),
        ("Application/JSON; Charset=UTF-8", '{"name": "Milk"}'),
        (FORM, "name=Caf%C3%A9"),
        (FORM, "name=Café"),
        (f'{FORM}; charset="utf-8"', "name=Milk"),
        (f"{JSON}; charset=utf8", '{"name": "Milk"}'),
    ],
)
def test_body_of_supported_content_type_is_accepted(
    alice: User, content_type: str, body: str
) -> None:
    assert alice.send("POST", alice.tasks_url, body, content_type).status_int == 201


def test_form_preserves_special_characters(alice: User) -> None:
    name = "a&b=c;d+e f%g é\U0001f95b"
    assert alice.post(alice.tasks_url, {"name": name}).json["task"]["name"] == name


def test_merge_patch_changes_mentioned_fields_and_null_clears(alice: User, db: Session) -> None:
    task_id = make_task(db, alice, name="Milk", note="two", due_date=date(2030, 2, 1))
    headers = {"Content-Type": "application/merge-patch+json"}
    url = f"{alice.tasks_url}/{task_id}"
    changed = alice.request(url, method="PATCH", body=b'{"note": null}', headers=headers)
    task = changed.json["task"]
    assert (task["name"], task["note"], task["due_date"]) == ("Milk", None, "2030-02-01")


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_merge_patch_is_for_patch_only(alice: User, db: Session, method: str) -> None:
    url = f"{alice.tasks_url}/{make_task(db, alice)}" if method == "PUT" else alice.tasks_url
    headers = {"Content-Type": "application/merge-patch+json"}
    refused = alice.request(url, method=method, body=b'{"name": "x"}', headers=headers, status="*")
    assert (refused.status_int, refused.json["code"]) == (415, "unsupported_media_type")


def test_options_lists_patch_media_types(alice: User) -> None:
    headers = alice.options(alice.url).headers
    assert headers["Accept-Patch"] == f"{JSON}, application/merge-patch+json, {FORM}"
    assert "Accept-Patch" not in alice.options(ACCOUNTS).headers


@pytest.mark.parametrize("value", ["true", "True", "TRUE"])
def test_boolean_in_query_ignores_case(alice: User, db: Session, value: str) -> None:
    make_task(db, alice)
    page = alice.get(f"{alice.tasks_url}?count={value}&completed=False").json
    assert page["total"] == len(page["tasks"]) == 1


@pytest.mark.parametrize("value", ["true", "True"])
def test_boolean_in_form_ignores_case(alice: User, value: str) -> None:
    created = alice.send_form("POST", alice.tasks_url, f"name=Milk&completed={value}")
    assert created.json["task"]["completed"] is True


def test_cache_buster_in_query_is_ignored(alice: User, db: Session) -> None:
    for _ in range(2):
        make_task(db, alice)
    page = alice.get(f"{alice.tasks_url}?limit=1&_=1733000000000&_=1").json
    assert len(page["tasks"]) == 1
    assert "_=" not in page["next"]
    assert alice.post(f"{alice.tasks_url}?_=1", {"name": "Tea"}).status_int == 201
