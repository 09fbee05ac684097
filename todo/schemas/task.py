"""Tasks, going in and out."""

from datetime import date, datetime
from typing import Annotated, ClassVar

from pydantic import MISSING, AfterValidator
from pydantic_core import PydanticCustomError

from todo.models.task import NAME_MAX, NOTE_MAX
from todo.schemas.dates import DateIn
from todo.schemas.meta import Body, Representation, Text, limited


def _name(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "This must not be blank.")
    return limited(text, NAME_MAX)


def _note(text: str) -> str:
    return limited(text, NOTE_MAX)


Name = Annotated[Text, AfterValidator(_name)]
Note = Annotated[Text, AfterValidator(_note)]


class Task(Representation):
    """A task."""

    id: int
    name: str
    note: str | None
    creation_date: datetime
    modification_date: datetime
    due_date: datetime | date | None
    completed: bool
    completion_date: datetime | None


READ_ONLY = frozenset({"id", "creation_date", "modification_date", "completion_date"})


class NewTask(Body):
    """A task to create."""

    read_only: ClassVar[frozenset[str]] = READ_ONLY

    name: Name
    note: Note | None = None
    due_date: DateIn = None
    completed: bool = False


class TaskChange(Body):
    """What shall change of a task; what is not mentioned stays."""

    read_only: ClassVar[frozenset[str]] = READ_ONLY

    name: Name | MISSING = MISSING
    note: Note | None | MISSING = MISSING
    due_date: DateIn | MISSING = MISSING
    completed: bool | MISSING = MISSING


class TaskAnswer(Representation):
    """One task of the account."""

    username: str
    task: Task


class TaskPosted(TaskAnswer):
    """A task just created."""

    msg: str


class TaskList(Representation):
    """The tasks of the account."""

    username: str
    tasks: list[Task]


class TaskDeleted(Representation):
    """A word that the task is gone."""

    username: str
    msg: str
