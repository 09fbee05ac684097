"""Tasks, going in and out."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar

from pydantic import MISSING, AfterValidator, Field, create_model

from todo.http.schema import Body, Representation
from todo.models.task import NAME_MAX, NOTE_MAX
from todo.schemas.dates import DateIn
from todo.schemas.meta import NOT_BLANK, WITHOUT_NUL, Instant, Owner, Text, limited, not_blank

BULK_MAX = 100  # tasks that one request may create


def _name(text: str) -> str:
    return not_blank(text, NAME_MAX)


def _note(text: str) -> str:
    return limited(text, NOTE_MAX)


Name = Annotated[
    Text,
    AfterValidator(_name),
    Field(
        description="What there is to do; not blank.",
        examples=["Milk"],
        json_schema_extra={
            "minLength": 1,
            "maxLength": NAME_MAX,
            "pattern": NOT_BLANK,
        },
    ),
]
Note = Annotated[
    Text,
    AfterValidator(_note),
    Field(json_schema_extra={"maxLength": NOTE_MAX, "pattern": WITHOUT_NUL}),
]
NoteIn = Annotated[Note | None, Field(description="More about it.", examples=["two bottles"])]
CompletedIn = Annotated[bool, Field(description="Whether it is done.", examples=[False])]


class Task(Representation):
    """A task."""

    id: int = Field(description="Never given to another task.", examples=[1])
    name: str = Field(description="What there is to do.", examples=["Milk"])
    note: str | None = Field(description="More about it.", examples=["two bottles"])
    creation_date: Instant
    modification_date: Instant
    due_date: datetime | date | None = Field(
        description="When it must be done: an instant in UTC, or a day.",
        examples=["2030-02-01T09:30:00Z"],
    )
    completed: bool = Field(description="Whether it is done.", examples=[False])
    completion_date: datetime | None = Field(
        description="When it was completed; null while it is open.", examples=[None]
    )
    revision: int = Field(
        description="The account's `revision` at the task's last change; in quotes, its `ETag`.",
        examples=[12],
    )


# As a list shows it where only some fields are asked for.
_MAY_BE_MISSING: dict[str, Any] = {
    name: (Annotated[field.annotation | MISSING, field], MISSING)
    for name, field in Task.model_fields.items()
}
PartialTask = create_model(
    "PartialTask",
    __base__=Representation,
    __doc__="The fields of a task that were asked for.",
    **_MAY_BE_MISSING,
)

READ_ONLY = frozenset({"id", "revision", "creation_date", "modification_date", "completion_date"})


class NewTask(Body):
    """A task to create."""

    read_only: ClassVar[frozenset[str]] = READ_ONLY

    name: Name
    note: NoteIn = None
    due_date: DateIn = None
    completed: CompletedIn = False


class NewTasks(Body):
    """Tasks to create, all of them or none."""

    tasks: list[NewTask] = Field(
        min_length=1, max_length=BULK_MAX, description="The tasks to create."
    )


class TaskChange(Body):
    """What shall change of a task; what is not mentioned stays."""

    read_only: ClassVar[frozenset[str]] = READ_ONLY

    name: Name | MISSING = MISSING
    note: NoteIn | MISSING = MISSING
    due_date: DateIn | MISSING = MISSING
    completed: CompletedIn | MISSING = MISSING


_DRY_RUN = Field(MISSING, description="With `dry_run=true`: nothing was changed.")


class TaskAnswer(Representation):
    """One task of the account."""

    username: Owner
    task: Task


class TaskPosted(TaskAnswer):
    """A task just created."""

    msg: str = Field(description="A word that it is done.", examples=["posted"])
    dry_run: bool | MISSING = _DRY_RUN


class TasksPosted(Representation):
    """Tasks just created, in the order in which they came."""

    msg: str = Field(description="A word that it is done.", examples=["posted"])
    username: Owner
    tasks: list[Task] = Field(description="In the order in which they were sent.")
    dry_run: bool | MISSING = _DRY_RUN


class TaskList(Representation):
    """A page of the account's tasks."""

    username: Owner
    tasks: list[Task] | list[PartialTask] = Field(
        description="With all fields, or with those that `fields` names."
    )
    next: str | None = Field(
        description="The path of the next page; null at the end.",
        examples=[
            "/api/v1/accounts/alice/tasks?limit=1&after=WyJiODRjMDMzMmMzZWYxNzgzIixudWxsLDJd"
        ],
    )
    revision: int = Field(
        description="The account's, which each request that changes its tasks or profile raises "
        "by one. The answer has at least everything up to it.",
        examples=[12],
    )
    total: int | MISSING = Field(
        MISSING, description="With `count=true`: how many there are on all pages."
    )


class TaskCounts(Representation):
    """How many tasks there are on the lists that people look at."""

    username: Owner
    open: int = Field(description="As `completed=false` lists them.", examples=[3])
    completed: int = Field(description="As `completed=true` lists them.", examples=[12])
    overdue: int = Field(description="As `due=overdue` lists them.", examples=[1])
    due_today: int = Field(description="As `due=today` lists them, open or not.", examples=[2])
    undated: int = Field(description="As `due=none` lists them, open or not.", examples=[4])


class TasksUpdated(Representation):
    """How many tasks matched, whether or not the change made a difference."""

    username: Owner
    updated: int = Field(description="How many tasks matched.", examples=[3])
    dry_run: bool | MISSING = _DRY_RUN


class TasksDeleted(Representation):
    """How many tasks were deleted."""

    username: Owner
    deleted: int = Field(description="How many tasks matched.", examples=[3])
    dry_run: bool | MISSING = _DRY_RUN


class TaskDeleted(Representation):
    """A word that the task is gone."""

    username: Owner
    msg: str = Field(examples=["Deleted."])
