"""`GET /metrics` on an address of its own, by prometheus-client and a second stock waitress."""

import socket
import threading
from collections.abc import Iterable
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import waitress
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import Engine

from todo import metrics, metrics_folder
from todo.models.migration import MIGRATION
from todo.settings import SETTINGS, Settings

PATH = "/metrics"
_NAME = SETTINGS["metrics_listen"].name


def listen(settings: Settings, http_port: int | None = None) -> socket.socket | None:
    """Return the socket that listens on todo.metrics_listen, or None if the setting is empty.

    Processes with a folder for their metrics share the port: any of them answers for all. Raise
    SystemExit (one line) for a public address in production, and for a port that is not free.
    """
    if settings.metrics_listen is None:
        return None
    address, port = settings.metrics_listen
    if settings.production and not (address.is_loopback or address.is_private):
        raise SystemExit(
            f"todo: the setting {_NAME} must be an address of this machine or of a private "
            f"network in production, such as 127.0.0.1:{port}: everyone who reaches it can read "
            "the metrics"
        )
    if port == http_port:
        raise SystemExit(f"todo: the setting {_NAME} must have another port than http_port {port}")
    listening = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if metrics_folder.is_shared():
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((str(address), port))
        listening.listen()  # now, so that another process finds the port in use
        return listening
    except OSError as error:
        raise SystemExit(
            f"todo: the setting {_NAME}: cannot listen on {address} port {port}: {error.strerror}; "
            f"choose another port, or set {metrics_folder.VARIABLE} for all processes that are to "
            "share it (docs/monitoring.md)"
        ) from None


def start(listening: socket.socket | None, engine: Engine) -> None:
    """Serve the metrics in a thread that ends with the process; without a socket, do nothing."""
    if listening is None:
        return
    metrics_folder.keep()
    metrics.BUILD_INFO.labels(version("todo"), MIGRATION, engine.dialect.name).set(1)
    registry = metrics.REGISTRY
    if metrics_folder.is_shared():
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    app = _only_metrics(make_wsgi_app(registry))
    server = waitress.create_server(
        app,
        map={},
        sockets=[listening],
        threads=1,
        ident="todo",
        asyncore_use_poll=True,  # select() would fail, and end the thread, beyond 1024 open files
    )
    threading.Thread(target=server.run, name="metrics", daemon=True).start()


def _only_metrics(app: Any) -> Any:
    """Wrap prometheus-client's application, which answers every path."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == PATH:
            body: Iterable[bytes] = app(environ, start_response)
            return body
        status = HTTPStatus.NOT_FOUND
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "text/plain")])
        return [f"Only {PATH} is here.\n".encode()]

    return answer
