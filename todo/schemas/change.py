"""Change schemas: the history of a task and the change feed of an account."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import MISSING, Field

from todo.days import in_whole_seconds
from todo.http.schema import Query, Representation, is_time
from todo.models.meta import ID_MAX
from todo.schemas.meta import Instant, Owner, RevisionIn, WholeNumber
from todo.schemas.task_filter import limit

_FRACTION = re.compile(r"\.\d+Z$")


class UsedToken(Representation):
    """The token of the request that made a change. It may have ended since."""

    id: int = Field(description="Token id.", examples=[3])
    kind: str = Field(description="`session` or `api`. New kinds may be added.", examples=["api"])
    name: str | None = Field(
        description="Name of the API token; null for a session.", examples=["script"]
    )


class Change(Representation):
    """The changes that one request made to one object, such as a task."""

    revision: int = Field(
        description="The account's revision after the request that made the change.",
        examples=[12],
    )
    date: Instant
    kind: str = Field(
        description="`task`, `list`, `filter`, `reminder` or `profile`. New kinds may be added; "
        "ignore unknown ones.",
        examples=["task"],
    )
    id: int = Field(
        description="Id of the task, list, filter or reminder; for the profile, the account id.",
        examples=[1],
    )
    action: str = Field(
        description="`create`, `update`, `delete` (moved to the trash), `restore` (moved out of "
        "the trash) or `purge` (deleted permanently). New actions may be added.",
        examples=["update"],
    )
    token: UsedToken | None = Field(
        description="The token of the request. Null for a registration, a change by an "
        "administrator, a task deleted permanently when its time in the trash was over, a reminder "
        "that has fired, and a date corrected after a change of the rules of its time zone."
    )
    before: dict[str, Any] | None = Field(
        description="Previous values of the changed fields; all fields for `delete`. Null for "
        "`create` and `restore`, and after a `purge`, which erases all recorded values. A password "
        "is shown as null.",
        examples=[{"name": "Milk"}],
    )
    after: dict[str, Any] | None = Field(
        description="New values of the changed fields; all fields for `create` and `restore`. Null "
        "for `delete`, and after a `purge`, which erases all recorded values. A password is shown "
        "as null.",
        examples=[{"name": "Tea"}],
    )

    @classmethod
    def of_each(cls, rows: Iterable[Any], fields: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """Return the fields of each journal row."""
        return [_shown(row, fields or tuple(cls.model_fields)) for row in rows]


def _shown(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    token = {"id": row.token_id, "kind": row.token_kind, "name": row.token_name}
    shown = {
        "id": row.object_id,
        "token": token if row.token_kind else None,
        "date": in_whole_seconds(row.date),
        "before": _recorded(row.before),
        "after": _recorded(row.after),
    }
    return {name: shown[name] if name in shown else getattr(row, name) for name in names}


def _recorded(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return recorded values, in which times are text, with times in whole seconds."""
    return values and {
        name: _FRACTION.sub("Z", value) if value and is_time(name) else value
        for name, value in values.items()
    }


_NEXT = "Path of the next page; null on the last page."


class TaskHistory(Representation):
    """A page of a task's history."""

    username: Owner
    history: list[Change] = Field(description="Changes, newest first.")
    next: str | None = Field(
        description=_NEXT, examples=["/api/v1/accounts/alice/tasks/1/history?limit=1&after=12"]
    )
    after: int | None = Field(
        description="Revision for the parameter `after` of the next page; null on the last page.",
        examples=[12],
    )


class ListHistory(TaskHistory):
    """A page of a list's history."""


class FilterHistory(TaskHistory):
    """A page of a saved filter's history."""


class Changes(Representation):
    """A page of the account's changes."""

    username: Owner
    changes: list[Change] = Field(description="Changes, in the order of their revisions.")
    next: str | None = Field(
        description=_NEXT, examples=["/api/v1/accounts/alice/changes?limit=1&since=12"]
    )
    revision: int = Field(
        description="The account's revision. On the last page, where `next` is null, the client "
        "has all changes up to this revision: send it as `since` next time.",
        examples=[14],
    )


class HistoryPage(Query):
    """Parameters of a page of a task's history."""

    limit: WholeNumber = limit("Maximum number of changes on a page.")
    after: RevisionIn | MISSING = Field(
        MISSING,
        description="Revision of the last change on the previous page, as in `next`.",
        examples=[12],
    )


class ChangesPage(Query):
    """Parameters of a page of the account's changes."""

    since: WholeNumber = Field(
        0,
        ge=0,
        le=ID_MAX,
        description="The client's last revision: the answer has the changes after it.",
        examples=[12],
    )
    limit: WholeNumber = limit(
        "Maximum number of changes on a page. A page always contains whole revisions, so it has "
        "more if its first request changed more tasks, and fewer if they have long notes."
    )
