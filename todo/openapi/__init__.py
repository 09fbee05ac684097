"""The OpenAPI 3.1 document, generated from the configured application so that the two always agree.

The generator reads the views' options (http/typed_views.py) and docstrings, the models, the context
factories and the error catalogue. It is independent of tasks and any other resource.
"""

from collections.abc import Sequence
from importlib.metadata import version

from pyramid.registry import Registry

from todo.auth.policy import cookie_name
from todo.http.codes import CODES
from todo.http.errors import Problem, problem_body
from todo.http.operations import Operation, operations
from todo.openapi.paths import HEADERS, error_codes, paths_of, tags_of
from todo.openapi.schemas import Schema, example, schemas_of
from todo.schemas.problem import ProblemDetails

# Further members of the errors with these codes.
EXTENSIONS = {
    "too_many": ("count",),
    "precondition": ("etag", "task", "changed"),
    "undo_conflict": ("conflicts",),
}


def document(
    registry: Registry, title: str, text: str, tags: Sequence[str], *, server: str
) -> Schema:
    """Return the OpenAPI document of the application.

    `text` describes the API; `tags` is the order in which readers need the groups of operations;
    `server` is the URL below which its paths are.
    """
    described = [operation for operation in operations(registry) if is_described(operation)]
    schemas, refs = schemas_of(described)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version("todo"),
            "description": text,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "tags": tags_of(described, tags),
        "paths": paths_of(described, refs, schemas),
        "components": {
            "schemas": schemas,
            "headers": HEADERS,
            "examples": {code: _problem_example(code, schemas) for code in error_codes(described)},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The `token` of a registration or login, or an API token.",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": cookie_name(registry["settings"]),
                    "description": "Set by registration and login; scripts cannot read it.",
                },
            },
        },
    }


def is_described(operation: Operation) -> bool:
    """Return whether the view is an API operation.

    Pages are not: they return no model. Nor are further URLs of an operation: they have no name.
    """
    return operation.name is not None and operation.options.get("returns") is not None


def _problem_example(code: str, schemas: Schema) -> Schema:
    _, meaning = CODES[code]
    members = schemas[ProblemDetails.__name__]["properties"]
    faults = example(members["errors"], schemas) if code == "validation" else []
    extensions = {name: example(members[name], schemas) for name in EXTENSIONS.get(code, ())}
    problem = Problem(code, meaning, errors=faults, extensions=extensions)
    return {
        "summary": meaning,
        "value": problem_body(problem, example(members["request_id"], schemas)),
    }
