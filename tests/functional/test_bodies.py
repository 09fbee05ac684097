"""Bodies: what is taken, and how much of it a refusal repeats."""

import pytest

from tests.support.client import Client
from tests.support.factories import Login

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


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
def test_taken(as_alice: Client, alice: Login, content_type: str, body: str) -> None:
    assert as_alice.send("POST", alice.tasks_url, body, content_type).status_int == 201


def test_an_unknown_field_is_named_but_never_at_length(as_alice: Client, alice: Login) -> None:
    response = as_alice.post_json(alice.tasks_url, {"x" * 10_000: 1, "name": "Milk"})
    assert response.json["errors"][0]["field"] == "body"
    response = as_alice.post_json(alice.tasks_url, {f"x{n}": 1 for n in range(5000)})
    assert len(response.json["errors"]) == 100


def test_a_form_keeps_every_character(as_alice: Client, alice: Login) -> None:
    name = "a&b=c;d+e f%g é\U0001f95b"
    assert as_alice.post(alice.tasks_url, {"name": name}).json["task"]["name"] == name
