"""The service behind the shipped proxies: forwarding, the access log, slow clients."""

import gzip
import json
import re
import resource
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.conftest import ENVIRON
from tests.support.databases import ROOT
from tests.support.factories import PASSWORD
from tests.support.proxies import HOST, Proxy, connect, send_request
from tests.support.pserve import Server, pserve

FIELDS = f"Host: {HOST}\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.9\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"

HOSTILE_CLIENTS = 3000
REQUESTS_PER_ADDRESS = 100
OTHER_ADDRESS = "127.0.0.2"
IDLE_CONNECTIONS = 250


@pytest.fixture(scope="module")
def service(url: str) -> Iterator[Server]:
    with pserve("production.ini", DATABASE_URL=url, **ENVIRON) as server:
        yield server


@pytest.fixture
def proxy(service: Server, start_proxy: Callable[..., Proxy], proxy_name: str) -> Proxy:
    return start_proxy(proxy_name, (service.port, service.port))


def register(username: str, password: str = "correct horse battery") -> str:
    form = f"username={username}&email={username}%40example.com&password={password}"
    return (
        f"POST /api/v1/accounts HTTP/1.1\r\n{FIELDS}{FORM}Content-Length: {len(form)}\r\n\r\n{form}"
    )


def test_https_scheme_is_forwarded(proxy: Proxy, certificate: Path) -> None:
    status, head, _ = send_request(proxy.port, certificate, f"GET /api/v1 HTTP/1.1\r\n{FIELDS}\r\n")
    assert status == 200
    assert "\r\nstrict-transport-security: " in head


@pytest.mark.parametrize(
    "target", ["//healthz", "/healthz/", "/%2e", "//", "/%ff", "//todo.example"]
)
def test_answer_to_odd_path_has_safety_fields(proxy: Proxy, certificate: Path, target: str) -> None:
    status, head, _ = send_request(
        proxy.port, certificate, f"GET {target} HTTP/1.1\r\n{FIELDS}\r\n"
    )
    assert status in (400, 404)
    assert "\r\nstrict-transport-security: max-age=31536000" in head
    assert "\r\ncontent-security-policy: default-src 'none'" in head


@pytest.mark.parametrize("host", ["Todo.Example", "todo.example:443"])
def test_host_is_accepted_in_every_spelling(proxy: Proxy, certificate: Path, host: str) -> None:
    request = f"GET /api/v1 HTTP/1.1\r\n{FIELDS}\r\n".replace(f"Host: {HOST}", f"Host: {host}")
    assert send_request(proxy.port, certificate, request)[0] == 200


def test_chunked_body_is_forwarded(proxy: Proxy, proxy_name: str, certificate: Path) -> None:
    form = f"username=c{proxy_name}&email=c%40example.com&password=correct+horse+battery"
    head = f"POST /api/v1/accounts HTTP/1.1\r\n{FIELDS}Transfer-Encoding: chunked\r\n{FORM}"
    request = f"{head}\r\n{len(form):x}\r\n{form}\r\n0\r\n\r\n"
    status, _, answer = send_request(proxy.port, certificate, request)
    assert (status, json.loads(answer)["username"]) == (201, f"c{proxy_name}")


def request_compressed(
    proxy: Proxy, certificate: Path, method: str, path: str, fields: Any = None, **headers: str
) -> tuple[int, HTTPMessage, bytes]:
    """Send JSON, accept gzip, and return the status, the header fields and the decoded body."""
    connection = HTTPConnection(HOST)
    connection.sock = connect(proxy.port, certificate)
    body = None if fields is None else json.dumps(fields)
    accepted = {"Accept-Encoding": "gzip", "Content-Type": "application/json"}
    try:
        connection.request(method, path, body, accepted | headers)
        response = connection.getresponse()
        content = response.read()
        if content and response.headers["Content-Encoding"] == "gzip":
            content = gzip.decompress(content)
        return response.status, response.headers, content
    finally:
        connection.close()


def test_compressed_response_has_usable_version(
    proxy: Proxy, proxy_name: str, certificate: Path
) -> None:
    def send(method: str, path: str, fields: Any = None, **headers: str) -> Any:
        return request_compressed(proxy, certificate, method, path, fields, **headers)

    name = f"z{proxy_name}"
    profile = {"username": name, "email": f"{name}@example.com", "password": "a good password"}
    _, _, registered = send("POST", "/api/v1/accounts", profile)
    token = {"Authorization": f"Bearer {json.loads(registered)['token']}"}
    tasks = f"/api/v1/accounts/{name}/tasks"
    _, _, created = send("POST", tasks, {"name": "Milk", "note": "two bottles " * 200}, **token)
    task = f"{tasks}/{json.loads(created)['task']['id']}"
    for path in (tasks, task):
        status, headers, body = send("GET", path, **token)
        assert (status, headers["Content-Encoding"]) == (200, "gzip")
        assert b"two bottles" in body
        assert "accept-encoding" in ", ".join(headers.get_all("Vary", [])).lower()
        status, _, _ = send("GET", path, **token, **{"If-None-Match": headers["ETag"]})
        assert status == 304
    version = {"If-Match": headers["ETag"]}
    assert send("PATCH", task, {"completed": True}, **token, **version)[0] == 200
    assert send("PATCH", task, {"completed": False}, **token, **version)[0] == 412


# The edits of docs/proxy.md: a proxy passes the prefix on, or removes it.
NGINX_LINES = "location / {\n        proxy_pass http://todo;"
BELOW_PATH = [
    ("nginx", ("location / {", "location /todo/ {")),
    ("nginx", (NGINX_LINES, "location /todo/ {\nproxy_pass http://todo/;")),
    (
        "haproxy",
        ("default_backend todo\n", "use_backend todo if { path /todo } || { path_beg /todo/ }\n"),
    ),
]


@pytest.mark.parametrize(("name", "edit"), BELOW_PATH)
def test_service_below_path_answers_with_prefixed_urls(
    url: str,
    start_proxy: Callable[..., Proxy],
    certificate: Path,
    name: str,
    edit: tuple[str, str],
) -> None:
    page = (ROOT / "docs" / "proxy.md").read_text()
    assert all(line.strip() in page for line in edit[1].splitlines())
    environ = ENVIRON | {"TODO_PUBLIC_URL": f"https://{HOST}/todo"}
    with pserve("production.ini", DATABASE_URL=url, **environ) as server:
        proxy = start_proxy(name, (server.port, server.port), edit)

        def send(method: str, path: str, fields: Any = None, **headers: str) -> Any:
            return request_compressed(proxy, certificate, method, path, fields, **headers)

        username = f"prefix{BELOW_PATH.index((name, edit))}"
        profile = {"username": username, "email": "carol@example.com", "password": PASSWORD}
        status, headers, _ = send("POST", "/todo/api/v1/accounts", profile)
        account = f"/todo/api/v1/accounts/{username}"
        assert (status, headers["Location"]) == (201, account)
        assert headers["Set-Cookie"].startswith("__Secure-todo_session=")
        assert "; Path=/todo;" in headers["Set-Cookie"]
        login = {"Cookie": headers["Set-Cookie"].partition(";")[0], "Origin": f"https://{HOST}"}
        for task in ("Milk", "Tea"):
            assert send("POST", f"{account}/tasks", {"name": task}, **login)[0] == 201
        _, headers, body = send("GET", f"{account}/tasks?limit=1", **login)
        following = json.loads(body)["next"]
        assert following.startswith(f"{account}/tasks?")
        assert send("GET", following, **login)[0] == 200
        assert headers["Link"].startswith(f"<{account}/tasks?")
        assert json.loads(send("GET", "/todo/api/v1/openapi.json")[2])["servers"] == [
            {"url": "/todo"}
        ]
        assert send("GET", "/todo/docs/docs.js")[0] == 200
        assert send("GET", "/api/v1")[0] in (404, 503), "another application's"


def test_rate_limit_applies_to_client_address(
    url: str, start_proxy: Callable[..., Proxy], proxy_name: str, certificate: Path
) -> None:
    """Neither the proxy's address nor a forged X-Forwarded-For counts."""
    environ = ENVIRON | {"TODO_LIMIT_REGISTRATIONS": "1"}
    with pserve("production.ini", DATABASE_URL=url, **environ) as server:
        proxy = start_proxy(proxy_name, (server.port, server.port))
        names = (f"l{number}{proxy_name}" for number in range(3))
        statuses = []
        for number, name in enumerate(names):
            request = register(name).replace("192.0.2.9", f"192.0.2.{number}")
            statuses.append(send_request(proxy.port, certificate, request)[0])
    assert statuses[-1] == 429


def test_access_log_has_time_and_request_id_without_query(proxy: Proxy, certificate: Path) -> None:
    request = f"GET /api/v1?search=secret HTTP/1.1\r\n{FIELDS}Authorization: Bearer secret\r\n\r\n"
    status, head, _ = send_request(proxy.port, certificate, request)
    [request_id] = re.findall(r"\r\nx-request-id: (\w+)", head)
    deadline = time.monotonic() + 5
    while request_id not in (log := proxy.log.read_text()):
        assert time.monotonic() < deadline, log
        time.sleep(0.02)
    [line] = [line for line in log.splitlines() if request_id in line]
    pattern = (
        rf'127\.0\.0\.1 \[.*\d\d:\d\d:\d\d.*\] "GET /api/v1 HTTP/1\.1" {status} .* {request_id}'
    )
    assert re.fullmatch(pattern, line), line
    assert "secret" not in log


def assert_answers_promptly(service: Server, proxy: Proxy, certificate: Path) -> None:
    """Fail if a client of another address, or a health check, waits for a second."""
    for _ in range(10):
        began = time.monotonic()
        request = f"GET /api/v1 HTTP/1.1\r\n{FIELDS}\r\n"
        assert send_request(proxy.port, certificate, request, OTHER_ADDRESS)[0] == 200
        assert service.request("GET", "/readyz", headers={"Host": HOST})[0] == 200
        assert time.monotonic() - began < 1


POST = f"POST /api/v1/accounts HTTP/1.1\r\nHost: {HOST}\r\n{FORM}"
SLOW_HEADER = f"GET /api/v1 HTTP/1.1\r\nHost: {HOST}\r\nX-A: "
SLOW_BODY = f"{POST}Content-Length: 1000\r\n\r\na"
LARGE_SLOW_BODY = f"{POST}Content-Length: 1000000\r\n\r\n{'a' * 40_000}"
UNREAD_ANSWERS = f"GET /docs/swagger_bundle.js HTTP/1.1\r\nHost: {HOST}\r\n\r\n" * 30
HOSTILE = (SLOW_HEADER, SLOW_BODY, LARGE_SLOW_BODY, UNREAD_ANSWERS)


@pytest.fixture
def many_open_files() -> Iterator[None]:
    """Let this process, and the proxy that it starts, open enough files for the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, HOSTILE_CLIENTS + 1000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def waits(client: ssl.SSLSocket) -> bool:
    """Return whether the client has received neither an answer nor the end of its connection."""
    client.settimeout(0)
    try:
        client.recv(1)
    except ssl.SSLWantReadError:
        return True
    except OSError:
        return False
    return False


@pytest.mark.usefixtures("many_open_files")
def test_hostile_clients_of_one_address_do_not_delay_another(
    service: Server, proxy: Proxy, certificate: Path
) -> None:
    clients: list[tuple[str, ssl.SSLSocket]] = []

    def send(client: ssl.SSLSocket, data: str) -> None:
        with suppress(OSError):  # refused
            client.sendall(data.encode())

    with ExitStack() as stack:
        for number in range(HOSTILE_CLIENTS):
            request = HOSTILE[number % len(HOSTILE)]
            with suppress(OSError):  # refused
                client = stack.enter_context(connect(proxy.port, certificate))
                clients.append((request, client))
                send(client, request)
            if number % 500 == 0:
                assert_answers_promptly(service, proxy, certificate)
        for request, client in clients:
            if request != UNREAD_ANSWERS:
                send(client, "a")
        assert_answers_promptly(service, proxy, certificate)
        assert open_sockets(service) < 200, "the proxy must hold slow clients"
        bodies = [client for request, client in clients if request in (SLOW_BODY, LARGE_SLOW_BODY)]
        assert sum(map(waits, bodies)) <= REQUESTS_PER_ADDRESS


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("nginx", ("client_header_timeout 10s", "client_header_timeout 1s")),
        ("haproxy", ("timeout http-request 10s", "timeout http-request 1s")),
    ],
)
def test_slow_header_is_disconnected_after_timeout(
    service: Server,
    start_proxy: Callable[..., Proxy],
    certificate: Path,
    name: str,
    edit: tuple[str, str],
) -> None:
    proxy = start_proxy(name, (service.port, service.port), edit)
    with connect(proxy.port, certificate, timeout=5) as client:
        client.sendall(SLOW_HEADER.encode())
        assert client.recv(1000)[:12] in (b"", b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("nginx", ("limit_conn todo_address 100", "limit_conn todo_address 1")),
        ("haproxy", ("sc1_conn_cur gt 100", "sc1_conn_cur gt 1")),
    ],
)
def test_request_over_limit_of_address_is_refused_until_another_ends(
    service: Server,
    start_proxy: Callable[..., Proxy],
    certificate: Path,
    name: str,
    edit: tuple[str, str],
) -> None:
    proxy = start_proxy(name, (service.port, service.port), edit)

    def send(source: str = "127.0.0.1") -> tuple[int, str, str]:
        request = f"GET /api/v1 HTTP/1.1\r\n{FIELDS}\r\n"
        return send_request(proxy.port, certificate, request, source)

    def wait_for(status: int) -> str:
        deadline = time.monotonic() + 5
        while (answer := send())[0] != status:
            assert time.monotonic() < deadline
        return answer[1]

    with connect(proxy.port, certificate) as client:
        client.sendall(SLOW_BODY.encode())
        assert "\r\nretry-after: 5" in wait_for(429)
        assert send(OTHER_ADDRESS)[0] == 200
    wait_for(200)


def test_connection_over_limit_of_address_is_refused_by_haproxy(
    service: Server, start_proxy: Callable[..., Proxy], certificate: Path
) -> None:
    edit = ("sc0_conn_cur gt 300", "sc0_conn_cur gt 1")
    proxy = start_proxy("haproxy", (service.port, service.port), edit)
    with connect(proxy.port, certificate):
        with pytest.raises(OSError, match=r"reset|EOF"):
            connect(proxy.port, certificate)
        connect(proxy.port, certificate, source=OTHER_ADDRESS).close()


ONE_CONNECTION = (
    "timeout queue 10s\n    default-server check inter 1s maxconn 250",
    "timeout queue 100ms\n    default-server check inter 1s maxconn 1",
)


def test_full_queue_of_haproxy_is_unavailable_with_retry_after(
    service: Server, start_proxy: Callable[..., Proxy], certificate: Path
) -> None:
    proxy = start_proxy("haproxy", (service.port, service.port), ONE_CONNECTION)
    with ExitStack() as stack:
        for _ in range(4):
            client = stack.enter_context(connect(proxy.port, certificate))
            client.sendall(UNREAD_ANSWERS.encode())
        deadline = time.monotonic() + 10
        status = 200
        while status == 200:
            assert time.monotonic() < deadline
            request = f"GET /api/v1 HTTP/1.1\r\n{FIELDS}\r\n"
            status, head, _ = send_request(proxy.port, certificate, request)
        assert status == 503
        assert "\r\nretry-after: 5" in head
        assert service.request("GET", "/readyz", headers={"Host": HOST})[0] == 200


def test_request_over_connections_of_instances_is_refused_by_nginx(
    start_proxy: Callable[..., Proxy], certificate: Path
) -> None:
    request = f"GET /api/v1 HTTP/1.1\r\n{FIELDS}\r\n"
    with socket.create_server(("127.0.0.1", 0)) as silent, ExitStack() as stack:
        port = silent.getsockname()[1]
        proxy = start_proxy("nginx", (port, port), ("max_conns=250", "max_conns=1"))
        for _ in range(2):
            client = stack.enter_context(connect(proxy.port, certificate))
            client.sendall(request.encode())
            stack.enter_context(silent.accept()[0])
        assert send_request(proxy.port, certificate, request)[0] == 502


def test_idle_connections_do_not_delay_others(
    service: Server, proxy: Proxy, certificate: Path
) -> None:
    with ExitStack() as stack:
        for _ in range(IDLE_CONNECTIONS):
            client = stack.enter_context(connect(proxy.port, certificate))
            client.sendall(f"GET /api/v1 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert_answers_promptly(service, proxy, certificate)
        assert open_sockets(service) < 100, "the proxy must hold idle connections itself"


def open_sockets(server: Server) -> int:
    """Return the number of open sockets of the server's process (Linux only)."""
    descriptors = Path(f"/proc/{server.process.pid}/fd").iterdir()
    count = 0
    for each in descriptors:
        with suppress(FileNotFoundError):  # closed since it was listed
            count += "socket:" in str(each.readlink())
    return count
