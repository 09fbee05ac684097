"""Context factories: the only place where a URL becomes a row, by its owner first."""

import re
from typing import Any, ClassVar

from pydantic import BaseModel, Field
from pyramid.authorization import Allow
from pyramid.httpexceptions import HTTPForbidden
from sqlalchemy import select

from todo.errors import Problem
from todo.models import Account, Task
from todo.permissions import Permission
from todo.request import SAFE_METHODS, Request

# One URL per task: ASCII digits, no leading zero, no more than a 64-bit integer holds.
_ID = re.compile(r"[1-9][0-9]{0,18}")
_ID_MAX = 2**63 - 1


class AccountContext:
    """The account that the path names, which is always the one that asks.

    Anybody else is refused before a query: the answer tells nobody which accounts exist.
    """

    class Path(BaseModel):
        """The variable parts of the path, for the OpenAPI document."""

        username: str = Field(
            description="One's own username, in any case of letters.", examples=["alice"]
        )

    errors: ClassVar[tuple[str, ...]] = ()

    def __init__(self, request: Request) -> None:
        username = request.matchdict["username"]
        identity = request.identity
        # Without isascii() a letter such as the Kelvin sign would fold into an ASCII one.
        if (
            identity is None
            or not username.isascii()
            or username.lower() != identity.account.username_lower
        ):
            raise HTTPForbidden
        self.account: Account = identity.account

    def __acl__(self) -> list[tuple[Any, ...]]:
        return [(Allow, f"account:{self.account.id}", tuple(Permission))]


class TaskContext(AccountContext):
    """A task of the account that the path names; locked where the request may change it."""

    class Path(AccountContext.Path):
        """The variable parts of the path, for the OpenAPI document."""

        id: int = Field(description="The task's number.", ge=1, le=_ID_MAX, examples=[1])

    errors: ClassVar[tuple[str, ...]] = ("not_found",)

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        task_id = request.matchdict["id"]
        task = None
        if _ID.fullmatch(task_id) and int(task_id) <= _ID_MAX:
            query = select(Task).where(Task.account_id == self.account.id, Task.id == int(task_id))
            if request.method not in SAFE_METHODS:
                query = query.with_for_update()
            task = request.dbsession.scalar(query)
        if task is None:
            raise Problem("not_found", "There is no such task.")
        self.task: Task = task
