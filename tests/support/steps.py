"""Count the work of a call in lines of code, which do not depend on the machine."""

import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any


def steps_of(call: Callable[[], object], module: ModuleType) -> int:
    """Return how many lines of the module's package run in the call."""
    folder = str(module.__file__).rpartition("/")[0]
    steps = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal steps
        if not frame.f_code.co_filename.startswith(folder):
            return None
        steps += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return steps
