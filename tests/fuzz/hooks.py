"""What the fuzzer does as somebody who is logged in; loaded by SCHEMATHESIS_HOOKS.

Each case asks for the paths of an account of its own. Cases delete their account, log out and
change their password; then the next one gets a new account.
"""

import os
import random
import uuid
from typing import Any

import requests
import schemathesis

ACCOUNTS = f"{os.environ['FUZZ_URL']}/api/v1/accounts"
EXISTING = 0.8  # the part of the ids that are of something
PASSWORD = "correct horse battery"


# One connection for all: a new one for each question would take most of the time.
http = requests.Session()


class Login:
    """The account that the cases ask for, registered anew whenever its login has ended."""

    username = ""
    token = ""
    doubtful = False  # whether the last case may have ended it

    @classmethod
    def alive(cls) -> bool:
        answer = http.get(f"{ACCOUNTS}/{cls.username}", headers=cls.headers(), timeout=10)
        return bool(answer.status_code == 200)

    @classmethod
    def headers(cls) -> dict[str, str]:
        return {"Authorization": f"Bearer {cls.token}"}

    @classmethod
    def create(cls, path: str) -> int:
        """Return the id of a new API token, trashed task or task, whichever the path needs."""
        kind = "tokens" if "/tokens/" in path else "tasks"
        url = f"{ACCOUNTS}/{cls.username}/{kind}"
        fields = {"name": "fuzz"} | ({"scope": "read"} if kind == "tokens" else {})
        answer = http.post(url, json=fields, headers=cls.headers(), timeout=10)
        made = int(answer.headers["Location"].rpartition("/")[2])
        if "/trash/" in path:
            http.delete(f"{url}/{made}", headers=cls.headers(), timeout=10)
        return made

    @classmethod
    def renew(cls) -> None:
        cls.username = f"fuzz-{uuid.uuid4().hex}"
        fields = {"username": cls.username, "email": "fuzz@example.com", "password": PASSWORD}
        cls.token = http.post(ACCOUNTS, json=fields, timeout=10).json()["token"]


@schemathesis.auth(refresh_interval=None)
class OwnAccount:
    """Sends the token of Login."""

    def get(self, case: Any, _context: Any) -> str:
        if not Login.username or (Login.doubtful and not Login.alive()):
            Login.renew()
        Login.doubtful = "/tasks" not in case.path and (
            case.method != "GET" or "logout" in case.path
        )
        return Login.token

    def set(self, case: Any, token: str, _context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {token}"
        path = case.path_parameters or {}
        if "username" in path:
            path["username"] = Login.username
        # Else nearly every id is one of nothing, and a 404 hides what the body would do.
        if isinstance(path.get("id"), int) and random.random() < EXISTING:
            path["id"] = Login.create(case.path)
