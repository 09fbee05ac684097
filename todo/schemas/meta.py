"""What all schemas share: the base classes, and the types that more than one uses."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from todo.models.meta import ID_MAX


class Input(BaseModel):
    """What a request brings. A field that it does not know is a fault.

    One that is `read_only` is ignored, so that what was read can be sent back.
    """

    model_config = ConfigDict(extra="forbid")

    read_only: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, fields: Any) -> Any:
        # It is asked for every item of a list: copy only what must be changed.
        if not isinstance(fields, dict) or cls.read_only.isdisjoint(fields):
            return fields
        return {name: value for name, value in fields.items() if name not in cls.read_only}

    def values(self) -> dict[str, Any]:
        """Return the fields that the request mentions, or that have a default."""
        return self.model_dump()


class Body(Input):
    """The body of a request."""


class Query(Input):
    """The parameters after the "?" of a URL."""


class Representation(BaseModel):
    """What an answer shows of something."""

    @classmethod
    def of(cls, row: object) -> dict[str, Any]:
        """Return the attributes of the row that the schema has."""
        [shown] = cls.of_each([row])
        return shown

    @classmethod
    def of_each(cls, rows: Iterable[object], fields: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """Return the attributes of each row that the fields name; without fields, all."""
        names, values = _reader(cls, fields)
        return [dict(zip(names, values(row), strict=True)) for row in rows]


@cache
def _reader(
    schema: type[Representation], fields: tuple[str, ...]
) -> tuple[tuple[str, ...], Callable[[object], tuple[Any, ...]]]:
    """Return the names of the fields, and what reads them: made once for each choice of fields."""
    names = fields or tuple(schema.model_fields)
    read = attrgetter(*names)
    return names, read if len(names) > 1 else lambda row: (read(row),)


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError(
            "bad_unicode", "This holds half of a surrogate pair, which is no character."
        ) from None
    return text


def _without_nul(text: str) -> str:
    # PostgreSQL cannot store it.
    if "\0" in text:
        raise PydanticCustomError("nul", "This must not hold a NUL character.")
    return text


Unicode = Annotated[str, AfterValidator(_unicode)]
Text = Annotated[Unicode, AfterValidator(_without_nul)]

# Patterns of JSON Schema for what Text takes, and for what not_blank() takes.
WITHOUT_NUL = r"^[^\u0000]*$"
NOT_BLANK = r"^[^\u0000]*[^\u0000\s][^\u0000]*$"


def limited(text: str, maximum: int) -> str:
    """Return the text, or raise the fault that it is too long; lengths are in code points."""
    if len(text) > maximum:
        raise PydanticCustomError(
            "too_long", "This must have at most {maximum} characters.", {"maximum": maximum}
        )
    return text


def not_blank(text: str, maximum: int) -> str:
    """Return the text, or raise the fault that it is blank or too long."""
    if not text.strip():
        raise PydanticCustomError("blank", "This must not be blank.")
    return limited(text, maximum)


def _flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise PydanticCustomError("type", "This must be true or false.")
    return value == "true"


# A query has no types; of the many words for a truth value it takes those of JSON alone, as the
# document says.
Flag = Annotated[
    bool,
    PlainValidator(_flag),
    WithJsonSchema({"type": "boolean", "examples": [True]}),
]


def _whole_number(text: str) -> int:
    if not re.fullmatch("-?[0-9]{1,18}", text):
        raise PydanticCustomError("type", "This must be a whole number.")
    return int(text)


# In a query: decimal digits, without the spaces and underscores that Python takes.
WholeNumber = Annotated[int, BeforeValidator(_whole_number)]

# Its bounds stand before the validator, or the document would not have them beside MISSING.
RevisionIn = Annotated[int, Field(ge=1, le=ID_MAX), BeforeValidator(_whole_number)]


Instant = Annotated[
    datetime,
    Field(description="An instant, in UTC (RFC 3339).", examples=["2030-01-01T08:00:00.123456Z"]),
]

Owner = Annotated[
    str, Field(description="The account's name, as it was registered.", examples=["alice"])
]
