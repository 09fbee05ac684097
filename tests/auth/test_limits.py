"""Limits on logins, registrations and writes: counts survive rollbacks and expire."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import Message
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.client import Client, User, log_in
from tests.support.factories import PASSWORD, Login, change_accounts, make_account
from tests.support.fixtures import Patch, SetClock
from tests.support.pserve import Server, pserve, two_processes
from todo import clock
from todo.auth.logins import MAX_NEW_ADDRESSES
from todo.models import LimitCount

LOGIN = "/api/v1/accounts/login"


@pytest.fixture
def limit(app: Any) -> Iterator[Callable[[str, int], None]]:
    settings = app.registry["settings"]
    before = vars(settings).copy()

    def set_limit(name: str, maximum: int) -> None:
        setattr(settings, f"limit_{name}", maximum)

    yield set_limit
    vars(settings).update(before)


def login(
    client: Client, password: str, address: str = "192.0.2.1", username: str = "alice"
) -> Any:
    return log_in(client, username, password, extra_environ={"REMOTE_ADDR": address})


def statuses(client: Client, times: int, *args: str) -> list[int]:
    return [login(client, "wrong password", *args).status_int for _ in range(times)]


def test_login_failures_per_account_and_address_are_limited(
    client: Client, alice: User, set_clock: SetClock
) -> None:
    assert statuses(client, 11) == [401] * 10 + [429]
    response = login(client, PASSWORD)
    assert (response.status_int, response.json["code"]) == (429, "too_many_requests")
    assert 1 <= int(response.headers["Retry-After"]) <= 300
    assert alice.get(alice.url).status_int == 200, "the victim's session continues"
    assert login(client, PASSWORD, "192.0.2.2").status_int == 200, "other addresses can log in"
    set_clock(timedelta(minutes=5, seconds=1))
    assert login(client, PASSWORD).status_int == 200


def test_successful_login_is_not_counted_as_failure(client: Client, alice: Login) -> None:
    assert {login(client, PASSWORD).status_int for _ in range(12)} == {200}
    assert statuses(client, 9) == [401] * 9
    assert login(client, PASSWORD).status_int == 200


def test_login_refused_as_busy_is_not_counted_as_failure(
    client: Client, alice: Login, monkeypatch: Patch
) -> None:
    with monkeypatch.context() as full:
        full.setattr("todo.auth.passwords.MAX_PENDING", 0)
        for _ in range(12):
            response = login(client, PASSWORD)
            assert (response.status_int, response.json["code"]) == (503, "busy")
            assert response.headers["Retry-After"] == "1"
    assert login(client, PASSWORD).status_int == 200


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("192.0.2.1", "192.0.2.1", 429),
        ("192.0.2.1", "192.0.2.2", 401),
        ("2001:db8::1", "2001:db8::ffff:1", 429),
        ("2001:db8::1", "2001:db8:0:1::1", 401),
        ("::ffff:192.0.2.1", "192.0.2.1", 429),
    ],
)
def test_login_failures_per_address_are_limited(
    client: Client, limit: Callable[[str, int], None], first: str, second: str, status: int
) -> None:
    limit("login_address", 3)
    for name in ("a", "b", "c"):
        assert statuses(client, 1, first, name) == [401]
    assert statuses(client, 1, second, "d") == [status]


def test_login_failures_per_account_are_limited(
    client: Client, alice: Login, limit: Callable[[str, int], None], set_clock: SetClock
) -> None:
    limit("login_account", 3)
    assert [statuses(client, 1, f"192.0.2.{n}")[0] for n in range(4)] == [401, 401, 401, 429]
    set_clock(timedelta(days=1, seconds=1))
    assert login(client, PASSWORD).status_int == 200


def test_login_refused_by_one_limit_is_not_counted_by_others(
    client: Client, alice: Login, limit: Callable[[str, int], None]
) -> None:
    limit("login_account", 15)
    assert statuses(client, 30) == [401] * 10 + [429] * 20
    assert login(client, PASSWORD, "192.0.2.2").status_int == 200, "the account is not locked"


def test_one_address_cannot_use_up_the_day_of_an_account(
    client: Client, alice: Login, set_clock: SetClock
) -> None:
    for minutes in range(0, 60, 6):
        set_clock(timedelta(minutes=minutes))
        statuses(client, 11)
    assert statuses(client, 1) == [429], "the day of this address is over"
    assert login(client, PASSWORD, "192.0.2.2").status_int == 200


def test_known_address_is_not_locked_out_by_others(
    client: Client, alice: User, limit: Callable[[str, int], None], set_clock: SetClock
) -> None:
    limit("login_account", 20)
    assert login(client, PASSWORD, "192.0.2.99").status_int == 200
    set_clock(timedelta(days=60))
    for number in range(10):
        statuses(client, 3, f"192.0.2.{number}")
    assert login(client, PASSWORD, "192.0.2.50").status_int == 429, "an unknown address"
    assert login(client, PASSWORD, "192.0.2.99").status_int == 200
    assert statuses(client, 11, "192.0.2.99") == [401] * 10 + [429], "guesses are still limited"
    set_clock(timedelta(days=60, minutes=6))
    assert login(client, PASSWORD, "192.0.2.99").status_int == 200


def test_address_stays_known_for_90_days_after_its_last_login(
    client: Client, alice: User, limit: Callable[[str, int], None], set_clock: SetClock
) -> None:
    assert login(client, PASSWORD, "192.0.2.99").status_int == 200
    limit("login_account", 1)
    for days in (60, 140):
        set_clock(timedelta(days=days))
        statuses(client, 1, f"192.0.2.{days}")
        assert login(client, PASSWORD, "192.0.2.99").status_int == 200
    set_clock(timedelta(days=231))
    assert statuses(client, 1) == [401]
    assert login(client, PASSWORD, "192.0.2.99").status_int == 429


def test_remembered_addresses_of_an_account_are_limited(
    client: Client, alice: Login, db: Session, set_clock: SetClock
) -> None:
    def known() -> int:
        rows = select(func.count()).where(LimitCount.name == "known-address")
        return db.scalar(rows) or 0

    for number in range(MAX_NEW_ADDRESSES + 5):
        assert login(client, PASSWORD, f"2001:db8:0:{number:x}::1").status_int == 200
    assert known() == MAX_NEW_ADDRESSES
    set_clock(timedelta(days=1, seconds=1))
    assert login(client, PASSWORD, "2001:db8:1::1").status_int == 200
    assert known() == MAX_NEW_ADDRESSES + 1


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_unknown_username_is_limited_like_a_known_one(
    client: Client, alice: Login, set_clock: SetClock, username: str
) -> None:
    found = []
    for minutes in (0, 6, 12, 18):
        set_clock(timedelta(minutes=minutes))
        found += statuses(client, 10, "192.0.2.1", username)
    assert found == [401] * 30 + [429] * 10


def test_successful_logins_are_limited(
    client: Client,
    alice: Login,
    bob: Login,
    limit: Callable[[str, int], None],
    set_clock: SetClock,
) -> None:
    limit("logins_account", 3)
    limit("logins_address", 5)
    found = [login(client, PASSWORD, f"192.0.2.{number}").status_int for number in range(4)]
    assert found == [200] * 3 + [429]
    found = [login(client, PASSWORD, "192.0.2.7", "bob").status_int for _ in range(3)]
    assert found == [200] * 3
    limit("logins_account", 0)
    found = [login(client, PASSWORD, "192.0.2.7").status_int for _ in range(3)]
    assert found == [200, 200, 429]
    set_clock(timedelta(minutes=5, seconds=1))
    assert login(client, PASSWORD, "192.0.2.7").status_int == 200


def test_right_passwords_of_a_disabled_account_are_limited(
    client: Client, alice: Login, db: Session, limit: Callable[[str, int], None]
) -> None:
    limit("logins_account", 3)
    change_accounts(db, disabled_date=clock.now())
    db.commit()
    assert [login(client, PASSWORD).status_int for _ in range(5)] == [403] * 3 + [429] * 2


def test_successful_logins_counted_by_wrong_clock_do_not_lock_the_account(
    client: Client, alice: Login, limit: Callable[[str, int], None], set_clock: SetClock
) -> None:
    limit("logins_account", 3)
    set_clock(timedelta(days=365))
    assert [login(client, PASSWORD).status_int for _ in range(3)] == [200] * 3
    set_clock(timedelta(0))
    assert login(client, PASSWORD).status_int == 200


def test_failed_logins_do_not_use_up_successful_ones(
    client: Client, alice: Login, limit: Callable[[str, int], None]
) -> None:
    limit("logins_account", 3)
    assert statuses(client, 8) == [401] * 8
    assert login(client, PASSWORD).status_int == 200


def test_passwords_of_a_logged_in_account_are_limited(
    alice: User, limit: Callable[[str, int], None], set_clock: SetClock
) -> None:
    limit("logins_account", 3)
    set_clock(timedelta(minutes=11))
    found = []
    for number in range(4):
        fields = {"email": f"x{number}@example.com", "current_password": PASSWORD}
        found.append(alice.put_json(alice.url, fields).status_int)
    assert found == [200] * 3 + [429]
    assert alice.get(alice.url).status_int == 200


def test_new_passwords_are_limited(alice: User, limit: Callable[[str, int], None]) -> None:
    limit("logins_account", 2)
    token, found = alice.token, []
    for number in range(3):
        client = Client(alice.app, token)
        answer = client.put_json(alice.url, {"password": f"another horse {number}"})
        found.append(answer.status_int)
        token = answer.json.get("token", token)
    assert found == [200, 200, 429]


@pytest.mark.parametrize(
    "change",
    [{"password": "another horse"}, {"email": "new@example.com", "current_password": PASSWORD}],
)
def test_passwords_beyond_the_turns_of_an_address_are_refused_as_busy(
    client: Client, alice: User, monkeypatch: Patch, change: dict[str, str]
) -> None:
    with monkeypatch.context() as no_turns:
        no_turns.setattr("todo.auth.passwords.MAX_PENDING_OF_ADDRESS", 0)
        for answer in (login(client, PASSWORD), alice.put_json(alice.url, change)):
            assert (answer.status_int, answer.json["code"]) == (503, "busy")
            assert answer.headers["Retry-After"] == "1"
    assert login(client, PASSWORD).status_int == 200, "nothing was changed"
    assert alice.put_json(alice.url, change).status_int == 200


def test_spoofed_forwarded_header_does_not_evade_limit(client: Client, alice: Login) -> None:
    for n in range(11):
        environ = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": f"198.51.100.{n}"}
        fields = {"username": "alice", "password": "wrong password"}
        last = client.post(LOGIN, fields, extra_environ=environ)
    assert last.status_int == 429


def test_wrong_current_passwords_are_limited(alice: User, set_clock: SetClock) -> None:
    set_clock(timedelta(minutes=11))
    fields = {"email": "x@example.com", "current_password": "wrong password"}
    answers = [alice.put_json(alice.url, fields).status_int for _ in range(11)]
    assert answers == [403] * 10 + [429]


def test_login_failures_do_not_block_reauthentication_of_logged_in_user(
    client: Client, alice: User, set_clock: SetClock
) -> None:
    statuses(client, 11)
    set_clock(timedelta(minutes=2))
    fields = {"password": "another horse", "current_password": PASSWORD}
    environ = {"REMOTE_ADDR": "192.0.2.1"}
    assert alice.put(alice.url, fields, extra_environ=environ).status_int == 200


def test_username_change_counts_as_registration(
    alice: User, limit: Callable[[str, int], None]
) -> None:
    limit("registrations", 2)
    url = alice.url
    answers = []
    for name in ("one1", "two2", "three3"):
        answers.append(alice.put(url, {"username": name}).status_int)
        url = f"/api/v1/accounts/{name}" if answers[-1] == 200 else url
    assert answers == [200, 200, 429]


def test_registrations_per_address_are_limited(
    client: Client, limit: Callable[[str, int], None], set_clock: SetClock
) -> None:
    limit("registrations", 2)

    def register(number: int) -> int:
        fields = {"username": f"c{number}", "email": "c@example.com", "password": PASSWORD}
        return client.post("/api/v1/accounts", fields).status_int

    assert [register(n) for n in range(3)] == [201, 201, 429]
    set_clock(timedelta(hours=1, seconds=1))
    assert register(3) == 201


@pytest.mark.parametrize(
    ("ahead", "status"), [(timedelta(seconds=30), 429), (timedelta(days=1), 201)]
)
def test_limit_set_by_wrong_clock_is_reset_beyond_tolerance(
    client: Client,
    limit: Callable[[str, int], None],
    set_clock: SetClock,
    ahead: timedelta,
    status: int,
) -> None:
    limit("registrations", 1)
    set_clock(ahead)
    fields = {"username": "carol", "email": "c@example.com", "password": PASSWORD}
    assert client.post("/api/v1/accounts", fields).status_int == 201
    set_clock(timedelta(0))
    fields = fields | {"username": "dave"}
    assert client.post("/api/v1/accounts", fields).status_int == status


def test_writes_per_account_are_limited(
    alice: User, bob: User, limit: Callable[[str, int], None], set_clock: SetClock
) -> None:
    limit("writes", 3)
    answers = [alice.post(alice.tasks_url, {"name": f"{n}"}) for n in range(4)]
    assert [answer.status_int for answer in answers] == [201, 201, 201, 429]
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    assert len(alice.get(alice.tasks_url).json["tasks"]) == 3
    assert bob.post(bob.tasks_url, {"name": "n"}).status_int == 201
    set_clock(timedelta(minutes=1, seconds=1))
    assert alice.post(alice.tasks_url, {"name": "n"}).status_int == 201


def test_login_failures_are_counted_across_processes_and_restarts(
    database_url: str, committed: Session
) -> None:
    """The processes share only the database."""

    def login(server: Server, password: str) -> tuple[int, Message, Any]:
        return server.send("POST", LOGIN, {"username": "alice", "password": password})

    make_account(committed, "alice")
    committed.close()
    with (
        two_processes(DATABASE_URL=database_url) as servers,
        # Each process accepts three logins of an address at once, and refuses another as busy.
        ThreadPoolExecutor(3) as pool,
    ):
        turns = itertools.islice(itertools.cycle(servers), 30)
        answers = list(pool.map(lambda server: login(server, "wrong password"), turns))
    assert Counter(status for status, _, _ in answers) == {401: 10, 429: 20}
    refused = [headers for status, headers, _ in answers if status == 429]
    assert all(1 <= int(headers["Retry-After"]) <= 300 for headers in refused)
    with pserve("development.ini", DATABASE_URL=database_url) as restarted:
        assert login(restarted, PASSWORD)[0] == 429
