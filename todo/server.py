"""waitress, as `pserve` launches it from the section [server:main]."""

import gc
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from waitress.adjustments import Adjustments

from todo import access_log
from todo.auth.passwords import places
from todo.cores import keep_to_one_core
from todo.dispatcher import Dispatcher
from todo.event_loop import Server
from todo.http.request import MAX_BODY
from todo.http_parser import StrictChannel
from todo.worker import serve_alone, serve_under
from todo.workers import serve_by

# Bytes; nginx takes as much. A limit of waitress is the first size that is too large.
MAX_HEADER = 32 * 1024

# Threads beside those that passwords may take, so that however many log in, others are served.
OTHER_THREADS = 4

# Requests that a process works on at once, by the database. SQLite does its work in the thread that
# asks; where others wait, it is interrupted at each row. More serve no more: docs/performance.md.
AT_ONCE = {"sqlite": 1, "postgresql": 4}

CONNECTIONS = 1000  # of each process; one that is slow costs no thread

# Seconds without a byte. Longer than nginx keeps a connection to us (60 by default), so that the
# proxy ends it, and never sends a request into one that we are about to end.
IDLE_TIMEOUT = 65


def proxy_options(trusted_proxy: str) -> dict[str, Any]:
    """Return what tells waitress whose word counts for the client's address and scheme.

    Anybody can send X-Forwarded-For, so it is dropped unless it comes from the trusted proxy. Of
    several addresses the last one counts, which that proxy has added.
    """
    if not trusted_proxy:
        return {"clear_untrusted_proxy_headers": True}
    return {
        "clear_untrusted_proxy_headers": True,
        "trusted_proxy": trusted_proxy,
        "trusted_proxy_count": 1,
        "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto",
    }


def create_server(app: Any, listening: socket.socket, number: int) -> Server:
    """Return waitress, ready to serve in this process, with its threads on that core."""
    keep_to_one_core(number)
    settings = app.registry.settings
    dispatcher = Dispatcher(AT_ONCE[app.registry["engine"].dialect.name])
    dispatcher.set_thread_count(places(settings["todo.workers"]) + OTHER_THREADS)
    adjustments = Adjustments(
        ident="todo",
        connection_limit=CONNECTIONS,
        channel_timeout=IDLE_TIMEOUT,
        cleanup_interval=5,
        **proxy_options(settings["todo.trusted_proxy"]),
        max_request_header_size=MAX_HEADER + 1,
        max_request_body_size=MAX_BODY + 1,
    )
    server = Server(app, listening, dispatcher, adjustments)
    server.channel_class = access_log.LoggedChannel if access_log.is_on() else StrictChannel
    return server


def announce(listening: socket.socket) -> None:
    """Say on standard output, and to systemd where it waits for it, that the service is there."""
    host, port = listening.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    url = f"http://{name}:{port}"
    sys.stdout.write(f"todo listens on {url}\nTry it: curl {url}/api/v1\n")
    sys.stdout.flush()
    if path := os.environ.get("NOTIFY_SOCKET"):  # sd_notify(3)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.connect("\0" + path[1:] if path.startswith("@") else path)
            manager.send(b"READY=1")


def server_factory(
    global_conf: dict[str, str], host: str = "127.0.0.1", http_port: str = "6543"
) -> Callable[[Any], None]:
    """Take the port, and return what serves an application on it until interrupted.

    `http_port=NNNN` on pserve's command line wins over the ini. A port that cannot be had stops
    the start here: of an error later than this, pserve would report success.
    """
    port = global_conf.get("http_port", http_port)
    if not (port.isascii() and port.isdigit() and int(port) < 2**16):
        raise SystemExit(f"todo: http_port must be a number from 0 to 65535, not {port}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, int(port)), family=family)
    except OSError as error:
        raise SystemExit(
            f"todo: cannot listen on {host}:{port}: {error.strerror}; "
            "choose another port with http_port=NNNN"
        ) from None

    def serve(app: Any) -> None:
        # What was made so far stays. To look through it for garbage again and again would stop all
        # requests for a tenth of a second, and write to memory that the processes share.
        gc.collect()
        gc.freeze()
        workers = app.registry.settings["todo.workers"]
        if workers == 1:
            # The last one: the first has more of the machine's own work.
            server = create_server(app, listening, -1)
            announce(listening)
            serve_alone(server)
            return
        # The start has asked the database; two processes must not talk on one connection.
        for engine in ("engine", "reading_engine"):
            app.registry[engine].dispose()

        def work(number: int, main_gone: int) -> None:
            serve_under(lambda: create_server(app, listening, number), main_gone)

        serve_by(workers, listening, work, lambda: announce(listening))

    return serve
