"""Trash schemas."""

from pydantic import MISSING, Field

from todo.http.schema import Representation
from todo.schemas.meta import Instant, Owner, UndoRevision
from todo.schemas.task import DRY_RUN, StoredTask


class TrashedTask(StoredTask):
    """A deleted task."""

    deletion_date: Instant


class Trash(Representation):
    """A page of the trash."""

    username: Owner
    tasks: list[TrashedTask] = Field(
        description="Deleted tasks as they were when deleted, last deleted first."
    )
    next: str | None = Field(
        description="Path of the next page; null on the last page.",
        examples=["/api/v1/accounts/alice/trash?limit=1&after=WyJlNDBjMmM5YmFmMzY1NGI5IiwiMj"],
    )
    after: str | None = Field(
        description="Cursor of the next page, for the parameter `after`; null on the last page.",
        examples=["WyJlNDBjMmM5YmFmMzY1NGI5IiwiMj"],
    )
    revision: int = Field(
        description="The account's revision. The page reflects at least all changes up to it.",
        examples=[12],
    )


class TrashEmptied(Representation):
    """Result of emptying the trash, or of deleting some of its tasks permanently."""

    username: Owner
    deleted: int = Field(description="Number of tasks that were deleted permanently.", examples=[3])
    remaining: int | MISSING = Field(
        MISSING,
        description="Number of tasks that match and are left, because one request deletes no more.",
        examples=[0],
    )
    dry_run: bool | MISSING = DRY_RUN


class TasksRestored(Representation):
    """Result of restoring many tasks."""

    username: Owner
    restored: int = Field(description="Number of tasks that matched.", examples=[3])
    revision: UndoRevision = MISSING
    dry_run: bool | MISSING = DRY_RUN
