"""The URL table, and nothing else."""

from pyramid.config import Configurator
from pyramid.events import BeforeTraversal
from pyramid.httpexceptions import HTTPNotFound

from todo.resources import AccountContext, TaskContext

ACCOUNTS = "/api/v1/accounts"
ACCOUNT = ACCOUNTS + "/{username}"


def _refuse_final_newline(event: BeforeTraversal) -> None:
    # Pyramid's patterns end in "$", which also matches before a final newline.
    values = (event.request.matchdict or {}).values()
    if event.request.path_info.endswith("\n") and not any(v.endswith("\n") for v in values):
        raise HTTPNotFound


def includeme(config: Configurator) -> None:
    config.add_route("root", "/")
    config.add_route("docs", "/docs")
    config.add_route("docs_file", "/docs/{file}")
    config.add_route("info", "/api/v1")
    config.add_route("info_slash", "/api/v1/")
    config.add_route("accounts", ACCOUNTS)
    # The words after /accounts/ here are reserved in schemas/account.py: nobody is called so.
    config.add_route("login", ACCOUNTS + "/login")
    config.add_route("logout", ACCOUNTS + "/logout")
    config.add_route("account", ACCOUNT, factory=AccountContext)
    config.add_route("tasks", ACCOUNT + "/tasks", factory=AccountContext)
    config.add_route("task", ACCOUNT + "/tasks/{id}", factory=TaskContext)
    config.add_subscriber(_refuse_final_newline, BeforeTraversal)
