"""Reminders of tasks: their durations, and the instants at which they fire.

A reminder is `{"at": <instant>}` or `{"before": <duration>}`, as it is stored and shown.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from todo.days import instant_of

REMINDERS_MAX = 10  # of a task
DAYS_MAX = 366  # before the due date
MORNING = time(9)  # the time on a due day from which `before` counts
LATE = timedelta(days=1)  # a reminder that is older when it is set never fires

# Longer than any difference between the same local time in UTC and in a zone.
_ZONES_DIFFER = timedelta(days=1)

# RFC 3339, appendix A, without years and months, whose lengths differ. As in ISO 8601, the minutes
# between hours and seconds are optional. Eight digits suffice for the seconds of 366 days.
DURATION = re.compile(
    r"P(?=[0-9T])(?:(?P<weeks>[0-9]{1,8})W|(?:(?P<days>[0-9]{1,8})D)?(?:T(?=[0-9])"
    r"(?:(?P<hours>[0-9]{1,8})H)?(?:(?P<minutes>[0-9]{1,8})M)?(?:(?P<seconds>[0-9]{1,8})S)?)?)"
)


class Duration(NamedTuple):
    """A time before a due date: calendar days, and an exact time."""

    days: int
    exact: timedelta


class TooLongError(ValueError):
    """The duration is longer than DAYS_MAX."""


def parse_duration(text: str) -> Duration:
    """Return the duration of the text (RFC 3339, appendix A).

    Raise ValueError if it is invalid, or has years or months; TooLongError beyond DAYS_MAX.
    """
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError("not a duration in weeks, days, hours, minutes and seconds")
    numbers = {name: int(number or 0) for name, number in match.groupdict().items()}
    days = 7 * numbers.pop("weeks") + numbers.pop("days")
    exact = timedelta(**numbers)
    if days > DAYS_MAX or timedelta(days=days) + exact > timedelta(days=DAYS_MAX):
        raise TooLongError(f"longer than {DAYS_MAX} days")
    return Duration(days, exact)


class Schedule(NamedTuple):
    """The reminders of a task, and the dates that they depend on.

    `zone` is that of the task or else of the account, or None if it is not known.
    """

    reminders: Iterable[Mapping[str, str]]
    due_at: datetime | None
    due_all_day: bool
    zone: tzinfo | None

    def instants(self) -> list[datetime]:
        """Return the instants of all reminders, in UTC, in the order of the reminders.

        Without a zone, use UTC. Leave out those before year 1.
        """
        found = (self._instant(reminder) for reminder in self.reminders)
        return [at for at in found if at is not None]

    def first(self, since: datetime) -> datetime | None:
        """Return the first instant at `since` or later, or None.

        Without a zone, the result may be earlier than that, but not earlier than `since`.
        """
        found = []
        for reminder in self.reminders:
            at = self._instant(reminder)
            slack = timedelta() if self._is_exact(reminder) else _ZONES_DIFFER
            if at is not None and at >= since - slack:
                found.append(max(at - slack, since))
        return min(found, default=None)

    def _is_exact(self, reminder: Mapping[str, str]) -> bool:
        """Return whether the instant of the reminder is the same in every zone, or it is known."""
        if self.zone is not None or "at" in reminder:
            return True
        return not self.due_all_day and parse_duration(reminder["before"]).days == 0

    def _instant(self, reminder: Mapping[str, str]) -> datetime | None:
        if "at" in reminder:
            return datetime.fromisoformat(reminder["at"])
        if self.due_at is None:
            return None
        duration = parse_duration(reminder["before"])
        try:
            return self._start_of_days(duration.days, self.due_at) - duration.exact
        except (OverflowError, ValueError):  # before year 1
            return None

    def _start_of_days(self, days: int, due_at: datetime) -> datetime:
        """Return the instant that is this many days before the due date, at the same local time."""
        zone = self.zone or UTC
        if self.due_all_day:
            local = datetime.combine(due_at.date(), MORNING)
        elif days:
            local = due_at.astimezone(zone).replace(tzinfo=None)
        else:
            return due_at
        return instant_of(local - timedelta(days=days), zone)
