"""Positions: strings whose byte order is the order of tasks and lists."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo.positions import (
    DIGITS,
    POSITION_MAX,
    last_position,
    position_between,
    positions_between,
)

# Every position that exists is one of these, or lies between two of them.
LAST = st.builds(last_position, st.integers(1, 2**63 - 1), st.integers(0, 5_000))
POSITIONS = st.text(DIGITS, max_size=20).map(lambda text: text + "i") | LAST


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 5_000)), min_size=2))
def test_last_positions_are_in_order_of_revision_and_index(keys: list[tuple[int, int]]) -> None:
    keys = sorted(set(keys))
    positions = [last_position(*key) for key in keys]
    assert sorted(positions) == positions
    assert len(set(positions)) == len(keys)


def test_last_position_of_largest_revision_is_short() -> None:
    assert len(last_position(2**63 - 1, 5_000)) < 20


@given(st.sets(POSITIONS, min_size=2, max_size=2))
def test_position_between_two_others_differs_from_both(pair: set[str]) -> None:
    before, after = sorted(pair)
    found = position_between(before, after)
    assert before < found < after
    assert set(found) <= set(DIGITS)
    assert len(found) <= max(len(before), len(after)) + 1


@given(POSITIONS)
def test_position_before_first_one_exists(first: str) -> None:
    assert "" < position_between("", first) < first


@given(st.lists(st.integers(0, 10_000), max_size=60))
def test_repeated_insertions_anywhere_keep_order(places: list[int]) -> None:
    row = [last_position(revision) for revision in (1, 2)]
    for number in places:
        index = number % len(row)
        before = row[index - 1] if index else ""
        row.insert(index, position_between(before, row[index]))
    assert sorted(row) == row
    assert len(set(row)) == len(row)


@pytest.mark.parametrize("side", ["before", "after", "both"])
def test_position_grows_slowly_at_same_place(side: str) -> None:
    """A place takes more than a thousand moves before its siblings need other positions."""
    chance = random.Random(20)
    low, high = last_position(1), last_position(2)
    for _ in range(1_000):
        found = position_between(low, high)
        assert low < found < high
        if side == "before" or (side == "both" and chance.random() < 0.5):
            high = found
        else:
            low = found
    assert len(found) <= POSITION_MAX


@given(st.sets(POSITIONS, min_size=2, max_size=2), st.integers(0, 300))
def test_positions_between_are_in_order_and_differ(pair: set[str], count: int) -> None:
    before, after = sorted(pair)
    found = positions_between(before, after, count)
    assert len(found) == count
    row = [before, *found, after]
    assert sorted(set(row)) == row


@pytest.mark.parametrize("count", [1, 10, 2_001])
@pytest.mark.parametrize("before", ["", last_position(1)])
def test_positions_between_are_short(before: str, count: int) -> None:
    """Halving the range gives every position about as many digits as the count needs."""
    high = last_position(2**40)
    found = positions_between(before, high, count)
    ends = max(len(before), len(high))
    assert max(map(len, found)) <= ends + 2 + math.log2(count + 1)


@given(st.text("i", min_size=POSITION_MAX - 1, max_size=POSITION_MAX))
def test_full_place_has_a_longer_position(long: str) -> None:
    """The caller sees by the length that a place is full."""
    assert long < position_between(long, f"{long}1") < f"{long}1"
