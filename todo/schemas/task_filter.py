"""Query schemas of task lists and bulk changes: filters, order and pages."""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    MISSING,
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from todo.http.schema import Query
from todo.models.meta import ID_MAX, ID_PATTERN
from todo.schemas.dates import DayOrInstant
from todo.schemas.label import LabelFilter
from todo.schemas.meta import WITHOUT_NUL, Flag, Text, WholeNumber, limited, whole_number
from todo.schemas.task import Task
from todo.words import searched_words

LIMIT = 50
LIMIT_MAX = 200
SEARCH_MAX = 255
IDS_MAX = 200

_FIELD = f"(?:{'|'.join(Task.model_fields)})"


def _ids(text: str) -> list[int]:
    numbers = text.split(",")
    if not all(re.fullmatch(ID_PATTERN, number) and int(number) <= ID_MAX for number in numbers):
        raise PydanticCustomError("ids", "This must be task ids, such as 1,2,3.")
    if len(numbers) > IDS_MAX:
        raise PydanticCustomError(
            "too_long", "This must have at most {maximum} ids.", {"maximum": IDS_MAX}
        )
    return sorted({int(number) for number in numbers})


def _search(text: str) -> str:
    if not searched_words(limited(text, SEARCH_MAX)):
        raise PydanticCustomError(
            "no_words", "This must contain a word to search for, made of letters, digits or emoji."
        )
    return text


def _fields(text: str) -> tuple[str, ...]:
    names = text.split(",")
    if not set(names) <= Task.model_fields.keys():
        raise PydanticCustomError(
            "choice",
            "This must be a comma-separated list of these fields: {fields}.",
            {"fields": ", ".join(Task.model_fields)},
        )
    if len(set(names)) < len(names):
        raise PydanticCustomError("duplicate", "Each field may be given only once.")
    return tuple(name for name in Task.model_fields if name in names)


def _id_or(word: str) -> PlainValidator:
    """Return the validator of a parameter with an id or the word."""

    def validate(text: str) -> str | int:
        if text == word:
            return text
        if not re.fullmatch(ID_PATTERN, text) or int(text) > ID_MAX:
            raise PydanticCustomError("choice", "This must be an id or {word}.", {"word": word})
        return int(text)

    return PlainValidator(validate)


def _id_or_schema(word: str, description: str) -> WithJsonSchema:
    pattern = f"^(?:{word}|{ID_PATTERN})$"
    return WithJsonSchema(
        {"type": "string", "pattern": pattern, "description": description, "examples": [word]}
    )


PRIORITIES = {"high": (1, 2, 3, 4), "medium": (5,), "low": (6, 7, 8, 9), "none": (0,)}
_PRIORITY = f"(?:{'|'.join(PRIORITIES)})"


def _priorities(text: str) -> tuple[int, ...]:
    names = text.split(",")
    if not set(names) <= PRIORITIES.keys():
        raise PydanticCustomError(
            "choice",
            "This must be a comma-separated list of these words: {words}.",
            {"words": ", ".join(PRIORITIES)},
        )
    return tuple(sorted({level for name in names for level in PRIORITIES[name]}))


Due = Literal["overdue", "today", "tomorrow", "week", "upcoming", "none", "any"]
Sort = Literal[
    "id",
    "-id",
    "due_date",
    "-due_date",
    "creation_date",
    "-creation_date",
    "modification_date",
    "-modification_date",
    "completion_date",
    "-completion_date",
    "name",
    "-name",
    "position",
    "-position",
    "priority",
    "-priority",
]
_SORT_NAMES = [
    sort.removeprefix("-").upper() + "_DESCENDING" * sort.startswith("-") for sort in get_args(Sort)
]
Ids = Annotated[
    list[int],
    PlainValidator(_ids),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{ID_PATTERN}(?:,{ID_PATTERN}){{0,{IDS_MAX - 1}}}$",
            "description": f"Comma-separated task ids, at most {IDS_MAX}. Ids of tasks that "
            "do not exist are ignored.",
            "examples": ["1,2,3"],
        }
    ),
]
ListId = Annotated[
    str | int,
    _id_or("inbox"),
    _id_or_schema(
        "inbox",
        "Tasks of the list with this id; `inbox`: tasks without a list. See also `archived`.",
    ),
]
ParentId = Annotated[
    str | int,
    _id_or("none"),
    _id_or_schema(
        "none", "Direct subtasks of the task with this id; `none`: tasks that are no subtasks."
    ),
]
# The bounds precede the validator, as in RevisionIn.
TaskId = Annotated[int, Field(ge=1, le=ID_MAX), BeforeValidator(whole_number)]
Priorities = Annotated[
    tuple[int, ...],
    PlainValidator(_priorities),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{_PRIORITY}(?:,{_PRIORITY})*$",
            "description": "Comma-separated: `high` (1 to 4), `medium` (5), `low` (6 to 9), "
            "`none` (0).",
            "examples": ["high,medium"],
        }
    ),
]
Search = Annotated[
    Text,
    AfterValidator(_search),
    Field(
        description="Words that must all occur in the name or note. The last word may be "
        "incomplete. Case and accents are ignored. Characters of scripts without spaces, such as "
        "Han, kana and Thai, must stand together as in the search.",
        examples=["milk bott"],
        json_schema_extra={"minLength": 1, "maxLength": SEARCH_MAX, "pattern": WITHOUT_NUL},
    ),
]
Fields = Annotated[
    tuple[str, ...],
    PlainValidator(_fields),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{_FIELD}(?:,{_FIELD})*$",
            "description": "Comma-separated fields to return. Default: all.",
            "examples": ["id,name,due_date"],
        }
    ),
]

_BEGINNING = "A day means its start in the account's time zone. Encode `+` as `%2B`."


class TaskFilter(Query):
    """Filters. A task must match all of them."""

    completed: Flag | MISSING = Field(
        MISSING, description="`true`: completed tasks. `false`: open tasks."
    )
    due: Due | MISSING = Field(
        MISSING,
        description="`overdue`: open tasks whose due time has passed or whose due day has ended. "
        "`upcoming`: open tasks whose due time has not passed or whose due day has not ended. "
        "`today`, `tomorrow`, `week` (today and the next six days): tasks due then, open or "
        "completed. `any`, `none`: tasks with or without a due date. Days are in the account's "
        "time zone.",
        examples=["overdue"],
    )
    due_after: DayOrInstant | MISSING = Field(
        MISSING, description=f"Due at or after this time. {_BEGINNING}"
    )
    due_before: DayOrInstant | MISSING = Field(
        MISSING, description=f"Due before this time. {_BEGINNING}"
    )
    created_after: DayOrInstant | MISSING = Field(
        MISSING, description=f"Created at or after this time. {_BEGINNING}"
    )
    created_before: DayOrInstant | MISSING = Field(
        MISSING, description=f"Created before this time. {_BEGINNING}"
    )
    modified_after: DayOrInstant | MISSING = Field(
        MISSING, description=f"Last changed at or after this time. {_BEGINNING}"
    )
    modified_before: DayOrInstant | MISSING = Field(
        MISSING, description=f"Last changed before this time. {_BEGINNING}"
    )
    completed_after: DayOrInstant | MISSING = Field(
        MISSING, description=f"Completed at or after this time. {_BEGINNING}"
    )
    completed_before: DayOrInstant | MISSING = Field(
        MISSING, description=f"Completed before this time. {_BEGINNING}"
    )
    start_after: DayOrInstant | MISSING = Field(
        MISSING, description=f"Starting at or after this time. {_BEGINNING}"
    )
    start_before: DayOrInstant | MISSING = Field(
        MISSING, description=f"Starting before this time. {_BEGINNING}"
    )
    available: Flag | MISSING = Field(
        MISSING,
        description="`true`: open tasks that have started or have no start date. `false`: open "
        "tasks that start later.",
    )
    list: ListId | MISSING = MISSING
    archived: Literal["true", "false", "any"] | MISSING = Field(
        MISSING,
        description="`false`: without the tasks of archived lists. `true`: only these. `any`: "
        "both. Default: `any` with `list` and in the trash, otherwise `false`.",
        examples=["any"],
    )
    parent: ParentId | MISSING = MISSING
    occurrence_of: TaskId | MISSING = Field(
        MISSING,
        description="Completed occurrences of the task with this id, which recurs or did.",
        examples=[1],
    )
    priority: Priorities | MISSING = MISSING
    label: LabelFilter | MISSING = MISSING
    labelled: Flag | MISSING = Field(
        MISSING, description="`true`: tasks with a label. `false`: tasks without one."
    )
    id: Ids | MISSING = MISSING
    search: Search | MISSING = MISSING

    @property
    def depends_on_now(self) -> bool:
        """Whether the matching tasks depend on the current time."""
        return self.due not in (MISSING, "none", "any") or self.available is not MISSING

    def filters(self) -> dict[str, Any]:
        """Return the filters of the request."""
        return self.model_dump(include=set(TaskFilter.model_fields))


def limit(description: str) -> Any:
    """Return the field for the maximum length of a page."""
    return Field(LIMIT, ge=1, le=LIMIT_MAX, description=description, examples=[LIMIT])


class Limited(Query):
    """The length of a page."""

    limit: WholeNumber = limit("Maximum number of tasks on a page.")


class Paged(Limited):
    """Page parameters."""

    after: Text | MISSING = Field(
        MISSING,
        description="Opaque cursor of the page, taken from `next`.",
        examples=["WyJiODRjMDMzMmMzZWYxNzgzIixudWxsLDJd"],
    )


class CountsFilter(Query):
    """Parameters of the numbers of tasks."""

    list: ListId | MISSING = MISSING


class TaskQuery(Limited, TaskFilter):
    """Parameters of a list of tasks, without the place of a page in it."""

    sort: Sort | MISSING = Field(
        MISSING,
        description="Sort key; a leading minus means descending. Tasks without the date come last "
        "in both directions; ties are sorted by id in the same direction. By due date, a whole day "
        "sorts by its start in the account's time zone, before a time at the same instant. "
        "Tasks without a priority come last, too. Default: `-id` with `search`; with a date range, "
        "that date; with `list` or `parent`, `position`; with `priority`, that; otherwise `id`.",
        examples=["due_date"],
        # Client generators have no names for constants that begin with a minus.
        json_schema_extra={"x-enum-varnames": _SORT_NAMES},
    )
    fields: Fields | MISSING = MISSING
    count: Flag = Field(False, description="`true`: also return `total`.")


class TaskPage(Paged, TaskQuery):
    """Parameters of a page of tasks."""


class TrashFilter(TaskFilter):
    """Filters of the trash. A deleted task must match all of them."""

    deleted_after: DayOrInstant | MISSING = Field(
        MISSING, description=f"Deleted at or after this time. {_BEGINNING}"
    )
    deleted_before: DayOrInstant | MISSING = Field(
        MISSING, description=f"Deleted before this time. {_BEGINNING}"
    )

    def filters(self) -> dict[str, Any]:
        """Return the filters of the request."""
        return self.model_dump(include=set(TrashFilter.model_fields))


class TrashPage(Paged, TrashFilter):
    """Parameters of a page of the trash."""


class DryRun(Query):
    """Dry run parameter."""

    dry_run: Flag = Field(False, description="`true`: return the same answer, but change nothing.")


class TaskSelection(DryRun, TaskFilter):
    """Parameters of a bulk change."""


class TrashSelection(DryRun, TrashFilter):
    """Parameters of a bulk change of the trash."""
