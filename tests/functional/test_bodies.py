"""Bodies that are not what they should be."""

import pytest

from tests.client import Client
from tests.factories import Login

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MEBIBYTE = 1024 * 1024


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        (JSON, "", 400, "bad_json"),
        (JSON, '{"name": "Milk",}', 400, "bad_json"),
        (JSON, "[1]", 400, "not_object"),
        (JSON, '"x"', 400, "not_object"),
        (JSON, "null", 400, "not_object"),
        (JSON, '{"name": "a", "name": "b"}', 400, "duplicate_key"),
        (JSON, '{"name": "a", "x": {"y": 1, "y": 2}}', 400, "duplicate_key"),
        (JSON, '{"name": Infinity}', 400, "bad_json"),
        (JSON, '{"name": NaN}', 400, "bad_json"),
        (JSON, '{"name": 1e999}', 400, "bad_json"),
        (JSON, '{"name": ' + "9" * 5000 + "}", 400, "bad_json"),
        (JSON, '{"\\ud800": 1}', 400, "bad_json"),
        (JSON, "[" * 20_000, 400, "bad_json"),
        (JSON, "[" * 20_000 + "]" * 20_000, 400, "bad_json"),
        (JSON, nested(33), 400, "bad_json"),
        (JSON, nested(32), 400, "validation"),
        (JSON, '{"name": "' + "[" * 40 + '"}', 201, None),
        (JSON, '{"name": "Milk"}'.encode("utf-16"), 400, "bad_json"),
        (JSON, b"\xef\xbb\xbf" + b'{"name": "Milk"}', 400, "bad_json"),
        (JSON, b'{"name": "\xff"}', 400, "bad_json"),
        ("Application/JSON; Charset=UTF-8", '{"name": "Milk"}', 201, None),
        (f"{JSON}; charset=utf-16", '{"name": "Milk"}', 415, "unsupported_media_type"),
        ("text/plain", '{"name": "Milk"}', 415, "unsupported_media_type"),
        ("", '{"name": "Milk"}', 415, "unsupported_media_type"),
        (";;=;", "name=Milk", 415, "unsupported_media_type"),
        ("multipart/form-data", "name=Milk", 415, "unsupported_media_type"),
        (FORM, "name=Caf%C3%A9", 201, None),
        (FORM, "name=Café", 201, None),
        (f'{FORM}; charset="utf-8"', "name=Milk", 201, None),
        (f"{FORM}; charset=latin-1", "name=Milk", 415, "unsupported_media_type"),
        (f"{FORM}; charset=nope", "name=Milk", 415, "unsupported_media_type"),
        (FORM, "name=%ff", 400, "bad_form"),
        (FORM, b"name=\xff", 400, "bad_form"),
        (FORM, "name=a&name=b", 400, "duplicate_key"),
        (FORM, "x=1&" * 1001, 400, "bad_form"),
        (FORM, "name=" + "x" * MEBIBYTE, 413, "body_too_large"),
    ],
)
def test_body(
    as_alice: Client,
    alice: Login,
    content_type: str,
    body: str | bytes,
    status: int,
    code: str | None,
) -> None:
    response = as_alice.send("POST", alice.tasks_url, body, content_type)
    assert (response.status_int, response.json.get("code")) == (status, code)
    stored = as_alice.get(alice.tasks_url).json["tasks"]
    assert len(stored) == (status == 201)


def test_compressed_body(as_alice: Client, alice: Login) -> None:
    response = as_alice.post(
        alice.tasks_url, {"name": "Milk"}, headers={"Content-Encoding": "gzip"}
    )
    assert response.status_int == 415


def test_an_unknown_field_is_named_but_never_at_length(as_alice: Client, alice: Login) -> None:
    response = as_alice.post_json(alice.tasks_url, {"x" * 10_000: 1, "name": "Milk"})
    assert response.json["errors"][0]["field"] == "x" * 100
    response = as_alice.post_json(alice.tasks_url, {f"x{n}": 1 for n in range(5000)})
    assert len(response.json["errors"]) == 100


def test_a_form_keeps_every_character(as_alice: Client, alice: Login) -> None:
    name = "a&b=c;d+e f%g é\U0001f95b"
    assert as_alice.post(alice.tasks_url, {"name": name}).json["task"]["name"] == name
