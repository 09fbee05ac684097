"""The shipped proxies against bytes that RFC 9112 forbids.

A proxy rewrites each request, so it and the service agree on where the request ends. Each row of
tests/support/wire.py is either refused or becomes one plain request.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.deployment.conftest import ENVIRON, PROXIES
from tests.support.proxies import Proxy, connect
from tests.support.pserve import Server, pserve
from tests.support.wire import HOST, REFUSED, get, names, register, statuses

# After this silence the proxy is either finished or waiting for more data.
TIMEOUT = 0.5  # seconds

# Rows that a proxy accepts and forwards as one plain request.
REWRITTEN = {
    "nginx": names("""
        chunk size with a trailing space | chunk lines ended by bare LF | chunk extension with NUL
        | invalid trailer field | trailer with a bare LF | field line without a colon
        | bare LF between fields | bare LF for every line end | many spaces before a field value
        | LF before the method | two spaces in the request line | space after the version | HTTP/1.2
        | HTTP/1.10
    """),
    "haproxy": names("""
        repeated Content-Length lines | repeated Content-Length in one line
        | Content-Length before Transfer-Encoding | Transfer-Encoding before Content-Length
        | Transfer-Encoding with Content-Length 0 | Transfer-Encoding with a trailing comma
        | chunk size with a trailing space | chunk lines ended by bare LF | chunk extension with NUL
        | trailer with a bare LF | repeated Host lines | HTTP/1.0 with repeated Host lines
        | folded field line | field line folded with a tab | folded Transfer-Encoding
        | bare LF between fields | bare LF for every line end | many spaces before a field value
        | LF before the method | two spaces in the request line | tabs in the request line
        | HTTP/0.9 | HTTP/1.2 | HTTP/2.0
    """),
}

# Rows refused without a final status line.
WITHOUT_STATUS = {
    "nginx": names("missing version | HTTP/0.9 request line only | unterminated chunk extension"),
    "haproxy": names("HTTP/2 with prior knowledge | unterminated chunk extension"),
}


@pytest.fixture(scope="session")
def service(url: str) -> Iterator[Server]:
    with pserve("production.ini", DATABASE_URL=url, **ENVIRON) as server:
        yield server


@pytest.fixture(scope="session")
def proxies(service: Server, start_proxy: Callable[..., Proxy]) -> dict[str, Proxy]:
    return {name: start_proxy(name, (service.port, service.port)) for name in PROXIES}


@pytest.fixture(scope="session")
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


def pop_accounts(engine: Engine) -> set[str]:
    """Delete all accounts and return their usernames."""
    with engine.begin() as connection:
        usernames = set(connection.scalars(text("SELECT username FROM accounts")))
        connection.execute(text("DELETE FROM accounts"))
    return usernames


def send(proxy: Proxy, certificate: Path, data: bytes) -> bytes:
    """Send the data; return the response until the proxy closes or is silent for TIMEOUT."""
    received = b""
    with connect(proxy.port, certificate, TIMEOUT) as connection, suppress(OSError):
        with suppress(OSError):
            connection.sendall(data)
        while part := connection.recv(65536):
            received += part
    return received


FOLLOWING_REQUEST = register(b"last").replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


@pytest.mark.parametrize("name", REFUSED)
def test_malformed_request_is_refused_or_rewritten(
    proxies: dict[str, Proxy], proxy_name: str, certificate: Path, engine: Engine, name: str
) -> None:
    pop_accounts(engine)
    answer = send(proxies[proxy_name], certificate, REFUSED[name][1] + FOLLOWING_REQUEST)
    registered = pop_accounts(engine)
    answered = [status for status in statuses(answer) if status != 100]
    assert 500 not in answered
    assert b"Traceback" not in answer
    if name in REWRITTEN[proxy_name]:
        assert answered[0] == 201
        assert "refused" in registered
    else:
        assert "refused" not in registered
        if name not in WITHOUT_STATUS[proxy_name]:
            assert 400 <= answered[0] <= 431 or answered[0] in {501, 505}
    # At most one answer for each request sent: none was smuggled inside another.
    assert len(answered) <= 2
    assert registered <= {"refused", "last"}
    assert ("last" in registered) == (answered[1:] == [201])


@pytest.mark.parametrize(
    "host", [b"other.example", b"127.0.0.1", b"todo.example.evil.example", b"[::1]"]
)
def test_unknown_host_is_refused(
    proxies: dict[str, Proxy], proxy_name: str, certificate: Path, host: bytes
) -> None:
    request = get(b"/api/v1", b"Host: " + host, b"Connection: close")
    answer = send(proxies[proxy_name], certificate, request)
    assert statuses(answer) == [400]
    assert b"\r\nserver: todo" not in answer.lower()


def test_expect_without_body_keeps_requests_separate(
    proxies: dict[str, Proxy], proxy_name: str, certificate: Path
) -> None:
    """Without a proxy, waitress merges the header fields of both requests."""
    first = get(b"/api/v1", HOST, b"Expect: 100-continue")
    answer = send(
        proxies[proxy_name], certificate, first + get(b"/nope", HOST, b"Connection: close")
    )
    assert [status for status in statuses(answer) if status != 100] == [200, 404]
