"""Check responses against the OpenAPI document, and the document against its committed version.

`python -m tests.support.contract` updates docs/openapi.json unless that would break clients, and
docs/errors.md.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from typing import Any

import jsonschema_rs
from pyramid.registry import Registry
from webtest import TestResponse

from tests.support.databases import ROOT
from tests.support.extra_routes import TEST_VIEW
from todo import configure
from todo.http.codes import CODES, FAULTS
from todo.http.errors import MEDIA_TYPE
from todo.http.files import IMMUTABLE
from todo.openapi.schemas import REF
from todo.schemas.session import OMITTED_WITH
from todo.views import api

ERRORS_PATH = ROOT / "docs" / "errors.md"
DOCUMENT_PATH = ROOT / "docs" / "openapi.json"
PROBLEM = {"$ref": f"{REF}ProblemDetails"}

# Documented headers that a response may lack: token clients get no cookie, the last page has no
# Link, bulk results and lists that depend on the time have no ETag, most answers are not replayed.
OPTIONAL_HEADERS = {"Set-Cookie", "Link", "ETag", "Idempotency-Replayed"}

# Bounds of strings, numbers and arrays: 1 if a lower value is stricter, -1 if a higher one is.
BOUNDS = {
    **{"maxLength": 1, "maximum": 1, "maxItems": 1},
    **{"minLength": -1, "minimum": -1, "minItems": -1},
}

# A time with a fraction, in a member such as `date` or `date_joined`.
FRACTION = re.compile(r'"[a-z_]*date[a-z_]*":"[^"]*\.\d+Z"')

# Public files, whose copies are revalidated.
REVALIDATED = ("/docs", "/service-worker.js", "/api/v1/openapi.json")

Schema = dict[str, Any]


class Contract:
    """The OpenAPI document and a validator for responses."""

    def __init__(self, described: Schema) -> None:
        self.document = described
        # The document lets clients ignore unknown fields, but the service must not send any.
        self.schemas = {
            name: {"additionalProperties": False, **schema} if "properties" in schema else schema
            for name, schema in described["components"]["schemas"].items()
        }

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], Schema]]:
        return [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), item)
            # Sorted, so that constant segments come before parameters.
            for path, item in sorted(self.document["paths"].items())
        ]

    @cache  # noqa: B019
    def _validator(self, schema: str) -> Any:
        return jsonschema_rs.Draft202012Validator(
            json.loads(schema) | {"components": {"schemas": self.schemas}}, validate_formats=True
        )

    def errors(self, schema: Schema, value: Any) -> list[str]:
        """Return the validation errors of the value."""
        return [str(error) for error in self._validator(json.dumps(schema)).iter_errors(value)]

    def operation(self, method: str, path: str) -> Schema | None:
        """Return the described operation, or None. HEAD is described as GET."""
        path = path.partition("?")[0]
        if "%2f" in path.lower():
            return None
        for pattern, item in self._paths:
            if pattern.fullmatch(path):
                return item.get("get" if method == "HEAD" else method.lower())
        return None

    def check(self, method: str, path: str, response: TestResponse) -> None:
        """Fail if the response differs from the document."""
        if path == TEST_VIEW:
            return
        check_headers(path, response)
        operation = self.operation(method, path)
        status = response.status_int
        if operation is None or status == 405:
            if status >= 400:
                self._check_body(method, response, {MEDIA_TYPE: {"schema": PROBLEM}})
            return
        assert str(status) in operation["responses"], f"{method} {path}: {status} is undescribed"
        described = operation["responses"][str(status)]
        # A dry run creates nothing, so its response has no Location.
        optional = OPTIONAL_HEADERS | (
            {"Location"} if b'"dry_run":true' in response.body else set()
        )
        for name in described["headers"]:
            if name not in optional:
                assert name in response.headers, f"{method} {path}: {status} without {name}"
        self._check_body(method, response, described.get("content"))

    def _check_body(self, method: str, response: TestResponse, content: Schema | None) -> None:
        if content is None:
            assert response.body == b""
            assert "Content-Type" not in response.headers
            return
        media_type = response.headers["Content-Type"]
        described = content[media_type]
        if method == "HEAD":
            return
        assert not self.errors(described["schema"], response.json), response.text
        assert not FRACTION.search(response.text), response.text
        if media_type == MEDIA_TYPE:
            problem = response.json
            assert problem["code"] in described.get("examples", CODES), problem
            assert {fault["code"] for fault in problem.get("errors", [])} <= FAULTS.keys(), problem


def check_headers(path: str, response: TestResponse) -> None:
    """Check the headers that every response has."""
    headers = response.headers
    assert re.fullmatch("[0-9a-f]{16}", headers["X-Request-Id"])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy)
    found = response.status_int in (200, 304)
    shell = path == "/" and "ETag" in headers
    assert path in {"/docs", "/service-worker.js"} or shell or len(policy) == 2
    expected = "private, no-cache" if "ETag" in headers else "no-store"
    if shell or (path.startswith(REVALIDATED) and found):
        expected = "no-cache"
    elif path.startswith("/page/") and found:
        expected = IMMUTABLE
    assert headers["Cache-Control"] == expected
    # No duplicates: browsers differ in which one they use.
    names = [name.lower() for name in headers if name.lower() != "set-cookie"]
    assert len(names) == len(set(names))


def contract_of(registry: Registry) -> Contract:
    """Return the application's contract, cached in its registry."""
    if "contract" not in registry:
        registry["contract"] = Contract(api.described(registry))
    contract: Contract = registry["contract"]
    return contract


def current_document() -> Schema:
    """Return the document built from the code."""
    config = configure({"sqlalchemy.url": "sqlite:///none.sqlite"})
    config.commit()
    described: Schema = json.loads(json.dumps(api.described(config.registry)))
    return described


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Return the changes that would break clients of the old document."""
    return list(_breaking_changes(old, new))


def _breaking_changes(old: Schema, new: Schema) -> Iterator[str]:
    for kind in ("examples", "securitySchemes"):  # the examples list the error codes
        for name in old["components"][kind].keys() - new["components"][kind].keys():
            yield f"{kind}: {name} is gone"
    for path, item in old["paths"].items():
        for method, before in item.items():
            name = f"{method.upper()} {path}"
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{name} is gone"
                continue
            if before["operationId"] != after["operationId"]:
                yield f"{name} is no longer {before['operationId']}"
            if {} in before["security"] + [{}] * (not before["security"]) and (
                after["security"] and {} not in after["security"]
            ):
                yield f"{name} newly requires a login"
            yield from _parameter_changes(name, before, after)
            yield from _request_changes(name, before, after, (old, new))
            for status, response in before["responses"].items():
                yield from _response_changes(f"{name}: {status}", response, after, (old, new))
            # A new kind of response is compatible only if it answers a new kind of body.
            if _count_response_schemas(after) > _count_response_schemas(before) and (
                _count_body_schemas(after) <= _count_body_schemas(before)
            ):
                yield f"{name} may return a new kind of response"


Documents = tuple[Schema, Schema]


def _parameter_changes(name: str, before: Schema, after: Schema) -> Iterator[str]:
    old = {parameter["name"]: parameter for parameter in before["parameters"]}
    new = {parameter["name"]: parameter for parameter in after["parameters"]}
    for parameter in old.keys() - new.keys():
        yield f"{name}: the parameter {parameter} is gone"
    for parameter, described in new.items():
        if parameter in old and _types(old[parameter]["schema"], {}) - _types(
            described["schema"], {}
        ):
            yield f"{name}: the parameter {parameter} accepts fewer types"
        if described["required"] and not old.get(parameter, {"required": False})["required"]:
            yield f"{name}: the parameter {parameter} is newly required"


def _request_changes(
    name: str, before: Schema, after: Schema, documents: Documents
) -> Iterator[str]:
    old, new = before.get("requestBody", {}), after.get("requestBody", {})
    if new.get("required") and not old.get("required"):
        yield f"{name}: a body is newly required"
    for media_type, content in old.get("content", {}).items():
        if media_type not in new.get("content", {}):
            yield f"{name} no longer accepts {media_type}"
        else:
            pair = content["schema"], new["content"][media_type]["schema"]
            yield from _best_match_changes(
                _input_changes, f"{name}: {media_type}", *pair, documents
            )


def _response_changes(
    name: str, response: Schema, after: Schema, documents: Documents
) -> Iterator[str]:
    status = name.rpartition(" ")[2]
    if status not in after["responses"]:
        if int(status) < 400:  # removing an error is compatible
            yield f"{name} is gone"
        return
    found = after["responses"][status]
    for header in response["headers"].keys() - found["headers"].keys():
        yield f"{name} no longer has the header {header}"
    for media_type, described in response.get("content", {}).items():
        if media_type in found.get("content", {}):
            pair = described["schema"], found["content"][media_type]["schema"]
            yield from _best_match_changes(_output_changes, name, *pair, documents)
        else:
            yield f"{name} no longer has {media_type}"


def _choices(content: Schema) -> list[Schema]:
    """Return the alternative JSON schemas of a request or response body."""
    return _alternatives(content.get("application/json", {}).get("schema", {}))


def _alternatives(schema: Schema) -> list[Schema]:
    found: list[Schema] = schema.get("oneOf") or schema.get("anyOf") or [schema]
    return found


def _count_body_schemas(operation: Schema) -> int:
    return len(_choices(operation.get("requestBody", {}).get("content", {})))


def _count_response_schemas(operation: Schema) -> int:
    responses = operation["responses"].items()
    return sum(
        len(_choices(answer.get("content", {}))) for status, answer in responses if status < "3"
    )


def _best_match_changes(
    find: Callable[..., Iterator[str]],
    name: str,
    before: Schema,
    after: Schema,
    documents: Documents,
) -> Iterator[str]:
    """Compare each old alternative with the new one that has the fewest breaking changes."""
    for choice in _alternatives(before):
        found = [list(find(name, choice, new, documents)) for new in _alternatives(after)]
        yield from min(found, key=len)


def _input_changes(name: str, before: Schema, after: Schema, documents: Documents) -> Iterator[str]:
    before, after = _resolve(before, documents[0]), _resolve(after, documents[1])
    if removed := _types(before, documents[0]) - _types(after, documents[1]):
        yield f"{name} no longer accepts {' or '.join(sorted(removed))}"
    for bound, sign in BOUNDS.items():
        if bound in after and sign * after[bound] < sign * before.get(bound, sign * 2**63):
            yield f"{name} has a stricter {bound}"
    for field in set(after.get("required", [])) - set(before.get("required", [])):
        yield f"{name}.{field} is newly required"
    for field, schema in before.get("properties", {}).items():
        if field not in after.get("properties", {}):
            yield f"{name}.{field} is gone"
        elif not schema.get("readOnly"):
            yield from _input_changes(
                f"{name}.{field}", schema, after["properties"][field], documents
            )
    yield from _item_changes(_input_changes, name, before, after, documents)


def _output_changes(
    name: str, before: Schema, after: Schema, documents: Documents
) -> Iterator[str]:
    before, after = _resolve(before, documents[0]), _resolve(after, documents[1])
    old, new = _types(before, documents[0]), _types(after, documents[1])
    if added := new - old:
        yield f"{name} may now be {' or '.join(sorted(added))}"
    if removed := old - new:
        yield f"{name} is no longer {' or '.join(sorted(removed))}"
    for field in set(before.get("required", [])) - set(after.get("required", [])):
        # A client that does not send the new field of the request still gets the member.
        if OMITTED_WITH not in after.get("properties", {}).get(field, {}):
            yield f"{name}.{field} is gone or optional"
    for field, schema in before.get("properties", {}).items():
        if field not in after.get("properties", {}):
            yield f"{name}.{field} is gone or optional"
        else:
            yield from _output_changes(
                f"{name}.{field}", schema, after["properties"][field], documents
            )
    yield from _item_changes(_output_changes, name, before, after, documents)


def _item_changes(
    find: Callable[..., Iterator[str]],
    name: str,
    before: Schema,
    after: Schema,
    documents: Documents,
) -> Iterator[str]:
    old, new = (
        [choice["items"] for choice in _alternatives(schema) if "items" in choice]
        for schema in (before, after)
    )
    if old and new:
        yield from _best_match_changes(find, f"{name}[]", {"anyOf": old}, {"anyOf": new}, documents)


def _resolve(schema: Schema, described: Schema) -> Schema:
    if "$ref" in schema:
        resolved: Schema = described["components"]["schemas"][schema["$ref"].removeprefix(REF)]
        return resolved
    return schema


def _types(schema: Schema, described: Schema) -> set[str]:
    """Return the types that the schema allows, with their formats."""
    found: set[str] = set()
    for choice in _alternatives(schema):
        resolved = _resolve(choice, described)
        kind = resolved.get("type", "any")
        form = f" ({resolved['format']})" if "format" in resolved else ""
        found |= {f"{name}{form}" for name in ([kind] if isinstance(kind, str) else kind)}
    return found


def errors_page(text: str) -> str:
    """Return the text of docs/errors.md with its tables rebuilt from the code."""
    codes = [f"| `{code}` | {status} | {text} |" for code, (status, text) in CODES.items()]
    faults = [f"| `{code}` | {text} |" for code, text in FAULTS.items()]
    return text.partition("## Error codes")[0] + "\n".join(
        [
            *("## Error codes", "", "| code | status | what it means |", "| --- | --- | --- |"),
            *codes,
            *("", "## Codes in `errors`", "", "| code | what it means |", "| --- | --- |"),
            *(*faults, ""),
        ]
    )


def write_documents() -> None:
    """Write docs/openapi.json and docs/errors.md, or exit with a list of breaking changes."""
    described = current_document()
    if DOCUMENT_PATH.exists():
        committed = json.loads(DOCUMENT_PATH.read_text())
        if broken := breaking_changes(committed, described):
            sys.exit("\n".join(["Breaking changes for clients:", *broken]))
    ERRORS_PATH.write_text(errors_page(ERRORS_PATH.read_text()))
    DOCUMENT_PATH.write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write_documents()
