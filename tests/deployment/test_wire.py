"""The shipped proxies against bytes that RFC 9112 forbids.

The service behind them sees requests that the proxy has written anew, so both agree on where each
ends. Every row of tests/support/wire.py is either refused, or becomes one plain request.
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

# The client has ended its part by then, or the proxy waits for more.
TIMEOUT = 0.5  # seconds

# Rows that a proxy reads leniently and passes on as one plain request.
REWRITTEN = {
    "nginx": names("""
        chunk size with a space after it | chunk lines of bare LF | chunk extension with NUL
        | trailer that is no field | trailer with bare LF | field without a colon
        | bare LF between fields | bare LF everywhere | spaces that cost time
        | LF before the method | two spaces | space after the version | HTTP/1.2 | HTTP/1.10
    """),
    "haproxy": names("""
        two Content-Length lines alike | two Content-Lengths in one line
        | Content-Length, then Transfer-Encoding | Transfer-Encoding, then Content-Length
        | Transfer-Encoding with Content-Length 0 | Transfer-Encoding chunked and a comma
        | chunk size with a space after it | chunk lines of bare LF | chunk extension with NUL
        | trailer with bare LF | two Host lines alike | Host twice in HTTP/1.0 | folded line
        | folded line with a tab | folded Transfer-Encoding | bare LF between fields
        | bare LF everywhere | spaces that cost time | LF before the method | two spaces
        | tabs for spaces | HTTP/0.9 | HTTP/1.2 | HTTP/2.0 | target without a host
    """),
}

# Refused, with no final answer that has a status line. HAProxy answers 100 to the last one, and
# 413 once it sends a body.
WITHOUT_A_STATUS = {
    "nginx": names("no version | no version and no field | chunk extension without an end"),
    "haproxy": names("""
        HTTP/2 with prior knowledge | chunk extension without an end
        | a length over the limit with Expect
    """),
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
    """Delete all accounts, and return their names."""
    with engine.begin() as connection:
        names = set(connection.scalars(text("SELECT username FROM accounts")))
        connection.execute(text("DELETE FROM accounts"))
    return names


def send(proxy: Proxy, certificate: Path, data: bytes) -> bytes:
    """Return what the proxy answers until it closes the connection or is silent for a while."""
    received = b""
    with connect(proxy.port, certificate, TIMEOUT) as connection, suppress(OSError):
        with suppress(OSError):
            connection.sendall(data)
        while part := connection.recv(65536):
            received += part
    return received


LAST = register(b"last").replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


@pytest.mark.parametrize("name", REFUSED)
def test_malformed_request_is_refused_or_becomes_one_request(
    proxies: dict[str, Proxy], proxy_name: str, certificate: Path, engine: Engine, name: str
) -> None:
    pop_accounts(engine)
    answer = send(proxies[proxy_name], certificate, REFUSED[name][1] + LAST)
    done = pop_accounts(engine)
    answered = [status for status in statuses(answer) if status != 100]
    assert 500 not in answered
    assert b"Traceback" not in answer
    if name in REWRITTEN[proxy_name]:
        assert answered[0] == 201
        assert "refused" in done
    else:
        assert "refused" not in done
        if name not in WITHOUT_A_STATUS[proxy_name]:
            assert 400 <= answered[0] <= 431 or answered[0] in {501, 505}
    # One answer to each request that was sent, and no request that was smuggled within another.
    assert len(answered) <= 2
    assert done <= {"refused", "last"}
    assert ("last" in done) == (answered[1:] == [201])


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


def test_expect_without_a_body_does_not_join_two_requests(
    proxies: dict[str, Proxy], proxy_name: str, certificate: Path
) -> None:
    """waitress alone adds the fields of the first request to those of the second."""
    first = get(b"/api/v1", HOST, b"Expect: 100-continue")
    answer = send(
        proxies[proxy_name], certificate, first + get(b"/nope", HOST, b"Connection: close")
    )
    assert [status for status in statuses(answer) if status != 100] == [200, 404]
