"""Error schemas."""

from pydantic import MISSING, Field

from todo.http.errors import Conflict, Fault
from todo.http.schema import Representation
from todo.schemas.account import Account
from todo.schemas.list import List
from todo.schemas.task import Task


class ProblemDetails(Representation):
    """An error (RFC 9457). `code` is for programs, `detail` for people."""

    type: str = Field(
        description="Always `about:blank`: `code` identifies the error.", examples=["about:blank"]
    )
    title: str = Field(description="Reason phrase of the status.", examples=["Bad Request"])
    status: int = Field(description="HTTP status code.", examples=[400])
    detail: str = Field(
        description="Explanation of the error and how to fix it.",
        examples=["name: This field is required."],
    )
    code: str = Field(
        description="Stable error code. Each answer lists the known ones. New ones may be added: "
        "treat an unknown one by its `status`.",
        examples=["validation"],
    )
    error: str = Field(
        description="Same as `detail`, for earlier clients.",
        examples=["name: This field is required."],
    )
    errors: list[Fault] | MISSING = Field(
        MISSING,
        description="All faults of the input, at most 100.",
        examples=[
            [
                {
                    "field": "name",
                    "code": "missing",
                    "message": "This field is required.",
                    "pointer": "/name",
                }
            ]
        ],
    )
    count: int | MISSING = Field(
        MISSING,
        description="With `too_many`: number of tasks that the request would change.",
        examples=[12345],
    )
    etag: str | MISSING = Field(
        MISSING,
        description="With `precondition`: `ETag` of the stored version.",
        examples=['"12"'],
    )
    task: Task | MISSING = Field(MISSING, description="With `precondition`: the stored task.")
    profile: Account | MISSING = Field(
        MISSING, description="With `precondition`: the stored profile."
    )
    changed: list[str] | MISSING = Field(
        MISSING,
        description="With `precondition`: fields that have changed since the version in "
        "`If-Match`; absent if unknown.",
        examples=[["name", "due_date"]],
    )
    conflicts: list[Conflict] | MISSING = Field(
        MISSING,
        description="With `undo_conflict`: tasks and fields that later requests have changed, at "
        "most 100 tasks.",
        examples=[[{"id": 1, "fields": ["name"]}]],
    )
    request_id: str | MISSING = Field(
        MISSING, description="Id of the request in the server's log.", examples=["b5bb9d8014a0f9b1"]
    )
    # The last one, because it hides the type of the same name.
    list: List | MISSING = Field(MISSING, description="With `precondition`: the stored list.")
