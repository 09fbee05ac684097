"""The OpenAPI document is valid, complete, and compatible with its committed version."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import Field
from pyramid.exceptions import ConfigurationError
from pyramid.security import NO_PERMISSION_REQUIRED

from tests.support.client import Client
from tests.support.contract import (
    DOCUMENT_PATH,
    ERRORS_PATH,
    Contract,
    Schema,
    breaking_changes,
    current_document,
    errors_page,
)
from tests.support.pserve import PUBLIC_URL
from todo import configure
from todo.http.bodies import FORM, JSON
from todo.http.operations import operations
from todo.http.schema import Body, Representation
from todo.openapi import is_described
from todo.openapi.schemas import REF
from todo.views import api

# JSON Schema draft 2020-12: keywords for validation and annotation.
KEYWORDS = {
    *("$ref", "allOf", "anyOf", "oneOf", "not", "type", "const", "enum", "format", "pattern"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"),
    *("properties", "required", "additionalProperties"),
    *("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    *("default", "description", "examples", "readOnly", "title", "writeOnly"),
}


@pytest.fixture(scope="module")
def described() -> Schema:
    return current_document()


def each_operation(described: Schema) -> Iterator[tuple[str, Schema]]:
    for path, item in described["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_document_is_valid_openapi(described: Schema) -> None:
    assert list(OpenAPIV31SpecValidator(described).iter_errors()) == []


def each_schema(schema: Schema) -> Iterator[Schema]:
    """Yield a schema and all schemas nested in it."""
    yield schema
    nested = [*schema.get("properties", {}).values(), *schema.get("prefixItems", [])]
    for name in ("allOf", "anyOf", "oneOf"):
        nested += schema.get(name, [])
    nested += [schema[name] for name in ("items", "additionalProperties", "not") if name in schema]
    for each in nested:
        if isinstance(each, dict):
            yield from each_schema(each)


def test_schemas_use_known_keywords_only(described: Schema) -> None:
    """Validators ignore unknown keywords, such as `ge` for `minimum`."""
    schemas = [*described["components"]["schemas"].values()]
    for _, operation in each_operation(described):
        schemas += [parameter["schema"] for parameter in operation["parameters"]]
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            schemas += [content["schema"] for content in body.get("content", {}).values()]
    used = {keyword for schema in schemas for each in each_schema(schema) for keyword in each}
    assert used <= KEYWORDS


def test_document_is_served(client: Client, described: Schema) -> None:
    response = client.get("/api/v1/openapi.json")
    assert response.status_int == 200
    served = response.json
    served["paths"].pop("/test-view", None)
    assert served == described


def test_document_describes_every_api_view() -> None:
    config = configure({"sqlalchemy.url": "sqlite:///none.sqlite"})
    config.commit()
    undescribed = {
        operation.route for operation in operations(config.registry) if not is_described(operation)
    }
    assert undescribed == {"docs", "docs_file"}, "only pages may be left out"


def test_tags_come_in_the_order_of_a_newcomer(described: Schema) -> None:
    names = [tag["name"] for tag in described["tags"]]
    assert names[:3] == ["Accounts", "Sessions", "Tasks"]
    assert sorted(names) == sorted(
        {o["tags"][0] for item in described["paths"].values() for o in item.values()}
    )


def test_document_has_all_descriptions(described: Schema) -> None:
    ids = set()
    for name, operation in each_operation(described):
        ids.add(operation["operationId"])
        assert operation["summary"].endswith("."), name
        assert re.fullmatch(r"[a-z_]+", operation["operationId"]), name
        assert all(parameter["description"] for parameter in operation["parameters"]), name
        for status, response in operation["responses"].items():
            assert response["description"], (name, status)
    assert len(ids) == len(list(each_operation(described)))
    for tag in described["tags"]:
        assert tag["description"]
    for name, schema in described["components"]["schemas"].items():
        assert schema["description"], name


def test_every_body_has_valid_example(described: Schema) -> None:
    contract = Contract(described)
    contents = []
    for name, operation in each_operation(described):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            contents += [(name, content) for content in body.get("content", {}).values()]
    for name, content in contents:
        examples = [content["example"]] if "example" in content else []
        for named in content.get("examples", {}).values():
            code = named.get("$ref", "").rpartition("/")[2]
            examples.append((described["components"]["examples"][code] if code else named)["value"])
        assert examples, name
        for example in examples:
            assert contract.errors(content["schema"], example) == [], name


def test_document_describes_bodies_and_security(described: Schema) -> None:
    by_name = dict(each_operation(described))
    create = by_name["POST /api/v1/accounts/{username}/tasks"]
    assert create["requestBody"]["content"].keys() == {
        "application/json",
        "application/x-www-form-urlencoded",
    }
    assert create["security"] == [{"bearer": []}, {"cookie": []}]
    assert create["responses"].keys() >= {"201", "400", "401", "403", "413", "415"}
    headers = {"ETag", "Idempotency-Replayed", "Link", "Location", "X-Request-Id"}
    assert create["responses"]["201"]["headers"].keys() == headers
    assert create["responses"].keys() >= {"412", "422"}
    assert [field["name"] for field in create["parameters"] if field["in"] == "header"] == [
        "Idempotency-Key",
        "If-Match",
    ]
    assert by_name["GET /api/v1"]["security"] == []
    assert {} in by_name["POST /api/v1/accounts/login"]["security"]
    form = described["components"]["schemas"]["NewTaskForm"]["properties"]
    assert {"type": "null"} not in form["due_date"]["anyOf"]
    assert form["note"]["type"] == "string"


class NewTicket(Body):
    """A ticket to create."""

    read_only: ClassVar[frozenset[str]] = frozenset({"id"})

    name: str = Field(examples=["Milk"])


class NewTickets(Body):
    """Tickets to create."""

    tickets: Annotated[list[NewTicket], Field(min_length=1, max_length=9)]


class Ticket(Representation):
    """A ticket just created."""

    id: int = Field(examples=[1])


class Tickets(Representation):
    """Tickets just created."""

    tickets: list[Ticket]


def described_with(**options: Any) -> Schema:
    """Return the document of an application with a view at /tickets that has these options."""

    def post(request: Any) -> None:
        """Create tickets."""

    config = configure({"sqlalchemy.url": "sqlite:///none.sqlite"})
    config.add_route("tickets", "/tickets")
    permission = NO_PERMISSION_REQUIRED
    config.add_view(
        post, route_name="tickets", request_method="POST", permission=permission, **options
    )
    config.commit()
    document: Schema = json.loads(json.dumps(api.described(config.registry)))
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    return document


def test_alternative_bodies_and_responses_are_described() -> None:
    document = described_with(body=(NewTicket, NewTickets), returns={201: (Ticket, Tickets)})
    operation = document["paths"]["/tickets"]["post"]
    body = operation["requestBody"]["content"]
    assert body[JSON]["schema"] == {
        "anyOf": [{"$ref": f"{REF}NewTicket"}, {"$ref": f"{REF}NewTickets"}]
    }
    assert body[JSON]["examples"] == {
        "NewTicket": {"summary": "A ticket to create.", "value": {"name": "Milk"}},
        "NewTickets": {"summary": "Tickets to create.", "value": {"tickets": [{"name": "Milk"}]}},
    }
    assert body[FORM] == {"schema": {"$ref": f"{REF}NewTicketForm"}, "example": {"name": "Milk"}}
    assert "NewTicketsForm" not in document["components"]["schemas"]
    answer = operation["responses"]["201"]
    assert answer["description"] == "A ticket just created. Or: Tickets just created."
    assert len(answer["content"][JSON]["schema"]["anyOf"]) == 2


def test_nested_read_only_fields_are_described() -> None:
    nested = schema(described_with(body=(NewTicket, NewTickets), returns=Tickets), "NewTicket")
    assert nested["properties"]["id"]["readOnly"] is True
    assert nested["required"] == ["name"]


def test_success_headers_are_described() -> None:
    document = described_with(body=NewTicket, returns={201: Ticket}, headers=("Link",))
    responses = document["paths"]["/tickets"]["post"]["responses"]
    assert responses["201"]["headers"].keys() == {"Link", "Location", "X-Request-Id"}
    assert "Link" not in responses["400"]["headers"]
    assert 'rel="next"' in document["components"]["headers"]["Link"]["description"]
    with pytest.raises(ConfigurationError, match="Nope"):
        described_with(returns=Ticket, headers=("Nope",))


ONE, SEVERAL = (NewTicket, Ticket), ((NewTicket, NewTickets), (Ticket, Tickets))


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        (ONE, SEVERAL, []),
        (ONE, ((NewTicket, NewTickets), Ticket), []),
        (ONE, (NewTicket, (Ticket, Tickets)), ["POST /tickets may return a new kind of response"]),
        (
            SEVERAL,
            ((NewTicket,), (Ticket, Tickets)),
            [
                "POST /tickets: application/json.name is newly required",
                "POST /tickets: application/json.tickets is gone",
            ],
        ),
        (
            SEVERAL,
            ((NewTicket, NewTickets), Ticket),
            ["POST /tickets: 201.tickets is gone or optional"] * 2,
        ),
    ],
)
def test_breaking_changes_compares_alternative_bodies_and_responses(
    old: Any, new: Any, broken: list[str]
) -> None:
    before, after = (
        described_with(body=body, returns={201: returns}) for body, returns in (old, new)
    )
    assert breaking_changes(before, after) == broken


@pytest.mark.parametrize(
    ("ini", "name"),
    [
        ({}, "todo_session"),
        ({"todo.production": "true", "todo.public_url": PUBLIC_URL}, "__Host-todo_session"),
    ],
)
def test_document_names_configured_session_cookie(ini: dict[str, str], name: str) -> None:
    config = configure({"sqlalchemy.url": "sqlite:///none.sqlite"} | ini)
    config.commit()
    schemes = api.described(config.registry)["components"]["securitySchemes"]
    assert schemes["cookie"]["name"] == name


def test_document_matches_committed_version(described: Schema) -> None:
    committed = json.loads(DOCUMENT_PATH.read_text())
    assert breaking_changes(committed, described) == []
    assert described == committed, (
        "the contract has changed: run `make openapi` and review the diff"
    )


ACCOUNTS = "/api/v1/accounts"
ACCOUNT = "/api/v1/accounts/{username}"
TASK = "/api/v1/accounts/{username}/tasks/{id}"
REQUIRED = {"name": "x", "in": "query", "required": True}


def schema(described: Schema, name: str) -> Any:
    return described["components"]["schemas"][name]


def at(described: Schema, path: str, operation: str) -> Any:
    return described["paths"][path][operation]


def field(described: Schema, name: str, field: str) -> Any:
    return schema(described, name)["properties"][field]


# A change to the document, and a part of the report that it must cause.
BREAKS: list[tuple[Callable[[Schema], Any], str]] = [
    (lambda d: d["paths"].pop(TASK), f"GET {TASK} is gone"),
    (lambda d: d["paths"][TASK].pop("put"), f"PUT {TASK} is gone"),
    (lambda d: at(d, TASK, "get")["parameters"].pop(1), "the parameter id is gone"),
    (lambda d: at(d, TASK, "get")["parameters"].append(REQUIRED), "parameter x is newly required"),
    (lambda d: at(d, TASK, "put")["requestBody"]["content"].pop(JSON), f"no longer accepts {JSON}"),
    (lambda d: at(d, TASK, "get")["responses"].pop("200"), f"GET {TASK}: 200 is gone"),
    (lambda d: schema(d, "NewTask")["properties"].pop("note"), ".note is gone"),
    (lambda d: schema(d, "NewTask")["required"].append("note"), ".note is newly required"),
    (lambda d: field(d, "NewTask", "note")["anyOf"].pop(), ".note no longer accepts null"),
    (lambda d: schema(d, "Task")["required"].remove("note"), "task.note is gone or optional"),
    (lambda d: field(d, "Task", "id").update(type="string"), "task.id may now be string"),
    (lambda d: field(d, "Task", "id").update(type="string"), "tasks[].id may now be string"),
    (lambda d: schema(d, "ProblemDetails")["properties"].pop("errors"), "400.errors is gone or op"),
    (
        lambda d: field(d, "Task", "due_date")["anyOf"].pop(0),
        "is no longer string (date-time)",
    ),
    (lambda d: field(d, "NewTask", "name").update(maxLength=10), "name has a stricter maxLength"),
    (lambda d: field(d, "NewTasks", "tasks").update(maxItems=10), ".tasks has a stricter maxItems"),
    (lambda d: schema(d, "NewTask")["required"].append("note"), ".tasks[].note is newly required"),
    (
        lambda d: at(d, TASK, "get")["parameters"][1]["schema"].update(type="string"),
        "the parameter id accepts fewer types",
    ),
    (lambda d: at(d, TASK, "get").update(operationId="x"), "is no longer task_detail"),
    (
        lambda d: at(d, "/api/v1", "get").update(security=[{"bearer": []}]),
        "GET /api/v1 newly requires a login",
    ),
    (
        lambda d: at(d, ACCOUNT, "delete")["requestBody"].update(required=True),
        "a body is newly required",
    ),
    (
        lambda d: at(d, ACCOUNTS, "post")["responses"]["201"]["headers"].pop("Location"),
        "201 no longer has the header Location",
    ),
    (
        lambda d: at(d, TASK, "get")["responses"]["404"]["content"].clear(),
        "404 no longer has application/problem+json",
    ),
    (lambda d: d["components"]["examples"].pop("not_found"), "examples: not_found is gone"),
    (lambda d: d["components"]["securitySchemes"].pop("cookie"), "cookie is gone"),
]


@pytest.mark.parametrize(("change", "broken"), BREAKS)
def test_breaking_change_is_reported(
    described: Schema, change: Callable[[Schema], Any], broken: str
) -> None:
    changed = copy.deepcopy(described)
    change(changed)
    found = breaking_changes(described, changed)
    assert any(broken in line for line in found), found


def test_additions_are_not_breaking(described: Schema) -> None:
    changed = copy.deepcopy(described)
    changed["paths"]["/api/v1/new"] = changed["paths"]["/api/v1"]
    schema(changed, "Task")["properties"]["colour"] = {"type": "string"}
    schema(changed, "Task")["required"].append("colour")
    schema(changed, "NewTask")["properties"]["colour"] = {"type": "string"}
    assert breaking_changes(described, changed) == []


def test_error_catalogue_matches_code() -> None:
    page = ERRORS_PATH.read_text()
    assert page == errors_page(page), "run `make openapi`"
