"""Quick entry schemas."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from todo import clock
from todo.http.schema import Body, Representation
from todo.schemas.dates import InstantIn
from todo.schemas.meta import Text, not_blank
from todo.schemas.task import TaskPosted
from todo.schemas.task_fields import UidIn

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
    """A task in one line of English."""

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
