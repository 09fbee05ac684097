"""What requests leave in memory: those that are sent often, nothing for the garbage collector.

A cycle of references is found by it alone, and it stops all requests while it looks.
"""

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.factories import Login
from todo.http.request import Request


@pytest.fixture
def garbage() -> Iterator[list[Any]]:
    """What the collector finds is kept here."""
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield gc.garbage
    gc.set_debug(0)
    gc.garbage.clear()


def test_requests_that_are_sent_often_leave_no_cycle(
    as_alice: Client, alice: Login, garbage: list[Any]
) -> None:
    created = as_alice.send_json("POST", alice.tasks_url, {"name": "Milk"})
    task = created.headers["Location"]
    known = as_alice.get(alice.tasks_url).headers["ETag"]
    as_alice.get(alice.tasks_url, headers={"If-None-Match": known}, status=304)
    as_alice.get(task)
    as_alice.send_json("PATCH", task, {"completed": True})
    as_alice.delete(task)
    gc.collect()
    assert [each.method for each in garbage if isinstance(each, Request)] == []
