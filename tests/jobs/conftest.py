"""Accounts, and the command that runs a job, as for the tests of `todo-admin`."""

from tests.scripts.conftest import alice, bob, todo_admin

__all__ = ["alice", "bob", "todo_admin"]
