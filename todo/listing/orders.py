"""The sort orders of task lists and of the trash."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Column, ColumnElement

from todo.listing.due_order import DueKey
from todo.models.task import TASKS, name_columns
from todo.models.trash import TRASH

KEYS: dict[str, Column[Any]] = {
    "id": TASKS.c.id,
    "due_date": TASKS.c.due_at,
    "creation_date": TASKS.c.creation_date,
    "modification_date": TASKS.c.modification_date,
    "completion_date": TASKS.c.completion_date,
    "name": TASKS.c.name_folded,
    "start_date": TASKS.c.start_at,
    "position": TASKS.c.position,
    "priority": TASKS.c.priority,
    "deletion_date": TRASH.c.deletion_date,
}

BOUNDS = ("after", "before")  # the suffixes of range filters
# The prefix of a range filter, such as due in due_after -> the default sort key with that filter.
RANGES = {
    "due": "due_date",
    "created": "creation_date",
    "modified": "modification_date",
    "completed": "completion_date",
    "start": "start_date",
    "deleted": "deletion_date",  # in the trash only
}


@dataclass(frozen=True)
class Order:
    """A sort key and direction. Ties are sorted by id in the same direction."""

    name: str
    descending: bool

    @property
    def key(self) -> Column[Any]:
        """The column to sort by."""
        return KEYS[self.name]

    @property
    def has_few_keys(self) -> bool:
        """Whether many tasks have the same key."""
        return self.name == "priority"

    def key_of(self, task: Any, zone: ZoneInfo) -> Any:
        """Return the task's sort key, or None if it has none or the list is sorted by id only."""
        match self.name:
            case "id":
                return None
            case "due_date":
                return None if task.due_at is None else DueKey.of(task, zone)
            case "priority":
                return task.priority or None
            case "name":
                return name_columns(task.name)["name_folded"]
            case _:
                return getattr(task, self.key.key)

    def order_by_columns(self, *columns: Any) -> list[Any]:
        """Return the columns for ORDER BY, in this direction."""
        return [column.desc() if self.descending else column for column in columns]

    def is_after(self, value: Any, position: Any) -> ColumnElement[bool]:
        """Return the condition for values after a position in the list."""
        return value < position if self.descending else value > position


def order_of(filters: dict[str, Any], sort: str | None) -> Order:
    """Return the order that `sort` names, by default the cheapest for these filters."""
    if sort is None:
        sort = "-id" if "search" in filters else _default_key(filters)
    return Order(sort.removeprefix("-"), sort.startswith("-"))


def _default_key(filters: dict[str, Any]) -> str:
    """Return the sort key of the first range filter, or of another filter, or the id."""
    for name, value in filters.items():
        prefix, _, bound = name.partition("_")
        if bound in BOUNDS or (name == "due" and value != "none"):
            return RANGES[prefix]
    if not filters.keys().isdisjoint({"list", "parent"}):
        return "position"
    return "priority" if "priority" in filters else "id"
