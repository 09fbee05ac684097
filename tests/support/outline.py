"""Requests about lists, tasks and subtasks, and what they lead to."""

from typing import Any

from webtest import TestResponse

from tests.support.client import User


def add_list(user: User, name: str = "Home", **fields: Any) -> int:
    """Create a list and return its id."""
    answer = user.send_json("POST", f"{user.url}/lists", {"name": name, **fields})
    assert answer.status_int == 201, answer
    list_id: int = answer.json["list"]["id"]
    return list_id


def add(user: User, name: str = "Milk", **fields: Any) -> int:
    """Create a task and return its id."""
    answer = user.send_json("POST", user.tasks_url, {"name": name, **fields})
    assert answer.status_int == 201, answer
    task_id: int = answer.json["task"]["id"]
    return task_id


def add_chain(user: User, count: int, **fields: Any) -> list[int]:
    """Create tasks of which each is a subtask of the one before, and return their ids."""
    ids = [add(user, "level 1", **fields)]
    for level in range(2, count + 1):
        ids.append(add(user, f"level {level}", parent_id=ids[-1]))
    return ids


def change(user: User, task_id: int, **fields: Any) -> TestResponse:
    return user.send_json("PATCH", f"{user.tasks_url}/{task_id}", fields)


def move(user: User, task_id: int, **place: Any) -> TestResponse:
    return user.send_json("POST", f"{user.tasks_url}/{task_id}/move", place)


def move_list(user: User, list_id: int, **place: Any) -> TestResponse:
    return user.send_json("POST", f"{user.url}/lists/{list_id}/move", place)


def delete(user: User, task_id: int) -> TestResponse:
    answer = user.delete(f"{user.tasks_url}/{task_id}")
    assert answer.status_int == 200, answer
    return answer


def restore(user: User, task_id: int) -> dict[str, Any]:
    answer = user.send_json("POST", f"{user.trash_url}/{task_id}/restore", {})
    assert answer.status_int == 200, answer
    task: dict[str, Any] = answer.json["task"]
    return task


def undo(user: User, answer: TestResponse) -> TestResponse:
    """Undo the changes of the request with this answer."""
    path, _, relation = answer.headers["Link"].partition(";")
    assert relation == ' rel="undo"'
    return user.send_json("POST", path[1:-1], {})


def show(user: User, task_id: int) -> dict[str, Any]:
    task: dict[str, Any] = user.get(f"{user.tasks_url}/{task_id}").json["task"]
    return task


def show_list(user: User, list_id: int) -> dict[str, Any]:
    shown: dict[str, Any] = user.get(f"{user.url}/lists/{list_id}").json["list"]
    return shown


def tasks(user: User, query: str = "") -> list[dict[str, Any]]:
    answer = user.get(f"{user.tasks_url}?limit=200&{query}")
    assert answer.status_int == 200, answer
    found: list[dict[str, Any]] = answer.json["tasks"]
    return found


def ids(user: User, query: str = "") -> list[int]:
    return [task["id"] for task in tasks(user, query)]


def trashed(user: User) -> list[int]:
    return [task["id"] for task in user.get(f"{user.trash_url}?limit=200").json["tasks"]]


def lists(user: User, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = user.get(f"{user.url}/lists?{query}").json["lists"]
    return found


def list_ids(user: User, query: str = "") -> list[int]:
    return [each["id"] for each in lists(user, query)]


def place(task: dict[str, Any]) -> tuple[int | None, int | None]:
    return task["list_id"], task["parent_id"]


def unversioned(several: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the objects without the fields that every change sets, an undo, too."""
    stamps = {"revision", "modification_date"}
    return [{name: each[name] for name in each.keys() - stamps} for each in several]


def feed(user: User, answer: TestResponse) -> list[dict[str, Any]]:
    """Return the changes of the request with this answer."""
    revision = int(answer.headers["Link"].split("/changes/")[1].split("/")[0])
    found = user.get(f"{user.url}/changes?since={revision - 1}").json["changes"]
    return [each for each in found if each["revision"] == revision]
