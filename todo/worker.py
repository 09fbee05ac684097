"""One process that serves: until it is told to stop, and then until it has answered."""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from waitress import wasyncore

from todo.event_loop import Server

POLL = 0.5  # seconds after which the loop looks around although nothing has come
DRAIN = 25  # seconds to finish what runs or waits when the end is asked for
GRACE = 1  # seconds for who is connected and has not sent a whole request


def serve_alone(server: Server) -> None:
    """Serve until SIGTERM or SIGINT. A second SIGINT raises KeyboardInterrupt: at once."""
    stopping = threading.Event()

    def stop(*_: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stopping.set()
        server.pull_trigger()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    _serve(server, stopping)


def serve_under(make_server: Callable[[], Server], main_gone: int) -> None:
    """Serve until SIGTERM, or until the main process is gone.

    `make_server` starts threads, which no fork may have seen. `main_gone` is the end of a pipe of
    which the main process has the other end, and never writes to it.
    """
    server = make_server()
    stopping = threading.Event()

    def stop(*_: Any) -> None:
        stopping.set()
        server.pull_trigger()

    def wait_for_the_main_process() -> None:
        os.read(main_gone, 1)
        stop()

    signal.signal(signal.SIGTERM, stop)
    # Ctrl-C reaches all processes of a terminal; the main one tells the others what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # as it was before todo/workers.py waited
    threading.Thread(target=wait_for_the_main_process, daemon=True).start()
    _serve(server, stopping)


def _serve(server: Server, stopping: threading.Event) -> None:
    while not stopping.is_set():
        server.poll(POLL)
    _refuse_new_connections(server)
    began = time.monotonic()
    server.poll(0)  # what was sent before the end was asked for
    while (waited := time.monotonic() - began) < DRAIN and _is_busy(server, waited < GRACE):
        server.poll(0.05)
    server.task_dispatcher.shutdown(cancel_pending=True, timeout=1)


def _refuse_new_connections(server: Server) -> None:
    """Stop to listen, but take over who has been let in by the operating system."""
    for _ in range(server.adj.backlog):
        before = len(server.active_channels)
        server.handle_accept()
        if len(server.active_channels) == before:
            break
    # Not server.close(), which would close what wakes the loop, too.
    wasyncore.dispatcher.close(server)


def _is_busy(server: Server, has_grace: bool) -> bool:
    """Tell whether an answer is due, or, with grace, a request on its way."""
    return any(
        channel.requests or channel.total_outbufs_len or (has_grace and _may_be_sending(channel))
        for channel in server.active_channels.values()
    )


def _may_be_sending(channel: Any) -> bool:
    is_new = channel.last_activity == channel.creation_time
    return is_new or channel.request is not None
