"""Subtasks: their parent, list and depth, and how they follow their parent."""

from typing import Any

import pytest

from tests.support import outline
from tests.support.client import User, faults
from tests.support.outline import add, add_chain, add_list, change, ids, place, show, undo
from todo.models.task import DEPTH_MAX

UNKNOWN = 999_999


def test_new_subtask_is_in_list_of_its_parent(alice: User) -> None:
    home = add_list(alice)
    parent = add(alice, list_id=home)
    for fields in ({}, {"list_id": None}, {"list_id": home}):
        assert place(show(alice, add(alice, parent_id=parent, **fields))) == (home, parent)
    assert place(show(alice, add(alice, parent_id=None, list_id=home))) == (home, None)


@pytest.mark.parametrize("as_form", [True, False])
def test_form_and_json_set_and_clear_list_and_parent(alice: User, as_form: bool) -> None:
    home = add_list(alice)
    parent = add(alice, list_id=home)
    send = alice.put if as_form else alice.put_json
    empty = "" if as_form else None
    url = f"{alice.tasks_url}/{add(alice)}"
    assert place(send(url, {"parent_id": parent}).json["task"]) == (home, parent)
    assert place(send(url, {"parent_id": empty}).json["task"]) == (home, None)
    assert place(send(url, {"list_id": empty}).json["task"]) == (None, None)
    assert place(send(url, {"list_id": home}).json["task"]) == (home, None)


def test_new_subtask_in_another_list_is_refused(alice: User) -> None:
    home, job = add_list(alice), add_list(alice)
    parent = add(alice, list_id=home)
    for list_id, code in ((job, "parent"), (UNKNOWN, "unknown")):
        body = {"name": "Tea", "parent_id": parent, "list_id": list_id}
        assert faults(alice.post_json(alice.tasks_url, body)) == {"list_id": code}
    task_id = add(alice)
    answer = change(alice, task_id, parent_id=parent, list_id=job)
    assert faults(answer) == {"list_id": "parent"}
    assert (ids(alice, f"parent={parent}"), place(show(alice, task_id))) == ([], (None, None))


@pytest.mark.parametrize("field", ["list_id", "parent_id"])
def test_foreign_list_and_parent_look_like_missing_ones(alice: User, bob: User, field: str) -> None:
    foreign = {"list_id": add_list, "parent_id": add}[field](bob)
    task_id = add(alice)
    url = f"{alice.tasks_url}/{task_id}"
    before = show(alice, task_id)
    requests = [
        ("POST", alice.tasks_url, {"name": "Tea"}),
        ("PUT", url, {}),
        ("PATCH", url, {}),
        ("PATCH", alice.all_tasks_url, {}),
        ("POST", f"{url}/move", {}),
    ]
    for method, path, body in requests:
        answers = [
            alice.send_json(method, path, body | {field: each}) for each in (foreign, UNKNOWN)
        ]
        assert answers[0].json == answers[1].json
        assert faults(answers[0]) == {field: "unknown"}
        assert answers[0].json["errors"][0]["pointer"] == f"/{field}"
    assert (ids(alice), show(alice, task_id)) == ([task_id], before)


@pytest.mark.parametrize("field", ["list_id", "parent_id"])
@pytest.mark.parametrize("value", [0, -1, 2**63, 2**70, "x", 1.5, True, [], {}])
def test_wrong_list_and_parent_are_refused(alice: User, field: str, value: Any) -> None:
    task_id = add(alice)
    answers = [
        alice.post_json(alice.tasks_url, {"name": "Tea", field: value}),
        change(alice, task_id, **{field: value}),
        outline.move(alice, task_id, **{field: value}),
    ]
    for answer in answers:
        assert faults(answer).keys() == {field}
    assert ids(alice) == [task_id]


def test_parent_in_trash_is_unknown(alice: User) -> None:
    gone = add(alice)
    outline.delete(alice, gone)
    body = {"name": "Tea", "parent_id": gone}
    assert faults(alice.post_json(alice.tasks_url, body)) == {"parent_id": "unknown"}


def test_tasks_are_nested_at_most_five_levels_deep(alice: User) -> None:
    assert DEPTH_MAX == 5
    chain = add_chain(alice, 5)
    body = {"name": "level 6", "parent_id": chain[4]}
    assert faults(alice.post_json(alice.tasks_url, body)) == {"parent_id": "depth"}
    assert faults(change(alice, add(alice), parent_id=chain[4])) == {"parent_id": "depth"}
    two = add_chain(alice, 2)
    for parent in chain[3:]:
        assert faults(change(alice, two[0], parent_id=parent)) == {"parent_id": "depth"}
    moved = change(alice, two[0], parent_id=chain[2])
    assert moved.json["task"]["parent_id"] == chain[2]
    assert show(alice, two[1])["parent_id"] == two[0]


@pytest.mark.parametrize("end", [0, 1, 2])
def test_cycle_is_refused(alice: User, end: int) -> None:
    chain = add_chain(alice, 3)
    for answer in (
        change(alice, chain[0], parent_id=chain[end]),
        outline.move(alice, chain[0], parent_id=chain[end]),
        alice.send_json("PATCH", f"{alice.tasks_url}?id={chain[0]}", {"parent_id": chain[end]}),
    ):
        assert faults(answer) == {"parent_id": "parent"}
    assert [show(alice, each)["parent_id"] for each in chain] == [None, *chain[:2]]


def test_subtasks_follow_their_parent_to_another_list(alice: User) -> None:
    home, job = add_list(alice), add_list(alice)
    chain = add_chain(alice, 4, list_id=home)
    other = add(alice, list_id=job)
    assert change(alice, chain[0], list_id=job).status_int == 200
    assert [place(show(alice, each)) for each in chain] == [
        (job, None),
        *((job, each) for each in chain[:3]),
    ]
    assert ids(alice, f"list={job}&parent=none") == [other, chain[0]], "it comes last"
    top = add(alice)
    assert place(change(alice, chain[1], parent_id=top).json["task"]) == (None, top)
    assert [place(show(alice, each)) for each in chain[2:]] == [(None, chain[1]), (None, chain[2])]


def test_subtask_moved_to_another_list_has_no_parent(alice: User) -> None:
    home = add_list(alice)
    chain = add_chain(alice, 3)
    assert place(change(alice, chain[1], list_id=home).json["task"]) == (home, None)
    assert place(show(alice, chain[2])) == (home, chain[1])
    assert show(alice, chain[0])["subtasks"] == {"total": 0, "open": 0}


def test_whole_answer_of_subtask_can_be_sent_back(alice: User) -> None:
    home, job = add_list(alice), add_list(alice)
    parent = add(alice, list_id=home)
    child = add(alice, parent_id=parent)
    add(alice, parent_id=child)
    url = f"{alice.tasks_url}/{child}"
    answer = alice.get(url).json
    assert alice.put_json(url, answer).json == answer
    assert alice.put_json(url, answer["task"]).json == answer
    # The list is the old one, so the new parent decides.
    other = add(alice, list_id=job)
    sent = answer["task"] | {"parent_id": other}
    assert place(alice.put_json(url, sent).json["task"]) == (job, other)
    sent = show(alice, child) | {"list_id": home}
    assert place(alice.put_json(url, sent).json["task"]) == (home, None)


def test_subtasks_are_counted_in_one_task_and_in_lists(alice: User, bob: User) -> None:
    parent = add(alice)
    child = add(alice, parent_id=parent)
    add(alice, parent_id=parent, completed=True)
    add(alice, parent_id=child)
    outline.delete(alice, add(alice, parent_id=parent))
    add(bob, parent_id=add(bob))
    expected = {parent: {"total": 2, "open": 1}, child: {"total": 1, "open": 1}}
    none = {"total": 0, "open": 0}
    for query in ("", "sort=name", "search=milk", "sort=-due_date", "due=none&fields=id,subtasks"):
        for task in outline.tasks(alice, query):
            assert task["subtasks"] == expected.get(task["id"], none) == show_counts(alice, task)
    assert change(alice, parent, name="Tea").json["task"]["subtasks"] == expected[parent]
    assert outline.move(alice, parent, last=True).json["task"]["subtasks"] == expected[parent]


def show_counts(user: User, task: dict[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = show(user, task["id"])["subtasks"]
    return counts


def test_new_subtask_changes_etag_of_list_but_not_of_parent(alice: User) -> None:
    parent = add(alice)
    url = f"{alice.tasks_url}/{parent}"
    tags = [alice.get(path).headers["ETag"] for path in (url, alice.tasks_url)]
    posted = alice.post_json(alice.tasks_url, {"name": "Tea", "parent_id": parent})
    assert alice.get(url).headers["ETag"] == tags[0]
    assert alice.get(alice.tasks_url).headers["ETag"] != tags[1]
    [only] = outline.feed(alice, posted)
    assert only["id"] == posted.json["task"]["id"]
    assert only["after"].items() >= {"parent_id": parent, "list_id": None}.items()
    assert "subtasks" not in only["after"]


@pytest.mark.parametrize("with_subtasks", [False, {"total": 1, "open": 1}, None])
def test_completing_parent_leaves_subtasks_alone(alice: User, with_subtasks: Any) -> None:
    chain = add_chain(alice, 3)
    fields = {} if with_subtasks is None else {"subtasks": with_subtasks}
    task = change(alice, chain[0], completed=True, **fields).json["task"]
    assert (task["completed"], task["subtasks"]) == (True, {"total": 1, "open": 1})
    assert [show(alice, each)["completed"] for each in chain] == [True, False, False]


def test_completing_parent_with_subtasks_completes_all(alice: User) -> None:
    chain = add_chain(alice, 4)
    change(alice, chain[2], completed=True)
    before = show(alice, chain[2])
    answer = change(alice, chain[0], completed=True, subtasks=True)
    assert answer.json["task"]["subtasks"] == {"total": 1, "open": 0}
    assert answer.json["task"] == show(alice, chain[0])
    assert all(show(alice, each)["completed"] for each in chain)
    assert show(alice, chain[2])["revision"] == before["revision"], "it was completed earlier"
    assert [each["id"] for each in outline.feed(alice, answer)] == [chain[0], chain[1], chain[3]]
    assert undo(alice, answer).status_int == 200
    assert [show(alice, each)["completed"] for each in chain] == [False, False, True, False]
    again = change(alice, chain[0], completed=False, subtasks=True)
    assert again.json["task"]["subtasks"] == {"total": 1, "open": 1}
    assert show(alice, chain[2])["completion_date"] is None


def test_completed_parent_completes_its_open_subtasks_later(alice: User) -> None:
    chain = add_chain(alice, 2)
    change(alice, chain[0], completed=True)
    change(alice, chain[0], completed=True, subtasks=True)
    assert show(alice, chain[1])["completed"] is True


@pytest.mark.parametrize("value", ["true", "True", "yes", "on", "1"])
def test_form_completes_subtasks_along(alice: User, value: str) -> None:
    chain = add_chain(alice, 2)
    answer = alice.put(f"{alice.tasks_url}/{chain[0]}", {"completed": value, "subtasks": value})
    assert answer.status_int == 200, answer
    assert show(alice, chain[1])["completed"] is True


@pytest.mark.parametrize("value", ["true", "x", 1, None, [], 0])
def test_wrong_subtasks_are_refused(alice: User, value: Any) -> None:
    answer = change(alice, add(alice), completed=True, subtasks=value)
    assert faults(answer).keys() == {"subtasks"}


def test_tasks_are_filtered_by_parent(alice: User, bob: User) -> None:
    home = add_list(alice)
    parent = add(alice, list_id=home)
    children = [add(alice, parent_id=parent) for _ in range(3)]
    deep = add(alice, parent_id=children[0])
    other = add(alice)
    foreign = add(bob)
    add(bob, parent_id=foreign)
    assert ids(alice, "parent=none") == [parent, other]
    assert ids(alice, f"parent=none&list={home}") == [parent]
    assert ids(alice, f"parent={parent}") == children
    assert ids(alice, f"parent={children[0]}") == [deep]
    for unknown in (deep, foreign, UNKNOWN):
        assert ids(alice, f"parent={unknown}") == []
    outline.move(alice, children[2], first=True)
    assert ids(alice, f"parent={parent}") == [children[2], *children[:2]]
    assert ids(alice, f"parent={parent}&sort=-id") == children[::-1]


@pytest.mark.parametrize("value", ["inbox", "0", "-1", "x", "", "1,2", str(2**63)])
def test_wrong_parent_filter_is_refused(alice: User, value: str) -> None:
    for path in (alice.tasks_url, alice.trash_url):
        assert faults(alice.get(path, {"parent": value})) == {"parent": "choice"}
