"""Changes, going out: the history of a task, and the feed of an account."""

from collections.abc import Iterable
from typing import Any

from pydantic import MISSING, Field

from todo.http.schema import Query, Representation
from todo.models.meta import ID_MAX
from todo.schemas.meta import Instant, Owner, RevisionIn, WholeNumber
from todo.schemas.task_filter import limit


class UsedToken(Representation):
    """The credential by which a change was made; it may be gone by now."""

    id: int = Field(description="The token's number.", examples=[3])
    kind: str = Field(description="`session` or `api`.", examples=["api"])
    name: str | None = Field(description="Of an API token.", examples=["script"])


class Change(Representation):
    """What one request has changed of one task, or of the profile."""

    revision: int = Field(
        description="The account's, which each request that changes something raises by one.",
        examples=[12],
    )
    date: Instant
    kind: str = Field(description="`task` or `profile`.", examples=["task"])
    id: int = Field(description="The task's number; of the profile the account's.", examples=[1])
    action: str = Field(
        description="What was done: `create`, `update`, `delete` (it went to the trash), `restore` "
        "(it came from there) or `purge` (it went for good).",
        examples=["update"],
    )
    token: UsedToken | None = Field(
        description="Null where somebody registered, who runs the service made the change, or the "
        "time in the trash was over."
    )
    before: dict[str, Any] | None = Field(
        description="What the changed fields were. Null where there was nothing, and "
        "where the values were erased. A password is null.",
        examples=[{"name": "Milk"}],
    )
    after: dict[str, Any] | None = Field(
        description="What these fields became; all of them where it was created or restored. Null "
        "where it was deleted, and where the values were erased, because it is gone for good.",
        examples=[{"name": "Tea"}],
    )

    @classmethod
    def of_each(cls, rows: Iterable[Any], fields: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """Return the fields of each row of the journal."""
        return [_shown(row, fields or tuple(cls.model_fields)) for row in rows]


def _shown(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    token = {"id": row.token_id, "kind": row.token_kind, "name": row.token_name}
    shown = {"id": row.object_id, "token": token if row.token_kind else None}
    return {name: shown[name] if name in shown else getattr(row, name) for name in names}


_NEXT = "The path of the next page; null at the end."


class TaskHistory(Representation):
    """A page of the changes of a task."""

    username: Owner
    history: list[Change] = Field(description="The changes, the newest first.")
    next: str | None = Field(
        description=_NEXT, examples=["/api/v1/accounts/alice/tasks/1/history?limit=1&after=12"]
    )


class Changes(Representation):
    """A page of the changes of an account."""

    username: Owner
    changes: list[Change] = Field(description="The changes, in the order of their revisions.")
    next: str | None = Field(
        description=_NEXT, examples=["/api/v1/accounts/alice/changes?limit=1&since=12"]
    )
    revision: int = Field(
        description="The account's. Where there is no `next`, the answer has everything up to it: "
        "the next question is what changed `since` this one.",
        examples=[14],
    )


class HistoryPage(Query):
    """A page of the history of a task."""

    limit: WholeNumber = limit("How many changes a page has at most.")
    after: RevisionIn | MISSING = Field(
        MISSING,
        description="The revision of the last change of the page before, as `next` has it.",
        examples=[12],
    )


class ChangesPage(Query):
    """A page of the changes of an account."""

    since: WholeNumber = Field(
        0,
        ge=0,
        le=ID_MAX,
        description="The revision that the client knows: the changes after it are the answer.",
        examples=[12],
    )
    limit: WholeNumber = limit(
        "How many changes a page has at most; but it ends at the end of a revision, however many "
        "tasks that one request has changed."
    )
