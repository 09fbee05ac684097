"""The files of docs/deployment: each by its own checker, and nginx in front of the service."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.databases import ROOT, database, migrate
from tests.support.pserve import pserve

FILES = ROOT / "docs" / "deployment"
HOST = "todo.example"

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    include {folder}/todo.conf;
}}
"""


def run(*command: str | Path) -> str:
    """Run a checker and return what it says, which is shown where it refuses."""
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    said = found.stdout + found.stderr
    assert found.returncode == 0, said
    return said


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the host, signed by itself, with its key in the same file."""
    folder = tmp_path_factory.mktemp("certificate")
    key, file = folder / "key.pem", folder / "todo.example.pem"
    names = ("-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}")
    made = ("-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", file, "-days", "2")
    run("openssl", "req", "-x509", *names, *made)
    file.write_text(file.read_text() + key.read_text())
    return file


def nginx_files(folder: Path, certificate: Path, port: int, https: int) -> Path:
    """Return nginx's own configuration, which includes ours with paths and ports of this test."""
    text = (FILES / "nginx.conf").read_text()
    text = re.sub(r"ssl_certificate(_key)? \S+;", rf"ssl_certificate\1 {certificate};", text)
    text = text.replace("127.0.0.1:6543", f"127.0.0.1:{port}")
    text = text.replace("listen 80;", f"listen 127.0.0.1:{free_port()};")
    text = text.replace("listen 443 ", f"listen 127.0.0.1:{https} ")
    (folder / "todo.conf").write_text(text)
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder))
    return file


def test_nginx(tmp_path: Path, certificate: Path) -> None:
    run("nginx", "-t", "-c", nginx_files(tmp_path, certificate, 6543, free_port()))


def test_haproxy(tmp_path: Path, certificate: Path) -> None:
    text = (FILES / "haproxy.cfg").read_text()
    file = tmp_path / "haproxy.cfg"
    file.write_text(text.replace("/etc/haproxy/todo.example.pem", str(certificate)))
    run("haproxy", "-c", "-f", file)


@pytest.mark.parametrize("unit", ["todo.service", "todo-backup.service", "todo-backup.timer"])
def test_systemd(tmp_path: Path, unit: str) -> None:
    for file in FILES.glob("todo*"):
        text = file.read_text().replace("/srv/todo/.venv/bin", str(Path(sys.executable).parent))
        text = text.replace("User=todo", "User=root")
        (tmp_path / file.name).write_text(text)
    said = run("systemd-analyze", "verify", "--man=no", tmp_path / unit)
    # A line is all that it has for a key or a value that it does not know.
    assert str(tmp_path) not in said, said


@contextmanager
def nginx(file: Path, port: int) -> Iterator[None]:
    process = subprocess.Popen([shutil.which("nginx") or "nginx", "-c", file])
    try:
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def ask(port: int, certificate: Path, request: str) -> tuple[int, str, str]:
    """Send a request through TLS; return status, header and body of its answer."""
    context = ssl.create_default_context(cafile=str(certificate))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as connection,
    ):
        connection.sendall(request.encode())
        answer = b""
        while data := connection.recv(65536):
            answer += data
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), head.lower(), body


def test_the_service_behind_nginx(tmp_path: Path, certificate: Path) -> None:
    https = free_port()
    with database(tmp_path) as url:
        migrate(url)
        environ = {"DATABASE_URL": url, "TODO_PUBLIC_URL": f"https://{HOST}"}
        with (
            (tmp_path / "log").open("w+") as log,
            pserve("production.ini", log, TODO_TRUSTED_PROXY="127.0.0.1", **environ) as server,
            nginx(nginx_files(tmp_path, certificate, server.port, https), https),
        ):
            fields = f"Host: {HOST}\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.9\r\n"
            status, head, _ = ask(https, certificate, f"GET /api/v1 HTTP/1.1\r\n{fields}\r\n")
            assert status == 200
            assert "\r\nstrict-transport-security: " in head
            form = "username=alice&email=alice%40example.com&password=correct+horse+battery"
            chunked = (
                f"POST /api/v1/accounts HTTP/1.1\r\n{fields}Transfer-Encoding: chunked\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n"
            )
            body = f"\r\n{len(form):x}\r\n{form}\r\n0\r\n\r\n"
            status, _, answer = ask(https, certificate, chunked + body)
            assert status == 201
            assert json.loads(answer)["username"] == "alice"
            both = chunked + f"Content-Length: {len(form)}\r\n" + body
            assert ask(https, certificate, both)[0] == 400
            log.seek(0)
            text = log.read()
            # The proxy's word counts, and it has not taken over the client's.
            assert "127.0.0.1 - - [" in text
            assert "192.0.2.9" not in text
