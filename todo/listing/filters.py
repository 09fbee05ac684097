"""The filters of tasks as SQL conditions. docs/tasks.md has the truth table.

The conditions name their values as bind parameters, so lists with the same filters but other values
share one cached query.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Dialect,
    Select,
    Text,
    and_,
    any_,
    case,
    cast,
    false,
    func,
    not_,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.sql.visitors import replacement_traverse

from todo import clock
from todo.auth.identity import AccountRow
from todo.days import today
from todo.listing.dates import (
    START,
    at_or_after,
    bound_values,
    due,
    due_after,
    due_before,
    due_parameters,
    instant_and_midnight,
    is_completed,
    is_open,
)
from todo.listing.due_order import stored_day
from todo.listing.orders import BOUNDS, KEYS, RANGES
from todo.listing.parameters import PARAMETERS, Condition, Values
from todo.listing.search import TASK_WORDS, TRASH_WORDS, contains, search_query
from todo.models.json import to_json
from todo.models.label import TASK_LABELS
from todo.models.list import LISTS
from todo.models.meta import BigInt
from todo.models.task import TASKS
from todo.models.trash import TRASH

# A page may look up this many tasks with a label to find those that have others, too.
FEW = 500

# The names of filters, each with its value if the SQL depends on the value, otherwise None.
FilterShape = tuple[tuple[str, Any], ...]
_SHAPING_FILTERS = ("completed", "due", "archived", "priority", "labelled", "available")
# Filters by an id or, for some, a word, such as `inbox`; the SQL depends on the word.
_ID_FILTERS = ("list", "parent", "occurrence_of")

# The beginnings of the names of range filters, except those of due dates.
_OTHER_RANGES = tuple(f"{prefix}_" for prefix in RANGES if prefix != "due")

# The columns that filters use -> the same columns of deleted tasks.
_IN_TRASH: dict[Any, Any] = {
    **{column: TRASH.c[column.key] for column in TASKS.c if column.key in TRASH.c},
    TASK_WORDS.c.rowid: TRASH_WORDS.c.rowid,
    TASK_WORDS.c.task_words: TRASH_WORDS.c.trash_words,
}


def conditions(dialect: Dialect, account: AccountRow, filters: dict[str, Any]) -> list[Condition]:
    """Return the conditions for the account's tasks that match every filter."""
    return parametrized_conditions(
        dialect.name, filter_shape(filters), parameters(dialect, account, filters)
    )


def trash_condition(dialect: Dialect, account: AccountRow, filters: dict[str, Any]) -> Condition:
    """Return the condition for the account's deleted tasks that match every filter."""
    others = {name: value for name, value in filters.items() if name != "label"}
    matching = and_(*conditions(dialect, account, {"archived": "any"} | others))
    in_trash = replacement_traverse(matching, {}, lambda element, **_: _IN_TRASH.get(element))
    return and_(in_trash, *map(_has_label_in_trash, filters.get("label", ())))


def _has_label_in_trash(key: str) -> Condition:
    # Deleted tasks are not in TASK_LABELS. The keys are a JSON array. A comma or a bracket precedes
    # a key: a label cannot contain a comma, and has a backslash before a quote.
    keys, text = type_coerce(TRASH.c.label_keys, Text), to_json(key).decode()
    return or_(
        keys.startswith(f"[{text}", autoescape=True), keys.contains(f",{text}", autoescape=True)
    )


def filter_shape(filters: dict[str, Any]) -> FilterShape:
    """Return the part of the filters that determines the SQL: all but the compared values."""
    if filters.keys().isdisjoint({"list", "archived"}):
        filters = filters | {"archived": "false"}
    return tuple((name, _shape_of(name, value)) for name, value in filters.items())


def without_priority_bounds(shape: FilterShape) -> FilterShape:
    """Return the filters with a condition on priorities that no index can start from.

    With two bounds on the same column, SQLite could ignore that of a cursor.
    """
    return tuple(("priorities" if name == "priority" else name, choice) for name, choice in shape)


def _shape_of(name: str, value: Any) -> Any:
    if name == "label":
        return len(value)
    is_shaping = name in _SHAPING_FILTERS or (name in _ID_FILTERS and isinstance(value, str))
    return value if is_shaping else None


def has_due_range(shape: FilterShape) -> bool:
    """Return whether the filters select tasks by their due date, perhaps very few of them."""
    choices = dict(shape)
    has_bound = not choices.keys().isdisjoint({"due_after", "due_before"})
    return has_bound or choices.get("due") not in {None, "none", "any"}


def parametrized_conditions(
    dialect_name: str,
    shape: FilterShape,
    values: Values = PARAMETERS,
    *,
    all_day: bool | None = None,
) -> list[Condition]:
    """Return the conditions with these values; by default, with bind parameters."""
    by_id = not dict(shape).keys().isdisjoint({"id", "search", "label"})
    return [
        belongs_to_account(dialect_name, values, by_id=by_id),
        *filter_conditions(dialect_name, shape, values, all_day=all_day),
    ]


def parameters(dialect: Dialect, account: AccountRow, filters: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the bind parameters in parametrized_conditions()."""
    values: dict[str, Any] = {"account_id": account.id}
    for name, value in filters.items():
        if name == "due":
            values |= due_parameters(value, account.zone)
        elif name == "search":
            values["search"] = search_query(dialect, account.id, value)
        elif name == "id":
            values["ids"] = value
        elif name == "available":
            # The first instant, and the first day, that have not begun.
            now = clock.now() + timedelta(microseconds=1)
            values |= bound_values(name, now, stored_day(today(account.zone) + timedelta(days=1)))
        elif name == "label":
            values |= {f"label_{index}": key for index, key in enumerate(value)}
        elif name in _ID_FILTERS:
            values[name] = value
        elif name not in _SHAPING_FILTERS:
            values |= bound_values(name, *instant_and_midnight(value, account.zone))
    return values


def belongs_to_account(
    dialect_name: str, values: Values = PARAMETERS, *, by_id: bool = False
) -> Condition:
    """Return the condition for the account's tasks; `by_id` if other filters lead to their ids."""
    account_id = values["account_id"]
    if dialect_name == "postgresql":
        # For a single value, the planner may scan the primary key across all accounts, expecting to
        # find this account's tasks soon. For an array, it uses an index on the account.
        return TASKS.c.account_id == any_(array([cast(account_id, BigInt)]))
    # SQLite cannot estimate a word search, and reads a whole list in order rather than sort a few
    # tasks. The sum hides the indexes of the account, so it starts with the words or ids.
    return (TASKS.c.account_id + 0 if by_id else TASKS.c.account_id) == account_id


def filter_conditions(
    dialect_name: str,
    shape: FilterShape,
    values: Values = PARAMETERS,
    *,
    all_day: bool | None = None,
) -> list[Condition]:
    """Return the conditions for tasks of any account that match every filter.

    If another condition selects tasks due on a day (`all_day`) or at a time (`not all_day`), these
    conditions are simpler.
    """
    found = [_condition(dialect_name, name, choice, values, all_day) for name, choice in shape]
    if dialect_name != "sqlite" or not has_due_range(shape):
        return found
    # SQLite takes a range of due dates, which is two ranges of the index, for larger than a single
    # range of other dates. Prefer the former, because the latter is more often long.
    return [
        func.likely(condition, type_=Boolean) if name.startswith(_OTHER_RANGES) else condition
        for (name, _), condition in zip(shape, found, strict=True)
    ]


def _condition(
    dialect_name: str, name: str, choice: Any, values: Values, all_day: bool | None
) -> Condition:
    match name:
        case "due":
            return due(choice, values, all_day=all_day)
        case "due_after":
            return due_after(name, values, all_day)
        case "due_before":
            return due_before(name, values, all_day)
        case "start_after":
            return and_(START.at >= values[f"{name}_earlier"], at_or_after(START, name, values))
        case "start_before":
            return and_(START.at < values[f"{name}_later"], not_(at_or_after(START, name, values)))
        case "search":
            return _search(dialect_name, values)
    prefix, _, bound = name.partition("_")
    if bound in BOUNDS:
        column = KEYS[RANGES[prefix]]
        return column >= values[name] if bound == "after" else column < values[name]
    return _plain_condition(name, choice, values)


def _plain_condition(name: str, choice: Any, values: Values) -> Condition:
    """Return the condition of a filter that does not depend on days or on the database."""
    match name:
        case "completed":
            return is_completed() if choice else is_open()
        case "id":
            return TASKS.c.id.in_(values["ids"])
        case "label":
            # The list of ids leads to the tasks.
            first = TASKS.c.id.in_(_tasks_with_label(values, 0))
            return and_(first, has_labels(values, range(1, choice)))
        case "available":
            started = or_(START.at.is_(None), not_(at_or_after(START, "available", values)))
            return and_(is_open(), started if choice else not_(started))
        case "labelled":
            keys = TASKS.c.label_keys
            return keys.is_not(None) if choice else keys.is_(None)
        case "archived":
            return _archived(values, choice)
        case "priority":
            return _has_priority(choice)
        case "priorities":
            return TASKS.c.priority.in_([level for level in choice if level])
        case "occurrence_of":
            return TASKS.c.occurrence_of == values[name]
    column = TASKS.c[f"{name}_id"]
    return column.is_(None) if choice else column == values[name]


def has_labels(values: Values, indexes: Iterable[int]) -> Condition:
    """Return the condition for tasks with all labels of the filter that have these indexes.

    Each task is looked up: for a list of ids, SQLite would read all tasks with the label.
    """
    labels = [_tasks_with_label(values, index) for index in indexes]
    return and_(
        true(),
        *(label.where(label.selected_columns.task_id == TASKS.c.id).exists() for label in labels),
    )


def rare_label(values: Values, count: int) -> ColumnElement[str]:
    """Return a label of the filter with at most FEW tasks or, if all have more, the first one."""
    has_few = [
        (not_(_tasks_with_label(values, index).offset(FEW).exists()), values[f"label_{index}"])
        for index in range(1, count)
    ]
    first = values["label_0"]
    return case(*has_few, else_=first) if has_few else first


def _tasks_with_label(values: Values, index: int) -> Select[int]:
    """Return the query for the ids of tasks with the label of the filter that has this index."""
    label = TASK_LABELS.alias(f"label_{index}")
    return select(label.c.task_id).where(
        label.c.account_id == values["account_id"], label.c.key == values[f"label_{index}"]
    )


def _archived(values: Values, choice: str) -> Condition:
    """Return the condition for tasks in archived lists (`true`), in others (`false`), or `any`."""
    if choice == "any":
        return true()
    archived = is_archived(values["account_id"])
    return archived if choice == "true" else or_(TASKS.c.list_id.is_(None), not_(archived))


def is_archived(account_id: Any) -> Condition:
    """Return the condition for tasks in archived lists; it is null for those in the inbox."""
    archived = select(LISTS.c.id).where(LISTS.c.account_id == account_id, LISTS.c.archived)
    return TASKS.c.list_id.in_(archived)


def _has_priority(levels: tuple[int, ...]) -> Condition:
    """Return the condition for tasks with one of the priorities, of which 0 means none."""
    given = [level for level in levels if level]
    # A range, which an index by priority can start from, and the priorities within it.
    condition: Condition = false()
    if given:
        condition = TASKS.c.priority.between(min(given), max(given))
    if given and len(given) <= max(given) - min(given):
        condition = and_(condition, TASKS.c.priority.in_(given))
    return or_(TASKS.c.priority.is_(None), condition) if 0 in levels else condition


def _search(dialect_name: str, values: Values) -> Condition:
    condition = contains(dialect_name, values["search"])
    if dialect_name == "postgresql":
        return condition
    return TASKS.c.id.in_(select(TASK_WORDS.c.rowid).where(condition))
