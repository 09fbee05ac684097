"""The schemas of the document, their forms and their examples: all of them made from models."""

import inspect
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from todo.http.operations import Operation
from todo.http.typed_views import models_of, success_response
from todo.schemas.problem import ProblemDetails

Schema = dict[str, Any]

REF = "#/components/schemas/"

# What pydantic reads from a form as true or false, in any case of letters. No enum: a generator
# of clients would make one constant of "true" and "True".
BOOLEAN_PATTERN = "^({})$".format(
    "|".join(
        "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in word)
        for word in ["true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "1", "0"]
    )
)


class SchemaWriter(GenerateJsonSchema):
    """Leaves out the titles, which only repeat the names, and adds the read-only fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: Any) -> Schema:
        written = super().model_schema(schema)
        for name in sorted(getattr(schema["cls"], "read_only", ())):
            written["properties"][name] = {
                "description": "Ignored, so that what was read can be sent back.",
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
    """Return the schema of the form that carries the same fields: an empty value is its null."""
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
    """Return the schema that a reference names, or the schema itself."""
    return schemas[schema["$ref"].removeprefix(REF)] if "$ref" in schema else schema


def example(schema: Schema, schemas: Schema) -> Any:
    """Return an example of the schema, made of the examples of its parts.

    An optional part without an example is left out.

    Raises ValueError for a part that has none.
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
