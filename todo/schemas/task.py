"""Task schemas."""

from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import (
    MISSING,
    AfterValidator,
    Field,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from todo.http.schema import Body, Representation
from todo.models.task import TIMED_FIELDS, columns_of
from todo.schemas.dates import DateOut, LocalDateIn, OccurrenceIn, PastIn
from todo.schemas.label import LabelsIn
from todo.schemas.meta import (
    Instant,
    Owner,
    UndoRevision,
    UTCTime,
)
from todo.schemas.place import Place
from todo.schemas.reminder_times import RemindersIn, ReminderTime
from todo.schemas.task_fields import (
    CatchUp,
    CompletedIn,
    ListIn,
    Name,
    NoteIn,
    OccurrenceShown,
    ParentIn,
    Priority,
    RecurrenceFrom,
    RecurrenceIn,
    SubtasksIn,
    TimezoneIn,
    UidIn,
)

BULK_MAX = 100  # tasks that a request may create


class Subtasks(Representation):
    """Numbers of the direct subtasks of a task."""

    total: int = Field(description="All subtasks, except those in the trash.", examples=[2])
    open: int = Field(description="Open subtasks.", examples=[1])


class StoredTask(Representation):
    """A task without its subtasks, as in the trash and in an export."""

    id: int = Field(description="Task id. Never reused.", examples=[1])
    uid: str = Field(
        description="Identifier of the task in other programs. It never changes.",
        examples=["0f6b5e0c-3c5b-4f0e-9a9b-1d2f6a1c7e55"],
    )
    name: str = Field(description="What to do.", examples=["Milk"])
    note: str | None = Field(description="Further details.", examples=["two bottles"])
    list_id: int | None = Field(
        description="Id of the task's list; null is the inbox.", examples=[None]
    )
    parent_id: int | None = Field(
        description="Id of the task that this is a subtask of, or null.", examples=[None]
    )
    position: str = Field(
        description="Place among the tasks of its list and parent: they are in the byte order of "
        "this string. It has no other meaning; `POST …/move` changes it.",
        examples=["1c11i"],
    )
    priority: Priority
    labels: list[str] = Field(
        description="Labels, in the order in which they were given.", examples=[["home", "urgent"]]
    )
    start_date: DateOut = Field(
        description="When the task can be begun: a time in UTC (RFC 3339), or a whole day."
    )
    due_date: DateOut = Field(
        description="When the task is due: a time in UTC (RFC 3339), or a whole day, such as "
        "`2030-02-01`."
    )
    timezone: str | None = Field(
        description="IANA name of the zone in which the times of `start_date` and `due_date` stay "
        "the same when clocks change, or null.",
        examples=["Europe/Berlin"],
    )
    recurrence: str | None = Field(
        description="Rule by which the task comes back after it is completed (RFC 5545, section "
        "3.3.10), or null.",
        examples=["FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"],
    )
    recurrence_from: RecurrenceFrom
    occurrence_of: int | None = Field(
        description="Id of the task that recurs, of which this one is a completed occurrence; null "
        "for other tasks. That task may be deleted.",
        examples=[None],
    )
    reminders: list[ReminderTime] = Field(
        description="When to remind the owner of the task: times, or durations before its due "
        "date. `GET …/reminders` lists those that have fired.",
        examples=[[{"before": "PT15M"}]],
    )
    completed: bool = Field(description="Whether the task is done.", examples=[False])
    completion_date: UTCTime | None = Field(
        description="When the task was completed; null while it is open.", examples=[None]
    )
    creation_date: Instant
    modification_date: Instant
    revision: int = Field(
        description="The account's `revision` at the task's last change. In quotes, it is the "
        "task's `ETag`.",
        examples=[12],
    )


class Task(StoredTask):
    """A task."""

    subtasks: Subtasks


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


class TaskFields(Body):
    """The fields of a task that clients set."""

    shown_as = Task

    name: Name | MISSING = MISSING
    note: NoteIn | MISSING = MISSING
    list_id: ListIn | MISSING = MISSING
    parent_id: ParentIn | MISSING = MISSING
    priority: Priority | MISSING = MISSING
    labels: LabelsIn | MISSING = MISSING
    start_date: LocalDateIn | MISSING = MISSING
    due_date: LocalDateIn | MISSING = MISSING
    timezone: TimezoneIn | MISSING = MISSING
    recurrence: RecurrenceIn | MISSING = MISSING
    recurrence_from: RecurrenceFrom | MISSING = MISSING
    reminders: RemindersIn | MISSING = MISSING
    completed: CompletedIn | MISSING = MISSING
    subtasks: SubtasksIn | MISSING = MISSING

    @cached_property
    def prepared(self) -> dict[str, Any]:
        values = self.values()
        timed = {name: values.pop(name) for name in TIMED_FIELDS if name in values}
        return columns_of(values) | timed


class Completing(Body):
    """How to complete a task that recurs."""

    occurrence: OccurrenceIn | MISSING = MISSING
    catch_up: CatchUp | MISSING = MISSING


class TaskChange(Completing, TaskFields):
    """Changes to a task. Fields that are not mentioned keep their values."""

    @field_validator(*Completing.model_fields)
    @classmethod
    def _completes(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("completed") is not True:
            raise PydanticCustomError("not_completed", "This needs completed: true.")
        return value


class NewTask(TaskFields):
    """A task to create. Without `completed` and `completion_date`, it is open.

    A task of an export can be sent as it is, except that its list and parent must exist, and its
    `uid` must not.
    """

    name: Name
    uid: UidIn | None = None
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


class NewTasks(Body):
    """Tasks to create, all or none."""

    tasks: list[NewTask] = Field(min_length=1, max_length=BULK_MAX, description="Tasks to create.")

    @cached_property
    def prepared(self) -> list[dict[str, Any]]:
        return [task.prepared for task in self.tasks]


DRY_RUN = Field(MISSING, description="True after a dry run: nothing was changed.")


class TaskAnswer(Representation):
    """The task."""

    username: Owner
    task: Task


class TaskChanged(TaskAnswer):
    """The changed task."""

    occurrence: Task | MISSING = Field(
        MISSING,
        description="The completed occurrence of a task that recurs: a task of its own. `task` has "
        "gone on to the next date.",
    )


class TaskPosted(TaskAnswer):
    """The new task."""

    msg: str = Field(description="Confirmation message.", examples=["posted"])
    revision: UndoRevision = MISSING
    dry_run: bool | MISSING = DRY_RUN


class TasksChange(TaskChange):
    """Changes to many tasks. Fields that are not mentioned keep their values."""

    add_labels: LabelsIn | MISSING = Field(
        MISSING, description="Labels to add to those that each task has."
    )
    remove_labels: LabelsIn | MISSING = Field(
        MISSING, description="Labels to take off. A task that does not have them stays as it is."
    )


class TaskMove(Place):
    """A place for a task: a list, a parent, and one of `before`, `after`, `first` and `last`.

    Without one of these four, the task comes last in the list or below the parent.
    """

    list_id: ListIn | MISSING = MISSING
    parent_id: ParentIn | MISSING = MISSING

    @model_validator(mode="after")
    def _has_place(self) -> Self:
        if self.target is None and not self.place:
            raise PydanticCustomError(
                "place", "Give a list_id, a parent_id, or one of before, after, first and last."
            )
        return self

    @property
    def place(self) -> dict[str, int | None]:
        """The given list and parent."""
        return self.model_dump(include={"list_id", "parent_id"})


class _Answer(TaskPosted, TaskChanged):
    """Every member of an answer that shows a task."""


class TaskEnvelope(Body):
    """Changes to a task, in an answer that the client sends back."""

    shown_as = _Answer

    task: TaskChange
    occurrence: OccurrenceShown | MISSING = MISSING

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
