"""The OpenAPI document with forms: a form with the same fields for each JSON body.

The published document has JSON only, because client generators cannot handle two media types well.
"""

import copy
from typing import Any

from todo.http.bodies import FORM, JSON
from todo.openapi.schemas import REF, example

Schema = dict[str, Any]

# The texts that pydantic reads as booleans, in any case.
BOOLEAN_PATTERN = "^({})$".format(
    "|".join(
        "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in word)
        for word in ["true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "1", "0"]
    )
)


def with_forms(document: Schema) -> Schema:
    """Return the document with a form for each JSON body that is an object of plain fields."""
    described = copy.deepcopy(document)
    schemas = described["components"]["schemas"]
    for item in described["paths"].values():
        for operation in item.values():
            if content := operation.get("requestBody", {}).get("content"):
                first = content[JSON]["schema"]
                name = first.get("oneOf", [first])[0]["$ref"].removeprefix(REF)
                schemas[f"{name}Form"] = form_of(schemas[name])
                form = {"$ref": f"{REF}{name}Form"}
                content[FORM] = {"schema": form, "example": example(form, schemas)}
    return described


def form_of(schema: Schema) -> Schema:
    """Return the schema of a form with the same fields, in which an empty value means null."""
    return schema | {
        "properties": {
            name: _text_field(field)
            for name, field in schema["properties"].items()
            if not field.get("readOnly")
        }
    }


def _text_field(field: Schema) -> Schema:
    if any(choice["type"] == "boolean" for choice in field.get("anyOf", [])):
        plain = {key: value for key, value in field.items() if key != "anyOf"}
        return plain | {"type": "string", "pattern": BOOLEAN_PATTERN, "examples": ["false"]}
    choices = [choice for choice in field.get("anyOf", []) if choice["type"] != "null"]
    if choices:
        [choice] = choices
        if len(choices) < len(field["anyOf"]):  # it may be null
            choice = {"type": "string", "anyOf": [{"maxLength": 0}, choice]}
        return {key: value for key, value in field.items() if key != "anyOf"} | choice
    if field.get("type") == "boolean":
        return field | {"type": "string", "pattern": BOOLEAN_PATTERN, "examples": ["false"]}
    if field.get("type") == "array":
        return {"type": "string", "description": field["description"], "examples": ["home,urgent"]}
    if field.get("type") == ["string", "null"]:
        return field | {"type": "string"}
    return field | {"minLength": field.get("minLength", 1)}
