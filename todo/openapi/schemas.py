"""Schemas of the document and their examples, generated from the models."""

import inspect
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from todo.http.operations import Operation
from todo.http.schema import Body, Input, Representation
from todo.http.typed_views import models_of, success_response
from todo.schemas.problem import ProblemDetails

Schema = dict[str, Any]

REF = "#/components/schemas/"


class SchemaWriter(GenerateJsonSchema):
    """A schema generator for inputs and representations.

    It omits titles, which repeat the names, and the defaults of bodies, which make client
    generators require the field. It adds the read-only fields.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: Any) -> Schema:
        written, model = super().model_schema(schema), schema["cls"]
        if issubclass(model, Body):
            for field in written["properties"].values():
                field.pop("default", None)
        if issubclass(model, Input) and model.shown_as:
            written["properties"] |= _read_only_fields(model.shown_as, model.read_only())
        return written


def _read_only_fields(shown_as: type[Representation], names: frozenset[str]) -> Schema:
    """Return the schemas of a representation's fields that an input ignores."""
    shown = shown_as.model_json_schema(
        mode="serialization", ref_template=REF + "{model}", schema_generator=SchemaWriter
    )
    return {
        name: field
        | {
            "description": "Ignored in requests, so that clients can send back what they read.",
            "readOnly": True,
        }
        for name, field in shown["properties"].items()
        if name in names
    }


def schemas_of(described: list[Operation]) -> tuple[Schema, dict[Any, Schema]]:
    """Return all schemas by name, and a reference to the schema of each model."""
    inputs: list[tuple[Any, JsonSchemaMode]] = []
    outputs: list[tuple[Any, JsonSchemaMode]] = [(ProblemDetails, "serialization")]
    for operation in described:
        inputs += [(model, "validation") for model in models_of(operation.options.get("body"))]
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
    return dict(sorted(schemas.items())), {model: refs[model, mode] for model, mode in models}


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
            if name in schema.get("required", ())
            or ("examples" in field and "readOnly" not in field)
        }
    if "anyOf" in schema:
        return example(schema["anyOf"][0], schemas)
    if "items" in schema:
        return [example(schema["items"], schemas)]
    raise ValueError(f"no example in {schema}")
