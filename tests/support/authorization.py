"""Who may do what: a request for every operation, and the status that each actor gets.

Run as a program it writes docs/authorization.md anew.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pyramid.registry import Registry

from tests.support.databases import ROOT
from tests.support.factories import PASSWORD
from todo.http.operations import operations

PAGE = ROOT / "docs" / "authorization.md"


class Actor(StrEnum):
    """Who asks for something of the owner's, or for something that is nobody's."""

    ANONYMOUS = "anonymous"
    OWNER = "owner"
    STRANGER = "stranger"
    EXPIRED = "expired session"
    REVOKED = "revoked token"
    READ = "read token"
    WRITE = "write token"


@dataclass(frozen=True)
class Row:
    """The statuses in the order of Actor, and the fields and the query of the request."""

    statuses: tuple[int, int, int, int, int, int, int]
    fields: dict[str, Any] = field(default_factory=dict)
    query: str = ""


CAROL = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
ALICE = {"username": "alice", "password": PASSWORD}
TOKEN = {"name": "script", "scope": "write"}

ACCOUNT = "/api/v1/accounts/{username}"

# HEAD has no rows: it is asked along with GET, and must get the same status.
ROWS: dict[tuple[str, str], Row] = {
    #                            anonymous, owner, stranger, expired, revoked, read, write
    ("GET", "/"): Row((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/docs"): Row((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/docs/{file}"): Row((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/healthz"): Row((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/readyz"): Row((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/api/v1"): Row((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/api/v1/"): Row((200, 200, 200, 200, 200, 200, 200)),
    ("GET", "/api/v1/openapi.json"): Row((200, 200, 200, 200, 200, 200, 200)),
    ("POST", "/api/v1/accounts"): Row((201, 201, 201, 201, 201, 201, 201), CAROL),
    ("POST", "/api/v1/accounts/login"): Row((200, 200, 200, 200, 200, 200, 200), ALICE),
    ("GET", "/api/v1/accounts/logout"): Row((200, 200, 200, 200, 200, 200, 200)),
    ("POST", "/api/v1/accounts/logout"): Row((200, 200, 200, 200, 200, 200, 200)),
    # Of no account but the asker's own: whoever is logged in may ask.
    ("GET", "/api/v1/whoami"): Row((401, 200, 200, 401, 401, 200, 200)),
    ("GET", ACCOUNT): Row((401, 200, 403, 401, 401, 200, 200)),
    ("PUT", ACCOUNT): Row((401, 200, 403, 401, 401, 403, 403), {"email": "x@example.com"}),
    ("PATCH", ACCOUNT): Row((401, 200, 403, 401, 401, 403, 403), {"email": "x@example.com"}),
    ("DELETE", ACCOUNT): Row((401, 204, 403, 401, 401, 403, 403)),
    ("GET", ACCOUNT + "/export"): Row((401, 200, 403, 401, 401, 200, 200)),
    ("POST", ACCOUNT + "/changes/{revision}/undo"): Row((401, 200, 403, 401, 401, 403, 200)),
    ("GET", ACCOUNT + "/tokens"): Row((401, 200, 403, 401, 401, 403, 403)),
    ("POST", ACCOUNT + "/tokens"): Row((401, 201, 403, 401, 401, 403, 403), TOKEN),
    ("DELETE", ACCOUNT + "/tokens"): Row((401, 200, 403, 401, 401, 403, 403)),
    ("GET", ACCOUNT + "/tokens/{id}"): Row((401, 200, 403, 401, 401, 403, 403)),
    ("DELETE", ACCOUNT + "/tokens/{id}"): Row((401, 200, 403, 401, 401, 403, 403)),
    ("GET", ACCOUNT + "/tasks"): Row((401, 200, 403, 401, 401, 200, 200)),
    ("POST", ACCOUNT + "/tasks"): Row((401, 201, 403, 401, 401, 403, 201), {"name": "Tea"}),
    ("PATCH", ACCOUNT + "/tasks"): Row((401, 200, 403, 401, 401, 403, 200), {"name": "Tea"}),
    ("DELETE", ACCOUNT + "/tasks"): Row((401, 200, 403, 401, 401, 403, 200), query="?due=none"),
    ("GET", ACCOUNT + "/counts"): Row((401, 200, 403, 401, 401, 200, 200)),
    ("GET", ACCOUNT + "/tasks/{id}/history"): Row((401, 200, 403, 401, 401, 200, 200)),
    ("GET", ACCOUNT + "/changes"): Row((401, 200, 403, 401, 401, 200, 200)),
    ("GET", ACCOUNT + "/tasks/{id}"): Row((401, 200, 403, 401, 401, 200, 200)),
    ("PUT", ACCOUNT + "/tasks/{id}"): Row((401, 200, 403, 401, 401, 403, 200), {"name": "Tea"}),
    ("PATCH", ACCOUNT + "/tasks/{id}"): Row((401, 200, 403, 401, 401, 403, 200), {"name": "Tea"}),
    ("DELETE", ACCOUNT + "/tasks/{id}"): Row((401, 200, 403, 401, 401, 403, 200)),
    ("GET", ACCOUNT + "/trash"): Row((401, 200, 403, 401, 401, 200, 200)),
    ("DELETE", ACCOUNT + "/trash"): Row((401, 200, 403, 401, 401, 403, 200)),
    ("DELETE", ACCOUNT + "/trash/{id}"): Row((401, 200, 403, 401, 401, 403, 200)),
    ("POST", ACCOUNT + "/trash/{id}/restore"): Row((401, 200, 403, 401, 401, 403, 200)),
}


def requests(registry: Registry) -> set[tuple[str, str]]:
    """Return the method and the pattern of every operation that the application has."""
    return {
        (method, operation.pattern)
        for operation in operations(registry)
        for method in operation.methods
    }


def page(text: str) -> str:
    """Return docs/authorization.md with the table of ROWS."""
    lines = [f"| request | {' | '.join(Actor)} |", "| --- |" + " --- |" * len(Actor)]
    for (method, pattern), row in ROWS.items():
        path = pattern.replace("{", "<").replace("}", ">")
        lines.append(f"| `{method} {path}` | {' | '.join(str(s) for s in row.statuses)} |")
    before, heading, _ = text.partition("## The matrix")
    return before + "\n".join([heading, "", *lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
