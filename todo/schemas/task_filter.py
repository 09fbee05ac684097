"""Which tasks: the filters and pages of a list, and what a request changes at once."""

import re
from typing import Annotated, Any, Literal

from pydantic import MISSING, AfterValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from todo.http.schema import Query
from todo.models.meta import ID_MAX, ID_PATTERN
from todo.schemas.dates import DayOrInstant
from todo.schemas.meta import WITHOUT_NUL, Flag, Text, WholeNumber, limited
from todo.schemas.task import Task
from todo.words import words

LIMIT = 50
LIMIT_MAX = 200
SEARCH_MAX = 255
IDS_MAX = 200

_FIELD = f"(?:{'|'.join(Task.model_fields)})"


def _ids(text: str) -> list[int]:
    numbers = text.split(",")
    if not all(re.fullmatch(ID_PATTERN, number) and int(number) <= ID_MAX for number in numbers):
        raise PydanticCustomError("ids", "This must be ids of tasks, such as 1,2,3.")
    if len(numbers) > IDS_MAX:
        raise PydanticCustomError(
            "too_long", "This must have at most {maximum} ids.", {"maximum": IDS_MAX}
        )
    return sorted({int(number) for number in numbers})


def _search(text: str) -> str:
    if not words(limited(text, SEARCH_MAX)):
        raise PydanticCustomError(
            "no_words", "This must have a word to search for, made of letters or digits."
        )
    return text


def _fields(text: str) -> tuple[str, ...]:
    names = text.split(",")
    if not set(names) <= Task.model_fields.keys():
        raise PydanticCustomError(
            "choice",
            "This must be some of {fields}, with commas between.",
            {"fields": ", ".join(Task.model_fields)},
        )
    if len(set(names)) < len(names):
        raise PydanticCustomError("duplicate", "Each field may be given only once.")
    return tuple(name for name in Task.model_fields if name in names)


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
]
Ids = Annotated[
    list[int],
    PlainValidator(_ids),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{ID_PATTERN}(?:,{ID_PATTERN}){{0,{IDS_MAX - 1}}}$",
            "description": f"Ids of tasks, at most {IDS_MAX}, with commas between. Those that "
            "are not there are left out.",
            "examples": ["1,2,3"],
        }
    ),
]
Search = Annotated[
    Text,
    AfterValidator(_search),
    Field(
        description="Words that must all occur in name or note, the last one by its beginning, "
        "without regard to case or accents. The newest come first, unless `sort` says otherwise.",
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
            "description": "The fields to answer with, with commas between; without it, all.",
            "examples": ["id,name,due_date"],
        }
    ),
]

_BEGINNING = "A day stands for its beginning in the account's time zone."


class TaskFilter(Query):
    """Which tasks: those that match everything that is named."""

    completed: Flag | MISSING = Field(
        MISSING, description="`true`: those that are done; `false`: those that are open."
    )
    due: Due | MISSING = Field(
        MISSING,
        description="`overdue`: open, and its instant has passed or its day has ended. "
        "`upcoming`: open, and its instant is to come or its day has not ended. "
        "`today`, `tomorrow`, `week` (today and six days): due then, open or not. "
        "`any`, `none`: with or without a due date. Days are those of the account's time zone.",
        examples=["overdue"],
    )
    due_after: DayOrInstant | MISSING = Field(
        MISSING, description=f"Due at this time or later. {_BEGINNING}"
    )
    due_before: DayOrInstant | MISSING = Field(
        MISSING, description=f"Due before this time. {_BEGINNING}"
    )
    created_after: DayOrInstant | MISSING = Field(
        MISSING, description=f"Created at this time or later. {_BEGINNING}"
    )
    created_before: DayOrInstant | MISSING = Field(
        MISSING, description=f"Created before this time. {_BEGINNING}"
    )
    modified_after: DayOrInstant | MISSING = Field(
        MISSING, description=f"Last changed at this time or later. {_BEGINNING}"
    )
    modified_before: DayOrInstant | MISSING = Field(
        MISSING, description=f"Last changed before this time. {_BEGINNING}"
    )
    completed_after: DayOrInstant | MISSING = Field(
        MISSING, description=f"Completed at this time or later. {_BEGINNING}"
    )
    completed_before: DayOrInstant | MISSING = Field(
        MISSING, description=f"Completed before this time. {_BEGINNING}"
    )
    id: Ids | MISSING = MISSING
    search: Search | MISSING = MISSING

    @property
    def depends_on_now(self) -> bool:
        """Tell whether other tasks can match at another time, though nothing has changed."""
        return self.due not in (MISSING, "none", "any")

    def filters(self) -> dict[str, Any]:
        """Return the filters that the request names."""
        return self.model_dump(include=set(TaskFilter.model_fields))


def limit(description: str) -> Any:
    """Return the field that says how long a page is."""
    return Field(LIMIT, ge=1, le=LIMIT_MAX, description=description, examples=[LIMIT])


class Paged(Query):
    """A page of a list."""

    limit: WholeNumber = limit("How many tasks a page has at most.")
    after: Text | MISSING = Field(
        MISSING,
        description="Where the page begins: taken from `next`, and never made by hand.",
        examples=["WyJiODRjMDMzMmMzZWYxNzgzIixudWxsLDJd"],
    )


class TaskPage(Paged, TaskFilter):
    """A page of a list of tasks."""

    sort: Sort | MISSING = Field(
        MISSING,
        description="The sort key; a minus before it means descending. Tasks without such a date "
        "come last in both directions; equal ones are sorted by id. Without it: by id; with a "
        "range of dates, by that date; with `search`, by id, descending.",
        examples=["due_date"],
    )
    fields: Fields | MISSING = MISSING
    count: Flag = Field(False, description="`true`: answer with `total`, too.")


class DryRun(Query):
    """Whether to change anything."""

    dry_run: Flag = Field(False, description="`true`: answer the same, and change nothing.")


class TaskSelection(DryRun, TaskFilter):
    """The tasks that a request changes at once."""
