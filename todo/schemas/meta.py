"""What all schemas share: the base classes, and the types that more than one uses."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


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
        """Return the attributes of the row that the fields name."""
        names, values = _reader(cls)
        return dict(zip(names, values(row), strict=True))


@cache
def _reader(model: type[Representation]) -> tuple[tuple[str, ...], Callable[[object], Any]]:
    names = tuple(model.model_fields)
    return names, attrgetter(*names)


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


Instant = Annotated[
    datetime,
    Field(description="An instant, in UTC (RFC 3339).", examples=["2030-01-01T08:00:00.123456Z"]),
]

Owner = Annotated[
    str, Field(description="The account's name, as it was registered.", examples=["alice"])
]
