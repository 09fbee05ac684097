"""Fold text for sorting, and split it into words for search.

The database stores folded text, so a change here needs a migration that folds it again.
"""

import unicodedata

import regex

WORD_MAX = 64  # characters; the rest of a longer word is ignored

# Han and kana are written without spaces, so each character is a word.
_WORD = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}ー]"
    r"|[[\p{L}\p{N}\p{M}]--[\p{Han}\p{Hiragana}\p{Katakana}ー]]+",
    regex.VERSION1,
)


def fold(text: str) -> str:
    """Return the text without case and accents: "Crème" and "creme" become equal.

    Decompose it (NFKD, Unicode Standard Annex 15), remove marks with a combining class other than
    zero, and casefold the rest (The Unicode Standard, section 5.18).
    """
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def words(text: str) -> list[str]:
    """Return the folded words of the text in order: runs of letters, digits and marks.

    Words contain no spaces or operators, so search queries need no escaping.
    """
    return [word[:WORD_MAX] for word in _WORD.findall(fold(text))]


def indexed_words(text: str | None) -> str:
    """Return the distinct words of the text, each after a space, for the search columns.

    The database replaces the space by the account: see todo/models/task.py.
    """
    return "".join(f" {word}" for word in dict.fromkeys(words(text or "")))
