"""Serve an application on waitress with four threads: `python -m benchmarks.on_waitress NAME PORT`.

NAME is `module:application`, or `module:factory()`. A third word, `one-core`, keeps it to one core,
as this project's own server is.
"""

import logging
import sys
from pkgutil import resolve_name

import waitress

from todo.cores import keep_to_one_core

THREADS = 4


def main() -> None:
    """Serve until stopped."""
    name, port, *one_core = sys.argv[1:]
    if one_core:
        keep_to_one_core(-1)
    application = resolve_name(name.removesuffix("()"))
    if name.endswith("()"):
        application = application()
    # It would write a line for each request that waits for a thread.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    waitress.create_server(application, host="127.0.0.1", port=int(port), threads=THREADS).run()


if __name__ == "__main__":
    main()
