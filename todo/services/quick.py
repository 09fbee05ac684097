"""Create a task from a quick entry."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.http.errors import Fault, Problem, validation_problem
from todo.http.typed_views import validate
from todo.models.list import LISTS
from todo.models.task import TaskRow
from todo.quick.entry import Entry, read_entry
from todo.schemas.task import NewTask
from todo.services.tasks import create_tasks


def create_quickly(
    session: Session, account: AccountRow, text: str, now: datetime, uid: str | None
) -> tuple[TaskRow, Entry]:
    """Create the task that the text, written at `now`, describes; return it and what was read.

    Raise Problem 400 for a text without a name, or with a field that no task can have.
    """
    mine = (LISTS.c.account_id == account.id, LISTS.c.archived.is_(False))
    query = select(LISTS.c.name, LISTS.c.id).where(*mine)
    lists: dict[str, int] = {}
    for name, list_id in session.execute(query.order_by(LISTS.c.position, LISTS.c.id)):
        lists.setdefault(name, list_id)  # of lists with the same name, the first one counts
    entry = read_entry(text, now.astimezone(account.zone).replace(tzinfo=None), lists)
    new, faults = validate(NewTask, _fields(entry, lists, uid), strict=True)
    if faults:
        raise validation_problem([_of_text(fault) for fault in faults])
    try:
        [task] = create_tasks(session, account, [new.prepared])
    except Problem as problem:
        if problem.code != "validation":
            raise
        # The client sent no such field: a date beyond year 9999, or a rule without a next date.
        raise validation_problem([_of_text(fault) for fault in problem.errors]) from problem
    return task, entry


def _fields(entry: Entry, lists: dict[str, int], uid: str | None) -> dict[str, Any]:
    """Return the fields of the task, as a client would send them."""
    return {
        "name": entry.name,
        "due_date": entry.due_date and entry.due_date.isoformat(),
        "list_id": lists[entry.list_name] if entry.list_name else None,
        "labels": entry.labels,
        "priority": entry.priority,
        "recurrence": entry.recurrence,
        "recurrence_from": entry.recurrence_from,
        "uid": uid,
    }


def _of_text(fault: Fault) -> Fault:
    """Return the fault of a field as one of the text."""
    return Fault("text", fault.code, f"{fault.field}: {fault.message}", "/text")
