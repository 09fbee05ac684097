"""The words of a quick entry, with their places in the text."""

import re
from dataclasses import dataclass

# A word may begin with a sign and a quoted name: #"Two words", @"at home". Other text in quotes is
# one word as well, which has no meaning.
_WORD = re.compile(r'[#@]?"[^"]*"\S*|\S+')


@dataclass(frozen=True)
class Word:
    """A word: its place in code points, and its text in lower case for comparisons."""

    start: int
    end: int
    text: str

    @property
    def plain(self) -> str:
        """The word without a comma at its end, in lower case."""
        return self.text.removesuffix(",").lower()


def split(text: str) -> list[Word]:
    """Return the words of the text, in order."""
    return [Word(match.start(), match.end(), match[0]) for match in _WORD.finditer(text)]
