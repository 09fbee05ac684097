"""waitress, as `pserve` launches it from the section [server:main]."""

import sys
from typing import Any

from waitress import create_server

from todo.bodies import MAX_BODY


def serve(app: Any, global_conf: dict[str, str], host: str, http_port: str = "6543") -> None:
    """Serve until interrupted. `http_port=NNNN` on pserve's command line wins over the ini."""
    port = global_conf.get("http_port", http_port)
    if not (port.isascii() and port.isdigit() and int(port) < 2**16):
        raise SystemExit(f"todo: http_port must be a number from 0 to 65535, not {port}")
    try:
        server = create_server(
            app, host=host, port=int(port), ident="todo", max_request_body_size=MAX_BODY
        )
    except OSError as error:
        raise SystemExit(
            f"todo: cannot listen on {host}:{port}: {error.strerror}; "
            "choose another port with http_port=NNNN"
        ) from None
    url = f"http://{host}:{server.effective_port}"
    sys.stdout.write(f"todo listens on {url}\nTry it: curl {url}/api/v1\n")
    sys.stdout.flush()
    server.run()
