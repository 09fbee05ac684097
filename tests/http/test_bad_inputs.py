"""Bad input: every route refuses it with a clear error.

The response is a problem document, never a 500, and contains no secret; nothing is stored.
tests/server/test_wire.py covers malformed HTTP.
"""

import time

import pytest
from sqlalchemy.orm import Session

from tests.http.bad_fields import ACCOUNT_ROWS, TASK_ROWS
from tests.http.bad_recurrence import RECURRENCE_ROWS
from tests.http.bad_requests import (
    BODY_ROWS,
    CROSS_SITE_ROWS,
    HEADER_ROWS,
    LOGIN_ROWS,
    PATH_ROWS,
    QUERY_ROWS,
)
from tests.support.bad_requests import BadRequest, Body
from tests.support.client import Client, User
from tests.support.databases import all_rows, statements
from tests.support.factories import PASSWORD, make_task
from todo.models.meta import ID_MAX

ROWS = [
    *PATH_ROWS,
    *QUERY_ROWS,
    *BODY_ROWS,
    *ACCOUNT_ROWS,
    *TASK_ROWS,
    *RECURRENCE_ROWS,
    *LOGIN_ROWS,
    *CROSS_SITE_ROWS,
    *HEADER_ROWS,
]

ON_BOTH_DATABASES = {row.case for row in [*PATH_ROWS, *LOGIN_ROWS, *CROSS_SITE_ROWS]} | {
    row.case for row in ROWS if row.needs_both_databases
}

SECRETS = (PASSWORD, "secret word", "good password", "SELECT", "Traceback", "site-packages")


def each_row(*, on_both: bool) -> pytest.MarkDecorator:
    chosen = [row for row in ROWS if (row.case in ON_BOTH_DATABASES) == on_both]
    return pytest.mark.parametrize("row", chosen, ids=lambda row: row.case)


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@each_row(on_both=True)
def test_bad_input_is_refused(alice: User, db: Session, row: BadRequest) -> None:
    task_id = make_task(db, alice)
    before = all_rows(db)
    for content_type, body in row.bodies:
        check(alice, row, task_id, {"Content-Type": content_type} | row.headers, body)
        assert all_rows(db) == before


@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
@each_row(on_both=False)
def test_bad_input_independent_of_database_is_refused(
    alice: User, db: Session, row: BadRequest
) -> None:
    test_bad_input_is_refused(alice, db, row)


def check(alice: User, row: BadRequest, task_id: int, headers: dict[str, str], body: Body) -> None:
    """Send the request and check the response against the row."""
    client: Client = alice
    if headers.get("Authorization") == "":
        client = Client(alice.app)
        del headers["Authorization"]
    method, path = row.request.replace("{id}", str(task_id)).split(" ", 1)
    status, *expected = (
        row.expected.split() if row.expected[0].isdigit() else ["400", *row.expected.split()]
    )
    start = time.monotonic()
    with statements(alice.app.registry["engine"]) as run:
        response = client.request(
            path,
            method=method,
            environ={"REQUEST_URI": path},  # as the HTTP server passes it
            body=body.encode() if isinstance(body, str) else body,
            headers=headers,
        )
    assert time.monotonic() - start < 2, "the request blocks a thread for too long"
    assert response.status_int == int(status)
    if status == "403":
        assert len(run) <= 1, "the only query authenticates the caller"
    problem = response.json
    if ":" in expected[0]:
        found = [f"{fault['field']}:{fault['code']}" for fault in problem["errors"]]
        assert sorted(found) == sorted(expected)
        for fault in problem["errors"]:
            if fault.get("pointer"):  # a parameter has none
                assert fault["pointer"] == f"/{fault['field'].replace('.', '/')}"
    else:
        assert [problem["code"]] == expected
    assert ("Allow" in response.headers) == (status == "405")
    assert [secret for secret in SECRETS if secret in response.text] == []


BAD_IDS = (
    *("0", "x", "-1", "01", "1.0", "1e3", "%D9%A1%D9%A2", "1%00", "1%0A", "999999"),
    *(str(ID_MAX), str(ID_MAX + 1), "9" * 5000),
)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((method, "/tasks/{id}") for method in ("GET", "PUT", "PATCH", "DELETE")),
        ("GET", "/tasks/{id}/history"),
        ("DELETE", "/trash/{id}"),
        ("POST", "/trash/{id}/restore"),
        ("GET", "/tokens/{id}"),
        ("DELETE", "/tokens/{id}"),
        ("POST", "/changes/{id}/undo"),
    ],
)
def test_invalid_or_unknown_id_is_not_found(
    alice: User, db: Session, method: str, path: str
) -> None:
    make_task(db, alice)
    before = all_rows(db)
    for text in BAD_IDS:
        response = alice.send_form(method, alice.url + path.format(id=text), "name=Mine")
        assert (response.status_int, response.json["code"]) == (404, "not_found"), text
    assert all_rows(db) == before


def test_unknown_field_faults_are_bounded_in_length_and_number(alice: User) -> None:
    response = alice.post_json(alice.tasks_url, {"x" * 10_000: 1, "name": "Milk"})
    assert response.json["errors"][0]["field"] == "body"
    response = alice.post_json(alice.tasks_url, {f"x{n}": 1 for n in range(5000)})
    assert len(response.json["errors"]) == 100
