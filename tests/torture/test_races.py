"""Many requests at the same moment, to two processes on one database."""

from collections import Counter
from collections.abc import Callable

from tests.support import journal
from tests.support.databases import session_on
from tests.support.factories import PASSWORD, Login
from tests.support.pserve import Server
from tests.support.running import at_once
from tests.torture import LONG
from tests.torture.calls import Answer, Task, all_tasks, call
from todo.models.change import DELETE

TIMES = 50 if LONG else 5
NewAccount = Callable[[], Login]
Report = Callable[[str], None]


def new_task(server: Server, login: Login) -> tuple[str, Answer]:
    """Create a task; return its path and what was answered."""
    answer = call(server, login, "POST", login.tasks_url, {"name": "Tea"})
    assert answer.status == 201, answer
    return answer.headers["Location"], answer


def test_of_many_changes_to_one_version_one_wins(
    servers: list[Server], new_account: NewAccount, report: Report
) -> None:
    login = new_account()
    counts = Counter[int]()
    for _ in range(TIMES):
        path, created = new_task(servers[0], login)
        headers = {"If-Match": created.headers["ETag"]}

        def change(number: int, path: str = path, headers: dict[str, str] = headers) -> Answer:
            return call(servers[number % 2], login, "PUT", path, {"note": str(number)}, headers)

        answers = at_once(change, 20)
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
    report(f"{TIMES} times 20 PUTs of one version: {counts[200]} done, {counts[412]} refused")


def test_one_key_is_one_task(
    servers: list[Server], new_account: NewAccount, report: Report
) -> None:
    replayed = 0
    for number in range(TIMES):
        login = new_account()
        headers = {"Idempotency-Key": f"key {number}"}

        def create(number: int, login: Login = login, headers: dict[str, str] = headers) -> Answer:
            return call(
                servers[number % 2], login, "POST", login.tasks_url, {"name": "Tea"}, headers
            )

        answers = at_once(create, 50)
        assert Counter(answer.status for answer in answers) == {201: 50}
        assert len({answer.body for answer in answers}) == 1
        assert len({answer.headers["Location"] for answer in answers}) == 1
        assert sum(answer.replayed for answer in answers) == 49
        assert all_tasks(servers[0], login) == [answers[0].json["task"]]
        replayed += 49
    report(f"{TIMES} times 50 POSTs with one key: {TIMES} tasks, {replayed} replayed")


def test_one_deletion_wins_and_a_change_never_brings_back(
    servers: list[Server], shared_url: str, new_account: NewAccount, report: Report
) -> None:
    login = new_account()
    counts = Counter[tuple[str, int]]()
    for _ in range(TIMES):
        path, created = new_task(servers[0], login)

        def act(number: int, path: str = path) -> tuple[str, int]:
            server = servers[number // 2 % 2]
            if number % 2:
                return "DELETE", call(server, login, "DELETE", path).status
            return "PUT", call(server, login, "PUT", path, {"note": str(number)}).status

        answers = Counter(at_once(act, 8))
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
        f"{TIMES} times 4 PUTs against 4 DELETEs: {counts['PUT', 200]} changed before, "
        f"{counts['DELETE', 200]} deleted"
    )


def test_one_registration_of_a_name_wins(
    servers: list[Server], new_account: NewAccount, report: Report
) -> None:
    for _ in range(TIMES):
        name = f"{new_account().username}x"

        def register(number: int, name: str = name) -> Answer:
            username = name.title() if number // 2 % 2 else name
            fields = {"username": username, "email": f"{name}@example.com", "password": PASSWORD}
            return call(servers[number % 2], None, "POST", "/api/v1/accounts", fields)

        answers = at_once(register, 8)
        assert Counter(answer.status for answer in answers) == {201: 1, 409: 7}
        refused = [answer.json["code"] for answer in answers if answer.status == 409]
        assert set(refused) == {"username_taken"}
    report(f"{TIMES} times 8 registrations of one name: {TIMES} done")


def test_two_accounts_that_swap_their_names(
    servers: list[Server], new_account: NewAccount, report: Report
) -> None:
    counts = Counter[int]()
    for _ in range(TIMES):
        logins = [new_account(), new_account()]

        def rename(number: int, logins: list[Login] = logins) -> Answer:
            fields = {"username": logins[1 - number].username}
            return call(servers[number], logins[number], "PUT", logins[number].url, fields)

        statuses = Counter(answer.status for answer in at_once(rename, 2))
        assert set(statuses) <= {200, 409}
        counts += statuses
    report(f"{TIMES} swaps of names: {counts[200]} renamed, {counts[409]} refused")
