import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import MISSING, Field

import todo.schemas
from tests.support.client import User
from todo.http.codes import FAULTS
from todo.http.request import Request
from todo.http.schema import Body, Input, Query, Representation
from todo.http.typed_views import choose_model, read_query, validate
from todo.schemas.meta import Text


class Page(Query):
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    after: str = ""


class ShownItem(Representation):
    id: int
    name: str
    creation_date: str


class ShownItems(Representation):
    items: list[ShownItem]
    creation_date: str


class Item(Body):
    shown_as = ShownItem

    name: Text
    tags: dict[str, str] | MISSING = MISSING


class Items(Body):
    shown_as = ShownItems

    items: Annotated[list[Item], Field(min_length=1, max_length=3)]


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", {}),
        ("limit=1&after=x", {}),
        ("limit=0", {"limit": "range"}),
        ("limit=101", {"limit": "range"}),
        ("limit=x", {"limit": "type"}),
        ("limit=", {"limit": "type"}),
        ("limit=" + "9" * 5000, {"limit": "type"}),
        ("after=a&after=b", {"after": "duplicate"}),
        (
            "limit=0&after=a&after=b&x=1",
            {"limit": "range", "after": "duplicate", "x": "unknown_field"},
        ),
    ],
)
def test_query_faults_have_documented_codes(query: str, codes: dict[str, str]) -> None:
    _, faults = read_query(Page, Request.blank(f"/?{query}"))
    assert {fault.field: fault.code for fault in faults} == codes


LONGEST_NAME = "n" * 64  # the longest unknown name that a fault repeats


@pytest.mark.parametrize(
    ("items", "faults"),
    [
        (None, [("items", "null", "This must have a value.")]),
        ({}, [("items", "type", "This must be a list.")]),
        ("[]", [("items", "type", "This must be a list.")]),
        ([], [("items", "too_short", "This must have 1 or more items.")]),
        ([{}] * 4, [("items", "too_long", "This must have at most 3 items.")]),
        ([{"name": "x"}] * 4, [("items", "too_long", "This must have at most 3 items.")]),
        (
            [{"name": "x"}, None, "x"],
            [
                ("items.1", "null", "This must have a value."),
                ("items.2", "type", "This must be an object."),
            ],
        ),
        (
            [{}, [], {"name": 1, "tags": []}],
            [
                ("items.0.name", "missing", "This field is required."),
                ("items.1", "type", "This must be an object."),
                ("items.2.name", "type", "This must be a string."),
                ("items.2.tags", "type", "This must be an object."),
            ],
        ),
        (
            [{"name": "x", LONGEST_NAME: 1, LONGEST_NAME + "n": 1, "my secret": 1}],
            [
                (f"items.0.{LONGEST_NAME}", "unknown_field", "Unknown field."),
                ("items.0", "unknown_field", "Unknown field."),
                ("items.0", "unknown_field", "Unknown field."),
            ],
        ),
    ],
)
def test_faults_of_list_items_have_index(items: Any, faults: list[tuple[str, str, str]]) -> None:
    _, found = validate(Items, {"items": items}, strict=True)
    assert [(fault.field, fault.code, fault.message) for fault in found] == faults
    pointers = [fault.pointer for fault in found]
    assert pointers == ["/" + field.replace(".", "/") for field, _, _ in faults]


def test_fault_of_body_points_to_its_field(alice: User) -> None:
    body = {"name": "x", "due_date": 1, "my secret": 2}
    errors = alice.send_json("POST", alice.tasks_url, body).json["errors"]
    assert {fault["field"]: fault["pointer"] for fault in errors} == {
        "due_date": "/due_date",
        "body": "",
    }
    registration = {"username": "alice", "email": "a@example.com", "password": "a good password"}
    taken = alice.send_json("POST", "/api/v1/accounts", registration).json["errors"]
    assert [fault["pointer"] for fault in taken] == ["/username"]


@pytest.mark.parametrize(
    ("query", "headers"), [("?limit=0", {}), ("?after=x", {}), ("", {"If-None-Match": "x"})]
)
def test_fault_of_query_or_header_has_no_pointer(
    alice: User, query: str, headers: dict[str, str]
) -> None:
    errors = alice.get(alice.tasks_url + query, headers=headers).json["errors"]
    assert [fault["pointer"] for fault in errors] == [None]


@pytest.mark.parametrize("strict", [True, False])
def test_read_only_fields_are_ignored_at_every_level(strict: bool) -> None:
    given = {"creation_date": 0, "items": [{"id": 3, "creation_date": "then", "name": "x"}]}
    items, found = validate(Items, given, strict=strict)
    assert found == []
    assert items.values() == {"items": [{"name": "x"}]}
    _, found = validate(Items, given | {"id": 3}, strict=strict)
    assert [(fault.field, fault.code) for fault in found] == [("id", "unknown_field")]


class ItemsWithNote(Items):
    note: Text


@pytest.mark.parametrize(
    ("names", "model"),
    [
        *(("", Item), ("name", Item), ("name id x", Item), ("items", Items), ("items x", Items)),
        *(
            ("name items", Items),
            ("tags items", Items),
            ("note", ItemsWithNote),
            ("items note", ItemsWithNote),
        ),
        ("note tags", ItemsWithNote),
    ],
)
def test_body_model_is_chosen_by_field_names(names: str, model: type[Body]) -> None:
    assert choose_model((Item, Items, ItemsWithNote), names.split()) is model
    assert choose_model((Item,), names.split()) is Item


def descendants(model: type[Input]) -> Iterator[type[Input]]:
    for child in model.__subclasses__():
        yield child
        yield from descendants(child)


JUNK: list[Any] = [None, True, 0, 1.5, 10**400, "", "x", "\0", [], {}, {"x": 1}]


def test_faults_never_mention_class_names() -> None:
    for module in pkgutil.iter_modules(todo.schemas.__path__):
        importlib.import_module(f"todo.schemas.{module.name}")
    models = list(descendants(Input))
    names = re.compile(rf"\b({'|'.join(model.__name__ for model in models)})\b")
    values = [*JUNK, *([junk] for junk in JUNK), JUNK * 100]
    for model in models:
        # A query contains only strings.
        possible = [v for v in values if isinstance(v, str)] if issubclass(model, Query) else values
        for fields in [{name: value} for name in model.model_fields for value in possible]:
            for strict in (True, False):
                for fault in validate(model, fields, strict=strict)[1]:
                    assert fault.code in FAULTS.keys() - {"invalid"}, (model, fields, fault)
                    assert not names.search(f"{fault.field}: {fault.message}"), fault
