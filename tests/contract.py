"""The contract: what the OpenAPI document promises, held against answers and against its past.

Run as a program it writes docs/openapi.json anew, unless that would break clients.
"""

import json
import re
import sys
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any

import jsonschema_rs
from pyramid.registry import Registry
from webtest import TestResponse

from tests.databases import ROOT
from tests.planted import PLANTED
from todo import configure
from todo.openapi import REF, document

KEPT = ROOT / "docs" / "openapi.json"
PROBLEM = {"$ref": f"{REF}ProblemDetails"}

Schema = dict[str, Any]


class Contract:
    """The document, ready to check answers."""

    def __init__(self, described: Schema) -> None:
        self.document = described

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], Schema]]:
        return [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), item)
            for path, item in sorted(self.document["paths"].items())
        ]

    @cache  # noqa: B019
    def _validator(self, schema: str) -> Any:
        return jsonschema_rs.Draft202012Validator(
            json.loads(schema) | {"components": self.document["components"]}, validate_formats=True
        )

    def errors(self, schema: Schema, value: Any) -> list[str]:
        """Return what is wrong with the value."""
        return [str(error) for error in self._validator(json.dumps(schema)).iter_errors(value)]

    def operation(self, method: str, path: str) -> Schema | None:
        """Return the described operation; HEAD is described as GET. Constant paths come first."""
        for pattern, item in self._paths:
            if pattern.fullmatch(path):
                return item.get("get" if method == "HEAD" else method.lower())
        return None

    def check(self, method: str, path: str, response: TestResponse) -> None:
        """Fail if the answer is not what the document says."""
        check_headers(path, response)
        operation = self.operation(method, path)
        status = response.status_int
        if path == PLANTED:
            return
        if operation is None or status == 405:
            if status >= 400:
                self._check_body(
                    method, response, {"application/problem+json": {"schema": PROBLEM}}
                )
            return
        assert str(status) in operation["responses"], f"{method} {path}: {status} is undescribed"
        described = operation["responses"][str(status)]
        for name in described["headers"]:
            assert name in response.headers, f"{method} {path}: {status} without {name}"
        self._check_body(method, response, described.get("content"))

    def _check_body(self, method: str, response: TestResponse, content: Schema | None) -> None:
        if content is None:
            assert response.body == b""
            assert "Content-Type" not in response.headers
            return
        [(media_type, described)] = content.items()
        assert response.headers["Content-Type"] == media_type
        if method != "HEAD":
            assert not self.errors(described["schema"], response.json), response.text


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
        registry["contract"] = Contract(document(registry))
    contract: Contract = registry["contract"]
    return contract


def current() -> Schema:
    """Return the document of the code as it is."""
    config = configure({"sqlalchemy.url": "sqlite:///none.sqlite"})
    config.commit()
    described: Schema = json.loads(json.dumps(document(config.registry)))
    return described


def breaks(old: Schema, new: Schema) -> list[str]:
    """Return what a client of the old document would find broken in the new one."""
    return list(_breaks(old, new))


def _breaks(old: Schema, new: Schema) -> Iterator[str]:
    for path, item in old["paths"].items():
        for method, before in item.items():
            name = f"{method.upper()} {path}"
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{name} is gone"
                continue
            yield from _parameter_breaks(name, before, after)
            for media_type, content in before.get("requestBody", {}).get("content", {}).items():
                schema = after.get("requestBody", {}).get("content", {}).get(media_type)
                if schema is None:
                    yield f"{name} takes no {media_type} any more"
                else:
                    pair = content["schema"], schema["schema"]
                    yield from _input_breaks(f"{name}: {media_type}", *pair, old, new)
            for status, response in before["responses"].items():
                if int(status) < 400:
                    yield from _response_breaks(f"{name}: {status}", response, after, old, new)


def _parameter_breaks(name: str, before: Schema, after: Schema) -> Iterator[str]:
    old = {parameter["name"]: parameter for parameter in before["parameters"]}
    new = {parameter["name"]: parameter for parameter in after["parameters"]}
    for parameter in old.keys() - new.keys():
        yield f"{name}: the parameter {parameter} is gone"
    for parameter, described in new.items():
        if described["required"] and not old.get(parameter, {"required": False})["required"]:
            yield f"{name}: the parameter {parameter} is newly required"


def _response_breaks(
    name: str, response: Schema, after: Schema, old: Schema, new: Schema
) -> Iterator[str]:
    status = name.rpartition(" ")[2]
    if status not in after["responses"]:
        yield f"{name} is gone"
        return
    content = after["responses"][status].get("content", {})
    for media_type, described in response.get("content", {}).items():
        if media_type in content:
            pair = described["schema"], content[media_type]["schema"]
            yield from _output_breaks(name, *pair, old, new)
        else:
            yield f"{name} has no {media_type} any more"


def _input_breaks(
    name: str, before: Schema, after: Schema, old: Schema, new: Schema
) -> Iterator[str]:
    before, after = _resolved(before, old), _resolved(after, new)
    if gone := _types(before, old) - _types(after, new):
        yield f"{name} takes no {' or '.join(sorted(gone))} any more"
    for field in set(after.get("required", [])) - set(before.get("required", [])):
        yield f"{name}.{field} is newly required"
    for field, schema in before.get("properties", {}).items():
        if field not in after.get("properties", {}):
            yield f"{name}.{field} is gone"
        else:
            yield from _input_breaks(
                f"{name}.{field}", schema, after["properties"][field], old, new
            )


def _output_breaks(
    name: str, before: Schema, after: Schema, old: Schema, new: Schema
) -> Iterator[str]:
    before, after = _resolved(before, old), _resolved(after, new)
    if came := _types(after, new) - _types(before, old):
        yield f"{name} may be {' or '.join(sorted(came))} now"
    for field in set(before.get("required", [])) - set(after.get("required", [])):
        yield f"{name}.{field} is gone or optional"
    for field in before.get("properties", {}).keys() & after.get("properties", {}).keys():
        pair = before["properties"][field], after["properties"][field]
        yield from _output_breaks(f"{name}.{field}", *pair, old, new)
    if "items" in before and "items" in after:
        yield from _output_breaks(f"{name}[]", before["items"], after["items"], old, new)


def _resolved(schema: Schema, described: Schema) -> Schema:
    if "$ref" in schema:
        resolved: Schema = described["components"]["schemas"][schema["$ref"].removeprefix(REF)]
        return resolved
    return schema


def _types(schema: Schema, described: Schema) -> set[str]:
    choices = schema.get("anyOf", [schema])
    found: set[str] = set()
    for choice in choices:
        kind = _resolved(choice, described).get("type", "any")
        found |= {kind} if isinstance(kind, str) else set(kind)
    return found


def write() -> None:
    """Write docs/openapi.json, or exit with what would break."""
    described = current()
    if KEPT.exists() and (broken := breaks(json.loads(KEPT.read_text()), described)):
        sys.exit("\n".join(["Clients would break:", *broken]))
    KEPT.write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write()
