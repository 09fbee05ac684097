"""Trash schemas."""

from pydantic import Field

from todo.http.schema import Representation
from todo.schemas.meta import Instant, Owner
from todo.schemas.task import Task


class TrashedTask(Task):
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
    """Result of emptying the trash."""

    username: Owner
    deleted: int = Field(description="Number of tasks that were deleted permanently.", examples=[3])
