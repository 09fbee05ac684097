"""Text as it is sorted and searched: folded, and cut into words. The only place that does it.

What is stored folded was folded by this code: a change here needs a migration that folds anew.
"""

import unicodedata

import regex

WORD_MAX = 64  # characters; the rest of a longer word is not looked at

# Han and kana are written without spaces, so that each character is a word.
_WORD = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}ー]"
    r"|[[\p{L}\p{N}\p{M}]--[\p{Han}\p{Hiragana}\p{Katakana}ー]]+",
    regex.VERSION1,
)


def fold(text: str) -> str:
    """Return the text without regard to case or accents: "Crème" and "creme" are the same.

    The compatibility decomposition (NFKD, Unicode Standard Annex 15) without its marks of a
    combining class other than zero, casefolded (The Unicode Standard, section 5.18).
    """
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def words(text: str) -> list[str]:
    """Return the words of the text, folded, in their order: runs of letters, digits and marks.

    None holds a space or anything else that a query language could read as its own.
    """
    return [word[:WORD_MAX] for word in _WORD.findall(fold(text))]


def indexed_words(text: str | None) -> str:
    """Return the words of the text, each once and after a space, as the search columns hold them.

    The space is where the database puts the account: see todo/models/task.py.
    """
    return "".join(f" {word}" for word in dict.fromkeys(words(text or "")))
