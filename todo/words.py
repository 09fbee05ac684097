"""Fold text for sorting, and split it into words for search.

The database stores folded text, so a change here needs a migration that folds it again.
"""

import re
import unicodedata
from collections.abc import Iterator

import regex

WORD_MAX = 64  # characters; the rest of a longer word is ignored
WINDOW = 4  # characters of a script without spaces that are indexed together

# Bounds of the time that folding takes. They change no text that people write.
MARKS_MAX = 30  # combining marks in a row (Unicode Standard Annex 15, section 13)
GROWTH_MAX = 3  # decomposed characters for each one: Korean has as many, U+FDFA 18
GROWTH_FREE = 64  # further decomposed characters of a text

# Latin letters that have no decomposition: those that the Unicode Character Database names "Latin
# small letter X with" a stroke, bar, hook or the like, and those that resemble several letters or
# another one, as CLDR's transform Latin-ASCII (Unicode Technical Standard 35) replaces them.
_LATIN = {
    "a": "ᶏⱥ",
    "b": "ƀƃɓᵬᶀꞗ",
    "c": "ƈȼɕꞓꞔ𝼝",
    "d": "ðđƌȡɖɗᵭᶁᶑꟈ𝼥",
    "e": "ɇᶒⱸꬴ",
    "f": "ƒᵮᶂꞙ",
    "g": "ǥɠᶃꞡ",
    "h": "ħɦⱨꞕ",
    "i": "ıɨᶖ𝼚",
    "j": "ȷɉʝɟ",
    "k": "ƙᶄⱪꝁꝃꝅꞣ",
    "l": "łƚȴɫɬɭᶅⱡꝉꞎꬷꬸꬹ𝼑𝼓𝼦",
    "m": "ɱᵯᶆꬺ",
    "n": "ŋƞȵɲɳᵰᶇꞑꞥꬻ𝼧",
    "o": "ɵøⱺꝋꝍ𝼛",
    "p": "ƥᵱᵽᶈꝑꝓꝕ",
    "q": "ĸɋʠꝗꝙ",
    "r": "ɍɼɽɾᵲᵳᶉꞧꭉ𝼖𝼨",
    "s": "ȿʂᵴᶊꞩꟊ𝼞𝼩ꟍẜẝ",
    "t": "ŧƫƭȶʈᵵⱦ𝼉𝼪",
    "u": "ʉᶙꞹꭎꭒ",
    "v": "ʋᶌⱱⱴꝟ",
    "w": "ⱳ",
    "x": "ᶍꭖꭗꭘꭙ",
    "y": "ƴɏỿꭚ",
    "z": "ƶȥɀʐʑᵶᶎⱬ",
    "ae": "æ",
    "oe": "œ",
    "th": "þꝥꝧ",
}
_LETTERS = {each: latin for latin, letters in _LATIN.items() for each in letters}

# Combining classes of marks that are not accents: zero, and the vowels of Telugu, Thai, Lao and
# Tibetan (Unicode Standard Annex 44, section 5.7.4).
_KEPT_CLASSES = {0, 84, 91, 103, 118, 129, 130, 132}

# Characters that are invisible (Default_Ignorable_Code_Point) or only lengthen, colour or frame
# another one: soft hyphens, tatweel, skin tones, keycaps. Excepted are U+200C, because Persian also
# writes a space instead, and tags, because the flags of regions differ only in them.
_IGNORED = regex.compile(
    r"[\p{DI}--[\u200C\U000E0020-\U000E007F]]|\p{Joining_Type=C}"
    r"|(?<=\p{EBase}\uFE0F?)\p{EMod}|(?<=\p{Nd}\uFE0F?)\u20E3",
    regex.VERSION1,
)

# Scripts whose lines may break between any letters, because they have no spaces between words:
# Han, kana, Thai, Lao, Khmer, Burmese and others (Line_Break, Unicode Standard Annex 14).
_UNSPACED = (
    r"[[\p{Han}\p{Hiragana}\p{Katakana}ー[[\p{LB=ID}\p{LB=SA}\p{LB=AK}\p{LB=AS}]&&\p{L}]]"
    r"--\p{M}]"
)
_EMOJI = r"(?:\p{RI}{2}|[\p{ExtPict}\p{RI}\p{EMod}][\U000E0020-\U000E007F]*)"
_CHARACTER = rf"{_UNSPACED}\p{{M}}*"
_CHARACTERS = regex.compile(rf"{_CHARACTER}|{_EMOJI}", regex.VERSION1)
_ASCII_WORD = re.compile("[a-z0-9]+")
_RUN = regex.compile(
    rf"[[\p{{L}}\p{{N}}\p{{M}}]--{_UNSPACED}]+|(?P<unspaced>(?:{_CHARACTER})+|{_EMOJI}+)",
    regex.VERSION1,
)


# Combining marks, and the halfwidth sound marks, which decompose to one. Sorting n marks in a row
# by their combining class takes n² steps.
_MARK = r"[\p{M}\uFF9E\uFF9F]"
_SURPLUS_MARKS = regex.compile(rf"(?<!{_MARK})({_MARK}{{{MARKS_MAX}}}){_MARK}+")


def fold(text: str) -> str:
    """Return the text without case and accents: "Crème" and "creme" become equal.

    Decompose it (NFKD, Unicode Standard Annex 15), casefold it (The Unicode Standard, section
    5.18), and remove accents, by their combining class. Replace digits of all scripts and Latin
    letters with strokes by those of ASCII.
    """
    if text.isascii():
        return text.casefold()
    # Casefolding turns the iota subscript into a letter, so it precedes the removal of marks.
    return _IGNORED.sub("", _decompose(text)).casefold().translate(_BASES)


def _decompose(text: str) -> str:
    """Return the text in NFKD, without surplus marks and the end of a text that grows too much."""
    decomposed = unicodedata.normalize("NFKD", _SURPLUS_MARKS.sub(r"\1", text))
    return decomposed[: GROWTH_MAX * len(text) + GROWTH_FREE]


class _Bases(dict[int, str]):
    """The table of str.translate(): what fold() leaves of each character, found at its first use.

    It has at most as many entries as Unicode has characters.
    """

    def __missing__(self, codepoint: int) -> str:
        base = self[codepoint] = _base(chr(codepoint))
        return base


_BASES = _Bases()


def _base(character: str) -> str:
    if unicodedata.combining(character) not in _KEPT_CLASSES:
        return ""
    digit = unicodedata.digit(character, None)
    return _LETTERS.get(character, character) if digit is None else str(digit)


def words(text: str) -> Iterator[str]:
    """Yield the folded words of the text in order: runs of letters, digits and marks.

    A script without spaces, and emoji, have a word at each character: it and the next ones, up to
    WINDOW. So any part of a run that is no longer is the start of a word.

    Words contain no spaces or operators, so search queries need no escaping.
    """
    folded = fold(text)
    if folded.isascii():
        yield from (word[:WORD_MAX] for word in _ASCII_WORD.findall(folded))
        return
    for run in _RUN.finditer(folded):
        yield from _windows(run["unspaced"]) if run["unspaced"] else [run[0][:WORD_MAX]]


def searched_words(text: str) -> list[tuple[str, bool]]:
    """Return the distinct words that a text must have, and whether each may be just the start."""
    found = []
    for run in _RUN.finditer(fold(text)):
        if run["unspaced"]:
            windows = _windows(run["unspaced"])
            # The last window of full length contains the shorter ones after it.
            *others, last = windows[: max(1, len(windows) - WINDOW + 1)]
            found += [*((word, False) for word in others), (last, True)]
        else:
            found.append((run[0][:WORD_MAX], False))
    if found:
        found[-1] = (found[-1][0], True)
    return list(dict.fromkeys(found))


def indexed_words(text: str | None) -> str:
    """Return the distinct words of the text, each after a space, for the search columns.

    The database replaces the space by the account: see todo/models/task.py.
    """
    return "".join(f" {word}" for word in dict.fromkeys(words(text or "")))


def _windows(run: str) -> list[str]:
    """Return up to WINDOW characters from each character of the run."""
    characters = _CHARACTERS.findall(run)
    return [
        "".join(characters[first : first + WINDOW])[:WORD_MAX] for first in range(len(characters))
    ]
