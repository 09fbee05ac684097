"""The trash, going in and out."""

from pydantic import Field

from todo.http.schema import Representation
from todo.schemas.meta import Instant, Owner
from todo.schemas.task import Task


class TrashedTask(Task):
    """A deleted task."""

    deletion_date: Instant


class Trash(Representation):
    """A page of the deleted tasks, the last deleted first."""

    username: Owner
    tasks: list[TrashedTask] = Field(description="As they were when they were deleted.")
    next: str | None = Field(
        description="The path of the next page; null at the end.",
        examples=["/api/v1/accounts/alice/trash?limit=1&after=WyJlNDBjMmM5YmFmMzY1NGI5IiwiMj"],
    )
    revision: int = Field(
        description="The account's, which each request that changes its tasks or profile raises "
        "by one. The answer has at least everything up to it.",
        examples=[12],
    )


class TrashEmptied(Representation):
    """How many tasks were in the trash."""

    username: Owner
    deleted: int = Field(description="How many tasks went for good.", examples=[3])
