"""The loop of a process, with real connections."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from waitress.adjustments import Adjustments

from todo.dispatcher import PATIENCE, Dispatcher
from todo.event_loop import Channel, Server

IDLE_TIMEOUT = 1  # seconds
SECONDS = 3  # after which a test gives up
BIG = 32 * 1024 * 1024  # bytes, more than the buffers of both sides take


class Application:
    """Answers with the path; `/slow` and `/slower` when they may; `/big` with much."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.has_begun = threading.Event()
        self.may_answer_slower = threading.Event()
        self.has_begun_slower = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        body = environ["PATH_INFO"].encode()
        if body == b"/slow":
            self.has_begun.set()
            assert self.may_answer.wait(SECONDS)
        if body == b"/slower":
            self.has_begun_slower.set()
            assert self.may_answer_slower.wait(SECONDS)
        if body == b"/big":
            body = b"b" * BIG
        start_response("200 OK", [("Content-Length", f"{len(body)}")])
        return [body]


class Client:
    """A connection to the server."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=SECONDS)
        self.stream = self.socket.makefile("rb")

    def send(self, *paths: str) -> None:
        """Send requests."""
        lines = (f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths)
        self.socket.sendall("".join(lines).encode())

    def bodies(self, count: int) -> list[bytes]:
        """Return the bodies of so many answers."""
        found = []
        for _ in range(count):
            assert self.stream.readline() == b"HTTP/1.1 200 OK\r\n"
            lines = iter(self.stream.readline, b"\r\n")
            fields = dict(line.rstrip().split(b": ", 1) for line in lines)
            found.append(self.stream.read(int(fields[b"Content-Length"])))
        return found

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


class Loop:
    """A server that runs in a thread, and its clients."""

    def __init__(self) -> None:
        self.application = Application()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.dispatcher = Dispatcher(at_once=4)
        self.dispatcher.set_thread_count(4)
        adjustments = Adjustments(channel_timeout=IDLE_TIMEOUT, cleanup_interval=3600)
        self.server = Server(self.application, self.listening, self.dispatcher, adjustments)
        self.clients: list[Client] = []
        self.ends = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        while not self.ends:
            self.server.poll(60)

    def connect(self) -> Client:
        client = Client(self.listening.getsockname())
        self.clients.append(client)
        return client

    def stop(self) -> None:
        self.application.may_answer.set()
        self.application.may_answer_slower.set()
        self.ends = True
        self.server.pull_trigger()
        self.thread.join(SECONDS)
        self.dispatcher.shutdown()
        for client in self.clients:
            client.close()
        for channel in [*self.server.active_channels.values()]:
            channel.handle_close()
        self.server.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.stop()


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_a_connection_serves_one_request_after_the_other(loop: Loop) -> None:
    client = loop.connect()
    for number in range(20):
        client.send(f"/{number}")
        assert client.bodies(1) == [b"/%d" % number]


def test_who_sends_on_before_the_answer_is_answered_in_order(loop: Loop) -> None:
    client = loop.connect()
    client.send("/slow")
    assert loop.application.has_begun.wait(SECONDS)
    client.send("/1", "/2")
    (channel,) = loop.server.active_channels.values()
    wait_for(lambda: not channel.watched_for)  # the loop does not turn round and round meanwhile
    loop.application.may_answer.set()
    assert client.bodies(3) == [b"/slow", b"/1", b"/2"]


def test_who_sends_on_at_the_moment_of_the_answer_is_not_forgotten(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = loop.connect()
    client.send("/slow")
    assert loop.application.has_begun.wait(SECONDS)
    (channel,) = loop.server.active_channels.values()
    watch = loop.server.watch

    def watch_late(who: Any, events: int) -> None:
        if not events:
            loop.application.may_answer.set()
            wait_for(lambda: not channel.requests and not loop.dispatcher.working)
        watch(who, events)

    monkeypatch.setattr(loop.server, "watch", watch_late)
    client.send("/1")
    assert client.bodies(2) == [b"/slow", b"/1"]
    monkeypatch.undo()


def test_who_has_sent_on_waits_for_no_other_that_takes_long(loop: Loop) -> None:
    loop.dispatcher.at_once = 1
    client, other = loop.connect(), loop.connect()
    client.send("/slow", "/1")
    assert loop.application.has_begun.wait(SECONDS)
    other.send("/slower")
    assert loop.application.has_begun_slower.wait(SECONDS)
    time.sleep(3 * PATIENCE)  # the loop sleeps: nobody waits for a thread
    loop.application.may_answer.set()
    assert client.bodies(2) == [b"/slow", b"/1"]
    loop.application.may_answer_slower.set()
    assert other.bodies(1) == [b"/slower"]


def test_who_sends_nothing_more_is_answered_and_closed(loop: Loop) -> None:
    client = loop.connect()
    client.send("/slow")
    assert loop.application.has_begun.wait(SECONDS)
    client.socket.shutdown(socket.SHUT_WR)
    loop.application.may_answer.set()
    assert client.bodies(1) == [b"/slow"]
    assert client.stream.read(1) == b""
    wait_for(lambda: not loop.server.active_channels)


def test_who_reads_slowly_stops_nobody(loop: Loop) -> None:
    slow, other = loop.connect(), loop.connect()
    slow.send("/big")
    assert slow.socket.recv(1, socket.MSG_PEEK) == b"H"
    other.send("/1")
    assert other.bodies(1) == [b"/1"]
    assert slow.bodies(1) == [b"b" * BIG]
    slow.send("/2")
    assert slow.bodies(1) == [b"/2"]


def test_who_is_gone_before_the_answer_leaves_nothing(loop: Loop) -> None:
    client = loop.connect()
    client.send("/slow")
    assert loop.application.has_begun.wait(SECONDS)
    client.close()
    loop.application.may_answer.set()
    wait_for(lambda: not loop.server.active_channels)
    assert len(loop.server.selector.get_map()) == 2  # who listens, and what wakes the loop


def test_a_thread_that_answers_leaves_it_to_the_loop_to_close(loop: Loop) -> None:
    client = loop.connect()
    client.send("/slow")
    assert loop.application.has_begun.wait(SECONDS)
    (channel,) = loop.server.active_channels.values()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()  # by RST
    wait_for(lambda: not channel.watched_for)
    loop.server.answering.channel = channel  # as if this thread did
    assert channel.send(b"HTTP/1.1 100 Continue") == 0
    assert channel.connected
    loop.application.may_answer.set()
    wait_for(lambda: not loop.server.active_channels)
    del loop.server.answering.channel


def test_who_rests_too_long_is_closed(loop: Loop) -> None:
    client = loop.connect()
    client.send("/1")
    assert client.bodies(1) == [b"/1"]
    wait_for(lambda: not loop.dispatcher.working)  # it has noted when the client was active
    time.sleep(IDLE_TIMEOUT + 0.1)
    loop.server.next_channel_cleanup = 0
    loop.server.pull_trigger()
    assert client.stream.read(1) == b""


def test_connections_that_rest_are_not_asked(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    resting, active = loop.connect(), loop.connect()
    for client in (resting, active):
        client.send("/1")
        assert client.bodies(1) == [b"/1"]
    asked = []

    def note(channel: Channel) -> bool:
        asked.append(channel.addr)
        return is_readable(channel)

    is_readable = Channel.readable
    monkeypatch.setattr(Channel, "readable", note)
    for _ in range(5):
        active.send("/1")
        assert active.bodies(1) == [b"/1"]
    assert set(asked) == {active.socket.getsockname()}


def test_an_answer_wakes_the_loop_only_if_something_is_left(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = loop.connect()
    woken = []
    monkeypatch.setattr(loop.server.trigger, "pull_trigger", lambda: woken.append(1))
    for _ in range(5):
        client.send("/1")
        assert client.bodies(1) == [b"/1"]
        wait_for(
            lambda: not loop.dispatcher.working
        )  # the client is answered before the thread ends
    assert woken == []
    monkeypatch.undo()
