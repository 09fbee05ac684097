"""Schemathesis hooks for a logged-in client, loaded by SCHEMATHESIS_HOOKS.

Cases send requests for the account they are logged in to. If a case has deleted the account or
ended its login, the next case gets a new account.
"""

import os
import random
import uuid
from typing import Any

import requests
import schemathesis

ACCOUNTS = f"{os.environ['FUZZ_URL']}/api/v1/accounts"
EXISTING_ID_PROBABILITY = 0.8
PASSWORD = "correct horse battery"


# Opening a connection for each request would take most of the time.
http = requests.Session()


class Login:
    """The current account and its token."""

    username = ""
    token = ""
    may_have_ended = False  # because of the last case

    @classmethod
    def is_valid(cls) -> bool:
        answer = http.get(f"{ACCOUNTS}/{cls.username}", headers=cls.headers(), timeout=10)
        return bool(answer.status_code == 200)

    @classmethod
    def headers(cls) -> dict[str, str]:
        return {"Authorization": f"Bearer {cls.token}"}

    @classmethod
    def create(cls, path: str) -> int:
        """Create the API token, task or trashed task that the path needs, and return its id."""
        kind = "tokens" if "/tokens/" in path else "tasks"
        url = f"{ACCOUNTS}/{cls.username}/{kind}"
        fields = {"name": "fuzz"} | ({"scope": "read"} if kind == "tokens" else {})
        answer = http.post(url, json=fields, headers=cls.headers(), timeout=10)
        new_id = int(answer.headers["Location"].rpartition("/")[2])
        if "/trash/" in path:
            http.delete(f"{url}/{new_id}", headers=cls.headers(), timeout=10)
        return new_id

    @classmethod
    def register(cls) -> None:
        cls.username = f"fuzz-{uuid.uuid4().hex}"
        fields = {"username": cls.username, "email": "fuzz@example.com", "password": PASSWORD}
        cls.token = http.post(ACCOUNTS, json=fields, timeout=10).json()["token"]


@schemathesis.auth(refresh_interval=None)
class AccountAuth:
    """Send each case with the token, username and often an existing id of the account."""

    def get(self, case: Any, _context: Any) -> str:
        if not Login.username or (Login.may_have_ended and not Login.is_valid()):
            Login.register()
        Login.may_have_ended = "/tasks" not in case.path and (
            case.method != "GET" or "logout" in case.path
        )
        return Login.token

    def set(self, case: Any, token: str, _context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {token}"
        path = case.path_parameters or {}
        if "username" in path:
            path["username"] = Login.username
        # Random ids would nearly always lead to 404, and the body would not be tested.
        if isinstance(path.get("id"), int) and random.random() < EXISTING_ID_PROBABILITY:
            path["id"] = Login.create(case.path)
