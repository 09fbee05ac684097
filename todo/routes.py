"""The URL table, and nothing else."""

from collections.abc import Mapping

from pyramid.config import Configurator
from pyramid.events import BeforeTraversal
from pyramid.httpexceptions import HTTPNotFound

from todo.resources import AccountContext, TaskContext

ACCOUNTS = "/api/v1/accounts"
ACCOUNT = ACCOUNTS + "/{username}"


def is_well_spelled(path: str, matchdict: Mapping[str, str]) -> bool:
    """Tell whether the path that a route has matched is the route's one spelling.

    Pyramid's patterns end in "$", which also matches before a final newline.
    """
    return not path.endswith("\n") or any(value.endswith("\n") for value in matchdict.values())


def _refuse_second_spelling(event: BeforeTraversal) -> None:
    request = event.request
    if not is_well_spelled(request.path_info, request.matchdict or {}):
        raise HTTPNotFound


def includeme(config: Configurator) -> None:
    config.add_route("root", "/")
    config.add_route("docs", "/docs")
    config.add_route("docs_file", "/docs/{file}")
    config.add_route("info", "/api/v1")
    config.add_route("info_slash", "/api/v1/")
    config.add_route("openapi", "/api/v1/openapi.json")
    config.add_route("accounts", ACCOUNTS)
    # The words after /accounts/ here are reserved in schemas/account.py: nobody is called so.
    config.add_route("login", ACCOUNTS + "/login")
    config.add_route("logout", ACCOUNTS + "/logout")
    config.add_route("account", ACCOUNT, factory=AccountContext)
    config.add_route("tasks", ACCOUNT + "/tasks", factory=AccountContext)
    config.add_route("task", ACCOUNT + "/tasks/{id}", factory=TaskContext)
    config.add_subscriber(_refuse_second_spelling, BeforeTraversal)
