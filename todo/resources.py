"""Context factories: load the row that a URL names, by its owner first, with its ACL."""

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import BaseModel, Field
from pyramid.authorization import Allow
from pyramid.httpexceptions import HTTPForbidden
from sqlalchemy import Row, Select, Table, bindparam, select

from todo import clock
from todo.auth.identity import AccountRow, Identity, is_active
from todo.auth.permissions import Permission
from todo.auth.policy import InsufficientScope
from todo.http.errors import Problem
from todo.http.request import Request
from todo.journal import history
from todo.models import Account, Filter, List, Task
from todo.models.engine import Database
from todo.models.filter import FILTER_COLUMNS, FILTERS, FilterRow
from todo.models.label import label_key, spelling_of
from todo.models.list import LIST_COLUMNS, LISTS, ListRow
from todo.models.meta import ID_MAX, ID_PATTERN, BigInt
from todo.models.prepared import PREPARED
from todo.models.released_username import RELEASED_USERNAMES
from todo.models.reminder import NAMED_COLUMNS, REMINDERS, NamedReminder, of_task
from todo.models.task import TASK_COLUMNS, TASKS, TaskRow
from todo.models.token import TOKENS
from todo.models.trash import TRASH, TRASH_COLUMNS, is_restorable
from todo.models.webhook import WEBHOOK_COLUMNS, WEBHOOKS, WebhookRow
from todo.schemas.account import USERNAME
from todo.schemas.account import Account as AccountSchema
from todo.schemas.filter import Filter as FilterSchema
from todo.schemas.list import List as ListSchema
from todo.schemas.task import Task as TaskSchema

_ALL = tuple(Permission)

ME = "me"  # in a path: the logged-in account. No account can have this username.


class LoginContext:
    """The logged-in account, for a path without a username."""

    errors: ClassVar[tuple[str, ...]] = ("too_many_requests",)
    versioned: ClassVar[bool] = False  # True for a Versioned of todo/http/preconditions.py

    def __init__(self, request: Request) -> None:
        self.identity: Identity = request.identity  # todo/begin.py refuses a request without one

    @property
    def account(self) -> AccountRow:
        return self.identity.account

    def __acl__(self) -> list[tuple[Any, ...]]:
        return [(Allow, f"account:{self.account.id}", _ALL)]


class AccountContext(LoginContext):
    """The account in the path, which must be the logged-in one.

    The path has its username, a former username, or "me". Other accounts are refused without a
    look at them, so the response does not reveal which exist.
    """

    class Path(BaseModel):
        """The variable parts of the path, for the OpenAPI document."""

        username: str = Field(
            description="Your own username, in upper or lower case, or `me`. After a change of the "
            "username, the former one works for 90 days.",
            examples=["alice"],
        )

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        username = request.matchdict["username"]
        # isascii(): lower() would fold a letter such as the Kelvin sign into an ASCII one.
        if not username.isascii():
            raise HTTPForbidden
        name = username.lower()
        if name not in (ME, self.account.username_lower) and not self._had(request.db, name):
            raise HTTPForbidden

    def _had(self, db: Database, name: str) -> bool:
        """Return whether the name is a former username that is still reserved for the account."""
        columns = RELEASED_USERNAMES.c
        former = select(columns.id).where(
            columns.account_id == self.account.id,
            columns.username_lower == name,
            columns.expiration_date > clock.now(),
        )
        return bool(USERNAME.fullmatch(name)) and db.scalar(former.limit(1)) is not None


class ObjectContext(AccountContext):
    """An object of the account with a version: a Versioned of todo/http/preconditions.py."""

    versioned: ClassVar[bool] = True
    kind: ClassVar[str]
    representation: ClassVar[Any]
    subject: Any
    revision: int

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.db = request.db

    def changed_since(self, revision: int) -> list[str] | None:
        return history.fields_changed_since(
            self.db, self.account, self.kind, self.subject.id, revision
        )


class ProfileContext(ObjectContext):
    """The profile of the account in the path."""

    kind: ClassVar[str] = Account.kind
    representation: ClassVar[Any] = AccountSchema

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.subject, self.revision = self.account, self.account.profile_revision


class TasksContext(AccountContext):
    """All tasks of the account in the path."""

    versioned: ClassVar[bool] = True
    kind: ClassVar[str] = Task.kind
    subject = None

    @property
    def revision(self) -> int:
        return self.account.revision


class ChangesContext(TasksContext):
    """All changes of the account in the path."""


class RevisionContext(AccountContext):
    """The changes that one request has made to the account."""

    class Path(AccountContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

        revision: int = Field(
            description="The account's `revision` after the request that made the changes.",
            ge=1,
            le=ID_MAX,
            examples=[12],
        )

    errors: ClassVar[tuple[str, ...]] = (*AccountContext.errors, "not_found")

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        number = _number(request.matchdict["revision"])
        if number is None or not history.has_revision(request.db, self.account, number):
            raise Problem("not_found", "This account has no such revision, or no longer keeps it.")
        self.named = number


def _of_account(columns: Iterable[Any], table: Table) -> Select[Any]:
    """Return the query for one row of the account by its id; see _load()."""
    return select(*columns).where(
        table.c.account_id == bindparam("account_id", type_=BigInt),
        table.c.id == bindparam("id", type_=BigInt),
    )


# Built once: building the query costs more than running it.
_TASK = _of_account(TASK_COLUMNS, TASKS).execution_options(**PREPARED)


class TaskContext(ObjectContext):
    """A task of the account in the path."""

    kind: ClassVar[str] = Task.kind
    representation: ClassVar[Any] = TaskSchema

    class Path(AccountContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

        id: int = Field(description="The id of the task.", ge=1, le=ID_MAX, examples=[1])

    errors: ClassVar[tuple[str, ...]] = (*AccountContext.errors, "not_found")

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.task = TaskRow._make(_load(request, _TASK))
        self.subject, self.revision = self.task, self.task.revision


class HistoryContext(TaskContext):
    """The changes of a task of the account in the path."""

    # Old changes expire by age, without a new revision.
    versioned: ClassVar[bool] = False


class ListContext(ObjectContext):
    """A list of the account in the path."""

    kind: ClassVar[str] = List.kind
    representation: ClassVar[Any] = ListSchema

    class Path(AccountContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

        id: int = Field(description="The id of the list.", ge=1, le=ID_MAX, examples=[1])

    errors: ClassVar[tuple[str, ...]] = (*AccountContext.errors, "not_found")

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.list = ListRow._make(_load(request, _of_account(LIST_COLUMNS, LISTS)))
        self.subject, self.revision = self.list, self.list.revision


class LabelContext(AccountContext):
    """A label of tasks of the account in the path, in upper or lower case."""

    class Path(AccountContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

        name: str = Field(
            description="The name of the label, in upper or lower case. A slash is `%2F`.",
            examples=["home"],
        )

    errors: ClassVar[tuple[str, ...]] = (*AccountContext.errors, "not_found")

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        key = label_key(request.matchdict["name"])
        name = None if "\0" in key else request.db.scalar(spelling_of(self.account.id, key))
        if name is None:
            raise Problem("not_found", "No task of this account has this label.")
        self.label: str = name


class ListHistoryContext(ListContext):
    """The changes of a list of the account in the path."""

    versioned: ClassVar[bool] = False


class FilterContext(ObjectContext):
    """A saved filter of the account in the path."""

    kind: ClassVar[str] = Filter.kind
    representation: ClassVar[Any] = FilterSchema

    class Path(AccountContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

        id: int = Field(description="The id of the filter.", ge=1, le=ID_MAX, examples=[1])

    errors: ClassVar[tuple[str, ...]] = (*AccountContext.errors, "not_found")

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.filter = FilterRow._make(_load(request, _of_account(FILTER_COLUMNS, FILTERS)))
        self.subject, self.revision = self.filter, self.filter.revision


class FilterHistoryContext(FilterContext):
    """The changes of a saved filter of the account in the path."""

    versioned: ClassVar[bool] = False


class ReminderContext(AccountContext):
    """A reminder of the account in the path that has fired."""

    class Path(AccountContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

        id: int = Field(description="The id of the reminder.", ge=1, le=ID_MAX, examples=[1])

    errors: ClassVar[tuple[str, ...]] = (*AccountContext.errors, "not_found")

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        query = _of_account(NAMED_COLUMNS, REMINDERS).outerjoin(TASKS, of_task())
        self.reminder = NamedReminder._make(_load(request, query))


class TrashContext(AccountContext):
    """A deleted task of the account in the path."""

    class Path(TaskContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

    errors: ClassVar[tuple[str, ...]] = TaskContext.errors

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.task: Row[Any] = _load(
            request,
            _of_account(TRASH_COLUMNS, TRASH).where(
                is_restorable(request.settings.trash_retention)
            ),
        )


class TokenContext(AccountContext):
    """A token of the account in the path."""

    class Path(AccountContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

        id: int = Field(description="The id of the token.", ge=1, le=ID_MAX, examples=[1])

    errors: ClassVar[tuple[str, ...]] = (*AccountContext.errors, "not_found")

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        _refuse_small_scope(self.identity)
        self.token: Row[Any] = _load(
            request, _of_account(TOKENS.c, TOKENS).where(is_active(request.settings))
        )


class WebhookContext(AccountContext):
    """A webhook of the account in the path."""

    class Path(AccountContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

        id: int = Field(description="The id of the webhook.", ge=1, le=ID_MAX, examples=[1])

    errors: ClassVar[tuple[str, ...]] = (*AccountContext.errors, "not_found")

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        _refuse_small_scope(self.identity)
        self.webhook = WebhookRow._make(_load(request, _of_account(WEBHOOK_COLUMNS, WEBHOOKS)))


def _refuse_small_scope(identity: Identity) -> None:
    """Refuse a token without the permission to manage the account.

    Call it before the row is loaded, so that the response does not reveal whether it exists.
    """
    if not identity.may(Permission.MANAGE):
        raise HTTPForbidden(result=InsufficientScope("the scope of the token is too small"))


def _load(request: Request, query: Select[Any]) -> Row[Any]:
    """Return the account's row with the id in the path. Raise Problem 404 if it does not exist."""
    row_id = _number(request.matchdict["id"])
    parameters = {"account_id": request.identity.account.id, "id": row_id}
    row: Row[Any] | None = request.db.execute(query, parameters).first() if row_id else None
    if row is None:
        raise Problem("not_found", "Nothing with this id exists in this account.")
    return row


def _number(text: str) -> int | None:
    """Return the number in the path, or None if no row can have it."""
    if re.fullmatch(ID_PATTERN, text) and int(text) <= ID_MAX:
        return int(text)
    return None
