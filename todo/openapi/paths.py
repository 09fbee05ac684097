"""Paths of the document: operations with their parameters, bodies and responses."""

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pyramid.exceptions import ConfigurationError
from pyramid.security import NO_PERMISSION_REQUIRED

from todo.auth.permissions import Permission
from todo.http import errors, idempotency, preconditions
from todo.http.bodies import JSON
from todo.http.codes import CODES
from todo.http.errors import CHALLENGE, RETRY_AFTER, phrase
from todo.http.operations import Operation
from todo.http.typed_views import models_of, needs_body, success_response
from todo.models.idempotency_key import KEY_MAX, RETENTION
from todo.openapi.schemas import REF, Schema, SchemaWriter, example
from todo.schemas.problem import ProblemDetails

# Errors of all operations, and of those that need a login, change data, or accept a body.
# Reading can also fill the disk: the database sorts large results there.
ANY_ERRORS = (
    *("bad_host", "bad_query", "validation"),
    *("internal_error", "storage_full", "unavailable"),
)
LOGIN_ERRORS = ("unauthenticated", "forbidden")
CHANGE_ERRORS = ("cross_site", "conflict", "storage_read_only")
BODY_ERRORS = (
    "bad_json",
    "bad_form",
    "duplicate_key",
    "not_object",
    "body_too_large",
    "unsupported_media_type",
)

HEADERS: dict[str, Schema] = {
    "X-Request-Id": {
        "description": "Id of the request in the server's log.",
        "schema": {"type": "string", "examples": ["b5bb9d8014a0f9b1"]},
    },
    "Location": {
        "description": "Path of the new object; for several, of a list that shows them.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Link": {
        "description": 'Path of the next page, with rel="next", or of the `POST` request that '
        'undoes this change, with rel="undo". Absent without such a page or change (RFC 8288).',
        "schema": {
            "type": "string",
            "examples": [
                '</api/v1/accounts/alice/tasks?after=WyJiODRjMDMzMiIsbnVsbCwyXQ>; rel="next"'
            ],
        },
    },
    "ETag": {
        "description": "Version of the object or list: its revision in quotes (RFC 9110, section "
        "8.8.3).",
        "schema": {"type": "string", "examples": ['"12"']},
    },
    "Idempotency-Replayed": {
        "description": "`true` if this is the stored answer to an earlier request with the same "
        "`Idempotency-Key`.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Content-Disposition": {
        "description": "Suggested file name (RFC 6266).",
        "schema": {"type": "string", "examples": ['attachment; filename="todo-alice.json"']},
    },
    "WWW-Authenticate": {
        "description": "Authentication scheme (RFC 6750, section 3).",
        "schema": {"type": "string", "examples": [CHALLENGE]},
    },
    "Set-Cookie": {
        "description": "The session cookie, set or cleared.",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "schema": {"type": "integer", "examples": [RETRY_AFTER]},
    },
}

_ENTITY_TAGS = {"type": "string", "pattern": f"^(?:{preconditions.PATTERN})$", "examples": ['"12"']}

# Request header fields.
IDEMPOTENCY_KEY: Schema = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "A key that the client makes up, such as a UUID; a new one for each write. A "
    f"repeated request with the same key within {RETENTION.total_seconds() / 3600:.0f} hours gets "
    "the stored answer and is not executed again. A refused request does not use up its key.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": KEY_MAX,
        "pattern": f"^{idempotency.PATTERN}$",
        "examples": ["0f6b5e0c-3c5b-4f0e-9a9b-1d2f6a1c7e55"],
    },
}
IF_MATCH: Schema = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "`ETag` of the version to change. If another version is stored, the answer is "
    "412 and nothing changes.",
    "schema": _ENTITY_TAGS,
}
IF_NONE_MATCH: Schema = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "`ETag` of the client's version. If it is still current, the answer is 304.",
    "schema": _ENTITY_TAGS,
}

# The HTTP server refuses this by itself, before the application sees it.
_HEADER_TOO_LARGE: Schema = {
    "description": "The HTTP server refuses header fields of more than 32 KiB.",
    "headers": {},
    "content": {"text/plain": {"schema": {"type": "string", "examples": ["Too Large"]}}},
}

HEADER_OF_STATUS = {
    201: "Location",
    303: "Location",
    304: "ETag",
    401: "WWW-Authenticate",
    412: "ETag",
    429: "Retry-After",
    503: "Retry-After",
}


def paths_of(described: list[Operation], refs: dict[Any, Schema], schemas: Schema) -> Schema:
    """Return the paths, each with its operations by method."""
    paths: Schema = {}
    for operation in described:
        item = paths.setdefault(operation.pattern, {})
        for method in operation.methods:
            item[method.lower()] = _operation(operation, method, refs, schemas)
    return paths


def _tag(operation: Operation) -> str:
    return operation.function.__module__.rpartition(".")[2].capitalize()


def tags_of(described: list[Operation], order: Sequence[str]) -> list[Schema]:
    """Return a tag for each views module: first those in `order`, then the rest by name."""
    modules = {_tag(operation): inspect.getmodule(operation.function) for operation in described}
    names = [*(name for name in order if name in modules), *sorted(modules.keys() - set(order))]
    return [{"name": name, "description": _summary(modules[name])} for name in names]


def _summary(documented: Any) -> str:
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def _operation(
    operation: Operation, method: str, refs: dict[Any, Schema], schemas: Schema
) -> Schema:
    summary, _, description = (inspect.getdoc(operation.function) or "").partition("\n")
    described: Schema = {
        "operationId": _operation_id(operation, method),
        "summary": summary,
        "tags": [_tag(operation)],
        "security": _security(operation),
        "parameters": [
            *_path_parameters(operation),
            *_query_parameters(operation),
            *_header_parameters(operation, method),
        ],
        "responses": _responses(operation, method, refs, schemas),
    }
    if method in (operation.options.get("deprecated") or ()):
        described["deprecated"] = True
    if description.strip():
        described["description"] = description.strip()
    if bodies := models_of(operation.options.get("body")):
        described["requestBody"] = _request_body(bodies, refs, schemas) | {
            "required": needs_body(method, bodies)
        }
    return described


def _operation_id(operation: Operation, method: str) -> str:
    """Return the operation's name as an identifier, plus the method if it is not the first one."""
    name = re.sub(r"\W+", "_", (operation.name or operation.route).replace("'", ""))
    return name if method == operation.methods[0] else f"{name}_{method.lower()}"


def is_public(operation: Operation) -> bool:
    """Return whether the operation is available without a login."""
    return bool(operation.permission == NO_PERMISSION_REQUIRED)


def _security(operation: Operation) -> list[Schema]:
    login: list[Schema] = [{"bearer": []}, {"cookie": []}]
    if not is_public(operation):
        return login
    return [{}, *login] if operation.options.get("session") else []


def _path_parameters(operation: Operation) -> list[Schema]:
    names = re.findall(r"{(\w+)}", operation.pattern)
    if not names:
        return []
    if not hasattr(operation.factory, "Path"):
        raise ConfigurationError(f"{operation.pattern}: its factory has no model Path of {names}")
    schema = operation.factory.Path.model_json_schema(schema_generator=SchemaWriter)
    return [_parameter(name, "path", schema["properties"][name], required=True) for name in names]


def _query_parameters(operation: Operation) -> list[Schema]:
    if not (query := operation.options.get("query")):
        return []
    schema = query.model_json_schema(schema_generator=SchemaWriter)
    required = schema.get("required", [])
    return [
        _parameter(name, "query", field, required=name in required)
        for name, field in schema["properties"].items()
    ]


def _header_parameters(operation: Operation, method: str) -> list[Schema]:
    key = [IDEMPOTENCY_KEY] if operation.options.get("idempotency_key") else []
    if not is_versioned(operation):
        return key
    return [IF_NONE_MATCH] if method == "GET" else [*key, IF_MATCH]


def is_versioned(operation: Operation) -> bool:
    """Return whether the resource in the path has an ETag."""
    return getattr(operation.factory, "versioned", False)


def _parameter(name: str, place: str, schema: Schema, *, required: bool) -> Schema:
    schema = dict(schema)
    description = schema.pop("description")
    return {
        "name": name,
        "in": place,
        "required": required,
        "description": description,
        "schema": schema,
    }


def _request_body(models: tuple[Any, ...], refs: dict[Any, Schema], schemas: Schema) -> Schema:
    return {"content": {JSON: _content(models, refs, schemas)}}


def _content(models: tuple[Any, ...], refs: dict[Any, Schema], schemas: Schema) -> Schema:
    """Return the schema of a body that is any of the models, with an example of each."""
    if len(models) == 1:
        return {"schema": refs[models[0]], "example": example(refs[models[0]], schemas)}
    return {
        "schema": {"oneOf": [refs[model] for model in models]},
        "examples": {
            model.__name__: {"summary": _summary(model), "value": example(refs[model], schemas)}
            for model in models
        },
    }


def _responses(
    operation: Operation, method: str, refs: dict[Any, Schema], schemas: Schema
) -> Schema:
    status, _ = success_response(operation.options["returns"])
    responses = {str(status): _success_response(operation, refs, schemas)}
    if is_versioned(operation) and method == "GET":
        responses["304"] = {
            "description": "The client's version is current.",
            "headers": _headers(304),
        }

    for redirected, description in (operation.options.get("redirects") or {}).items():
        responses[str(redirected)] = {
            "description": description,
            "headers": _headers(redirected),
        }
    by_status: dict[int, list[str]] = {}
    for code in sorted(set(_error_codes(operation, method))):
        by_status.setdefault(CODES[code][0], []).append(code)
    for failed, codes in sorted(by_status.items()):
        responses[str(failed)] = _error_response(failed, codes)
    responses["431"] = _HEADER_TOO_LARGE
    return responses


def error_codes(described: list[Operation]) -> list[str]:
    """Return the codes of all errors that the operations may raise, sorted."""
    return sorted(
        {
            code
            for operation in described
            for method in operation.methods
            for code in _error_codes(operation, method)
        }
    )


def _error_codes(operation: Operation, method: str) -> Iterable[str]:
    yield from ANY_ERRORS
    yield from operation.options.get("errors") or ()
    if operation.factory is not None:
        yield "bad_path"
        yield from operation.factory.errors
    if not is_public(operation):
        yield from LOGIN_ERRORS
        if method != "GET" or operation.permission == Permission.MANAGE:
            yield "insufficient_scope"
    if operation.options.get("body"):
        yield from BODY_ERRORS
    if method != "GET":
        yield from CHANGE_ERRORS
        if is_versioned(operation):
            yield "precondition"
    if operation.options.get("idempotency_key"):
        yield from ("key_reused", "quota")


def _success_response(operation: Operation, refs: dict[Any, Schema], schemas: Schema) -> Schema:
    status, models = success_response(operation.options["returns"])
    headers = operation.options.get("headers") or ()
    if unknown := set(headers) - HEADERS.keys():
        raise ConfigurationError(f"{operation.pattern}: headers= has no {unknown} of HEADERS")
    session = ["Set-Cookie"] if operation.options.get("session") else []
    replayed = [idempotency.REPLAYED] if operation.options.get("idempotency_key") else []
    response: Schema = {
        "description": " Or: ".join(map(_summary, models)) or phrase(status),
        "headers": _headers(status, *headers, *session, *replayed),
    }
    if models:
        response["content"] = {JSON: _content(models, refs, schemas)}
    return response


def _error_response(status: int, codes: list[str]) -> Schema:
    meanings = "\n".join(f"* `{code}`: {CODES[code][1]}" for code in codes)
    return {
        "description": f"{phrase(status)}\n\n{meanings}",
        "headers": _headers(status),
        "content": {
            errors.MEDIA_TYPE: {
                "schema": {"$ref": f"{REF}{ProblemDetails.__name__}"},
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }


def _headers(status: int, *more: str) -> Schema:
    of_status = [HEADER_OF_STATUS[status]] if status in HEADER_OF_STATUS else []
    names = ["X-Request-Id", *of_status, *more]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
