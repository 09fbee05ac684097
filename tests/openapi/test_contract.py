"""The OpenAPI document is valid, complete, and compatible with its committed version."""

import copy
import json
import keyword
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any

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
from tests.support.forms import with_forms
from tests.support.pserve import PUBLIC_URL
from todo import configure
from todo.http.bodies import FORM, JSON
from todo.http.errors import MEDIA_TYPE
from todo.http.operations import operations
from todo.http.schema import Body, Representation
from todo.openapi import is_described
from todo.openapi.schemas import REF
from todo.schemas.task import NewTask
from todo.views import api

# JSON Schema draft 2020-12: keywords for validation and annotation.
KEYWORDS = {
    *("$ref", "allOf", "anyOf", "oneOf", "not", "type", "const", "enum", "format", "pattern"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"),
    *("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
    *("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    *("default", "description", "examples", "readOnly", "title", "writeOnly"),
    *("x-enum-varnames", "x-omitted-with"),
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
    used = {key for schema in schemas for each in each_schema(schema) for key in each}
    assert used <= KEYWORDS


def test_bodies_have_no_defaults(described: Schema) -> None:
    """From a default, openapi-typescript concludes that the client must send the field."""
    for name, operation in each_operation(described):
        if body := operation.get("requestBody"):
            used = list(each_used_schema(described, body["content"][JSON]["schema"]))
            assert used, name
            assert not any("default" in each for each in used), name


def each_used_schema(described: Schema, schema: Schema) -> Iterator[Schema]:
    """Yield a schema and all schemas in it, including those of its references."""
    for each in each_schema(schema):
        yield each
        if "$ref" in each:
            yield from each_used_schema(
                described, described["components"]["schemas"][each["$ref"].removeprefix(REF)]
            )


def test_dates_have_one_type(described: Schema) -> None:
    """Client generators read a choice of a day and an instant as an instant."""
    kinds = {"type": ["string", "null"]}
    for name in ("Task", "PartialTask", "TrashedTask", "NewTask", "TaskChange"):
        assert field(described, name, "due_date").items() >= kinds.items()
    parameters = at(described, "/api/v1/accounts/{username}/tasks", "get")["parameters"]
    due_after = next(each for each in parameters if each["name"] == "due_after")
    assert due_after["schema"]["type"] == "string"
    assert "anyOf" not in due_after["schema"]


@pytest.mark.parametrize("date", ["2030-02-01", "2030-02-01T09:30:00Z", None])
def test_shown_dates_match_pattern_of_answers_and_bodies(described: Schema, date: Any) -> None:
    contract = Contract(described)
    for name in ("Task", "TaskChange"):
        assert contract.errors(field(described, name, "due_date"), date) == []
        assert contract.errors(field(described, name, "due_date"), "2030-2-1")


def test_read_only_fields_have_types_of_answers(described: Schema) -> None:
    shown = schema(described, "Task")["properties"]
    for name in NewTask.read_only():
        ignored = field(described, "NewTask", name)
        assert ignored["readOnly"] is True
        for key in ("type", "format", "anyOf"):
            assert ignored.get(key) == shown[name].get(key)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("Change", ["kind", "action"]),
        ("UsedToken", ["kind"]),
        ("Token", ["kind", "scope"]),
        ("WhoAmI", ["kind", "scope"]),
        ("ProblemDetails", ["code"]),
        ("Fault", ["code"]),
    ],
)
def test_sets_that_may_grow_are_open_in_answers(
    described: Schema, name: str, fields: list[str]
) -> None:
    for each in fields:
        assert field(described, name, each)["type"] == "string"
        assert "enum" not in field(described, name, each)
        assert "may be added" in field(described, name, each)["description"]


def test_fixed_sets_are_closed_in_inputs(described: Schema) -> None:
    parameters = at(described, "/api/v1/accounts/{username}/tasks", "get")["parameters"]
    closed = {each["name"] for each in parameters if "enum" in each["schema"]}
    assert closed == {"archived", "due", "sort"}
    assert field(described, "NewToken", "scope")["enum"] == ["read", "write"]


def test_every_component_is_used(described: Schema) -> None:
    text = json.dumps(described)
    for kind in ("schemas", "headers", "examples"):
        for name in described["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in text, f"{kind}: {name}"


def test_operation_ids_are_not_keywords(described: Schema) -> None:
    for _, operation in each_operation(described):
        name = operation["operationId"]
        assert not keyword.iskeyword(name)
        assert name not in {"delete", "export", "import", "function", "new", "switch", "default"}


def test_logout_by_get_is_deprecated(described: Schema) -> None:
    logout = described["paths"]["/api/v1/accounts/logout"]
    assert logout["get"]["deprecated"] is True
    assert (logout["post"]["operationId"], "deprecated" in logout["post"]) == ("logout", False)


def test_document_has_one_server_and_one_index(described: Schema) -> None:
    assert described["servers"] == [{"url": "/"}]
    assert not {"/", "/api/v1/"} & described["paths"].keys()


def test_answers_of_the_http_server_are_described(described: Schema) -> None:
    for name, operation in each_operation(described):
        assert operation["responses"]["431"]["content"].keys() == {"text/plain"}, name
        if "requestBody" in operation:
            assert operation["responses"]["413"]["content"].keys() == {MEDIA_TYPE}, name


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
    pages = {"docs", "docs_file", "page_file", "service_worker"}
    further_urls = {"root", "info_slash"}
    assert undescribed == pages | further_urls, "only pages may be left out"


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
        examples += content["schema"].get("examples", [])
        for named in content.get("examples", {}).values():
            code = named.get("$ref", "").rpartition("/")[2]
            examples.append((described["components"]["examples"][code] if code else named)["value"])
        assert examples, name
        for example in examples:
            assert contract.errors(content["schema"], example) == [], name


def test_document_describes_bodies_and_security(described: Schema) -> None:
    by_name = dict(each_operation(described))
    create = by_name["POST /api/v1/accounts/{username}/tasks"]
    assert create["requestBody"]["content"].keys() == {JSON}
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


def test_document_with_forms_describes_fields_as_text(described: Schema) -> None:
    document = with_forms(described)
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    form = schema(document, "NewTaskForm")["properties"]
    assert {field["type"] for field in form.values()} == {"string", "integer"}
    create = at(document, "/api/v1/accounts/{username}/tasks", "post")
    assert create["requestBody"]["content"].keys() == {JSON, FORM}
    assert create["requestBody"]["content"][FORM]["example"]["completed"] == "false"


class Ticket(Representation):
    """A ticket just created."""

    id: int = Field(examples=[1])


class NewTicket(Body):
    """A ticket to create."""

    shown_as = Ticket

    name: str = Field(examples=["Milk"])


class NewTickets(Body):
    """Tickets to create."""

    tickets: Annotated[list[NewTicket], Field(min_length=1, max_length=9)]


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
        post,
        route_name="tickets",
        request_method="POST",
        operation="create tickets",
        permission=permission,
        **options,
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
        "oneOf": [{"$ref": f"{REF}NewTicket"}, {"$ref": f"{REF}NewTickets"}]
    }
    assert body[JSON]["examples"] == {
        "NewTicket": {"summary": "A ticket to create.", "value": {"name": "Milk"}},
        "NewTickets": {"summary": "Tickets to create.", "value": {"tickets": [{"name": "Milk"}]}},
    }
    assert body.keys() == {JSON}
    answer = operation["responses"]["201"]
    assert answer["description"] == "A ticket just created. Or: Tickets just created."
    assert len(answer["content"][JSON]["schema"]["oneOf"]) == 2


def test_nested_read_only_fields_are_described() -> None:
    nested = schema(described_with(body=(NewTicket, NewTickets), returns=Tickets), "NewTicket")
    assert nested["properties"]["id"].items() >= {"type": "integer", "readOnly": True}.items()
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
        ({"todo.cookie_name": "work"}, "work"),
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
    (lambda d: field(d, "StoredTask", "id").update(type="string"), "tasks[].id may now be string"),
    (lambda d: schema(d, "ProblemDetails")["properties"].pop("errors"), "400.errors is gone or op"),
    (
        lambda d: field(d, "Task", "completion_date")["anyOf"].pop(0),
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


def test_member_that_new_field_of_request_omits_is_not_breaking(described: Schema) -> None:
    before = copy.deepcopy(described)
    logged_in = schema(before, "LoggedIn")
    logged_in["required"].append("token")
    assert breaking_changes(before, described) == []
    changed = copy.deepcopy(described)
    del schema(changed, "LoggedIn")["properties"]["token"]["x-omitted-with"]
    lost = [
        line for line in breaking_changes(before, changed) if "LoggedIn" in line or "token" in line
    ]
    assert lost, "only a member that a field of the request omits may become optional"


def test_error_catalogue_matches_code() -> None:
    page = ERRORS_PATH.read_text()
    assert page == errors_page(page), "run `make openapi`"
