"""Orders by position and by priority, their pages, and places that many moves fill."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.support import outline
from tests.support.client import User, faults, pages
from tests.support.factories import Login, make_task, make_tasks
from tests.support.fixtures import Patch
from tests.support.outline import add_list, change, delete, ids, move
from todo.auth.identity import AccountRow
from todo.models.account import ACCOUNTS
from todo.models.task import TASK_COLUMNS, TASKS, TaskRow
from todo.positions import POSITION_MAX
from todo.schemas.place import Target
from todo.services import order
from todo.services.tasks import move_task

Tasks = list[dict[str, Any]]
PRIORITIES = [0, 1, 5, 9, 0, 1, 4, 6, 0, 5, 2, 1]


@pytest.fixture
def twelve(alice: User, bob: User, db: Session) -> Tasks:
    """Twelve tasks of Alice, in another order than their ids, with priorities."""
    make_tasks(db, bob, [{"priority": priority} for priority in PRIORITIES])
    made = make_tasks(db, alice, [{"priority": priority} for priority in PRIORITIES])
    for task_id, other in ((made[11], made[0]), (made[3], made[8]), (made[5], made[1])):
        move(alice, task_id, before=other)
    return outline.tasks(alice)


def walk(user: User, url: str) -> list[int]:
    return [task["id"] for page in pages(user, url, "tasks") for task in page]


def by_position(task: dict[str, Any]) -> Any:
    return task["position"], task["id"]


def by_priority(task: dict[str, Any]) -> Any:
    return task["priority"], task["id"]


@pytest.mark.parametrize("limit", [1, 2, 5, 12])
@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("position", by_position),
        ("-position", by_position),
        ("priority", by_priority),
        ("-priority", by_priority),
    ],
)
def test_pages_have_all_tasks_in_order(
    alice: User, twelve: Tasks, sort: str, key: Callable[[Any], Any], limit: int
) -> None:
    """Tasks without a priority come last in both directions."""
    down = sort.startswith("-")
    expected = sorted(twelve, key=key, reverse=down)
    if key is by_priority:
        expected.sort(key=lambda task: task["priority"] == 0)
    found = walk(alice, f"{alice.tasks_url}?sort={sort}&limit={limit}")
    assert found == [task["id"] for task in expected]


@pytest.mark.parametrize("sort", ["priority", "-priority"])
@pytest.mark.parametrize(
    ("words", "levels"),
    [
        ("none", {0}),
        ("high", {1, 2, 3, 4}),
        ("none,high", {0, 1, 2, 3, 4}),
        ("low,medium", {5, 6, 7, 8, 9}),
        ("none,low,medium,high", set(range(10))),
    ],
)
def test_pages_by_priority_with_filter_of_priority(
    alice: User, twelve: Tasks, words: str, levels: set[int], sort: str
) -> None:
    matching = [task for task in twelve if task["priority"] in levels]
    expected = sorted(matching, key=by_priority, reverse=sort[0] == "-")
    expected.sort(key=lambda task: task["priority"] == 0)
    found = walk(alice, f"{alice.tasks_url}?priority={words}&sort={sort}&limit=2")
    assert found == [task["id"] for task in expected]


def test_default_orders(alice: User, twelve: Tasks) -> None:
    def found(query: str) -> list[int]:
        return walk(alice, f"{alice.tasks_url}?{query}&limit=5")

    positions = [task["id"] for task in sorted(twelve, key=by_position)]
    numbers = sorted(positions)
    assert found("") == found("completed=false") == numbers
    assert found("list=inbox") == found("parent=none") == positions
    assert found("list=inbox&completed=false&count=true") == positions
    assert found("list=inbox&search=water") == numbers[::-1]
    assert found("list=inbox&due=none") == positions
    assert found("priority=none,high,low,medium") == found("sort=priority")


def test_pages_by_position_have_no_gaps_when_tasks_move(alice: User, twelve: Tasks) -> None:
    in_order = [task["id"] for task in sorted(twelve, key=by_position)]
    page = alice.get(f"{alice.tasks_url}?list=inbox&limit=4").json
    assert [task["id"] for task in page["tasks"]] == in_order[:4]
    # The last task of the page moves, or is deleted: the next page begins where it was.
    move(alice, in_order[3], first=True)
    delete(alice, in_order[2])
    assert walk(alice, page["next"]) == in_order[4:]
    move(alice, in_order[11], after=in_order[4])
    assert walk(alice, page["next"]) == [in_order[4], in_order[11], *in_order[5:11]]


@pytest.mark.parametrize("sort", ["position", "-priority"])
def test_cursor_of_another_order_is_refused(alice: User, twelve: Tasks, sort: str) -> None:
    url = f"{alice.tasks_url}?limit=2"
    after = alice.get(f"{url}&sort={sort}").json["after"]
    for query in ("sort=id", "sort=priority", "sort=-position", "list=inbox", ""):
        assert faults(alice.get(f"{url}&{query}&after={after}")) == {"after": "cursor"}


def test_subtasks_and_tasks_of_list_are_in_one_order(alice: User) -> None:
    home = add_list(alice)
    a, b = (outline.add(alice, list_id=home) for _ in range(2))
    c = outline.add(alice, parent_id=a)
    assert ids(alice, f"list={home}") == [a, b, c]
    move(alice, b, last=True)
    assert ids(alice, f"list={home}") == [a, c, b]
    change(alice, b, priority=1)
    assert ids(alice, f"list={home}&sort=priority") == [b, a, c]


def account_of(session: Session, login: Login) -> AccountRow:
    row = session.execute(select(ACCOUNTS).where(ACCOUNTS.c.id == login.id)).one()
    return AccountRow.of(row._asdict())


def move_before(session: Session, login: Login, task_id: int, other: int) -> str:
    """Move the task in a transaction of its own, and return its position."""
    row = session.execute(select(*TASK_COLUMNS).where(TASKS.c.id == task_id)).one()
    target = Target("before", other)
    account = account_of(session, login)
    moved = move_task(session, account, TaskRow._make(row), {}, target)
    session.commit()
    position: str = moved.position
    return position


def test_place_takes_any_number_of_moves(alice: User, db: Session) -> None:
    # As after more than a thousand moves to the same place.
    a, b = (make_task(db, alice, position=f"1{'0' * 219}{digit}") for digit in "12")
    c, d = make_task(db, alice), make_task(db, alice)
    lengths = [len(move_before(db, alice, (c, d)[number % 2], b)) for number in range(250)]
    assert 250 < max(lengths) <= POSITION_MAX
    assert lengths[-1] < 20, "the siblings were respread on the way"
    assert ids(alice, "list=inbox") == [a, c, d, b]


@pytest.mark.parametrize("count", [2, 3, 7])
def test_respread_leaves_farther_siblings_alone(
    alice: User, db: Session, monkeypatch: Patch, count: int
) -> None:
    monkeypatch.setattr(order, "RESPREAD", 3)
    long = "1" + "0" * 252
    below = [make_task(db, alice, position="0" * 9 + f"{each}1") for each in range(1, count + 1)]
    a, b = (make_task(db, alice, position=f"{long}0{digit}") for digit in "12")
    above = [make_task(db, alice) for _ in range(count)]
    moved = make_task(db, alice)
    answer = move(alice, moved, before=b)
    assert ids(alice, "list=inbox") == [*below, a, moved, b, *above]
    written = {each["id"] for each in outline.feed(alice, answer)}
    assert written == {*below[-2:], a, moved, b, *above[:3]}
    positions = [task["position"] for task in outline.tasks(alice, "list=inbox")]
    assert positions == sorted(set(positions))
