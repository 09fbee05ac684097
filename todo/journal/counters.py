"""Counters of objects that count others, such as the subtasks of a task.

They are not part of the version of the counting object, so they are not recorded.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from functools import cache
from typing import Any

from sqlalchemy import Update, bindparam, update
from sqlalchemy.orm import Session

from todo.models.journalled import RECORDED

Fields = dict[str, Any]
Model = Any  # a subclass of Journalled


def count(
    session: Session,
    model: Model,
    changes: Iterable[tuple[Fields | None, Fields | None]],
    deleted: Set[int] = frozenset(),
) -> dict[int, Counter[str]]:
    """Adjust the counters of the objects that count the changed rows, given before and after.

    Return by how much, by the id of the object. Deleted objects have no counters.
    """
    counted: dict[int, Counter[str]] = defaultdict(Counter)
    numbers: Mapping[str, int]
    for before, after in changes:
        for row, sign in ((before, -1), (after, 1)):
            if row is not None:
                counting, numbers = model.counted_in(row)
                if counting is not None:
                    counted[counting].update({name: sign * n for name, n in numbers.items()})
    changed = {
        counting: sums
        for counting, sums in counted.items()
        if any(sums.values()) and counting not in deleted
    }
    if changed:
        names = tuple(next(iter(changed.values())))
        parameters = [
            {"row_id": counting} | {f"added_{name}": sums[name] for name in names}
            for counting, sums in changed.items()
        ]
        session.execute(_adjust(model, names), parameters)
    return changed


def adjusted(row: Fields, counted: Mapping[int, Counter[str]]) -> Fields:
    """Return the row with its counters after count()."""
    sums = counted.get(row["id"], Counter[str]())
    return row | {name: row[name] + number for name, number in sums.items()}


@cache
def _adjust(model: Model, names: tuple[str, ...]) -> Update:
    table = model.__table__
    return (
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values({name: table.c[name] + bindparam(f"added_{name}") for name in names})
        .execution_options(**RECORDED)
    )
