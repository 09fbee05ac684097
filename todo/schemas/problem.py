"""Errors, going out."""

from pydantic import MISSING, Field

from todo.http.errors import Conflict, Fault
from todo.http.schema import Representation
from todo.schemas.account import Account
from todo.schemas.task import Task


class ProblemDetails(Representation):
    """An error (RFC 9457). Programs decide by `code`, people read `detail`."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(description="The status in words.", examples=["Bad Request"])
    status: int = Field(examples=[400])
    detail: str = Field(
        description="What was wrong, and what would be right.",
        examples=["name: This field is required."],
    )
    code: str = Field(description="Stable, for programs.", examples=["validation"])
    error: str = Field(
        description="The same as `detail`, where earlier clients look.",
        examples=["name: This field is required."],
    )
    errors: list[Fault] | MISSING = Field(
        MISSING,
        description="Every fault of the input.",
        examples=[[{"field": "name", "code": "missing", "message": "This field is required."}]],
    )
    count: int | MISSING = Field(
        MISSING, description="How many there were, with `too_many`.", examples=[12345]
    )
    etag: str | MISSING = Field(
        MISSING,
        description="The `ETag` of what is there, with `precondition`.",
        examples=['"12"'],
    )
    task: Task | MISSING = Field(MISSING, description="What is there, with `precondition`.")
    profile: Account | MISSING = Field(MISSING, description="What is there, with `precondition`.")
    changed: list[str] | MISSING = Field(
        MISSING,
        description="With `precondition`: the fields that have changed since the version that "
        "`If-Match` names, where that is known.",
        examples=[["name", "due_date"]],
    )
    conflicts: list[Conflict] | MISSING = Field(
        MISSING,
        description="With `undo_conflict`: the tasks, and their fields, that something later has "
        "changed; at most 100.",
        examples=[[{"id": 1, "fields": ["name"]}]],
    )
    request_id: str | MISSING = Field(
        MISSING, description="Finds the error in the log.", examples=["b5bb9d8014a0f9b1"]
    )
