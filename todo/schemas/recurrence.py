"""Recurrence schemas: skipping an occurrence, and the dates of a rule."""

from typing import Annotated, Any

from pydantic import MISSING, AfterValidator, Field
from pydantic_core import PydanticCustomError

from todo.http.schema import Body, Representation
from todo.schemas.dates import DateOut, LocalDateIn
from todo.schemas.meta import Owner
from todo.schemas.task import Completing
from todo.schemas.task_fields import RecurrenceRule, TimezoneIn

COUNT, COUNT_MAX = 10, 100


class Skip(Completing):
    """The occurrence to skip."""


def _dated(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("null", "This must have a value.")
    return value


class RecurrencePreview(Body):
    """A recurrence rule and its first date."""

    recurrence: RecurrenceRule
    due_date: Annotated[LocalDateIn, AfterValidator(_dated)]
    timezone: TimezoneIn | MISSING = MISSING
    count: int = Field(
        COUNT, ge=1, le=COUNT_MAX, description="Maximum number of dates.", examples=[3]
    )


class RecurrenceDates(Representation):
    """The dates of a recurrence rule."""

    username: Owner
    recurrence: str = Field(
        description="The rule, as tasks show it.", examples=["FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"]
    )
    text: str = Field(description="The rule in English.", examples=["every second Tuesday"])
    dates: list[DateOut] = Field(
        description="The given date, and those that follow from it.",
        examples=[["2030-02-05", "2030-02-19", "2030-03-05"]],
    )
