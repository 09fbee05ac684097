"""Positions: strings whose byte order is the order of the tasks of a list, and of the lists.

New objects come last without a look at the others: their position starts with the revision of the
account, which only grows. An object that is moved gets a position between those of its neighbours,
so a move writes one row. Each move to the same place makes the position longer.
"""

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
MIDDLE = "i"

POSITION_MAX = 255


def last_position(revision: int, index: int = 0) -> str:
    """Return a position after those of all earlier revisions, and of lower indexes."""
    return f"{_sortable(revision)}{_sortable(index)}{MIDDLE}"


def position_between(before: str, after: str) -> str:
    """Return a position between two others, which may have more than POSITION_MAX characters.

    No position is before the empty string.
    """
    shared = 0
    while (before[shared : shared + 1] or "0") == after[shared]:
        shared += 1
    if shared:
        return after[:shared] + position_between(before[shared:], after[shared:])
    low, high = DIGITS.index(before[:1] or "0"), DIGITS.index(after[0])
    if high - low > 1:
        return DIGITS[(low + high) // 2]
    # No position ends in 0, the first digit, so a longer one has a shorter one before it.
    return after[0] if len(after) > 1 else DIGITS[low] + _position_after(before[1:])


def positions_between(before: str, after: str, count: int) -> list[str]:
    """Return as many positions in order, spread evenly between two others."""
    if not count:
        return []
    middle = position_between(before, after)
    left = (count - 1) // 2
    return [
        *positions_between(before, middle, left),
        middle,
        *positions_between(middle, after, count - 1 - left),
    ]


def _position_after(before: str) -> str:
    low = DIGITS.index(before[:1] or "0")
    if low < len(DIGITS) - 1:
        return DIGITS[(low + len(DIGITS)) // 2]
    return DIGITS[low] + _position_after(before[1:])


def _sortable(number: int) -> str:
    """Return the number in base 36 after the number of its digits, so that 9 sorts before 10."""
    digits = ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return DIGITS[len(digits)] + digits
