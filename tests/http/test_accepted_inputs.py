"""Unusual but valid input: methods, fields and content types that the service accepts."""

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
    ],
)
def test_body_of_supported_content_type_is_accepted(
    alice: User, content_type: str, body: str
) -> None:
    assert alice.send("POST", alice.tasks_url, body, content_type).status_int == 201


def test_form_preserves_special_characters(alice: User) -> None:
    name = "a&b=c;d+e f%g é\U0001f95b"
    assert alice.post(alice.tasks_url, {"name": name}).json["task"]["name"] == name
