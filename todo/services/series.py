"""Complete or skip the current occurrence of tasks that recur, and move them on to the next date.

docs/recurrence.md has the truth table.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from sqlalchemy import Integer, cast, select
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.days import instant_of, local_of
from todo.http.errors import Fault, Problem, validation_problem
from todo.journal import writes
from todo.journal.writes import MAX_INDEXED_CHARACTERS, too_many
from todo.models.task import TASK_COLUMNS, TASKS, Task, TaskRow, columns_of
from todo.models.task_dates import DATE_FIELDS, date_of, due_columns
from todo.models.trash import TRASH
from todo.positions import last_position
from todo.services.dates import OUT_OF_RANGE, in_zone, late_starts
from todo.services.matching import indexed_characters
from todo.services.placement import subtasks_of
from todo.services.recurrence import due_date_of, next_columns, zone_of
from todo.services.reminder_times import stored_time

Fields = dict[str, Any]

# The columns that a completed occurrence and its subtasks have from the task.
_COPIED = (
    *("list_id", "parent_id", "position", "priority", "timezone"),
    *("start_at", "start_all_day", "reminders"),
)


@dataclass
class Advance:
    """The changes that completing or skipping occurrences makes."""

    updates: list[tuple[Fields, Fields]] = field(default_factory=list)  # tasks, columns to set
    # Each occurrence that stays as a completed task, and then the subtasks of it.
    occurrences: list[list[Fields]] = field(default_factory=list)

    @property
    def ids(self) -> set[int]:
        """The ids of the tasks to change."""
        return {row["id"] for row, _ in self.updates}


def advance(  # noqa: PLR0913
    session: Session,
    account: AccountRow,
    tasks: Sequence[Fields],
    *,
    changed: Mapping[int, Fields] = MappingProxyType({}),
    catch_up: bool = False,
    skip: bool = False,
) -> Advance:
    """Return the changes that complete, or skip, the current occurrence of the tasks.

    `changed` has the columns that the same request sets, by task id; the tasks have theirs already.
    A task without a next date is completed itself, with its subtasks. Subtasks that recur, and
    completed occurrences of such subtasks, stay as they are. Raise Problem 409 for too many tasks.
    """
    planned = Advance()
    if not tasks:
        return planned
    now = writes.transaction_date(session)
    children = _subtasks_by_parent(session, account, tasks, changed)
    for task in tasks:
        below = list(_below(children, task["id"]))
        following = next_columns(account, task, now, catch_up=catch_up)
        if following is None:
            is_open = (row for row in (task, *below) if row["completion_date"] is None)
            planned.updates += [(row, {"completion_date": now}) for row in is_open]
            continue
        if not skip:
            planned.occurrences.append([task, *below])
        days = _days_between(account, task, following)
        planned.updates.append((task, following | _moved(account, task | following, days)))
        planned.updates += [
            (row, {"completion_date": None} | _moved(account, row, days, DATE_FIELDS))
            for row in below
        ]
    copies = [row for occurrence in planned.occurrences for row in occurrence]
    words = sum(indexed_characters(_text_columns(row)) for row in copies)
    if len(copies) + len(planned.updates) > writes.MAX_TASKS or words > MAX_INDEXED_CHARACTERS:
        raise too_many(len(copies) + len(planned.updates))
    return planned


def create_occurrences(
    session: Session, account: AccountRow, occurrences: Iterable[Sequence[Fields]]
) -> list[TaskRow]:
    """Store the occurrences as completed tasks with their subtasks, and return them.

    Each occurrence is the task that recurs, before it goes on, and then its subtasks.
    """
    now, revision = writes.transaction_date(session), writes.next_revision(session, account)
    created: list[TaskRow] = []
    new: dict[int, Any] = {}  # id of a task -> its stored copy
    below: dict[int, list[Fields]] = defaultdict(list)
    tops = []
    for index, (task, *subtasks) in enumerate(occurrences):
        position = last_position(revision, index)
        tops.append((task, {"occurrence_of": task["id"], "position": position}))
        for row in subtasks:
            below[row["parent_id"]].append(row)
    level = tops
    while level:
        rows = [_copy(row, now) | columns for row, columns in level]
        stored = writes.create(session, Task, account.id, rows)
        new.update(zip((row["id"] for row, _ in level), stored, strict=True))
        level = [
            (child, {"parent_id": new[row["id"]].id, "list_id": new[row["id"]].list_id})
            for row, _ in level
            for child in below[row["id"]]
        ]
    for task, _ in tops:
        counted = {"subtasks_total": len(below[task["id"]]), "subtasks_open": 0}
        created.append(TaskRow.of(new[task["id"]]._asdict() | counted))
    return created


def is_current(account: AccountRow, task: Mapping[str, Any], occurrence: date | datetime) -> bool:
    """Return whether the occurrence, as a client names it, is the task's due date."""
    named = _named(account, task, occurrence)
    return task["due_at"] is not None and named == due_date_of(task)


def is_passed(account: AccountRow, task: Mapping[str, Any], occurrence: date | datetime) -> bool:
    """Return whether the occurrence, as a client names it, is before the task's due date."""
    due = due_columns(_named(account, task, occurrence))
    if task["due_at"] is None:
        return False
    return bool(due["due_all_day"] == task["due_all_day"] and due["due_at"] < task["due_at"])


def completed_occurrence(
    session: Session, account: AccountRow, task: Mapping[str, Any], occurrence: date | datetime
) -> TaskRow | None:
    """Return the completed occurrence with this due date, or None if it is in the trash.

    Raise Problem 409 if no occurrence has it: the task has gone on, or got another due date.
    """
    due = due_columns(_named(account, task, occurrence))

    def matching(table: Any) -> list[Any]:
        return [
            table.c.account_id == account.id,
            table.c.occurrence_of == task["id"],
            table.c.due_at == due["due_at"],
            # The cast hides the index by due date: SQLite would read all tasks of the day.
            cast(table.c.due_all_day, Integer) == int(due["due_all_day"]),
        ]

    newest = select(*TASK_COLUMNS).where(*matching(TASKS)).order_by(TASKS.c.id.desc())
    found = session.execute(newest.limit(1)).first()
    if found is not None:
        return TaskRow._make(found)
    if session.scalar(select(TRASH.c.id).where(*matching(TRASH)).limit(1)) is None:
        raise other_occurrence()
    return None


def _named(
    account: AccountRow, task: Mapping[str, Any], occurrence: date | datetime
) -> date | datetime | None:
    """Return the due date that a client names. Raise Problem 400 if it is not in any year."""
    try:
        return in_zone(occurrence, zone_of(account, task))
    except ValueError:
        fault = Fault("occurrence", "date", OUT_OF_RANGE, "/occurrence")
        raise validation_problem([fault]) from None


def other_occurrence() -> Problem:
    """Return Problem 409 for a request that means an occurrence that is not the current one."""
    return Problem(
        "other_occurrence",
        "The task has another due date than `occurrence`, and no completed occurrence has it. Read "
        "the task again.",
    )


def _subtasks_by_parent(
    session: Session,
    account: AccountRow,
    tasks: Sequence[Fields],
    changed: Mapping[int, Fields],
) -> dict[int, list[Fields]]:
    """Return the subtasks at every level, except those that recur or are completed occurrences."""
    children: dict[int, list[Fields]] = defaultdict(list)
    stored = subtasks_of(session, account, Task, tasks, with_texts=True)
    for row in (row | changed.get(row["id"], {}) for row in stored):
        if row["recurrence"] is None and row["occurrence_of"] is None:
            children[row["parent_id"]].append(row)
    return children


def _below(children: Mapping[int, list[Fields]], task_id: int) -> Iterator[Fields]:
    for row in children.get(task_id, ()):
        yield row
        yield from _below(children, row["id"])


def _days_between(account: AccountRow, task: Fields, following: Fields) -> int:
    """Return the number of days, in the zone of the task, to the next due date."""
    zone = zone_of(account, task)
    old, new = (
        row["due_at"].date() if row["due_all_day"] else local_of(row["due_at"], zone).date()
        for row in (task, following)
    )
    return int((new - old).days)


def _moved(
    account: AccountRow, row: Fields, days: int, names: Iterable[str] = ("start_date",)
) -> Fields:
    """Return the columns of these dates and of the reminders at a time, so many days later.

    The local times stay the same. A start that the clocks would move after the due date is then.
    """
    zone, columns = zone_of(account, row), Fields()
    if row["reminders"]:
        columns["reminders"] = [
            stored_time(_days_later(datetime.fromisoformat(each["at"]), days, zone))
            if "at" in each
            else each
            for each in row["reminders"]
        ]
    for name in names:
        prefix = name.removesuffix("_date")
        value = date_of(row[f"{prefix}_at"], all_day=row[f"{prefix}_all_day"])
        if value is not None:
            columns |= columns_of({name: _days_later(value, days, zone)})
    moved = row | columns
    if any(late_starts(account, [moved])):
        columns |= {"start_at": moved["due_at"], "start_all_day": moved["due_all_day"]}
    return columns


def _days_later(value: date | datetime, days: int, zone: tzinfo) -> date | datetime:
    try:
        if not isinstance(value, datetime):
            return value + timedelta(days=days)
        local = value.astimezone(zone).replace(tzinfo=None)
        return instant_of(local + timedelta(days=days), zone)
    except (OverflowError, ValueError):  # after year 9999
        return value


def _copy(row: Fields, now: datetime) -> Fields:
    return {
        **{name: row[name] for name in _COPIED},
        **_text_columns(row),
        **due_columns(due_date_of(row)),
        "uid": str(uuid4()),
        "completion_date": row["completion_date"] or now,
    }


def _text_columns(row: Fields) -> Fields:
    return columns_of({name: row[name] for name in ("name", "note", "labels")})
