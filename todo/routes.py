"""The table of URLs."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pyramid.config import Configurator

from todo.http.request import Request
from todo.resources import (
    AccountContext,
    ChangesContext,
    FilterContext,
    FilterHistoryContext,
    HistoryContext,
    LabelContext,
    ListContext,
    ListHistoryContext,
    LoginContext,
    ProfileContext,
    ReminderContext,
    RevisionContext,
    TaskContext,
    TasksContext,
    TokenContext,
    TrashContext,
    WebhookContext,
)

AddRoute = Callable[..., None]

ACCOUNTS = "/api/v1/accounts"
ACCOUNT = ACCOUNTS + "/{username}"

_NOT_CANONICAL = re.compile(r"//|.*[#\t]")
_SLASH = re.compile("%2f", re.IGNORECASE)


class CanonicalPath:
    """A route predicate that accepts only the canonical spelling of a path.

    Pyramid's patterns end in "$", which also matches before a final newline. WSGI decodes %2F, so
    a value with a slash would look like two segments (RFC 3986, section 2.2). waitress drops
    repeated slashes in front, tabs, and everything after a "#".

    Its value is the name of the last part of the path if that may have slashes, as %2F, or empty.
    """

    def __init__(self, value: str, _config: Configurator) -> None:
        self.value = value

    def text(self) -> str:
        """Return the description that Pyramid shows."""
        return f"canonical_path = {self.value}"

    phash = text

    def __call__(self, info: Mapping[str, Any], request: Request) -> bool:
        """Return whether the matched path has its canonical spelling."""
        path, values = request.path_info, info["match"].values()
        raw = request.environ.get("REQUEST_URI", "").partition("?")[0]
        slashes = info["match"][self.value].count("/") if self.value else 0
        # The path of todo.public_url, or a scheme and host, may come first.
        first, _, last = raw.rpartition("/")
        if raw and (_SLASH.search(first) or len(_SLASH.findall(last)) != slashes):
            return False
        if _NOT_CANONICAL.match(raw):
            return False
        return not path.endswith("\n") or any(value.endswith("\n") for value in values)


def includeme(config: Configurator) -> None:
    config.add_route_predicate("canonical_path", CanonicalPath)
    add_route = partial(config.add_route, canonical_path="")
    # Pyramid tries the patterns in this order: the most frequent requests come first.
    add_route("tasks", ACCOUNT + "/tasks", factory=TasksContext)
    add_route("quick_task", ACCOUNT + "/tasks/quick", factory=AccountContext)
    add_route("task", ACCOUNT + "/tasks/{id}", factory=TaskContext)
    _add_service_routes(add_route)
    _add_account_routes(partial(add_route, factory=AccountContext))
    _add_task_routes(partial(add_route, factory=TasksContext))


def _add_service_routes(add_route: AddRoute) -> None:
    add_route("root", "/")
    add_route("page_file", "/page/{version}/{path:.+}")
    add_route("service_worker", "/service-worker.js")
    add_route("docs", "/docs")
    add_route("docs_file", "/docs/{file}")
    add_route("healthz", "/healthz")
    add_route("readyz", "/readyz")
    add_route("info", "/api/v1")
    add_route("info_slash", "/api/v1/")
    add_route("openapi", "/api/v1/openapi.json")
    add_route("whoami", "/api/v1/whoami", factory=LoginContext)
    add_route("accounts", ACCOUNTS)
    # schemas/account.py reserves the words after /accounts/: they are not valid usernames.
    add_route("login", ACCOUNTS + "/login")
    add_route("logout", ACCOUNTS + "/logout")


def _add_account_routes(add_route: AddRoute) -> None:
    add_route("account", ACCOUNT, factory=ProfileContext)
    add_route("export", ACCOUNT + "/export")
    add_route("counts", ACCOUNT + "/counts")
    add_route("usage", ACCOUNT + "/usage")
    add_route("changes", ACCOUNT + "/changes", factory=ChangesContext)
    add_route("undo", ACCOUNT + "/changes/{revision}/undo", factory=RevisionContext)
    add_route("tokens", ACCOUNT + "/tokens")
    add_route("token", ACCOUNT + "/tokens/{id}", factory=TokenContext)
    add_route("webhooks", ACCOUNT + "/webhooks")
    add_route("webhook", ACCOUNT + "/webhooks/{id}", factory=WebhookContext)
    add_route("test_webhook", ACCOUNT + "/webhooks/{id}/test", factory=WebhookContext)
    add_route("trash", ACCOUNT + "/trash")
    add_route("restore_tasks", ACCOUNT + "/trash/restore")
    add_route("trashed_task", ACCOUNT + "/trash/{id}", factory=TrashContext)
    add_route("restore", ACCOUNT + "/trash/{id}/restore", factory=TrashContext)
    add_route("preview_recurrence", ACCOUNT + "/recurrence/preview")
    add_route("reminders", ACCOUNT + "/reminders")
    add_route("dismiss_reminder", ACCOUNT + "/reminders/{id}/dismiss", factory=ReminderContext)
    add_route("snooze_reminder", ACCOUNT + "/reminders/{id}/snooze", factory=ReminderContext)


def _add_task_routes(add_route: AddRoute) -> None:
    add_route("history", ACCOUNT + "/tasks/{id}/history", factory=HistoryContext)
    add_route("move_task", ACCOUNT + "/tasks/{id}/move", factory=TaskContext)
    add_route("skip_task", ACCOUNT + "/tasks/{id}/skip", factory=TaskContext)
    add_route("lists", ACCOUNT + "/lists")
    add_route("list", ACCOUNT + "/lists/{id}", factory=ListContext)
    add_route("move_list", ACCOUNT + "/lists/{id}/move", factory=ListContext)
    add_route("list_history", ACCOUNT + "/lists/{id}/history", factory=ListHistoryContext)
    add_route("filters", ACCOUNT + "/filters")
    add_route("filter", ACCOUNT + "/filters/{id}", factory=FilterContext)
    add_route("filter_tasks", ACCOUNT + "/filters/{id}/tasks", factory=FilterContext)
    add_route("filter_history", ACCOUNT + "/filters/{id}/history", factory=FilterHistoryContext)
    add_route("labels", ACCOUNT + "/labels")
    label = ACCOUNT + "/labels/{name:(?s:.+)}"  # a label may have newlines
    add_route("label", label, factory=LabelContext, canonical_path="name")
