"""The words of a quick entry, with their places in the text."""

import re
from dataclasses import dataclass

# A word may begin with a sign and a quoted name: #"Two words", @"at home". Other text in quotes is
# one word as well, which has no meaning.
_WORD = re.compile(r'[#@]?"[^"]*"\S*|\S+')


@dataclass(frozen=True)
class Word:
    """A word: its place in code points, and its text."""

    start: int
    end: int
    text: str


def split(text: str) -> list[Word]:
    """Return the words of the text, in order."""
    return [Word(match.start(), match.end(), match[0]) for match in _WORD.finditer(text)]
