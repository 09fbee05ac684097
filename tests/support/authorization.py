"""The authorization matrix: a request for each operation and its status for each actor.

`python -m tests.support.authorization` updates docs/authorization.md.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pyramid.registry import Registry

from tests.support.databases import ROOT
from tests.support.factories import PASSWORD
from todo import clock
from todo.http.operations import operations

PAGE_PATH = ROOT / "docs" / "authorization.md"


class Actor(StrEnum):
    """The caller of an operation on the owner's account, or on no account."""

    ANONYMOUS = "anonymous"
    OWNER = "owner"
    STRANGER = "stranger"
    EXPIRED = "expired session"
    REVOKED = "revoked token"
    READ = "read token"
    WRITE = "write token"


@dataclass(frozen=True)
class Case:
    """The request's fields and query, and the expected statuses in the order of Actor."""

    statuses: tuple[int, int, int, int, int, int, int]
    fields: dict[str, Any] = field(default_factory=dict)
    query: str = ""


CAROL = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
ALICE = {"username": "alice", "password": PASSWORD}
FILTER = {"name": "Overdue", "query": "due=overdue"}
TOKEN = {"name": "script", "scope": "write"}
SNOOZE = {"until": (clock.now() + timedelta(days=30)).isoformat()}
WEBHOOK = {"url": "https://hooks.example.com/todo"}

ACCOUNT = "/api/v1/accounts/{username}"

# HEAD has no cases: the tests send it along with GET and expect the same status.
CASES: dict[tuple[str, str], Case] = {
    #                            anonymous, owner, stranger, expired, revoked, read, write
    ("GET", "/"): Case((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/page/{version}/{path}"): Case((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/service-worker.js"): Case((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/docs"): Case((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/docs/{file}"): Case((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/healthz"): Case((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/readyz"): Case((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/api/v1"): Case((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/api/v1/"): Case((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/api/v1/openapi.json"): Case((200, 200, 200, 200, 200, 200, 200)),
    ("POST", "/api/v1/accounts"): Case((201, 201, 201, 201, 201, 201, 201), CAROL),
    ("POST", "/api/v1/accounts/login"): Case((200, 200, 200, 200, 200, 200, 200), ALICE),
    ("GET", "/api/v1/accounts/logout"): Case((200, 200, 200, 200, 200, 200, 200)),
    ("POST", "/api/v1/accounts/logout"): Case((200, 200, 200, 200, 200, 200, 200)),
    # Describes the caller, so every logged-in account may request it.
    ("GET", "/api/v1/whoami"): Case((401, 200, 200, 401, 401, 200, 200)),
    ("GET", ACCOUNT): Case((401, 200, 403, 401, 401, 200, 200)),
    ("PUT", ACCOUNT): Case((401, 200, 403, 401, 401, 403, 403), {"email": "x@example.com"}),
    ("PATCH", ACCOUNT): Case((401, 200, 403, 401, 401, 403, 403), {"email": "x@example.com"}),
    ("DELETE", ACCOUNT): Case((401, 204, 403, 401, 401, 403, 403)),
    ("GET", ACCOUNT + "/export"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("POST", ACCOUNT + "/changes/{revision}/undo"): Case((401, 200, 403, 401, 401, 403, 200)),
    ("GET", ACCOUNT + "/tokens"): Case((401, 200, 403, 401, 401, 403, 403)),
    ("POST", ACCOUNT + "/tokens"): Case((401, 201, 403, 401, 401, 403, 403), TOKEN),
    ("DELETE", ACCOUNT + "/tokens"): Case((401, 200, 403, 401, 401, 403, 403)),
    ("GET", ACCOUNT + "/tokens/{id}"): Case((401, 200, 403, 401, 401, 403, 403)),
    ("DELETE", ACCOUNT + "/tokens/{id}"): Case((401, 200, 403, 401, 401, 403, 403)),
    ("GET", ACCOUNT + "/webhooks"): Case((401, 200, 403, 401, 401, 403, 403)),
    ("POST", ACCOUNT + "/webhooks"): Case((401, 201, 403, 401, 401, 403, 403), WEBHOOK),
    ("GET", ACCOUNT + "/webhooks/{id}"): Case((401, 200, 403, 401, 401, 403, 403)),
    ("PUT", ACCOUNT + "/webhooks/{id}"): Case((401, 200, 403, 401, 401, 403, 403), WEBHOOK),
    ("PATCH", ACCOUNT + "/webhooks/{id}"): Case((401, 200, 403, 401, 401, 403, 403), WEBHOOK),
    ("DELETE", ACCOUNT + "/webhooks/{id}"): Case((401, 200, 403, 401, 401, 403, 403)),
    ("POST", ACCOUNT + "/webhooks/{id}/test"): Case((401, 200, 403, 401, 401, 403, 403)),
    ("GET", ACCOUNT + "/tasks"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("POST", ACCOUNT + "/tasks"): Case((401, 201, 403, 401, 401, 403, 201), {"name": "Tea"}),
    ("PATCH", ACCOUNT + "/tasks"): Case(
        (401, 200, 403, 401, 401, 403, 200), {"name": "Tea"}, "?due=none"
    ),
    ("DELETE", ACCOUNT + "/tasks"): Case((401, 200, 403, 401, 401, 403, 200), query="?due=none"),
    ("GET", ACCOUNT + "/counts"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("GET", ACCOUNT + "/usage"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("GET", ACCOUNT + "/tasks/{id}/history"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("GET", ACCOUNT + "/changes"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("GET", ACCOUNT + "/tasks/{id}"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("PUT", ACCOUNT + "/tasks/{id}"): Case((401, 200, 403, 401, 401, 403, 200), {"name": "Tea"}),
    ("PATCH", ACCOUNT + "/tasks/{id}"): Case((401, 200, 403, 401, 401, 403, 200), {"name": "Tea"}),
    ("DELETE", ACCOUNT + "/tasks/{id}"): Case((401, 200, 403, 401, 401, 403, 200)),
    ("POST", ACCOUNT + "/tasks/{id}/move"): Case(
        (401, 200, 403, 401, 401, 403, 200), {"first": True}
    ),
    ("POST", ACCOUNT + "/tasks/{id}/skip"): Case((401, 200, 403, 401, 401, 403, 200)),
    ("POST", ACCOUNT + "/tasks/quick"): Case(
        (401, 201, 403, 401, 401, 403, 201), {"text": "Milk tomorrow"}
    ),
    ("POST", ACCOUNT + "/recurrence/preview"): Case(
        (401, 200, 403, 401, 401, 403, 200), {"recurrence": "FREQ=DAILY", "due_date": "2030-02-01"}
    ),
    ("GET", ACCOUNT + "/lists"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("POST", ACCOUNT + "/lists"): Case((401, 201, 403, 401, 401, 403, 201), {"name": "Home"}),
    ("GET", ACCOUNT + "/lists/{id}"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("PUT", ACCOUNT + "/lists/{id}"): Case((401, 200, 403, 401, 401, 403, 200), {"name": "Home"}),
    ("PATCH", ACCOUNT + "/lists/{id}"): Case((401, 200, 403, 401, 401, 403, 200), {"name": "Home"}),
    ("DELETE", ACCOUNT + "/lists/{id}"): Case((401, 200, 403, 401, 401, 403, 200)),
    ("POST", ACCOUNT + "/lists/{id}/move"): Case(
        (401, 200, 403, 401, 401, 403, 200), {"first": True}
    ),
    ("GET", ACCOUNT + "/lists/{id}/history"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("GET", ACCOUNT + "/labels"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("PUT", ACCOUNT + "/labels/{name}"): Case((401, 200, 403, 401, 401, 403, 200), {"name": "Job"}),
    ("PATCH", ACCOUNT + "/labels/{name}"): Case(
        (401, 200, 403, 401, 401, 403, 200), {"name": "Job"}
    ),
    ("DELETE", ACCOUNT + "/labels/{name}"): Case((401, 200, 403, 401, 401, 403, 200)),
    ("GET", ACCOUNT + "/trash"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("DELETE", ACCOUNT + "/trash"): Case((401, 200, 403, 401, 401, 403, 200)),
    ("POST", ACCOUNT + "/trash/restore"): Case(
        (401, 200, 403, 401, 401, 403, 200), query="?due=none"
    ),
    ("DELETE", ACCOUNT + "/trash/{id}"): Case((401, 200, 403, 401, 401, 403, 200)),
    ("POST", ACCOUNT + "/trash/{id}/restore"): Case((401, 200, 403, 401, 401, 403, 200)),
    ("GET", ACCOUNT + "/reminders"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("POST", ACCOUNT + "/reminders/{id}/dismiss"): Case((401, 200, 403, 401, 401, 403, 200)),
    ("POST", ACCOUNT + "/reminders/{id}/snooze"): Case((401, 200, 403, 401, 401, 403, 200), SNOOZE),
    ("GET", ACCOUNT + "/filters"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("POST", ACCOUNT + "/filters"): Case((401, 201, 403, 401, 401, 403, 201), FILTER),
    ("GET", ACCOUNT + "/filters/{id}"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("PUT", ACCOUNT + "/filters/{id}"): Case((401, 200, 403, 401, 401, 403, 200), FILTER),
    ("PATCH", ACCOUNT + "/filters/{id}"): Case((401, 200, 403, 401, 401, 403, 200), FILTER),
    ("DELETE", ACCOUNT + "/filters/{id}"): Case((401, 200, 403, 401, 401, 403, 200)),
    ("GET", ACCOUNT + "/filters/{id}/tasks"): Case((401, 200, 403, 401, 401, 200, 200)),
    ("GET", ACCOUNT + "/filters/{id}/history"): Case((401, 200, 403, 401, 401, 200, 200)),
}


def operation_patterns(registry: Registry) -> set[tuple[str, str]]:
    """Return the method and URL pattern of every operation of the application."""
    return {
        (method, operation.pattern)
        for operation in operations(registry)
        for method in operation.methods
    }


def authorization_page(text: str) -> str:
    """Return the text of docs/authorization.md with the table replaced by CASES."""
    lines = [f"| request | {' | '.join(Actor)} |", "| --- |" + " --- |" * len(Actor)]
    for (method, pattern), case in CASES.items():
        path = pattern.replace("{", "<").replace("}", ">")
        lines.append(f"| `{method} {path}` | {' | '.join(str(s) for s in case.statuses)} |")
    before, heading, _ = text.partition("## The matrix")
    return before + "\n".join([heading, "", *lines, ""])


if __name__ == "__main__":
    PAGE_PATH.write_text(authorization_page(PAGE_PATH.read_text()))
