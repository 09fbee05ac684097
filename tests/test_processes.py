"""What holds across the processes of a service, which share nothing but the database."""

import itertools
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email.message import Message

from sqlalchemy.orm import Session

from tests.support.factories import PASSWORD, make_account
from tests.support.pserve import Server, pserve, two_processes

LOGIN = "/api/v1/accounts/login"


def login(server: Server, password: str) -> tuple[int, Message]:
    fields = {"username": "alice", "password": password}
    headers = {"Content-Type": "application/json"}
    status, answered, _ = server.request("POST", LOGIN, json.dumps(fields), headers)
    return status, answered


def test_failed_logins_are_counted_together(database_url: str, committing_session: Session) -> None:
    make_account(committing_session, "alice")
    committing_session.close()
    with (
        two_processes(DATABASE_URL=database_url) as servers,
        # Each process takes four logins at a moment, and refuses a fifth as busy.
        ThreadPoolExecutor(4) as pool,
    ):
        turns = itertools.islice(itertools.cycle(servers), 30)
        answers = list(pool.map(lambda server: login(server, "wrong password"), turns))
    assert Counter(status for status, _ in answers) == {401: 10, 429: 20}
    refused = [headers for status, headers in answers if status == 429]
    assert all(1 <= int(headers["Retry-After"]) <= 300 for headers in refused)
    with pserve("development.ini", DATABASE_URL=database_url) as restarted:
        assert login(restarted, PASSWORD)[0] == 429
