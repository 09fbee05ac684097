"""The schedule of the purge: once an hour, in one process, and not after a jump of the clock.

The database keeps the time of the last purge, in a count of rate limits. Requests are no measure of
the clock: those that follow a jump have the wrong time, too.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from todo import clock
from todo.auth.limits import CLOCK_TOLERANCE, Limit, is_first_in_window, window_end
from todo.models.change import CHANGES
from todo.models.limit import LIMIT_COUNTS
from todo.models.token import TOKENS

PURGE = Limit("purge", setting="", window=timedelta(hours=1))
PAUSE = Limit("purge-pause", setting="", window=timedelta(days=1))
LONGEST_GAP = timedelta(days=1)  # between two purges, unless the clock has jumped


class Turn(NamedTuple):
    """A process's turn to purge."""

    is_first: bool  # in the current hour
    paused_until: datetime | None


def take_turn(session: Session, *, force: bool = False) -> Turn:
    """Record that a purge is due now, and return whether it may run; the caller commits.

    If the last one is more than a day ago, the clock may be wrong: pause for a day. `force` ends
    the pause.
    """
    jumped = _has_jumped(session)
    _end_pause_of_wrong_clock(session)
    is_first = is_first_in_window(session, PURGE)
    if force:
        session.execute(delete(LIMIT_COUNTS).where(LIMIT_COUNTS.c.name == PAUSE.name))
    elif jumped:
        is_first_in_window(session, PAUSE)
    return Turn(is_first, _pause_end(session))


def describe_pause(until: datetime) -> str:
    """Return one line that says why nothing is purged, and what to do."""
    return (
        f"nothing is purged until {until:%Y-%m-%dT%H:%MZ}: the clock was set ahead by more than a "
        "day, or the service was stopped for as long; check the clock, and run todo-admin purge "
        "--force if it is right"
    )


def _has_jumped(session: Session) -> bool:
    end = window_end(session, PURGE)
    seen = _newest_write(session) if end is None else end - PURGE.window
    return seen is not None and clock.now() - seen > LONGEST_GAP


def _newest_write(session: Session) -> datetime | None:
    """Return the time of the newest write. This reads whole tables, so use it only once."""
    columns = (TOKENS.c.last_used_date, CHANGES.c.date)
    dates = [session.scalar(select(func.max(column))) for column in columns]
    return max((date for date in dates if date is not None), default=None)


def _end_pause_of_wrong_clock(session: Session) -> None:
    """Delete a pause that ends later than a new one would: the clock was ahead when it began."""
    latest = clock.now() + PAUSE.window + CLOCK_TOLERANCE
    of_wrong_clock = (LIMIT_COUNTS.c.name == PAUSE.name, LIMIT_COUNTS.c.expiration_date > latest)
    session.execute(delete(LIMIT_COUNTS).where(*of_wrong_clock))


def _pause_end(session: Session) -> datetime | None:
    """Return the end of the current pause, or None."""
    end = window_end(session, PAUSE)
    return end if end is not None and clock.now() < end else None
