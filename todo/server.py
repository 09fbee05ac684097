"""waitress, as `pserve` launches it from the section [server:main]."""

import socket
import sys
from collections.abc import Callable
from typing import Any

import waitress

from todo.http_parser import StrictChannel
from todo.passwords import PLACES
from todo.request import MAX_BODY

# Bytes; nginx takes as much. A limit of waitress is the first size that is too large.
MAX_HEADER = 32 * 1024


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


# Beside those that passwords may take, so that however many log in, everybody else is served.
OTHER_THREADS = 8


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
        server = waitress.create_server(
            app,
            sockets=[listening],
            threads=PLACES + OTHER_THREADS,
            ident="todo",
            **proxy_options(app.registry.settings["todo.trusted_proxy"]),
            max_request_header_size=MAX_HEADER + 1,
            max_request_body_size=MAX_BODY + 1,
        )
        server.channel_class = StrictChannel
        name = f"[{host}]" if ":" in host else host
        url = f"http://{name}:{server.effective_port}"
        sys.stdout.write(f"todo listens on {url}\nTry it: curl {url}/api/v1\n")
        sys.stdout.flush()
        server.run()

    return serve
