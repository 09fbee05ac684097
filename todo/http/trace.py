"""W3C Trace Context (https://www.w3.org/TR/trace-context/): the trace that a request belongs to.

The field `tracestate` is not read: the service sends no request of its own within the trace.
"""

import random
import re
from typing import NamedTuple

# Section 3.2: version, trace id, parent id and flags. No version ff, and no id of zeros alone.
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})"
    r"-(?P<parent>(?!0{16})[0-9a-f]{16})-[0-9a-f]{2}(?P<rest>.*)",
    re.DOTALL,
)


class Trace(NamedTuple):
    """A trace: 32 hexadecimal digits, and 16 for the caller's part of it, or None."""

    trace_id: str
    parent_id: str | None


def read_trace(traceparent: str | None) -> Trace:
    """Return the trace that the field names, or a new one if it is missing or invalid.

    A later version may append parts (section 4.3). Several fields arrive as one with commas, which
    is invalid.
    """
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None or not _may_follow(found["version"], found["rest"]):
        return Trace(_new_trace_id(), None)
    return Trace(found["trace"], found["parent"])


def _may_follow(version: str, rest: str) -> bool:
    return rest == "" or (version != "00" and rest.startswith("-"))


def _new_trace_id() -> str:
    # Not a secret, like the id of a request.
    return f"{random.randrange(1, 2**128):032x}"  # noqa: S311
