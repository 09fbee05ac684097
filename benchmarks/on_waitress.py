"""Serve an application on waitress with the options of todo/server.py.

`python -m benchmarks.on_waitress NAME PORT`, where NAME is `module:application` or
`module:factory()`.
"""

import logging
import sys
from pkgutil import resolve_name

import waitress

from todo.server import DEFAULTS


def main() -> None:
    """Serve the application until the process is stopped."""
    name, port = sys.argv[1:]
    application = resolve_name(name.removesuffix("()"))
    if name.endswith("()"):
        application = application()
    # WARNING would log each request that waits for a thread.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    waitress.create_server(application, host="127.0.0.1", port=int(port), **DEFAULTS).run()


if __name__ == "__main__":
    main()
