"""The URL table, and nothing else."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from pyramid.config import Configurator

from todo.http.request import Request
from todo.resources import (
    AccountContext,
    ChangesContext,
    HistoryContext,
    LoginContext,
    ProfileContext,
    RevisionContext,
    TaskContext,
    TasksContext,
    TokenContext,
    TrashContext,
)

ACCOUNTS = "/api/v1/accounts"
ACCOUNT = ACCOUNTS + "/{username}"

_NOT_CANONICAL = re.compile(r"//|.*(%2f|[#\t])", re.IGNORECASE)


class CanonicalPath:
    """The predicate of all routes: the path is the one spelling of what the route has matched.

    Pyramid's patterns end in "$", which also matches before a final newline; and WSGI decodes
    %2F, so that a value with a slash would be taken for two segments (RFC 3986, section 2.2).
    waitress drops further slashes in front, tabs, and what follows a "#".
    """

    def __init__(self, value: bool, _config: Configurator) -> None:
        self.value = value

    def text(self) -> str:
        """Say which predicate this is, for Pyramid."""
        return f"canonical_path = {self.value}"

    phash = text

    def __call__(self, info: Mapping[str, Any], request: Request) -> bool:
        """Tell whether it is, of the path that the route has matched with values."""
        path, values = request.path_info, info["match"].values()
        raw = request.environ.get("REQUEST_URI", "").partition("?")[0]
        if _NOT_CANONICAL.match(raw):
            return False
        return not path.endswith("\n") or any(value.endswith("\n") for value in values)


def includeme(config: Configurator) -> None:
    config.add_route_predicate("canonical_path", CanonicalPath)
    add_route = partial(config.add_route, canonical_path=True)
    # The patterns are tried in this order: what is asked for most stands first.
    add_route("tasks", ACCOUNT + "/tasks", factory=TasksContext)
    add_route("task", ACCOUNT + "/tasks/{id}", factory=TaskContext)
    add_route("root", "/")
    add_route("docs", "/docs")
    add_route("docs_file", "/docs/{file}")
    add_route("healthz", "/healthz")
    add_route("readyz", "/readyz")
    add_route("info", "/api/v1")
    add_route("info_slash", "/api/v1/")
    add_route("openapi", "/api/v1/openapi.json")
    add_route("whoami", "/api/v1/whoami", factory=LoginContext)
    add_route("accounts", ACCOUNTS)
    # The words after /accounts/ here are reserved in schemas/account.py: nobody is called so.
    add_route("login", ACCOUNTS + "/login")
    add_route("logout", ACCOUNTS + "/logout")
    add_route("account", ACCOUNT, factory=ProfileContext)
    add_route("export", ACCOUNT + "/export", factory=AccountContext)
    add_route("trash", ACCOUNT + "/trash", factory=AccountContext)
    add_route("trashed_task", ACCOUNT + "/trash/{id}", factory=TrashContext)
    add_route("restore", ACCOUNT + "/trash/{id}/restore", factory=TrashContext)
    add_route("counts", ACCOUNT + "/counts", factory=AccountContext)
    add_route("undo", ACCOUNT + "/changes/{revision}/undo", factory=RevisionContext)
    add_route("tokens", ACCOUNT + "/tokens", factory=AccountContext)
    add_route("token", ACCOUNT + "/tokens/{id}", factory=TokenContext)
    add_route("history", ACCOUNT + "/tasks/{id}/history", factory=HistoryContext)
    add_route("changes", ACCOUNT + "/changes", factory=ChangesContext)
