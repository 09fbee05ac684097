"""Schemas of the document, their forms and their examples, generated from the models."""

import inspect
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from todo.http.operations import Operation
from todo.http.typed_views import models_of, success_response
from todo.schemas.problem import ProblemDetails

Schema = dict[str, Any]

REF = "#/components/schemas/"

# The texts that pydantic reads as booleans, in any case. A pattern, because from an enum, client
# generators would make constants of "true" and "True" whose names collide.
BOOLEAN_PATTERN = "^({})$".format(
    "|".join(
        "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in word)
        for word in ["true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "1", "0"]
    )
)


class SchemaWriter(GenerateJsonSchema):
    """A schema generator that omits titles, which repeat the names, and adds read-only fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: Any) -> Schema:
        written = super().model_schema(schema)
        for name in sorted(getattr(schema["cls"], "read_only", ())):
            written["properties"][name] = {
                "description": "Ignored in requests, so that clients can send back what they read.",
                "readOnly": True,
            }
        return written


def schemas_of(described: list[Operation]) -> tuple[Schema, dict[Any, Schema]]:
    """Return all schemas by name, and a reference to the schema of each model."""
    inputs: list[tuple[Any, JsonSchemaMode]] = []
    outputs: list[tuple[Any, JsonSchemaMode]] = [(ProblemDetails, "serialization")]
    for operation in described:
        inputs += [
            (model, "validation")
            for name in ("query", "body")
            for model in models_of(operation.options.get(name))
        ]
        _, answers = success_response(operation.options["returns"])
        outputs += [(model, "serialization") for model in answers]
    models = list(dict.fromkeys([*inputs, *outputs]))
    refs, definitions = models_json_schema(
        models, ref_template=REF + "{model}", schema_generator=SchemaWriter
    )
    schemas: Schema = definitions["$defs"]
    for schema in schemas.values():
        schema.pop("title", None)
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    for operation in described:
        for model in models_of(operation.options.get("body"))[:1]:
            schemas[f"{model.__name__}Form"] = _form(schemas[model.__name__])
    return dict(sorted(schemas.items())), {model: refs[model, mode] for model, mode in models}


def _form(schema: Schema) -> Schema:
    """Return the schema of a form with the same fields, in which an empty value means null."""
    properties = {}
    for name, field in schema["properties"].items():
        choices = [choice for choice in field.get("anyOf", []) if choice.get("type") != "null"]
        form_field = {key: value for key, value in field.items() if key != "anyOf"}
        if form_field.get("default", "") is None:
            del form_field["default"]
        if len(choices) == 1:
            form_field |= choices[0]
        elif choices:
            form_field["anyOf"] = choices
        elif form_field.get("type") == "string":
            form_field["minLength"] = form_field.get("minLength", 1)
        elif form_field.get("type") == "boolean":
            form_field |= {"type": "string", "pattern": BOOLEAN_PATTERN, "examples": ["false"]}
            form_field.pop("default", None)
        properties[name] = form_field
    return schema | {"properties": properties}


def resolve(schema: Schema, schemas: Schema) -> Schema:
    """Return the schema, or its target if it is a reference."""
    return schemas[schema["$ref"].removeprefix(REF)] if "$ref" in schema else schema


def example(schema: Schema, schemas: Schema) -> Any:
    """Return an example of the schema, composed of the examples of its parts.

    Optional parts without an example are omitted. Raise ValueError if a required part has none.
    """
    if "examples" in schema:
        return schema["examples"][0]
    schema = resolve(schema, schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "properties" in schema:
        return {
            name: example(field, schemas)
            for name, field in schema["properties"].items()
            if name in schema.get("required", ()) or "examples" in field
        }
    if "anyOf" in schema:
        return example(schema["anyOf"][0], schemas)
    if "items" in schema:
        return [example(schema["items"], schemas)]
    raise ValueError(f"no example in {schema}")
