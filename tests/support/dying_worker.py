"""Ends each process that the service starts, as soon as it has started."""

import os
import threading

from pyramid.config import Configurator

_MAIN = os.getpid()


def _die() -> None:
    if os.getpid() != _MAIN:
        os._exit(7)


def includeme(config: Configurator) -> None:
    os.register_at_fork(after_in_child=lambda: threading.Timer(0.05, _die).start())
