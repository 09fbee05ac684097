"""Clients that disconnect: no partial writes, and no transactions left open."""

import json
import socket
import struct
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.support.factories import Login, make_account
from tests.support.pserve import Server
from todo.models import Change, Task
from todo.models.engine import POOL_OVERFLOW, POOL_SIZE

CLIENTS = POOL_SIZE + POOL_OVERFLOW + 8  # more than the connection pool could lose
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST instead of FIN


@pytest.fixture
def alice(committed: Session) -> Login:
    login = make_account(committed, "alice")
    committed.close()
    return login


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the database, separate from the service's."""
    options = {"timeout": 1} if database_url.startswith("sqlite") else {}
    engine = create_engine(database_url, connect_args=options)
    yield engine
    engine.dispose()


def send_and_disconnect(server: Server, request: bytes) -> None:
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.sendall(request)


def message(method: str, alice: Login, body: str = "", missing: int = 0) -> bytes:
    """Return a request that announces `missing` more bytes of body than it contains."""
    lines = (
        f"{method} {alice.tasks_url} HTTP/1.1",
        "Host: todo.example",
        f"Authorization: Bearer {alice.token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body) + missing}",
    )
    return "\r\n".join((*lines, "", body)).encode()


def assert_idle(engine: Engine) -> None:
    """Fail if the service still holds a transaction after ten seconds."""
    deadline = time.monotonic() + 10
    while holds_transaction(engine):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def holds_transaction(engine: Engine) -> bool:
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            busy = text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
            return bool(connection.scalar(busy))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
    except OperationalError:
        return True
    return False


def test_disconnect_during_request_body_creates_nothing(
    server: Server, alice: Login, engine: Engine
) -> None:
    body = json.dumps({"name": "Milk"})
    for _ in range(CLIENTS):
        send_and_disconnect(server, message("POST", alice, body, missing=1))
    assert_idle(engine)
    headers = {"Authorization": f"Bearer {alice.token}"}
    status, _, listed = server.request("GET", alice.tasks_url, headers=headers)
    assert (status, listed["tasks"]) == (200, [])


def test_disconnect_before_response_leaves_no_partial_write(
    server: Server, alice: Login, engine: Engine
) -> None:
    names = [f"Task {number}" for number in range(CLIENTS)]
    for name in names:
        send_and_disconnect(server, message("POST", alice, json.dumps({"name": name})))
        send_and_disconnect(server, message("GET", alice))
    headers = {"Authorization": f"Bearer {alice.token}", "Content-Type": "application/json"}
    body = json.dumps({"name": "the last"})
    assert server.request("POST", alice.tasks_url, body, headers)[0] == 201
    assert_idle(engine)
    recorded = select(Change.object_id).where(Change.kind == Task.kind)
    with Session(engine) as session:
        assert set(session.scalars(select(Task.name))) <= {*names, "the last"}
        # Each write was done completely or not; some may still be running.
        assert session.scalars(select(Task.id).where(Task.id.not_in(recorded))).all() == []
        missing = recorded.where(Change.object_id.not_in(select(Task.id)))
        assert session.scalars(missing).all() == []
