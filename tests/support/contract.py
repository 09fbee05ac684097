"""The contract: what the OpenAPI document promises, held against answers and against its past.

Run as a program it writes docs/openapi.json anew, unless that would break clients.
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
from tests.support.planted import PLANTED
from todo import configure
from todo.http.errors import CODES, FAULTS, MEDIA_TYPE
from todo.openapi.schemas import REF
from todo.views import api

ERRORS = ROOT / "docs" / "errors.md"
KEPT = ROOT / "docs" / "openapi.json"
PROBLEM = {"$ref": f"{REF}ProblemDetails"}

# Headers of some answers: a program that sends a token gets no cookie, the last page has no next,
# several tasks and what depends on the hour have no ETag, most answers are new.
SOMETIMES = {"Set-Cookie", "Link", "ETag", "Idempotency-Replayed"}

# Of a text, a number and a list: 1 where less is narrower, -1 where more is.
BOUNDS = {
    **{"maxLength": 1, "maximum": 1, "maxItems": 1},
    **{"minLength": -1, "minimum": -1, "minItems": -1},
}

Schema = dict[str, Any]


class Contract:
    """The document, ready to check answers."""

    def __init__(self, described: Schema) -> None:
        self.document = described
        # A client may ignore what it does not know; we may not send it.
        self.schemas = {
            name: {"additionalProperties": False, **schema} if "properties" in schema else schema
            for name, schema in described["components"]["schemas"].items()
        }

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], Schema]]:
        return [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), item)
            for path, item in sorted(self.document["paths"].items())
        ]

    @cache  # noqa: B019
    def _validator(self, schema: str) -> Any:
        return jsonschema_rs.Draft202012Validator(
            json.loads(schema) | {"components": {"schemas": self.schemas}}, validate_formats=True
        )

    def errors(self, schema: Schema, value: Any) -> list[str]:
        """Return what is wrong with the value."""
        return [str(error) for error in self._validator(json.dumps(schema)).iter_errors(value)]

    def operation(self, method: str, path: str) -> Schema | None:
        """Return the described operation; HEAD is described as GET. Constant paths come first."""
        path = path.partition("?")[0]
        if "%2f" in path.lower():
            return None
        for pattern, item in self._paths:
            if pattern.fullmatch(path):
                return item.get("get" if method == "HEAD" else method.lower())
        return None

    def check(self, method: str, path: str, response: TestResponse) -> None:
        """Fail if the answer is not what the document says."""
        if path == PLANTED:
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
        # What a dry run answers is nowhere.
        sometimes = SOMETIMES | ({"Location"} if b'"dry_run":true' in response.body else set())
        for name in described["headers"]:
            if name not in sometimes:
                assert name in response.headers, f"{method} {path}: {status} without {name}"
        self._check_body(method, response, described.get("content"))

    def _check_body(self, method: str, response: TestResponse, content: Schema | None) -> None:
        if content is None:
            assert response.body == b""
            assert "Content-Type" not in response.headers
            return
        [(media_type, described)] = content.items()
        assert response.headers["Content-Type"] == media_type
        if method == "HEAD":
            return
        assert not self.errors(described["schema"], response.json), response.text
        if media_type == MEDIA_TYPE:
            problem = response.json
            assert problem["code"] in described.get("examples", CODES), problem
            assert {fault["code"] for fault in problem.get("errors", [])} <= FAULTS.keys(), problem


def check_headers(path: str, response: TestResponse) -> None:
    """Fail if the answer lacks what every answer has."""
    headers = response.headers
    assert re.fullmatch("[0-9a-f]{16}", headers["X-Request-Id"])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert path == "/docs" or len(policy) == 2
    public = path.startswith("/docs") and response.status_int in (200, 304)
    etag = "private, no-cache" if "ETag" in headers else "no-store"
    assert headers["Cache-Control"] == ("no-cache" if public else etag)
    # Each once: of two, a browser takes the one it likes.
    names = [name.lower() for name in headers if name.lower() != "set-cookie"]
    assert len(names) == len(set(names))


def contract_of(registry: Registry) -> Contract:
    """Return the contract of the application, made once."""
    if "contract" not in registry:
        registry["contract"] = Contract(api.described(registry))
    contract: Contract = registry["contract"]
    return contract


def current() -> Schema:
    """Return the document of the code as it is."""
    config = configure({"sqlalchemy.url": "sqlite:///none.sqlite"})
    config.commit()
    described: Schema = json.loads(json.dumps(api.described(config.registry)))
    return described


def breaks(old: Schema, new: Schema) -> list[str]:
    """Return what a client of the old document would find broken in the new one."""
    return list(_breaks(old, new))


def _breaks(old: Schema, new: Schema) -> Iterator[str]:
    for kind in ("examples", "securitySchemes"):  # the examples are the catalogue of codes
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
            yield from _parameter_breaks(name, before, after)
            yield from _request_breaks(name, before, after, (old, new))
            for status, response in before["responses"].items():
                yield from _response_breaks(f"{name}: {status}", response, after, (old, new))
            # An answer of a new kind is for bodies of a new kind: who sends none gets none.
            if _kinds_of_answer(after) > _kinds_of_answer(before) and (
                _kinds_of_body(after) <= _kinds_of_body(before)
            ):
                yield f"{name} may answer something else now"


Documents = tuple[Schema, Schema]


def _parameter_breaks(name: str, before: Schema, after: Schema) -> Iterator[str]:
    old = {parameter["name"]: parameter for parameter in before["parameters"]}
    new = {parameter["name"]: parameter for parameter in after["parameters"]}
    for parameter in old.keys() - new.keys():
        yield f"{name}: the parameter {parameter} is gone"
    for parameter, described in new.items():
        if parameter in old and _kinds(old[parameter]["schema"], {}) - _kinds(
            described["schema"], {}
        ):
            yield f"{name}: the parameter {parameter} takes less than it did"
        if described["required"] and not old.get(parameter, {"required": False})["required"]:
            yield f"{name}: the parameter {parameter} is newly required"


def _request_breaks(name: str, before: Schema, after: Schema, both: Documents) -> Iterator[str]:
    old, new = before.get("requestBody", {}), after.get("requestBody", {})
    if new.get("required") and not old.get("required"):
        yield f"{name}: a body is newly required"
    for media_type, content in old.get("content", {}).items():
        if media_type not in new.get("content", {}):
            yield f"{name} takes no {media_type} any more"
        else:
            pair = content["schema"], new["content"][media_type]["schema"]
            yield from _each_breaks(_input_breaks, f"{name}: {media_type}", *pair, both)


def _response_breaks(name: str, response: Schema, after: Schema, both: Documents) -> Iterator[str]:
    status = name.rpartition(" ")[2]
    if status not in after["responses"]:
        if int(status) < 400:  # an error that does not happen any more breaks nobody
            yield f"{name} is gone"
        return
    found = after["responses"][status]
    for header in response["headers"].keys() - found["headers"].keys():
        yield f"{name} has no header {header} any more"
    for media_type, described in response.get("content", {}).items():
        if media_type in found.get("content", {}):
            pair = described["schema"], found["content"][media_type]["schema"]
            yield from _each_breaks(_output_breaks, name, *pair, both)
        else:
            yield f"{name} has no {media_type} any more"


def _choices(content: Schema) -> list[Schema]:
    """Return the schemas of which JSON in a body or an answer has one."""
    schema = content.get("application/json", {}).get("schema", {})
    choices: list[Schema] = schema.get("anyOf", [schema])
    return choices


def _kinds_of_body(operation: Schema) -> int:
    return len(_choices(operation.get("requestBody", {}).get("content", {})))


def _kinds_of_answer(operation: Schema) -> int:
    responses = operation["responses"].items()
    return sum(
        len(_choices(answer.get("content", {}))) for status, answer in responses if status < "3"
    )


def _each_breaks(
    find: Callable[..., Iterator[str]], name: str, before: Schema, after: Schema, both: Documents
) -> Iterator[str]:
    """Hold each of the old choices against the new one that it fits best."""
    for choice in before.get("anyOf", [before]):
        found = [list(find(name, choice, new, both)) for new in after.get("anyOf", [after])]
        yield from min(found, key=len)


def _input_breaks(name: str, before: Schema, after: Schema, both: Documents) -> Iterator[str]:
    before, after = _resolved(before, both[0]), _resolved(after, both[1])
    if gone := _kinds(before, both[0]) - _kinds(after, both[1]):
        yield f"{name} takes no {' or '.join(sorted(gone))} any more"
    for bound, sign in BOUNDS.items():
        if bound in after and sign * after[bound] < sign * before.get(bound, sign * 2**63):
            yield f"{name} has a narrower {bound}"
    for field in set(after.get("required", [])) - set(before.get("required", [])):
        yield f"{name}.{field} is newly required"
    for field, schema in before.get("properties", {}).items():
        if field not in after.get("properties", {}):
            yield f"{name}.{field} is gone"
        else:
            yield from _input_breaks(f"{name}.{field}", schema, after["properties"][field], both)
    yield from _items_break(_input_breaks, name, before, after, both)


def _output_breaks(name: str, before: Schema, after: Schema, both: Documents) -> Iterator[str]:
    before, after = _resolved(before, both[0]), _resolved(after, both[1])
    old, new = _kinds(before, both[0]), _kinds(after, both[1])
    if came := new - old:
        yield f"{name} may be {' or '.join(sorted(came))} now"
    if gone := old - new:
        yield f"{name} is never {' or '.join(sorted(gone))} any more"
    for field in set(before.get("required", [])) - set(after.get("required", [])):
        yield f"{name}.{field} is gone or optional"
    for field, schema in before.get("properties", {}).items():
        if field not in after.get("properties", {}):
            yield f"{name}.{field} is gone or optional"
        else:
            yield from _output_breaks(f"{name}.{field}", schema, after["properties"][field], both)
    yield from _items_break(_output_breaks, name, before, after, both)


def _items_break(
    find: Callable[..., Iterator[str]], name: str, before: Schema, after: Schema, both: Documents
) -> Iterator[str]:
    old, new = (
        [choice["items"] for choice in schema.get("anyOf", [schema]) if "items" in choice]
        for schema in (before, after)
    )
    if old and new:
        yield from _each_breaks(find, f"{name}[]", {"anyOf": old}, {"anyOf": new}, both)


def _resolved(schema: Schema, described: Schema) -> Schema:
    if "$ref" in schema:
        resolved: Schema = described["components"]["schemas"][schema["$ref"].removeprefix(REF)]
        return resolved
    return schema


def _kinds(schema: Schema, described: Schema) -> set[str]:
    """Return the types that the schema allows, each with its format."""
    found: set[str] = set()
    for choice in schema.get("anyOf", [schema]):
        resolved = _resolved(choice, described)
        kind = resolved.get("type", "any")
        form = f" ({resolved['format']})" if "format" in resolved else ""
        found |= {f"{name}{form}" for name in ([kind] if isinstance(kind, str) else kind)}
    return found


def errors_page(text: str) -> str:
    """Return docs/errors.md with the tables of the code as it is."""
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


def write() -> None:
    """Write docs/openapi.json and docs/errors.md, or exit with what would break."""
    described = current()
    if KEPT.exists() and (broken := breaks(json.loads(KEPT.read_text()), described)):
        sys.exit("\n".join(["Clients would break:", *broken]))
    ERRORS.write_text(errors_page(ERRORS.read_text()))
    KEPT.write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write()
