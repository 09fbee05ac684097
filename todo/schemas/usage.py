"""Usage schemas."""

from pydantic import Field

from todo.http.schema import Representation
from todo.models.size import ROW_SIZE
from todo.schemas.meta import Owner


class Used(Representation):
    """Bytes in use, and the quota."""

    bytes: int = Field(
        description=f"Bytes of texts, as JSON in UTF-8, and {ROW_SIZE} more for each row.",
        examples=[123456],
    )
    quota: int | None = Field(
        description="Bytes that the account may use; null without a quota.", examples=[200_000_000]
    )


class Usage(Representation):
    """Bytes that an account uses, and its quotas."""

    username: Owner
    tasks: Used = Field(
        description="Tasks, also those in the trash. Above the quota, requests that add text are "
        "refused with 409 `quota`: delete tasks and empty the trash."
    )
    journal: Used = Field(
        description="Recorded changes. Above the quota, the oldest ones are forgotten early: "
        "`GET …/changes` since then answers 410 `cursor_expired`."
    )
    keys: Used = Field(
        description="Answers stored for `Idempotency-Key`, each for 24 hours. Above the quota, "
        "requests with a new key are refused with 409 `quota`."
    )
