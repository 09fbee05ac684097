"""Folding text and cutting it into words."""

import pytest

from todo.words import WORD_MAX, fold, indexed_words, words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Crème Brûlée", "creme brulee"),
        ("STRASSE Straße", "strasse strasse"),
        ("İstanbul", "istanbul"),
        ("ﬁgs ２ Ⅷ", "figs 2 viii"),
        ("Ελλάς", "ελλασ"),
        ("Ёлка", "елка"),
        ("ガ ｶﾞ か", "カ カ か"),
        # A vowel sign of Devanagari is no accent: its combining class is zero.
        ("की", "की"),
        ("", ""),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Milk, 2 bottles!", ["milk", "2", "bottles"]),
        ("don't e-mail a_b c++", ["don", "t", "e", "mail", "a", "b", "c"]),
        ("tea tea TEA", ["tea", "tea", "tea"]),
        ("東京タワー go", ["東", "京", "タ", "ワ", "ー", "go"]),
        ("買Milk物", ["買", "milk", "物"]),
        ("한국", ["\u1112\u1161\u11ab\u1100\u116e\u11a8"]),
        ("की", ["की"]),
        ("*\"'()&|!:<>\\ \0\n", []),
        ("🍎", []),
        ("x" * 100, ["x" * WORD_MAX]),
    ],
)
def test_words(text: str, cut: list[str]) -> None:
    assert words(text) == cut


def test_indexed_words_stand_once_after_a_space() -> None:
    assert indexed_words("Tea, milk; TEA") == " tea milk"
    assert indexed_words("") == indexed_words(None) == ""
