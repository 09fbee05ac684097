"""Task schemas."""

from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

from pydantic import MISSING, AfterValidator, Field, ValidationInfo, create_model
from pydantic_core import PydanticCustomError

from todo.http.schema import Body, Representation
from todo.models.task import NAME_MAX, NOTE_MAX, columns_of
from todo.schemas.dates import DateIn, DateOut, PastIn
from todo.schemas.meta import (
    NOT_BLANK,
    WITHOUT_NUL,
    Instant,
    Owner,
    Text,
    UndoRevision,
    UTCTime,
    limited,
    not_blank,
)

BULK_MAX = 100  # tasks that a request may create


def _name(text: str) -> str:
    return not_blank(text, NAME_MAX)


def _note(text: str) -> str:
    return limited(text, NOTE_MAX)


Name = Annotated[
    Text,
    AfterValidator(_name),
    Field(
        description="What to do. Must not be blank.",
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
NoteIn = Annotated[Note | None, Field(description="Further details.", examples=["two bottles"])]
CompletedIn = Annotated[bool, Field(description="Whether the task is done.", examples=[False])]


class Task(Representation):
    """A task."""

    id: int = Field(description="Task id. Never reused.", examples=[1])
    name: str = Field(description="What to do.", examples=["Milk"])
    note: str | None = Field(description="Further details.", examples=["two bottles"])
    creation_date: Instant
    modification_date: Instant
    due_date: DateOut = Field(
        description="When the task is due: a time in UTC (RFC 3339), or a whole day, such as "
        "`2030-02-01`."
    )
    completed: bool = Field(description="Whether the task is done.", examples=[False])
    completion_date: UTCTime | None = Field(
        description="When the task was completed; null while it is open.", examples=[None]
    )
    revision: int = Field(
        description="The account's `revision` at the task's last change. In quotes, it is the "
        "task's `ETag`.",
        examples=[12],
    )


# A task in a list that was requested with `fields`.
_MAY_BE_MISSING: dict[str, Any] = {
    name: (Annotated[field.annotation | MISSING, field], MISSING)
    for name, field in Task.model_fields.items()
}
PartialTask = create_model(
    "PartialTask",
    __base__=Representation,
    __doc__="A task with the requested fields only.",
    **_MAY_BE_MISSING,
)


def _completion_date(value: datetime | None, info: ValidationInfo) -> datetime | None:
    if value is not None and info.data.get("completed") is False:
        raise PydanticCustomError(
            "not_completed", "Only a completed task has this: omit it, or set completed to true."
        )
    return value


class NewTask(Body):
    """A task to create. Without `completed` and `completion_date`, it is open.

    A task of an export can be sent as it is.
    """

    shown_as = Task

    name: Name
    note: NoteIn = None
    due_date: DateIn = None
    completed: CompletedIn | MISSING = MISSING
    creation_date: Annotated[
        PastIn,
        Field(
            description="When the task was created, to import it. Now, if absent or null; not in "
            "the future.",
            examples=["2020-02-01T09:30:00Z"],
        ),
    ] = None
    completion_date: Annotated[
        PastIn,
        AfterValidator(_completion_date),
        Field(
            description="When the task was completed, to import it. Now, if absent or null in a "
            "completed task; not in the future.",
            examples=[None],
        ),
    ] = None

    @cached_property
    def prepared(self) -> dict[str, Any]:
        return columns_of(self.values())


class NewTasks(Body):
    """Tasks to create, all or none."""

    tasks: list[NewTask] = Field(min_length=1, max_length=BULK_MAX, description="Tasks to create.")

    @cached_property
    def prepared(self) -> list[dict[str, Any]]:
        return [task.prepared for task in self.tasks]


class TaskChange(Body):
    """Changes to a task. Fields that are not mentioned keep their values."""

    shown_as = Task

    name: Name | MISSING = MISSING
    note: NoteIn | MISSING = MISSING
    due_date: DateIn | MISSING = MISSING
    completed: CompletedIn | MISSING = MISSING

    @cached_property
    def prepared(self) -> dict[str, Any]:
        return columns_of(self.values())


DRY_RUN = Field(MISSING, description="True after a dry run: nothing was changed.")


class TaskAnswer(Representation):
    """The task."""

    username: Owner
    task: Task


class TaskPosted(TaskAnswer):
    """The new task."""

    msg: str = Field(description="Confirmation message.", examples=["posted"])
    revision: UndoRevision = MISSING
    dry_run: bool | MISSING = DRY_RUN


class TaskEnvelope(Body):
    """Changes to a task, in an answer that the client sends back."""

    shown_as = TaskPosted

    task: TaskChange

    @cached_property
    def prepared(self) -> dict[str, Any]:
        return self.task.prepared


class TasksPosted(Representation):
    """The new tasks."""

    msg: str = Field(description="Confirmation message.", examples=["posted"])
    username: Owner
    tasks: list[Task] = Field(description="New tasks, in the order of the request.")
    revision: UndoRevision = MISSING
    dry_run: bool | MISSING = DRY_RUN


class TaskList(Representation):
    """A page of the account's tasks."""

    username: Owner
    tasks: list[Task | PartialTask] = Field(
        description="Tasks, with all fields or those that `fields` names."
    )
    next: str | None = Field(
        description="Path of the next page; null on the last page.",
        examples=[
            "/api/v1/accounts/alice/tasks?limit=1&after=WyJiODRjMDMzMmMzZWYxNzgzIixudWxsLDJd"
        ],
    )
    after: str | None = Field(
        description="Cursor of the next page, for the parameter `after`; null on the last page.",
        examples=["WyJiODRjMDMzMmMzZWYxNzgzIixudWxsLDJd"],
    )
    revision: int = Field(
        description="The account's revision. The page reflects at least all changes up to it.",
        examples=[12],
    )
    total: int | MISSING = Field(
        MISSING, description="With `count=true`: number of tasks on all pages."
    )


class TaskCounts(Representation):
    """Number of tasks in each of the usual lists."""

    username: Owner
    open: int = Field(description="Open tasks (`completed=false`).", examples=[3])
    completed: int = Field(description="Completed tasks (`completed=true`).", examples=[12])
    overdue: int = Field(description="Overdue tasks (`due=overdue`).", examples=[1])
    due_today: int = Field(
        description="Tasks due today, open or completed (`due=today`).", examples=[2]
    )
    undated: int = Field(
        description="Tasks without a due date, open or completed (`due=none`).", examples=[4]
    )


class TasksUpdated(Representation):
    """Result of changing many tasks."""

    username: Owner
    updated: int = Field(
        description="Number of tasks that matched, including those that already had these values.",
        examples=[3],
    )
    revision: UndoRevision = MISSING
    dry_run: bool | MISSING = DRY_RUN


class TasksDeleted(Representation):
    """Result of deleting many tasks."""

    username: Owner
    deleted: int = Field(description="Number of tasks that matched.", examples=[3])
    revision: UndoRevision = MISSING
    dry_run: bool | MISSING = DRY_RUN


class TaskDeleted(Representation):
    """Confirmation of the deletion."""

    username: Owner
    msg: str = Field(description="Confirmation message.", examples=["Deleted."])
    revision: UndoRevision = MISSING
