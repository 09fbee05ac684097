"""Create a task from a quick entry."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.days import local_of
from todo.http.errors import Fault, Problem, validation_problem
from todo.http.typed_views import validate
from todo.models.label import label_key
from todo.models.list import LISTS
from todo.models.task import TaskRow
from todo.quick.entry import Entry, read_entry
from todo.schemas.task import NewTask
from todo.services.placement import PLACE
from todo.services.tasks import create_tasks

Fields = dict[str, Any]


def create_quickly(
    session: Session, account: AccountRow, text: str, now: datetime, given: Fields
) -> tuple[TaskRow, Entry]:
    """Create the task that the text, written at `now`, describes; return it and what was read.

    `given` has its `uid`, and the fields for what the text does not say. Raise Problem 400 for a
    text without a name, or with a field that no task can have, and for a given field that does not
    fit.
    """
    mine = (LISTS.c.account_id == account.id, LISTS.c.archived.is_(False))
    query = select(LISTS.c.name, LISTS.c.id).where(*mine)
    lists: dict[str, int] = {}
    for name, list_id in session.execute(query.order_by(LISTS.c.position, LISTS.c.id)):
        lists.setdefault(name, list_id)  # of lists with the same name, the first one counts
    due_date = _local(given["due_date"], account.zone)
    written = now.astimezone(account.zone).replace(tzinfo=None)
    entry = read_entry(text, written, lists, due_date)
    fields = _fields(entry, lists, given)
    if entry.due_date == due_date:
        # As it was given: a local time that is repeated may mean either instant.
        fields["due_date"] = given["due_date"]
    kept = {name for name, value in given.items() if fields[name] == value}
    fields["due_date"] = fields["due_date"] and fields["due_date"].isoformat()
    new, faults = validate(NewTask, fields, strict=True)
    if faults:
        raise validation_problem([_of_text(fault, kept) for fault in faults])
    try:
        [task] = create_tasks(session, account, [new.prepared])
    except Problem as problem:
        if problem.code != "validation":
            raise
        # A date beyond year 9999, a rule without a next date, or a place that is not there.
        raise validation_problem([_of_text(fault, kept) for fault in problem.errors]) from problem
    return task, entry


def _local(value: date | datetime | None, zone: tzinfo) -> date | datetime | None:
    """Return an instant as the local time, which a day or a rule of the text may need."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return local_of(value, zone)
    return value


def _fields(entry: Entry, lists: dict[str, int], given: Fields) -> Fields:
    """Return the fields of the task: those of the text, and the given ones for the others."""
    place = {name: given[name] for name in PLACE}
    if entry.list_name:
        place = {"list_id": lists[entry.list_name], "parent_id": None}
    return {
        "name": entry.name,
        "due_date": entry.due_date,
        **place,
        "labels": _distinct([*entry.labels, *(given["labels"] or [])]),
        "priority": entry.priority,
        "recurrence": entry.recurrence,
        "recurrence_from": entry.recurrence_from,
        "uid": given["uid"],
    }


def _distinct(labels: Iterable[str]) -> list[str]:
    """Return the labels in order, each in its first spelling."""
    first: dict[str, str] = {}
    for label in labels:
        first.setdefault(label_key(label), label)
    return list(first.values())


def _of_text(fault: Fault, kept: Collection[str]) -> Fault:
    """Return the fault of a field as one of the text, unless the field is `kept` as given."""
    if fault.field in kept:
        return fault
    return Fault("text", fault.code, f"{fault.field}: {fault.message}", "/text")
