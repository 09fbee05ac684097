"""OpenAPI 3.1, built from the configured application, so that it cannot drift from it.

All it knows comes from the views' options (http/typed_views.py), their docstrings, the models, the
context factories and the catalogue of errors. Nothing here knows about tasks.
"""

from importlib.metadata import version

from pyramid.registry import Registry

from todo.auth.policy import cookie_name
from todo.http.errors import CODES, Problem, problem_body
from todo.http.operations import Operation, operations
from todo.openapi.paths import HEADERS, paths_of, tags_of
from todo.openapi.schemas import Schema, example, schemas_of
from todo.schemas.problem import ProblemDetails

# Members that the answers with some codes have besides.
EXTENSIONS = {
    "too_many": ("count",),
    "precondition": ("etag", "task", "changed"),
    "undo_conflict": ("conflicts",),
}


def document(registry: Registry, title: str, text: str) -> Schema:
    """Return the OpenAPI document of the application, headed by the title and the text."""
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
        "tags": tags_of(described),
        "paths": paths_of(described, refs, schemas),
        "components": {
            "schemas": schemas,
            "headers": HEADERS,
            "examples": {code: _problem_example(code, schemas) for code in sorted(CODES)},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token, as a login answers with.",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": cookie_name(registry["settings"]),
                    "description": "Set by a login in a browser, where no script can read it.",
                },
            },
        },
    }


def is_described(operation: Operation) -> bool:
    """Tell whether the view is an operation of the API; pages, which return no model, are not."""
    return operation.options.get("returns") is not None


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
