"""The URL table, and nothing else."""

from collections.abc import Mapping

from pyramid.config import Configurator
from pyramid.events import BeforeTraversal
from pyramid.httpexceptions import HTTPNotFound

from todo.request import Request
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


def is_well_spelled(request: Request, values: Mapping[str, str]) -> bool:
    """Tell whether the path, which a route has matched with these values, is its one spelling.

    Pyramid's patterns end in "$", which also matches before a final newline; and WSGI decodes
    %2F, so that a value with a slash would be taken for two segments (RFC 3986, section 2.2).
    """
    path = request.path_info
    raw = request.environ.get("REQUEST_URI", "").partition("?")[0]
    if "%2f" in raw.lower():
        return False
    return not path.endswith("\n") or any(value.endswith("\n") for value in values.values())


def _refuse_second_spelling(event: BeforeTraversal) -> None:
    request = event.request
    if not is_well_spelled(request, request.matchdict or {}):
        raise HTTPNotFound


def includeme(config: Configurator) -> None:
    # The patterns are tried in this order: what is asked for most stands first.
    config.add_route("tasks", ACCOUNT + "/tasks", factory=TasksContext)
    config.add_route("task", ACCOUNT + "/tasks/{id}", factory=TaskContext)
    config.add_route("root", "/")
    config.add_route("docs", "/docs")
    config.add_route("docs_file", "/docs/{file}")
    config.add_route("healthz", "/healthz")
    config.add_route("readyz", "/readyz")
    config.add_route("info", "/api/v1")
    config.add_route("info_slash", "/api/v1/")
    config.add_route("openapi", "/api/v1/openapi.json")
    config.add_route("whoami", "/api/v1/whoami", factory=LoginContext)
    config.add_route("accounts", ACCOUNTS)
    # The words after /accounts/ here are reserved in schemas/account.py: nobody is called so.
    config.add_route("login", ACCOUNTS + "/login")
    config.add_route("logout", ACCOUNTS + "/logout")
    config.add_route("account", ACCOUNT, factory=ProfileContext)
    config.add_route("export", ACCOUNT + "/export", factory=AccountContext)
    config.add_route("trash", ACCOUNT + "/trash", factory=AccountContext)
    config.add_route("trashed_task", ACCOUNT + "/trash/{id}", factory=TrashContext)
    config.add_route("restore", ACCOUNT + "/trash/{id}/restore", factory=TrashContext)
    config.add_route("counts", ACCOUNT + "/counts", factory=AccountContext)
    config.add_route("undo", ACCOUNT + "/changes/{revision}/undo", factory=RevisionContext)
    config.add_route("tokens", ACCOUNT + "/tokens", factory=AccountContext)
    config.add_route("token", ACCOUNT + "/tokens/{id}", factory=TokenContext)
    config.add_route("history", ACCOUNT + "/tasks/{id}/history", factory=HistoryContext)
    config.add_route("changes", ACCOUNT + "/changes", factory=ChangesContext)
    config.add_subscriber(_refuse_second_spelling, BeforeTraversal)
