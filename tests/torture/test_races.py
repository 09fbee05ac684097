"""Concurrent requests to two processes on one database."""

from collections import Counter
from collections.abc import Callable

from tests.support import journal
from tests.support.databases import session_on
from tests.support.factories import PASSWORD, Login
from tests.support.pserve import Server
from tests.support.running import run_concurrently
from tests.torture import LONG
from tests.torture.calls import Answer, Task, all_tasks, call
from todo.auth.running import AT_ONCE
from todo.models.change import DELETE

ROUNDS = 50 if LONG else 5
POSTS = 2 * AT_ONCE  # two processes work on as many of one account at once
NewAccount = Callable[[], Login]
Report = Callable[[str], None]


def create_task(server: Server, login: Login) -> tuple[str, Answer]:
    """Create a task; return its path and the response."""
    answer = call(server, login, "POST", login.tasks_url, {"name": "Tea"})
    assert answer.status == 201, answer
    return answer.headers["Location"], answer


def test_concurrent_updates_with_one_etag_apply_once(
    servers: list[Server], new_account: NewAccount, report: Report
) -> None:
    login = new_account()
    counts = Counter[int]()
    for _ in range(ROUNDS):
        path, created = create_task(servers[0], login)
        headers = {"If-Match": created.headers["ETag"]}

        def change(number: int, path: str = path, headers: dict[str, str] = headers) -> Answer:
            return call(servers[number % 2], login, "PUT", path, {"note": str(number)}, headers)

        answers = run_concurrently(change, 20)
        statuses = Counter(answer.status for answer in answers)
        assert statuses == {200: 1, 412: 19}
        [winner] = [answer for answer in answers if answer.status == 200]
        for answer in answers:
            if answer is not winner:
                assert answer.json["task"] == winner.json["task"]
                assert answer.json["etag"] == winner.headers["ETag"]
                assert answer.json["changed"] == ["note"]
        assert call(servers[1], login, "GET", path).json["task"] == winner.json["task"]
        counts += statuses
    report(
        f"{ROUNDS} rounds of 20 PUTs of one version: {counts[200]} succeeded, {counts[412]} refused"
    )


def test_concurrent_creates_with_one_idempotency_key_create_one_task(
    servers: list[Server], new_account: NewAccount, report: Report
) -> None:
    replayed = 0
    for number in range(ROUNDS):
        login = new_account()
        headers = {"Idempotency-Key": f"key {number}"}

        def create(number: int, login: Login = login, headers: dict[str, str] = headers) -> Answer:
            return call(
                servers[number % 2], login, "POST", login.tasks_url, {"name": "Tea"}, headers
            )

        answers = run_concurrently(create, POSTS)
        assert Counter(answer.status for answer in answers) == {201: POSTS}
        assert len({answer.body for answer in answers}) == 1
        assert len({answer.headers["Location"] for answer in answers}) == 1
        assert sum(answer.replayed for answer in answers) == POSTS - 1
        assert all_tasks(servers[0], login) == [answers[0].json["task"]]
        replayed += 49
    report(f"{ROUNDS} rounds of {POSTS} POSTs with one key: {ROUNDS} tasks, {replayed} replayed")


def test_concurrent_updates_and_deletes_delete_task_once(
    servers: list[Server], shared_url: str, new_account: NewAccount, report: Report
) -> None:
    login = new_account()
    counts = Counter[tuple[str, int]]()
    for _ in range(ROUNDS):
        path, created = create_task(servers[0], login)

        def act(number: int, path: str = path) -> tuple[str, int]:
            server = servers[number // 2 % 2]
            if number % 2:
                return "DELETE", call(server, login, "DELETE", path).status
            return "PUT", call(server, login, "PUT", path, {"note": str(number)}).status

        answers = Counter(run_concurrently(act, 8))
        assert answers["DELETE", 200] == 1
        assert set(answers) <= {("DELETE", 200), ("DELETE", 404), ("PUT", 200), ("PUT", 404)}
        for server in servers:
            assert call(server, login, "GET", path).status == 404
        task: Task = created.json["task"]
        with session_on(shared_url) as session:
            changes = journal.changes_of(session, login.id)
        of_task = [change for change in changes if change.object_id == task["id"]]
        assert [change.action for change in of_task].index(DELETE) == len(of_task) - 1
        counts += answers
    report(
        f"{ROUNDS} rounds of 4 PUTs and 4 DELETEs: {counts['PUT', 200]} PUTs before the deletion, "
        f"{counts['DELETE', 200]} deletions"
    )


def test_concurrent_registrations_of_one_username_create_one_account(
    servers: list[Server], new_account: NewAccount, report: Report
) -> None:
    for _ in range(ROUNDS):
        name = f"{new_account().username}x"

        def register(number: int, name: str = name) -> Answer:
            username = name.title() if number // 2 % 2 else name
            fields = {"username": username, "email": f"{name}@example.com", "password": PASSWORD}
            return call(servers[number % 2], None, "POST", "/api/v1/accounts", fields)

        answers = run_concurrently(register, 6)
        assert Counter(answer.status for answer in answers) == {201: 1, 409: 5}
        refused = [answer.json["code"] for answer in answers if answer.status == 409]
        assert set(refused) == {"username_taken"}
    report(f"{ROUNDS} rounds of 6 registrations of one username: {ROUNDS} succeeded")


def test_concurrent_username_swap_succeeds_or_conflicts(
    servers: list[Server], new_account: NewAccount, report: Report
) -> None:
    counts = Counter[int]()
    for _ in range(ROUNDS):
        logins = [new_account(), new_account()]

        def rename(number: int, logins: list[Login] = logins) -> Answer:
            fields = {"username": logins[1 - number].username}
            return call(servers[number], logins[number], "PUT", logins[number].url, fields)

        statuses = Counter(answer.status for answer in run_concurrently(rename, 2))
        assert set(statuses) <= {200, 409}
        counts += statuses
    report(f"{ROUNDS} username swaps: {counts[200]} renamed, {counts[409]} refused")
