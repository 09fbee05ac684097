"""Schemas of reminders that have fired."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import MISSING, AfterValidator, Field
from pydantic_core import PydanticCustomError

from todo import clock
from todo.http.schema import Body, Query, Representation
from todo.reminders import DAYS_MAX
from todo.schemas.dates import InstantIn
from todo.schemas.meta import Instant, Owner, RevisionIn, UTCTime, WholeNumber
from todo.schemas.task_filter import limit

SNOOZE_MAX = timedelta(days=DAYS_MAX)


class StoredReminder(Representation):
    """A reminder that has fired, as in an export."""

    id: int = Field(description="Reminder id. Never reused.", examples=[1])
    task_id: int = Field(description="Id of the task.", examples=[1])
    at: UTCTime = Field(
        description="Time that the reminder was for.", examples=["2030-02-01T09:15:00Z"]
    )
    fired_date: Instant
    late: bool = Field(
        description="Whether it first fired more than a day after `at`.", examples=[False]
    )
    snoozed_until: UTCTime | None = Field(
        description="Time at which it fires again, or null.", examples=[None]
    )
    dismissed_date: UTCTime | None = Field(
        description="When it was dismissed, or null.", examples=[None]
    )


class Reminder(StoredReminder):
    """A reminder that has fired."""

    name: str | None = Field(
        description="Name of the task; null if the task is deleted.", examples=["Milk"]
    )


class ReminderAnswer(Representation):
    """The reminder."""

    username: Owner
    reminder: Reminder


class Reminders(Representation):
    """A page of the account's reminders."""

    username: Owner
    reminders: list[Reminder] = Field(description="Reminders, newest first.")
    next: str | None = Field(
        description="Path of the next page; null on the last page.",
        examples=["/api/v1/accounts/alice/reminders?limit=1&after=12"],
    )
    after: int | None = Field(
        description="Id for the parameter `after` of the next page; null on the last page.",
        examples=[12],
    )
    revision: int = Field(
        description="The account's revision. The page reflects at least all changes up to it.",
        examples=[12],
    )


class RemindersPage(Query):
    """Parameters of a page of reminders."""

    due: Literal["now"] | MISSING = Field(
        MISSING,
        description="`now`: only those to be shown now. They are neither dismissed nor snoozed, "
        "and their tasks are open and have the same due date as when they fired.",
    )
    limit: WholeNumber = limit("Maximum number of reminders on a page.")
    after: RevisionIn | MISSING = Field(
        MISSING,
        description="Id of the last reminder on the previous page, as in `next`.",
        examples=[12],
    )


def _until(value: datetime | None) -> datetime:
    now = clock.now()
    if value is None or not now < value <= now + SNOOZE_MAX:
        raise PydanticCustomError(
            "expires", "This must be in the future, at most 366 days from now."
        )
    return value


class Snooze(Body):
    """How long to snooze a reminder."""

    until: Annotated[
        InstantIn,
        AfterValidator(_until),
        Field(
            description="When the reminder fires again: an RFC 3339 time, a day, or `DD/MM/YYYY "
            "hh:mm:ss`, at most 366 days from now. A time without an offset is in the account's "
            "time zone.",
        ),
    ]
