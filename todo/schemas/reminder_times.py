"""The reminders of a task: times, and durations before its due date."""

from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import (
    MISSING,
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from todo.days import DAY_FIRST, INSTANT
from todo.http.schema import Representation
from todo.reminders import DAYS_MAX, DURATION, REMINDERS_MAX, TooLongError, parse_duration
from todo.schemas.dates import LocalDateIn, schema_pattern
from todo.schemas.meta import WHOLE_SECONDS

_ONE_MEMBER: dict[str, Any] = {"minProperties": 1, "maxProperties": 1}
_AT = {
    "type": "string",
    "pattern": schema_pattern(INSTANT, DAY_FIRST),
    "description": "A time, as in `due_date`. Without an offset, it is in the `timezone` of the "
    "task, or else in that of the account.",
    "examples": ["2030-02-01T09:00:00Z"],
}
_BEFORE = {
    "type": "string",
    "pattern": schema_pattern(DURATION),
    "description": "Time before the due date: a duration of RFC 3339, appendix A.",
    "examples": ["PT15M"],
}


class ReminderTime(Representation):
    """A reminder of a task. It has one of the two members."""

    model_config = ConfigDict(json_schema_extra=_ONE_MEMBER)

    at: str | MISSING = Field(
        MISSING,
        description="Time in UTC (RFC 3339).",
        examples=["2030-02-01T09:00:00Z"],
        json_schema_extra={"pattern": f"^{WHOLE_SECONDS}$"},
    )
    before: str | MISSING = Field(
        MISSING,
        description="Time before the due date: a duration of RFC 3339, appendix A.",
        examples=["PT15M"],
        json_schema_extra={"pattern": schema_pattern(DURATION)},
    )


def _instant(value: date | datetime | None) -> datetime:
    if not isinstance(value, datetime):
        raise PydanticCustomError("date", "This must be a time, such as 2030-02-01T09:00:00Z.")
    return value


def _duration(value: Any) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("type", "This must be a string, such as PT15M or P1D.")
    try:
        parse_duration(value)
    except TooLongError:
        raise PydanticCustomError(
            "range", "This must be at most {maximum} days.", {"maximum": DAYS_MAX}
        ) from None
    except ValueError:
        raise PydanticCustomError(
            "duration",
            "This must be a duration in weeks, or in days, hours, minutes and seconds: PT15M, P1D, "
            "P1DT2H or P2W, for example.",
        ) from None
    return value


class ReminderIn(BaseModel):
    """A reminder of a task: one of the two members."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_ONE_MEMBER)

    at: Annotated[LocalDateIn, AfterValidator(_instant), WithJsonSchema(_AT)] | MISSING = MISSING
    before: Annotated[Any, BeforeValidator(_duration), WithJsonSchema(_BEFORE)] | MISSING = MISSING

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise PydanticCustomError("reminder", "Give either at or before.")
        return self


def _from_form(value: Any, info: ValidationInfo) -> Any:
    if (info.context or {}).get("form"):
        return [_item(each) for each in value.split(",")] if isinstance(value, str) else value or []
    return value


def _item(text: str) -> dict[str, str]:
    text = text.strip()
    return {"before" if text.startswith("P") else "at": text}


RemindersIn = Annotated[
    list[ReminderIn],
    Field(max_length=REMINDERS_MAX),
    BeforeValidator(_from_form),
    Field(
        description=f"At most {REMINDERS_MAX} reminders. Each has `at`, a time like `due_date`, "
        "or `before`, a duration before the due date, or before 09:00 of a due day: in weeks, or "
        f"in days, hours, minutes and seconds (RFC 3339, appendix A), at most {DAYS_MAX} days. In "
        "a form, times and durations are separated by commas.",
        examples=[[{"before": "PT15M"}, {"at": "2030-02-01T09:00:00Z"}]],
    ),
]
