"""nginx and HAProxy with the configuration in deploy/, in front of local instances."""

import os
import random
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.databases import ROOT

DEPLOY = ROOT / "deploy"
HOST = "todo.example"

NGINX = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 8192; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    include {folder}/todo.conf;
}}
"""


# A text of the shipped configuration, and the text that replaces it.
Edit = tuple[str, str]


@dataclass(frozen=True)
class Proxy:
    """A running proxy: its log, and its HTTPS port (HTTP if it runs without TLS)."""

    port: int
    log: Path


def run(*command: str | Path) -> str:
    """Run a program, check that it succeeds, and return its output."""
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    return output


def free_port() -> int:
    """Return a free port below those of outgoing connections.

    One of these could take the port of an instance while it restarts.
    """
    for port in random.sample(range(20_000, 32_768), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


def make_certificate(folder: Path) -> Path:
    """Return a self-signed certificate for the host, with its key in the same file."""
    key, file = folder / "key.pem", folder / "todo.example.pem"
    names = ("-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}")
    options = ("-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", file, "-days", "2")
    run("openssl", "req", "-x509", *names, *options)
    file.write_text(file.read_text() + key.read_text())
    return file


def nginx_file(
    folder: Path,
    instances: tuple[int, int],
    port: int,
    certificate: Path | None = None,
    edit: Edit = ("", ""),
) -> Path:
    """Write an nginx configuration that includes ours with this run's paths and ports.

    Without a certificate, nginx serves plain HTTP and accepts every Host.
    """
    text = _replace_ports((DEPLOY / "nginx.conf").read_text().replace(*edit), instances)
    text = text.replace("/var/log/nginx/todo.log", str(folder / "todo.log"))
    if certificate is None:
        _, ours = text.split("listen 443 ssl http2;")
        upstream = text[: text.index("# Any other Host.")]
        ours = re.sub(r"server_name .*|ssl_\S+ .*", "", ours)
        text = f"{upstream}server {{\nlisten 127.0.0.1:{port};{ours}"
    text = re.sub(r"ssl_certificate(_key)? \S+;", rf"ssl_certificate\1 {certificate};", text)
    text = text.replace("listen 80", f"listen 127.0.0.1:{free_port()}")
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}")
    (folder / "todo.conf").write_text(text)
    file = folder / "nginx.conf"
    # As root, nginx would switch to a user that cannot write to the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(NGINX.format(folder=folder, user=user))
    return file


def haproxy_file(
    folder: Path, instances: tuple[int, int], port: int, certificate: Path, edit: Edit = ("", "")
) -> Path:
    """Write our HAProxy configuration with this run's paths and ports, logging to stdout."""
    text = _replace_ports((DEPLOY / "haproxy.cfg").read_text().replace(*edit), instances)
    text = text.replace("/etc/haproxy/todo.example.pem", str(certificate))
    # Only root can switch to another user.
    text = text.replace("    user haproxy\n    group haproxy\n", "")
    text = text.replace("log /dev/log local0", "log stdout format raw local0")
    text = text.replace("bind :80", f"bind 127.0.0.1:{free_port()}")
    text = text.replace("bind :443", f"bind 127.0.0.1:{port}")
    file = folder / "haproxy.cfg"
    file.write_text(text)
    return file


def _replace_ports(text: str, ports: tuple[int, int]) -> str:
    for shipped, port in zip((6543, 6544), ports, strict=True):
        assert text.count(f"127.0.0.1:{shipped}") == 1
        text = text.replace(f"127.0.0.1:{shipped}", f"127.0.0.1:<{port}>")
    return re.sub(r"<(\d+)>", r"\1", text)


@contextmanager
def nginx(
    folder: Path,
    instances: tuple[int, int],
    certificate: Path | None = None,
    edit: Edit = ("", ""),
) -> Iterator[Proxy]:
    """Run nginx in front of the instances, given by port. Both ports may be the same."""
    port = free_port()
    file = nginx_file(folder, instances, port, certificate, edit)
    with _running(port, folder / "output", "nginx", "-c", str(file)):
        yield Proxy(port, folder / "todo.log")


@contextmanager
def haproxy(
    folder: Path, instances: tuple[int, int], certificate: Path, edit: Edit = ("", "")
) -> Iterator[Proxy]:
    """Run HAProxy in front of the instances, given by port. Both ports may be the same."""
    port = free_port()
    file = haproxy_file(folder, instances, port, certificate, edit)
    with _running(port, folder / "haproxy.log", "haproxy", "-db", "-f", str(file)):
        yield Proxy(port, folder / "haproxy.log")


@contextmanager
def _running(port: int, output: Path, program: str, *arguments: str) -> Iterator[None]:
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") or program
    with output.open("w") as file:
        process = subprocess.Popen([path, *arguments], stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                _open_and_close_connection(port)
                break
            except OSError:
                assert process.poll() is None, output.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _open_and_close_connection(port: int) -> None:
    # The proxy counts the connection for its limits until it has closed its side.
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass


def connect(
    port: int, certificate: Path, timeout: float = 10, source: str = "127.0.0.1"
) -> ssl.SSLSocket:
    """Return a TLS connection to a proxy from a loopback address."""
    context = ssl.create_default_context(cafile=str(certificate))
    client = context.wrap_socket(socket.socket(), server_hostname=HOST)
    try:
        client.settimeout(timeout)
        client.bind((source, 0))
        client.connect(("127.0.0.1", port))
        return client
    except BaseException:
        client.close()
        raise


def send_request(
    port: int, certificate: Path, request: str, source: str = "127.0.0.1"
) -> tuple[int, str, str]:
    """Send a request that contains "Connection: close".

    Return the status, the header section in lower case, and the body.
    """
    with connect(port, certificate, source=source) as connection:
        connection.sendall(request.encode())
        answer = b""
        while data := connection.recv(65536):
            answer += data
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), head.lower(), body
