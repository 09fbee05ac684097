"""The cores of the machine: how many the service may use, and on which a thread runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

# Those that this process was given at its start; a container may have fewer than the machine.
# Only Linux tells.
_USABLE = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def usable_cores() -> int:
    """Return the number of cores that the service may run on."""
    return len(_USABLE) or os.cpu_count() or 1


def keep_to_one_core(number: int) -> None:
    """Keep the calling thread, and those that it starts, to one core: `number`, modulo how many.

    Of the threads of a Python process one runs at a time (the GIL), and they take turns dozens of
    times in a request. To do so on two cores takes almost twice the time: docs/performance.md.
    """
    if _USABLE:
        os.sched_setaffinity(0, {_USABLE[number % len(_USABLE)]})


@contextmanager
def on_any_core() -> Iterator[None]:
    """Let the calling thread run on every core meanwhile: for long work that needs no GIL."""
    if not _USABLE:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _USABLE)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
