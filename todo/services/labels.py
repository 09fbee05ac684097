"""List, rename and delete labels, and keep one spelling of each in an account."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import String, and_, case, column, func, or_, select, values
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.journal import writes
from todo.listing.dates import is_open
from todo.listing.filters import belongs_to_account, conditions, is_archived
from todo.models.engine import Database, dialect_of
from todo.models.label import TASK_LABELS, label_key, spelling_of
from todo.models.task import TASKS, Task, label_columns
from todo.services.matching import read_matching

LABELS = TASK_LABELS.c

Fields = dict[str, Any]


def read_labels(db: Database, account: AccountRow, limit: int, after: str | None) -> Sequence[Any]:
    """Return the labels after this one in order, with the numbers of their open tasks."""
    counts = and_(is_open(), or_(TASKS.c.list_id.is_(None), ~is_archived(account.id)))
    query = (
        select(
            spelling_of(account.id, LABELS.key).scalar_subquery().label("name"),
            func.sum(case((counts, 1), else_=0)).label("tasks"),
        )
        .join(TASKS, TASKS.c.id == LABELS.task_id)
        .where(
            LABELS.account_id == account.id,
            belongs_to_account(dialect_of(db).name, {"account_id": account.id}, by_id=True),
        )
    )
    if after is not None:
        query = query.where(LABELS.key > label_key(after))
    return db.execute(query.group_by(LABELS.key).order_by(LABELS.key).limit(limit)).all()


def count_open(db: Database, account: AccountRow, name: str) -> int:
    """Return the number of open tasks with the label, except those in archived lists."""
    filters = {"label": [label_key(name)], "completed": False}
    matching = conditions(dialect_of(db), account, filters)
    return db.scalar(select(func.count()).select_from(TASKS).where(*matching)) or 0


def spell(session: Session, account: AccountRow, several: Iterable[list[str]]) -> list[list[str]]:
    """Return the lists of labels in the spelling of the account's tasks."""
    several = list(several)
    keys = {label_key(name): name for names in reversed(several) for name in reversed(names)}
    if not keys:
        return several
    given = values(column("key", String), name="given").data([(key,) for key in keys]).cte()
    known = spelling_of(account.id, given.c.key).scalar_subquery()
    rows = session.execute(select(given.c.key, known.label("name")))
    spelling = keys | {row.key: row.name for row in rows if row.name is not None}
    return [[spelling[label_key(name)] for name in names] for names in several]


def rename_label(session: Session, account: AccountRow, label: str, new: str) -> tuple[str, int]:
    """Rename the label in all tasks; return its new name, and the number of tasks.

    A task that has a label of the new name already loses the old one. Raise Problem 409 if too many
    tasks have the label.
    """
    if label_key(new) != label_key(label):
        [[new]] = spell(session, account, [[new]])
    return new, _replace(session, account, label, [new])


def delete_label(session: Session, account: AccountRow, label: str) -> int:
    """Take the label off all tasks, and return their number.

    Raise Problem 409 if too many tasks have it.
    """
    return _replace(session, account, label, [])


def _replace(session: Session, account: AccountRow, label: str, new: list[str]) -> int:
    key = label_key(label)
    matching = conditions(dialect_of(session), account, {"label": [key], "archived": "any"})
    tasks = read_matching(session, Task, matching, label_columns(new))
    updates = []
    for task in tasks:
        names: list[str] = []
        for name in task.labels:
            names += new if label_key(name) == key else [name]
        updates.append((task._asdict(), label_columns(without_repetition(names))))
    writes.change(session, Task, account.id, updates)
    return len(tasks)


def without_repetition(names: Iterable[str]) -> list[str]:
    """Return the labels without those that are equal to an earlier one."""
    unique: dict[str, str] = {}
    for name in names:
        unique.setdefault(label_key(name), name)
    return list(unique.values())


def spell_rows(session: Session, account: AccountRow, rows: Sequence[Fields]) -> None:
    """Give the labels of the rows the spelling that they have in the account."""
    labelled = [row for row in rows if row.get("labels")]
    spelled = spell(session, account, [row["labels"] for row in labelled])
    for row, names in zip(labelled, spelled, strict=True):
        row["labels"] = names
