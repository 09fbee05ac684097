"""The base classes of schemas: what a request brings, and what an answer shows."""

from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator


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
