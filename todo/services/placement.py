"""Where a task is: in its list, and below its parent.

A subtask is in the list of its parent. The caller must hold the lock on the account's row, so that
no other request moves the tasks in between.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.http.errors import Fault, validation_problem
from todo.journal.writes import (
    MAX_INDEXED_CHARACTERS,
    MAX_RECORDED_BYTES,
    MAX_TASKS,
    next_revision,
    too_many,
)
from todo.models.batches import words_of
from todo.models.journalled import columns_except
from todo.models.list import LISTS
from todo.models.task import DEPTH_MAX, TASKS, Task
from todo.positions import last_position

PLACE = ("list_id", "parent_id")

UNKNOWN_LIST = Fault("list_id", "unknown", "The account has no list with this id.", "/list_id")
UNKNOWN_PARENT = Fault(
    "parent_id", "unknown", "The account has no task with this id.", "/parent_id"
)
OTHER_LIST = Fault(
    "list_id",
    "parent",
    "A subtask is in the list of its parent. Omit this, or set parent_id to null.",
    "/list_id",
)
OWN_SUBTASK = Fault(
    "parent_id", "parent", "A task cannot be its own subtask, or below one.", "/parent_id"
)
TOO_DEEP = Fault(
    "parent_id", "depth", f"Tasks can be nested at most {DEPTH_MAX} levels deep.", "/parent_id"
)

Fields = dict[str, Any]
Place = tuple[int | None, int | None]  # list and parent


@dataclass(frozen=True)
class Parent:
    """The list of a task, and the ids of the task and its ancestors."""

    list_id: int | None
    lineage: frozenset[int]


def place_new(
    session: Session, account: AccountRow, rows: Sequence[Fields]
) -> list[tuple[int, Fault]]:
    """Set the list of new subtasks, and return the faults of places, each with a row's index."""
    parents = _parents(session, account, {row["parent_id"] for row in rows})
    lists = _existing_lists(session, account, {row["list_id"] for row in rows})
    faults = []
    for index, row in enumerate(rows):
        parent = parents.get(row["parent_id"])
        if row["list_id"] is not None and row["list_id"] not in lists:
            faults.append((index, UNKNOWN_LIST))
        elif parent is not None and row["list_id"] not in (None, parent.list_id):
            faults.append((index, OTHER_LIST))
        if row["parent_id"] is not None and parent is None:
            faults.append((index, UNKNOWN_PARENT))
        elif parent is not None and len(parent.lineage) >= DEPTH_MAX:
            faults.append((index, TOO_DEEP))
        elif parent is not None:
            row["list_id"] = parent.list_id
    return faults


class _Tree:
    """Tasks with the new places of some: below a task that moves, the others follow."""

    def __init__(self, tasks: Sequence[Fields], places: Mapping[int, Place]) -> None:
        self._parents: dict[int, int | None] = {
            task["id"]: places[task["id"]][1] if task["id"] in places else task["parent_id"]
            for task in tasks
        }
        self._places = places

    def line(self, task_id: int) -> list[int]:
        """Return the task and its ancestors among these tasks."""
        line = [task_id]
        while (parent_id := self._parents[line[-1]]) in self._parents:
            line.append(parent_id)
        return line

    def height(self) -> int:
        """Return the number of levels."""
        return max(len(self.line(task_id)) for task_id in self._parents)

    def place_of(self, task_id: int) -> Place:
        """Return the new list and parent of the task."""
        moved = next(each for each in self.line(task_id) if each in self._places)
        return self._places[moved][0], self._parents[task_id]


def columns_of_move(
    session: Session, account: AccountRow, tasks: Sequence[Fields], target: Fields
) -> list[tuple[Fields, Fields]]:
    """Return the tasks that change, and their subtasks, with the columns to set.

    `target` has `list_id`, `parent_id` or both; values that a task has already do not count. Tasks
    come last in their new place, in their old order. A subtask that moves to another list without
    its parent has no parent there. Raise Problem 400 for an unknown list or an unfit parent, and
    Problem 409 for too many tasks.
    """
    parents = _parents(session, account, {target.get("parent_id")})
    targets = {task["id"]: _target(task, target, parents) for task in tasks}
    changed = [
        task for task in tasks if targets[task["id"]] != (task["list_id"], task["parent_id"])
    ]
    if not changed:
        return []
    places = {task["id"]: targets[task["id"]] for task in changed}
    if target.get("parent_id") is None:
        _refuse_unknown_lists(session, account, {list_id for list_id, _ in places.values()})
    below = subtasks_of(session, account, Task, changed)
    moving = places.keys() | {task["id"] for task in below}
    for task in changed:
        if task["parent_id"] in moving and _keeps_parent(task, target):
            places[task["id"]] = (places[task["id"]][0], task["parent_id"])
    tree = _Tree([*below, *changed], places)
    if target.get("parent_id") is not None:
        lineage = parents[target["parent_id"]].lineage
        if not lineage.isdisjoint(places):
            raise validation_problem([OWN_SUBTASK])
        if len(lineage) + tree.height() > DEPTH_MAX:
            raise validation_problem([TOO_DEEP])
    revision = next_revision(session, account)
    updates: list[tuple[Fields, Fields]] = []
    in_order = sorted(changed, key=lambda task: (task["position"], task["id"]))
    for index, task in enumerate(in_order):
        list_id, parent_id = places[task["id"]]
        columns: Fields = {"list_id": list_id, "parent_id": parent_id}
        if parent_id not in moving:  # otherwise, it keeps its position below its parent
            columns["position"] = last_position(revision, index)
        updates.append((task, columns))
    along = [task for task in below if task["id"] not in places]
    return updates + [(task, {"list_id": tree.place_of(task["id"])[0]}) for task in along]


def _keeps_parent(task: Fields, target: Fields) -> bool:
    return bool(target.get("parent_id", task["parent_id"]) == task["parent_id"])


def _target(task: Fields, target: Fields, parents: Mapping[int, Parent]) -> Place:
    """Return the new list and parent of the task, if its parent does not move along."""
    # A client that sends a task back mentions its old list and parent, too.
    new = {name: value for name, value in target.items() if value != task[name]}
    if new.get("parent_id") is not None:
        parent = _parent(parents, new["parent_id"])
        if new.get("list_id", parent.list_id) != parent.list_id:
            raise validation_problem([OTHER_LIST])
        return parent.list_id, new["parent_id"]
    return new.get("list_id", task["list_id"]), None if new else task["parent_id"]


def refuse_other_list(session: Session, account: AccountRow, place: Fields) -> None:
    """Raise Problem 400 if the parent in the place is not in its list."""
    parents = _parents(session, account, {place["parent_id"]})
    if any(parent.list_id != place["list_id"] for parent in parents.values()):
        raise validation_problem([OTHER_LIST])


def columns_of_restored(
    session: Session, account: AccountRow, rows: Sequence[Fields]
) -> dict[int, Fields]:
    """Return the columns to set, by task id, of deleted tasks whose list or parent is gone.

    A task without its list goes to the inbox; one without its parent, or too deep below it, gets no
    parent.
    """
    ids = {row["id"] for row in rows}
    tops = [row for row in rows if row["parent_id"] not in ids]
    parents = _parents(session, account, {row["parent_id"] for row in tops})
    lists = _existing_lists(session, account, {row["list_id"] for row in tops})
    tree = _Tree(rows, {})
    heights = Counter[int]()
    for row in rows:
        line = tree.line(row["id"])
        heights[line[-1]] = max(heights[line[-1]], len(line))
    places: dict[int, Place] = {}
    for row in tops:
        parent = parents.get(row["parent_id"])
        if parent is not None and len(parent.lineage) + heights[row["id"]] <= DEPTH_MAX:
            places[row["id"]] = (parent.list_id, row["parent_id"])
        else:
            places[row["id"]] = (row["list_id"] if row["list_id"] in lists else None, None)
    tree = _Tree(rows, places)
    columns = {row["id"]: dict(zip(PLACE, tree.place_of(row["id"]), strict=True)) for row in rows}
    return {
        row["id"]: columns[row["id"]]
        for row in rows
        if columns[row["id"]] != {name: row[name] for name in PLACE}
    }


def subtasks_of(
    session: Session,
    account: AccountRow,
    model: Any,
    tasks: Sequence[Fields],
    *,
    with_texts: bool = False,
) -> list[Fields]:
    """Return all subtasks of these tasks, at every level, without the tasks themselves.

    Of tasks in the trash, return the subtasks that the same request deleted. Raise Problem 409 if
    all of them are too many for one change; `with_texts`, of one that deletes or restores them.
    """
    ids = [task["id"] for task in tasks]
    if not ids or not (model.is_trash or any(task["subtasks_total"] for task in tasks)):
        return []
    table = model.__table__
    child = table.alias("child")
    stamp = "deletion_date" if model.is_trash else "account_id"
    found = select(table.c.id, table.c[stamp].label("stamp")).where(
        table.c.account_id == account.id, table.c.id.in_(ids)
    )
    tree = found.cte("tree", recursive=True)
    following = select(child.c.id, tree.c.stamp).where(
        child.c.account_id == account.id,
        child.c.parent_id == tree.c.id,
        child.c[stamp] == tree.c.stamp,
    )
    tree = tree.union(following)  # not UNION ALL: one of the tasks may be below another
    sizes = select(func.count(), func.sum(table.c.size), func.sum(words_of(table)))
    count, size, characters = session.execute(sizes.join(tree, tree.c.id == table.c.id)).one()
    if count <= len(ids):
        return []
    is_too_large = size > MAX_RECORDED_BYTES or characters > MAX_INDEXED_CHARACTERS
    if count > MAX_TASKS or (with_texts and is_too_large):
        raise too_many(count)
    columns = columns_except(table, model.database_only)
    query = select(*columns).join(tree, tree.c.id == table.c.id).where(table.c.id.not_in(ids))
    return [row._asdict() for row in session.execute(query.order_by(table.c.id))]


def _parents(
    session: Session, account: AccountRow, ids: AbstractSet[int | None]
) -> dict[int, Parent]:
    """Return the tasks with these ids that exist, by id."""
    if not ids - {None}:
        return {}
    found = select(TASKS.c.id, TASKS.c.parent_id, TASKS.c.list_id, TASKS.c.id.label("of")).where(
        TASKS.c.account_id == account.id, TASKS.c.id.in_(ids - {None})
    )
    line = found.cte("line", recursive=True)
    above = select(TASKS.c.id, TASKS.c.parent_id, TASKS.c.list_id, line.c.of).where(
        TASKS.c.account_id == account.id, TASKS.c.id == line.c.parent_id
    )
    rows = session.execute(select(line.union(above))).all()
    lists = {row.of: row.list_id for row in rows if row.id == row.of}
    return {
        of: Parent(list_id, frozenset(row.id for row in rows if row.of == of))
        for of, list_id in lists.items()
    }


def _parent(parents: Mapping[int, Parent], task_id: int) -> Parent:
    if task_id not in parents:
        raise validation_problem([UNKNOWN_PARENT])
    return parents[task_id]


def _existing_lists(
    session: Session, account: AccountRow, ids: AbstractSet[int | None]
) -> Sequence[int]:
    if not ids - {None}:
        return ()
    mine = (LISTS.c.account_id == account.id, LISTS.c.id.in_(ids - {None}))
    return session.scalars(select(LISTS.c.id).where(*mine)).all()


def _refuse_unknown_lists(
    session: Session, account: AccountRow, ids: AbstractSet[int | None]
) -> None:
    if ids - {None} - {*_existing_lists(session, account, ids)}:
        raise validation_problem([UNKNOWN_LIST])
