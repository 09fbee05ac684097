"""The base classes of the input and output schemas."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache, cached_property
from operator import attrgetter
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

from todo.days import in_whole_seconds


class Representation(BaseModel):
    """Output: the fields of an object in a response."""

    @classmethod
    def of(cls, row: object) -> dict[str, Any]:
        """Return the row's attributes that the schema declares."""
        [shown] = cls.of_each([row])
        return shown

    @classmethod
    def of_each(cls, rows: Iterable[object], fields: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """Return the given fields of each row; by default, all fields of the schema."""
        names, times, values = _reader(cls, fields)
        shown = [dict(zip(names, values(row), strict=True)) for row in rows]
        for each in shown:
            for name in times:
                if type(value := each[name]) is datetime:  # not a day or None
                    each[name] = in_whole_seconds(value)
        return shown


def is_time(name: str) -> bool:
    """Return whether a field of this name holds a time: `date`, `due_date`, `failing_since`."""
    return not {"date", "since"}.isdisjoint(name.split("_"))


@cache
def _reader(
    schema: type[Representation], fields: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...], Callable[[object], tuple[Any, ...]]]:
    """Return the field names, those of times, and a function that reads the fields from a row.

    Cached per selection.
    """
    names = fields or tuple(schema.model_fields)
    times = tuple(filter(is_time, names))
    read = attrgetter(*names)
    return names, times, read if len(names) > 1 else lambda row: (read(row),)


class Input(BaseModel):
    """Input of a request. An unknown field is a fault.

    `shown_as` is the representation that a client may send back: its other fields are read-only
    here, and ignored.
    """

    model_config = ConfigDict(extra="forbid")

    shown_as: ClassVar[type[Representation] | None] = None

    @classmethod
    @cache
    def read_only(cls) -> frozenset[str]:
        """Return the names of the fields that are ignored."""
        shown = cls.shown_as.model_fields.keys() if cls.shown_as else set()
        return frozenset(shown - cls.model_fields.keys())

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, fields: Any) -> Any:
        # This runs for every item of a list, so copy only if a field must be removed.
        if not isinstance(fields, dict) or cls.read_only().isdisjoint(fields):
            return fields
        return {name: value for name, value in fields.items() if name not in cls.read_only()}

    def values(self) -> dict[str, Any]:
        """Return the fields that the request has set, and those with a default."""
        return self.model_dump()

    @cached_property
    def prepared(self) -> Any:
        """The values as the services take them; what is slow to compute from them is cached."""
        return self.values()


class Body(Input):
    """The body of a request."""


class Query(Input):
    """The parameters after the "?" of a URL."""
