"""A receiver of webhooks on 127.0.0.1."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

from todo.addresses import Networks

LOCAL: Networks = (ip_network("127.0.0.0/8"),)

ENOUGH = 30  # seconds that a request may be held


@dataclass(frozen=True)
class Received:
    """A request that has arrived."""

    path: str
    headers: Message
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """The requests that have arrived, and the answers to those that follow."""

    url: str
    received: list[Received] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)  # path -> status, if not 204
    fields: dict[str, str] = field(default_factory=dict)  # header fields of answers
    body: bytes = b""
    repeated: int = 1  # times that the body is sent
    sent: int = 0  # bytes of bodies
    before_answer: Callable[[Received], object] = lambda _request: None
    _arrival: threading.Condition = field(default_factory=threading.Condition)

    def add(self, request: Received) -> None:
        with self._arrival:
            self.received.append(request)
            self._arrival.notify_all()

    def wait_for(self, count: int, path: str = "") -> list[Received]:
        """Wait until this many requests have arrived, and return them."""
        with self._arrival:
            assert self._arrival.wait_for(lambda: len(self.at(path)) >= count, ENOUGH)
            return self.at(path)

    def at(self, path: str = "") -> list[Received]:
        """Return the requests to the path, or all."""
        return [each for each in self.received if path in ("", each.path)]


@contextmanager
def running_receiver(port: int = 0) -> Iterator[Receiver]:
    """Run a receiver until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = Received(self.path, self.headers, body)
            receiver.add(request)
            receiver.before_answer(request)
            with suppress(ConnectionError):
                self.send_response(receiver.statuses.get(self.path, 200))
                for name, value in receiver.fields.items():
                    self.send_header(name, value)
                size = len(receiver.body) * receiver.repeated
                self.send_header("Content-Length", str(size))
                self.end_headers()
                for _ in range(receiver.repeated):
                    self.wfile.write(receiver.body)
                    receiver.sent += len(receiver.body)

        def handle(self) -> None:
            with suppress(ConnectionError):
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    class QuietServer(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with QuietServer(("127.0.0.1", port), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()
