"""What the fuzzer does as somebody who is logged in; loaded by SCHEMATHESIS_HOOKS.

Each case asks for the paths of an account of its own. Cases delete their account, log out and
change their password; then the next one gets a new account.
"""

import os
import uuid
from typing import Any

import requests
import schemathesis

ACCOUNTS = f"{os.environ['FUZZ_URL']}/api/v1/accounts"
PASSWORD = "correct horse battery"


class Login:
    """The account that the cases ask for, registered anew whenever its login has ended."""

    username = ""
    token = ""

    @classmethod
    def alive(cls) -> bool:
        answer = requests.get(f"{ACCOUNTS}/{cls.username}", headers=cls.headers(), timeout=10)
        return bool(answer.status_code == 200)

    @classmethod
    def headers(cls) -> dict[str, str]:
        return {"Authorization": f"Bearer {cls.token}"}

    @classmethod
    def renew(cls) -> None:
        cls.username = f"fuzz-{uuid.uuid4().hex}"
        fields = {
            "username": cls.username,
            "email": "fuzz@example.com",
            "password": PASSWORD,
        }
        cls.token = requests.post(ACCOUNTS, json=fields, timeout=10).json()["token"]


@schemathesis.auth(refresh_interval=None)
class OwnAccount:
    """Sends the token of Login."""

    def get(self, case: Any, _context: Any) -> str:
        if not Login.username or not Login.alive():
            Login.renew()
        return Login.token

    def set(self, case: Any, token: str, _context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {token}"
        if "username" in (case.path_parameters or {}):
            case.path_parameters["username"] = Login.username
