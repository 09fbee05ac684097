"""Quick entry schemas."""

from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from todo import clock
from todo.http.schema import Body, Representation
from todo.schemas.dates import InstantIn, LocalDateIn
from todo.schemas.label import LabelsIn
from todo.schemas.meta import Text, not_blank
from todo.schemas.task import TaskPosted
from todo.schemas.task_fields import ListIn, ParentIn, UidIn

TEXT_MAX = 1000
OLDEST = timedelta(days=366)
AHEAD = timedelta(minutes=5)  # clocks of clients differ; a refused entry would be lost


def _one_line(text: str) -> str:
    if not_blank(text, TEXT_MAX).splitlines() != [text]:
        raise PydanticCustomError("lines", "This must be one line. Send each line by itself.")
    return text


def _recent(value: datetime | None) -> datetime | None:
    if value is not None and value < clock.now() - OLDEST:
        raise PydanticCustomError("range", "This must be at most 366 days ago.")
    if value is not None and value > clock.now() + AHEAD:
        raise PydanticCustomError("future", "This must not be in the future.")
    return value


class QuickEntry(Body):
    """A task in one line of English, and fields for what the line does not say."""

    text: Annotated[
        Text,
        AfterValidator(_one_line),
        Field(
            description="The name, and words for other fields: see docs/quick.md. Words that are "
            "not understood stay in the name.",
            examples=["Milk tomorrow 9:00 @home !1 every week"],
            json_schema_extra={
                "minLength": 1,
                "maxLength": TEXT_MAX,
                "pattern": r"^[^\u0000\n\r]*[^\u0000\s][^\u0000\n\r]*$",
            },
        ),
    ]
    at: Annotated[
        InstantIn,
        AfterValidator(_recent),
        Field(
            description="When the text was written: `tomorrow` is the day after. Now, if absent or "
            "null; at most 366 days ago, and not in the future, but for five minutes.",
            examples=["2020-02-01T09:30:00Z"],
        ),
    ] = None
    uid: UidIn | None = None
    list_id: Annotated[
        ListIn,
        Field(
            description="Id of the list, unless the text names one. A subtask is in the list of "
            "its parent."
        ),
    ] = None
    parent_id: Annotated[
        ParentIn,
        Field(
            description="Id of the task that this is a subtask of, unless the text names a list."
        ),
    ] = None
    due_date: Annotated[
        LocalDateIn,
        Field(
            description="When the task is due, unless the text has a day: a day, or a time, which "
            "is in the account's time zone if it has no offset. A time in the text is on this day; "
            "it replaces a `due_date` that is a time. A recurrence starts from this date."
        ),
    ] = None
    labels: Annotated[
        LabelsIn | None,
        Field(
            description="Labels in addition to those of the text, without repetition. In a form, "
            "they are separated by commas.",
            examples=[["home"]],
        ),
    ] = None

    @cached_property
    def prepared(self) -> dict[str, Any]:
        """The fields of the task that are not in the text."""
        return self.model_dump(exclude={"text", "at"})


class Piece(Representation):
    """A part of the text that was understood."""

    kind: str = Field(
        description="`day`, `time`, `recurrence`, `list`, `label` or `priority`. New kinds may be "
        "added.",
        examples=["day"],
    )
    text: str = Field(description="The part of the text.", examples=["tomorrow"])
    start: int = Field(description="Its place in the text, in Unicode code points.", examples=[5])
    end: int = Field(description="The place after it.", examples=[13])


class QuickPosted(TaskPosted):
    """The new task, and what was understood."""

    parsed: list[Piece] = Field(description="What was understood, in the order of the text.")
