"""Schemas of the place of an object among others."""

from typing import Annotated, NamedTuple, Self

from pydantic import MISSING, AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from todo.http.schema import Body
from todo.schemas.meta import ReferenceIn


class Target(NamedTuple):
    """The place of an object: `first`, `last`, or `before` or `after` the object with this id."""

    where: str
    id: int | None = None


LAST = Target("last")


def _true(value: bool) -> bool:
    if not value:
        raise PydanticCustomError("choice", "This must be true, or absent.")
    return value


End = Annotated[bool, AfterValidator(_true)]


class Place(Body):
    """A place among other objects."""

    before: ReferenceIn | MISSING = Field(
        MISSING, description="Id of the object to be placed before.", examples=[1]
    )
    after: ReferenceIn | MISSING = Field(
        MISSING, description="Id of the object to be placed after."
    )
    first: End | MISSING = Field(MISSING, description="`true`: before all others.")
    last: End | MISSING = Field(MISSING, description="`true`: after all others.")

    @model_validator(mode="after")
    def _has_one_target(self) -> Self:
        if len(self._targets()) > 1:
            raise PydanticCustomError("place", "Give only one of before, after, first and last.")
        return self

    def _targets(self) -> list[Target]:
        ends = [Target(name) for name in ("first", "last") if getattr(self, name) is not MISSING]
        neighbours = [
            Target(name, getattr(self, name))
            for name in ("before", "after")
            if getattr(self, name) is not MISSING
        ]
        return ends + neighbours

    @property
    def target(self) -> Target | None:
        """The place that the request gives, or None."""
        return next(iter(self._targets()), None)


class ListMove(Place):
    """A place for a list: one of `before`, `after`, `first` and `last`."""

    @model_validator(mode="after")
    def _has_target(self) -> Self:
        if self.target is None:
            raise PydanticCustomError("place", "Give one of before, after, first and last.")
        return self
