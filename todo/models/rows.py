"""Tasks of one account, written by statements, and recorded in the journal: one, or many at once.

Beside the unit of work of a session, which todo/models/journal.py listens to, this is the only way
to write to a journalled table.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Delete,
    Table,
    Text,
    Update,
    bindparam,
    case,
    delete,
    func,
    insert,
    inspect,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from todo.models.change import CREATE, DELETE, PURGE, UPDATE, Change
from todo.models.journal import BESIDE, credential_of, date_of, revise
from todo.models.sql_json import encode_json
from todo.models.statements import run
from todo.models.task import StoredTask, Task, TaskRow, columns_of

# The table itself, which is no object of an account.
CHANGES: Table = inspect(Change).local_table  # type: ignore[assignment]

Condition = ColumnElement[bool]


def create(session: Session, account_id: int, several: list[dict[str, Any]]) -> list[StoredTask]:
    """Store new tasks of the account, from what shall be their name, note, due date and so on.

    By three statements, whatever their number; on SQLite, which promises no order of what it
    returns, by one more for each further task. They are returned in their order.
    """
    revision, date = revise(session, account_id), date_of(session)
    stamps = {
        "account_id": account_id,
        "creation_date": date,
        **Task.stamps(revision, date),
    }
    rows = [
        {**stamps, **columns_of(values), "completion_date": date if values["completed"] else None}
        for values in several
    ]
    ids = _insert(session, rows)
    changes = [
        {"object_id": task_id, "before": None, "after": Task.recorded(row.__getitem__)}
        for task_id, row in zip(ids, rows, strict=True)
    ]
    _record(session, account_id, CREATE, changes)
    return [
        StoredTask(task_id, *(row[name] for name in _GIVEN))
        for task_id, row in zip(ids, rows, strict=True)
    ]


def change(
    session: Session, account_id: int, task: StoredTask, values: dict[str, Any]
) -> StoredTask:
    """Set the attributes of the account's task that `values` names, and return it as it is now.

    By three statements; by none where it has these values already.
    """
    changed = {name: value for name, value in values.items() if value != getattr(task, name)}
    if not changed:
        return task
    revision, date = revise(session, account_id), date_of(session)
    columns = columns_of(changed) | Task.stamps(revision, date)
    if "completed" in changed:
        columns["completion_date"] = date if changed["completed"] else None
    new = {f"new_{name}": value for name, value in columns.items()}
    parameters = {"owner_id": account_id, "task_id": task.id, **new}
    run(session.connection(), _update(tuple(columns)), parameters, one_plan=True)
    after = task._replace(**{name: columns[name] for name in columns.keys() & task._fields})
    _record(session, account_id, UPDATE, [{"object_id": task.id, **_difference(task, after)}])
    return after


def _difference(before: StoredTask, after: StoredTask) -> dict[str, dict[str, Any]]:
    """Return the recorded fields that differ, as they were and as they are."""
    was, now = (Task.recorded(partial(getattr, task)) for task in (before, after))
    names = [name for name in now if now[name] != was[name]]
    return {
        "before": {name: was[name] for name in names},
        "after": {name: now[name] for name in names},
    }


def _insert(session: Session, rows: list[dict[str, Any]]) -> Sequence[int]:
    """Store rows of tasks, and return their ids."""
    connection = session.connection()
    if len(rows) > 1:
        return connection.execute(_CREATE, rows).scalars().all()
    [(task_id,)] = run(connection, _CREATE, rows[0], one_plan=True)
    return [task_id]


def _record(session: Session, account_id: int, action: str, changes: list[dict[str, Any]]) -> None:
    """Record what was done to some tasks of the account, each of which `changes` names."""
    constants = _constants(session, account_id, Task.kind, action)
    connection = session.connection()
    if len(changes) > 1:
        connection.execute(_RECORD, [constants | each for each in changes])
    else:
        run(connection, _RECORD, constants | changes[0], one_plan=True)


def _constants(session: Session, account_id: int, kind: str, action: str) -> dict[str, Any]:
    """Return what the records of one action have in common."""
    return {
        "account_id": account_id,
        "revision": revise(session, account_id),
        "kind": kind,
        "date": date_of(session),
        "action": action,
        **credential_of(session),
    }


_TASKS: Table = inspect(Task).local_table  # type: ignore[assignment]
_CREATE = (
    insert(_TASKS)
    .execution_options(unjournalled=True)
    .values({each.name: bindparam(each.name) for each in _TASKS.c if each.name != "id"})
    .returning(_TASKS.c.id, sort_by_parameter_order=True)
)
_RECORD = insert(CHANGES).values({each.name: bindparam(each.name) for each in CHANGES.c})
_GIVEN = [name for name in StoredTask._fields if name not in ("id", "name_folded")]


@cache
def _update(names: tuple[str, ...]) -> Update:
    """Return the statement that sets these columns of one task."""
    return (
        update(_TASKS)
        .execution_options(unjournalled=True)
        .where(_TASKS.c.id == bindparam("task_id"), _TASKS.c.account_id == bindparam("owner_id"))
        .values({name: bindparam(f"new_{name}") for name in names})
    )


@dataclass(frozen=True)
class Rows:
    """Rows of one account that a request writes at once: of tasks, or of the trash."""

    session: Session
    model: type[TaskRow]
    account_id: int
    matching: list[Condition]

    def update(
        self, columns: dict[str, Any], after: dict[str, Any], differs: dict[str, Condition]
    ) -> None:
        """Set the columns of the rows that differ, and record it: by three statements.

        `after` has the recorded fields that this sets, and `differs` the condition that each of
        them has another value before.
        """
        rows = replace(self, matching=[*self.matching, or_(*differs.values())])
        stored = self.model.recorded_json()
        before = _object({name: stored[name] for name in after}, differs)
        values = {name: literal(encode_json(value), Text) for name, value in after.items()}
        rows._record(UPDATE, before, _object(values, differs))
        revision = revise(self.session, self.account_id)
        columns = columns | self.model.stamps(revision, date_of(self.session))
        rows._run(update(self.model).values(columns))

    def set_each(self, columns: dict[int, dict[str, Any]]) -> None:
        """Set each row's columns, by its id; `record_reverse` must have recorded it.

        Rows are taken together where the same columns are set.
        """
        stamps = self.model.stamps(revise(self.session, self.account_id), date_of(self.session))
        table = _table(self.model)
        together: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for row_id, values in columns.items():
            row = {f"new_{name}": value for name, value in values.items()}
            together[tuple(sorted(values))].append({"row_id": row_id, **row})
        for names, rows in together.items():
            statement = (
                update(table)
                .where(table.c.id == bindparam("row_id"), table.c.account_id == self.account_id)
                .values({name: bindparam(f"new_{name}") for name in names} | stamps)
            )
            self.session.execute(statement, rows, execution_options=BESIDE)

    def record_reverse(self, revision: int) -> None:
        """Record that the updates of that revision are undone: as their record, turned round.

        Their fields must be as that revision has left them.
        """
        changed = {"before": CHANGES.c.after, "after": CHANGES.c.before}
        columns = {
            **{each.name: each for each in CHANGES.c},
            **self._constants(UPDATE),
            **changed,
        }
        found = select(*columns.values()).where(
            CHANGES.c.account_id == self.account_id,
            CHANGES.c.revision == revision,
            CHANGES.c.kind == self.model.kind,
            CHANGES.c.action == UPDATE,
        )
        self.session.execute(insert(CHANGES).from_select(list(columns), found))

    def move(self, to: type[TaskRow], action: str) -> None:
        """Move the rows to a table that has their columns, and record it: by four statements."""
        recorded = _object(self.model.recorded_json())
        before, after = (recorded, null()) if action == DELETE else (null(), recorded)
        self._record(action, before, after)
        source, target = _table(self.model), _table(to)
        stamps = to.stamps(revise(self.session, self.account_id), date_of(self.session))
        columns = {
            each.name: literal(stamps[each.name], each.type)
            if each.name in stamps
            else source.c[each.name]
            for each in target.c
        }
        found = select(*columns.values()).where(*self._conditions())
        move = insert(target).from_select(list(columns), found)
        self.session.execute(move, execution_options=BESIDE)
        self._run(delete(self.model))

    def purge(self) -> None:
        """Delete the rows for good, with all that is recorded of them: by four statements.

        That they are gone is recorded.
        """
        revise(self.session, self.account_id)
        erased = (
            update(CHANGES)
            .where(
                CHANGES.c.account_id == self.account_id,
                CHANGES.c.kind == self.model.kind,
                CHANGES.c.object_id.in_(select(_table(self.model).c.id).where(*self._conditions())),
            )
            .values(before=None, after=None)
        )
        self.session.execute(erased, execution_options=BESIDE)
        self._record(PURGE, null(), null())
        self._run(delete(self.model))

    def _record(self, action: str, before: ColumnElement[Any], after: ColumnElement[Any]) -> None:
        columns = self._constants(action)
        columns |= {"object_id": _table(self.model).c.id, "before": before, "after": after}
        found = select(*columns.values()).where(*self._conditions())
        self.session.execute(insert(CHANGES).from_select(list(columns), found))

    def _constants(self, action: str) -> dict[str, ColumnElement[Any]]:
        """Return what the records of all rows have in common, for SQL."""
        constants = _constants(self.session, self.account_id, self.model.kind, action)
        return {name: literal(value, CHANGES.c[name].type) for name, value in constants.items()}

    def _run(self, statement: Update | Delete) -> None:
        self.session.execute(statement.where(*self._conditions()), execution_options=BESIDE)

    def _conditions(self) -> list[Condition]:
        # The sum keeps the index of accounts out of it: `matching` leads to the right one.
        owner = _table(self.model).c.account_id + 0
        return [*self.matching, owner == self.account_id]


def _table(model: type[TaskRow]) -> Table:
    return inspect(model).local_table


def _object(
    values: Mapping[str, ColumnElement[str]], differs: dict[str, Condition] | None = None
) -> ColumnElement[str]:
    """Return the expression of a JSON object of those members whose condition holds, or of all."""
    members: ColumnElement[str] = literal("", Text)
    for name, value in values.items():
        member = literal(f',"{name}":', Text) + value
        members += member if differs is None else case((differs[name], member), else_="")
    return literal("{", Text) + func.substr(members, 2, type_=Text) + literal("}", Text)
