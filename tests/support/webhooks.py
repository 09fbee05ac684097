"""Webhooks of an account, and the messages that they have sent."""

from collections.abc import Callable
from typing import Any

from tests.support.client import User
from tests.support.receiver import Received

Deliver = Callable[[], None]


def add_webhook(user: User, url: str, **fields: Any) -> tuple[str, str]:
    """Create a webhook and return its path and its secret."""
    answer = user.post_json(f"{user.url}/webhooks", {"url": url, **fields})
    assert answer.status_int == 201, answer
    return answer.headers["Location"], answer.json["secret"]


def show(user: User, path: str) -> dict[str, Any]:
    shown: dict[str, Any] = user.get(path).json["webhook"]
    return shown


def names(received: list[Received]) -> list[str]:
    return [each.json["data"]["change"]["after"]["name"] for each in received]
