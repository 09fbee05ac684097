"""Fixtures shared with the tests of `todo-admin`."""

from tests.scripts.conftest import alice, bob, todo_admin

__all__ = ["alice", "bob", "todo_admin"]
