"""Stock waitress for `pserve` and [server:main], with the behaviour that it has no options for."""

import ctypes
import gc
import logging
import os
import resource
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import waitress
from pyramid.paster import get_appsettings
from waitress import wasyncore
from waitress.adjustments import Adjustments

from todo import jobs, metrics_server, settings
from todo.auth.running import AT_ONCE, WAITING
from todo.http.request import MAX_BODY

logger = logging.getLogger(__name__)

CLOSE_DELAY = 1  # seconds to keep serving at the end; the proxy closes idle connections sooner
DRAIN_TIMEOUT = 25  # seconds for running requests to finish

THREADS_OF_ACCOUNT = AT_ONCE + WAITING

# waitress options; [server:main] overrides them. Each size limit is the smallest refused size.
DEFAULTS: dict[str, Any] = {
    "asyncore_use_poll": True,  # select() fails beyond 1024 open files
    "clear_untrusted_proxy_headers": False,  # todo/http/proxies.py reads and removes them
    "channel_timeout": 65,  # seconds; most proxies close an idle connection after 60
    "connection_limit": 1000,
    "ident": "todo",
    # The application itself refuses a body of more than MAX_BODY, with its own error.
    "max_request_body_size": 2 * MAX_BODY + 1,
    "max_request_header_size": 32 * 1024 + 1,
    "threads": THREADS_OF_ACCOUNT + 2,
}

# A connection, a large body, and answers up to waitress's outbuf_high_watermark of 16 MB: waitress
# keeps each unsent answer of more than 1 MB in a temporary file.
OPEN_FILES_PER_CONNECTION = 19
OTHER_OPEN_FILES = 200  # such as connections to the database

PORT_NAMES = ("http_port", "port")

# waitress describes its options by their defaults only. Those with another type of default, such as
# `listen`, and those in _OTHER_SETTINGS set what to listen on or which proxy to trust, for which
# todo has its own settings.
_OTHER_SETTINGS = ("ipv4", "ipv6", "server_name", "unix_socket_perms")
OPTIONS = sorted(
    name
    for name, default in vars(Adjustments).items()
    if type(default) in (bool, int, str)
    and not name.startswith("_")
    and name not in _OTHER_SETTINGS
)


def server_factory(
    global_conf: dict[str, str], host: str = "127.0.0.1", **section: str
) -> Callable[[Any], None]:
    """Check the section, bind the port, and return the function that serves an application.

    `host=…` and `http_port=NNNN` on the command line win. Raise SystemExit here for every error:
    pserve reports a later SystemExit as success.
    """
    options = {name: value for name, value in section.items() if name not in PORT_NAMES}
    for name, value in options.items():
        _check(name, value)
    listening = _listen(global_conf.get("host", host), _port(global_conf, section))
    metrics = _listen_for_metrics(global_conf, listening.getsockname()[1])

    def serve(app: Any) -> None:
        _allow_open_files(int((DEFAULTS | options)["connection_limit"]))
        _limit_heaps()
        gc.freeze()  # scanning the objects of the startup would stop requests for 50 ms
        engine, checked = app.registry["engine"], app.registry["settings"]
        metrics_server.start(metrics, engine)
        stopping = threading.Event()
        runner = jobs.start(engine, checked, stopping) if checked.jobs else None
        left = _serve(app, listening, checked.public_url, DEFAULTS | options, stopping)
        if runner is not None:
            runner.stop(left)

    return serve


def _check(name: str, value: str) -> None:
    if name.startswith("trusted_proxy"):
        raise SystemExit(f"todo: set todo.trusted_proxy in [app:main] instead of {name}")
    if name not in OPTIONS:
        known = ", ".join(("host", *PORT_NAMES, *OPTIONS))
        raise SystemExit(f"todo: [server:main] has no option {name}; it has {known}")
    try:
        read = Adjustments(**{"sockets": [], name: value})
        if name == "threads" and read.threads <= THREADS_OF_ACCOUNT:
            raise ValueError(
                f"must be more than {THREADS_OF_ACCOUNT}, because one account may block as many"
            )
    except ValueError as error:
        raise SystemExit(f"todo: the option {name} in [server:main]: {error}") from None


def _port(*sources: Mapping[str, str]) -> str:
    """Return the port in the first source that has one, or the default."""
    for source in sources:
        ports = [source[name] for name in PORT_NAMES if name in source]
        if len(ports) > 1:
            raise SystemExit("todo: http_port and port are the same option; set only one of them")
        if ports:
            return ports[0]
    return "6543"


def _listen(host: str, port: str) -> socket.socket:
    # int() is slow and then fails for thousands of digits.
    if not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 2**16):
        raise SystemExit(f"todo: http_port must be a number from 0 to 65535, not {port:.20}")
    if not host.strip():
        raise SystemExit("todo: host must not be empty: set 127.0.0.1, or * for every address")
    every = host == "*"
    try:  # bind only: waitress listens once the application is loaded
        listening = socket.socket(socket.AF_INET6 if every or ":" in host else socket.AF_INET)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if every:  # IPv4 as well
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(("::" if every else host, int(port)))
        return listening
    except OSError as error:
        raise SystemExit(
            f"todo: cannot listen on {host}:{port}: {error.strerror}; "
            "choose another port with http_port=NNNN"
        ) from None


def _listen_for_metrics(global_conf: dict[str, str], port: int) -> socket.socket | None:
    """Return the socket for the metrics, or None.

    It is bound here, so the settings of the application, which pserve loads later, are read here.
    """
    if "__file__" not in global_conf:
        return None
    ini = os.path.relpath(global_conf["__file__"])  # the folder may have a #, which ends a path
    checked = settings.read(get_appsettings(ini, options=global_conf))
    return metrics_server.listen(checked, port)


def _limit_heaps() -> None:
    """Let glibc use two heaps: with one per thread, each keeps the memory of a large answer."""
    m_arena_max = -8  # mallopt(3)
    with suppress(AttributeError, OSError):  # not glibc
        ctypes.CDLL(None).mallopt(m_arena_max, 2)


def _allow_open_files(connections: int) -> None:
    """Raise the soft limit of open files: without a free one, waitress spins and fills the log."""
    needed = connections * OPEN_FILES_PER_CONNECTION + OTHER_OPEN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed or soft == resource.RLIM_INFINITY:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except ValueError as error:
        logger.warning(
            "%d open files may be too few for %d connections: %s; allow %d, or lower "
            "connection_limit",
            soft,
            connections,
            error,
            needed,
        )


def _announce(listening: socket.socket, public_url: str) -> None:
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104
        host = "localhost"  # a browser cannot open the address of all interfaces
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    reached = public_url or url
    lines = (
        f"todo listens on {url}",
        f"Open in a browser: {reached}/",
        f"Try it: curl {reached}/api/v1",
    )
    print(*lines, sep="\n", flush=True)  # noqa: T201
    if path := os.environ.get("NOTIFY_SOCKET"):  # sd_notify(3)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.connect("\0" + path[1:] if path.startswith("@") else path)
            manager.send(b"READY=1")


def _announce_end(app: Any, stopping: threading.Event) -> Any:
    """Wrap the application so that its responses have "Connection: close" while the service stops.

    Otherwise a proxy would send its next request on a connection that is about to close. An
    application may not set the field (PEP 3333), but waitress adds it to bodies of unknown length.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, fields: list[tuple[str, str]], *exc_info: Any) -> Any:
            if stopping.is_set() and environ["REQUEST_METHOD"] != "HEAD":
                fields = [field for field in fields if field[0].lower() != "content-length"]
            return start_response(status, fields, *exc_info)

        body = app(environ, start)
        return iter(body) if stopping.is_set() else body

    return answer


def stop_on_signals(stopping: threading.Event, wake: Callable[[], object]) -> None:
    """Set `stopping` and call `wake` on SIGTERM or SIGINT. A second SIGINT ends the process."""

    def stop(*_: object) -> None:
        # Another signal would interrupt set() and wait for its lock for ever. A process may get
        # SIGTERM twice: from the sender, who signals its group, and from make, which passes it on.
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stopping.set()
        wake()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _serve(
    app: Any,
    listening: socket.socket,
    public_url: str,
    options: dict[str, Any],
    stopping: threading.Event,
) -> float:
    """Serve until SIGTERM or SIGINT, then finish running requests. A second SIGINT ends at once.

    Return the seconds that are left of DRAIN_TIMEOUT.
    """
    sockets = dict[int, Any]()
    app = _announce_end(app, stopping)
    server = waitress.create_server(app, map=sockets, sockets=[listening], **options)

    def poll(timeout: float) -> None:
        wasyncore.loop(timeout, server.adj.asyncore_use_poll, sockets, count=1)

    def is_busy(spent: float) -> bool:
        clients = server.active_channels.values()
        # `request` is still arriving, `requests` are complete.
        return any(
            spent < CLOSE_DELAY or c.request or c.requests or c.total_outbufs_len for c in clients
        )

    stop_on_signals(stopping, server.pull_trigger)
    _announce(listening, public_url)
    while not stopping.is_set():
        poll(server.adj.asyncore_loop_timeout)
    began = time.monotonic()
    # Closing the socket resets the connections in its queue, so accept those first.
    while time.monotonic() - began < CLOSE_DELAY and select.select([listening], [], [], 0)[0]:
        poll(0)
    del sockets[listening.fileno()]
    listening.close()
    while (spent := time.monotonic() - began) < DRAIN_TIMEOUT and is_busy(spent):
        poll(0.05)
    server.task_dispatcher.shutdown(timeout=1)
    return max(0, DRAIN_TIMEOUT - (time.monotonic() - began))
