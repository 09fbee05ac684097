"""W3C Trace Context: the field traceparent is taken over, or a new trace begins."""

import re

import pytest

from todo.http.trace import read_trace

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize(
    "field",
    [
        VALID,
        f"00-{TRACE}-{PARENT}-00",
        f"00-{TRACE}-{PARENT}-ff",
        f"01-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01-what-the-future-brings",
        f"fe-{TRACE}-{PARENT}-01-",
    ],
)
def test_valid_field_is_taken_over(field: str) -> None:
    assert read_trace(field) == (TRACE, PARENT)


@pytest.mark.parametrize(
    "field",
    [
        None,
        "",
        "-",
        TRACE,
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        VALID.upper(),
        f"0X-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-0g",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}0-{PARENT}-01",
        f"00-{TRACE}-{PARENT[1:]}-01",
        f"00-{TRACE[:-1]}\u0664-{PARENT}-01",
        f"{VALID}-more",
        f"{VALID}\n",
        f" {VALID}",
        f"{VALID},{VALID}",
        f"{VALID}, {VALID}",
        f"01-{TRACE}-{PARENT}-01.more",
        f"01-{TRACE}-{PARENT}-01,{VALID}",
        f"0-{TRACE}-{PARENT}-01",
        "00" * 20_000,
    ],
)
def test_invalid_field_begins_a_new_trace(field: str | None) -> None:
    first, second = read_trace(field), read_trace(field)
    for trace in (first, second):
        assert re.fullmatch("[0-9a-f]{32}", trace.trace_id)
        assert trace.trace_id != TRACE
        assert trace.parent_id is None
    assert first != second
