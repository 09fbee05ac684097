"""A writer that tracks the expected state of its tasks, even if a response is lost."""

import uuid
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.support.factories import Login
from tests.torture.calls import Answer, Caller, Task

# Task name -> its known fields.
State = dict[str, Task]

DUE = (None, "2030-02-01", "2030-02-01T09:30:00Z")
UNKNOWN_AFTER_CHANGE = ("revision", "modification_date", "completion_date")


@dataclass(frozen=True)
class Write:
    """A write request and the state of the writer's tasks after it."""

    method: str
    path: str
    fields: dict[str, Any] | None
    after: State
    updated: int | None = None  # the `updated` count expected in the response, if any
    key: str = field(default_factory=lambda: str(uuid.uuid4()))

    def send(self, caller: Caller) -> Answer:
        return caller.send(self.method, self.path, self.fields, {"Idempotency-Key": self.key})


class Writer:
    """A writer that changes only its own tasks. Their names begin with its word."""

    def __init__(self, word: str, login: Login, random: Random) -> None:
        self.word = word
        self.state: State = {}
        self.pending: Write | None = None  # sent without a response
        self.last: tuple[Write, Answer] | None = None  # the last acknowledged write
        self.login = login
        self._random = random
        self._number = 0

    def next_write(self) -> Write:
        """Return a random write that changes at least one task."""
        open_names = [name for name, task in self.state.items() if not task["completed"]]
        kinds = {self._create: 3, self._create_several: 1}
        if self.state:
            kinds |= {self._change: 4, self._delete: 3}
        if open_names:
            kinds[self._change_many] = 2
        [make] = self._random.choices(list(kinds), list(kinds.values()))
        return make()

    def acknowledge(self, write: Write, answer: Answer) -> None:
        """Update the expected state from a successful response."""
        assert answer.status in (200, 201), answer
        body = answer.json
        assert body.get("updated") == write.updated
        returned = body.get("tasks") or [body[name] for name in ("task",) if name in body]
        self.state = write.after | {task["name"]: task for task in returned}
        self.pending, self.last = None, (write, answer)

    def _create(self) -> Write:
        new = self._new()
        return Write("POST", self.login.tasks_url, new, self.state | {new["name"]: new})

    def _create_several(self) -> Write:
        several = [self._new() for _ in range(3)]
        after = self.state | {new["name"]: new for new in several}
        return Write("POST", self.login.tasks_url, {"tasks": several}, after)

    def _change(self) -> Write:
        name = self._random.choice(list(self.state))
        change = self._fields()
        after = self.state | {name: _changed(self.state[name], change)}
        return Write("PATCH", self._path(name), change, after)

    def _change_many(self) -> Write:
        change = self._fields()
        matching = {
            name: _changed(task, change)
            for name, task in self.state.items()
            if not task["completed"]
        }
        path = f"{self.login.tasks_url}?search={self.word}&completed=false"
        return Write("PATCH", path, change, self.state | matching, updated=len(matching))

    def _delete(self) -> Write:
        name = self._random.choice(list(self.state))
        after = {other: task for other, task in self.state.items() if other != name}
        return Write("DELETE", self._path(name), None, after)

    def _path(self, name: str) -> str:
        return f"{self.login.tasks_url}/{self.state[name]['id']}"

    def _new(self) -> Task:
        self._number += 1
        return {"name": f"{self.word} {self._number}", **self._fields()}

    def _fields(self) -> dict[str, Any]:
        """Return random values. The note is always new, so that each write is a change."""
        return {
            "note": uuid.UUID(int=self._random.getrandbits(128)).hex,
            "due_date": self._random.choice(DUE),
            "completed": self._random.random() < 0.3,
        }


def _changed(task: Task, change: dict[str, Any]) -> Task:
    known = {name: task[name] for name in task if name not in UNKNOWN_AFTER_CHANGE}
    return known | change


def matches(expected: State, actual: State) -> bool:
    """Return whether exactly the expected tasks exist, with the expected known fields."""
    return expected.keys() == actual.keys() and all(
        task.items() <= actual[name].items() for name, task in expected.items()
    )
