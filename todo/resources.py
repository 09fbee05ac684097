"""Context factories: the only place where a URL becomes a row, by its owner first."""

import re
from functools import partial
from typing import Any, ClassVar, NoReturn

from pydantic import BaseModel, Field
from pyramid.authorization import Allow
from pyramid.httpexceptions import HTTPForbidden
from sqlalchemy import Select, bindparam, select

from todo.auth.limits import check_writes, note_write, record_use
from todo.auth.permissions import Permission
from todo.auth.policy import Identity, InsufficientScope, KnownAccount, is_alive
from todo.days import find_zone
from todo.http.errors import Problem
from todo.http.idempotency import replay
from todo.http.request import SAFE_METHODS, Request
from todo.models import Account, Change, Task, Token, TrashedTask, journal
from todo.models.meta import ID_MAX, ID_PATTERN, BigInt
from todo.models.statements import run
from todo.models.task import STORED, StoredTask
from todo.models.trash import TRASH_DAYS, is_kept

_ALL = tuple(Permission)


class LoginContext:
    """Whoever is logged in; no account is named."""

    errors: ClassVar[tuple[str, ...]] = ("too_many_requests",)
    versioned: ClassVar[bool] = False  # whether it is a Versioned of todo/http/preconditions.py

    def __init__(self, request: Request) -> None:
        if request.identity is None:
            raise HTTPForbidden
        self.identity: Identity = request.identity
        request.timezone = find_zone(self.account.timezone)
        if request.method not in SAFE_METHODS and not self.identity.may(Permission.WRITE):
            self._refuse_scope()
        check_writes(request, self.identity)
        token = self.identity.token
        request.add_finished_callback(partial(record_use, token))
        if request.method not in SAFE_METHODS:
            journal.set_credential(request.dbsession, token)
            note_write(request, token)
        # Before the path is looked at: what was done may have moved or deleted what it names.
        replay(request)

    @staticmethod
    def _refuse_scope() -> NoReturn:
        """Refuse before a row is looked for: the answer does not tell whether there is one."""
        raise HTTPForbidden(result=InsufficientScope("the scope of the token is too small"))

    @property
    def account(self) -> KnownAccount:
        return self.identity.account

    def __acl__(self) -> list[tuple[Any, ...]]:
        return [(Allow, f"account:{self.account.id}", _ALL)]


class AccountContext(LoginContext):
    """The account that the path names, which is always the one that asks.

    Anybody else is refused before a query: the answer tells nobody which accounts exist.
    """

    class Path(BaseModel):
        """The variable parts of the path, for the OpenAPI document."""

        username: str = Field(
            description="One's own username, in any case of letters.", examples=["alice"]
        )

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        username = request.matchdict["username"]
        # Without isascii() a letter such as the Kelvin sign would fold into an ASCII one.
        if not username.isascii() or username.lower() != self.account.username_lower:
            raise HTTPForbidden


class ProfileContext(AccountContext):
    """The account that the path names, as its profile is shown and changed."""

    versioned: ClassVar[bool] = True
    kind: ClassVar[str] = Account.kind

    @property
    def subject(self) -> KnownAccount:
        return self.account

    @property
    def revision(self) -> int:
        return self.account.profile_revision


class TasksContext(AccountContext):
    """All tasks of the account that the path names."""

    versioned: ClassVar[bool] = True
    kind: ClassVar[str] = Task.kind
    subject = None

    @property
    def revision(self) -> int:
        return self.account.revision


class ChangesContext(TasksContext):
    """All changes of the account that the path names."""


class RevisionContext(AccountContext):
    """What one request has changed of the account that the path names."""

    class Path(AccountContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

        revision: int = Field(
            description="To which that request has raised the account's `revision`.",
            ge=1,
            le=ID_MAX,
            examples=[12],
        )

    errors: ClassVar[tuple[str, ...]] = (*AccountContext.errors, "not_found")

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        number = _number(request.matchdict["revision"])
        query = select(Change.revision).where(
            Change.account_id == self.account.id, Change.revision == number
        )
        revision = request.dbsession.scalar(query.limit(1)) if number else None
        if revision is None:
            raise Problem("not_found", "There is no such revision, or it is not kept any more.")
        self.named: int = revision


# Made once: to build a query costs more than to run it.
_TASK = select(*STORED).where(
    Task.account_id == bindparam("account_id", type_=BigInt),
    Task.id == bindparam("id", type_=BigInt),
)


class TaskContext(AccountContext):
    """A task of the account that the path names."""

    versioned: ClassVar[bool] = True
    kind: ClassVar[str] = Task.kind

    class Path(AccountContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

        id: int = Field(description="The task's number.", ge=1, le=ID_MAX, examples=[1])

    errors: ClassVar[tuple[str, ...]] = (*AccountContext.errors, "not_found")

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        parameters = {"account_id": self.account.id, "id": _number(request.matchdict["id"])}
        if parameters["id"] is None:
            raise not_there()
        rows = run(request.connection, _TASK, parameters, one_plan=True)
        if not rows:
            raise not_there()
        self.task = StoredTask(*rows[0])

    @property
    def subject(self) -> StoredTask:
        return self.task

    @property
    def revision(self) -> int:
        return self.task.revision


class HistoryContext(TaskContext):
    """The changes of a task of the account that the path names."""

    # The oldest go by their age, of which no revision tells.
    versioned: ClassVar[bool] = False


class TrashContext(AccountContext):
    """A deleted task of the account that the path names."""

    class Path(TaskContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

    errors: ClassVar[tuple[str, ...]] = TaskContext.errors

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        query = select(TrashedTask).where(
            TrashedTask.account_id == self.account.id,
            is_kept(request.registry.settings[TRASH_DAYS]),
        )
        self.task: TrashedTask = _load(request, TrashedTask, query)


class TokenContext(AccountContext):
    """A token of the account that the path names."""

    class Path(AccountContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

        id: int = Field(description="The token's number.", ge=1, le=ID_MAX, examples=[1])

    errors: ClassVar[tuple[str, ...]] = (*AccountContext.errors, "not_found")

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        if not self.identity.may(Permission.MANAGE):
            self._refuse_scope()
        query = select(Token).where(Token.account_id == self.account.id, is_alive(request))
        self.token: Token = _load(request, Token, query)


def _load(request: Request, model: Any, query: Select[Any]) -> Any:
    """Return the owner's row that the path names."""
    row_id = _number(request.matchdict["id"])
    row = request.dbsession.scalar(query.where(model.id == row_id)) if row_id else None
    if row is None:
        raise not_there()
    return row


def not_there() -> Problem:
    """Return the answer to who asks for what is not there, or is somebody else's."""
    return Problem("not_found", "There is no such thing in this account.")


def _number(text: str) -> int | None:
    """Return the number of the path, or None where nothing can have it."""
    if re.fullmatch(ID_PATTERN, text) and int(text) <= ID_MAX:
        return int(text)
    return None
