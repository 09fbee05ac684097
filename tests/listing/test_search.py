"""Search: folding text, splitting it into words, and one table of cases for both databases."""

import re
import sys
import unicodedata
from urllib.parse import quote

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.support.client import User, faults
from tests.support.factories import Login, make_task
from todo.models import Task
from todo.schemas.task_filter import SEARCH_MAX
from todo.words import WORD_MAX, fold, indexed_words, words

TASKS = {
    "milk": ("Buy milk", None),
    "bottles": ("Milk", "two bottles, and bread"),
    "creme": ("Crème brûlée", "für Zoë"),
    "strasse": ("Straße fegen", None),
    "athens": ("Ταξίδι στην ΑΘΗΝΑ", "Ελλάς"),
    "moscow": ("Ёлка в Москву", None),
    "tokyo": ("東京へ行く", "カードを買う"),
    "hindi": ("हिन्दी सीखना", None),
    "hebrew": ("לקנות חלב", None),
    "arabic": ("شراء حليب", None),
    "korean": ("서울 여행", None),
    "quotes": ('Say "near" or NOT', "it's 100% AND(*) :* a|b & <-> \\"),
    "long": ("a" * 70 + " end", None),
    "fullwidth": ("ＦＵＬＬ ｗｉｄｔｈ", None),
    "emoji": ("🍎 apples", None),
}

# By expected tasks: the searches that find exactly these.
CASES = {
    "milk bottles": ["milk", "MILK", "mil", "milk milk mi"],
    "bottles": ["milk bread", "bread milk", "milk bre", "two  ,  bottles"],
    "creme": ["creme", "CRÈME brul", "cre\u0300me", "zoe fur", "zoe für"],
    "strasse": ["strasse", "STRASSE", "Straße f"],
    "athens": ["αθηνα", "ελλας"],
    "moscow": ["елка", "МОСК"],
    # Each character is a word, in any order; the voicing marks of kana count as accents.
    "tokyo": ["東京", "京", "京 東", "ガート", "ｶｰﾄﾞ"],
    "hindi": ["हिन्दी", "हि"],
    "hebrew": ["חלב"],
    "arabic": ["حليب"],
    "korean": ["서우"],  # the start of a syllable
    "quotes": ["near", "NEAR(say or)", "a|b", "a & b", "100%", "it's", "not:*", "-say"],
    "long": ["a" * 64, "a" * 65, "a" * 70 + " end", "a" * 63],
    "fullwidth": ["full width"],
    "emoji": ["🍎apples"],
    # Only the last word matches as a prefix, and operators are plain words.
    "": [
        *("ilk", "bre milk", "mi milk", "milk cream", '"say" OR nothing', "name_words:milk"),
        "nothing of the kind",
    ],
}


@pytest.fixture
def keys_by_id(db: Session, alice: Login) -> dict[int, str]:
    return {make_task(db, alice, name=name, note=note): key for key, (name, note) in TASKS.items()}


def test_search_finds_expected_tasks(
    alice: User, bob: Login, db: Session, keys_by_id: dict[int, str]
) -> None:
    for name, note in TASKS.values():
        make_task(db, bob, name=name, note=note)
    for expected, searches in CASES.items():
        for search in searches:
            answer = alice.get(f"{alice.tasks_url}?fields=id&search={quote(search)}")
            found = [keys_by_id[task["id"]] for task in answer.json["tasks"]]
            assert found == [key for key in reversed(TASKS) if key in expected.split()], search


@pytest.mark.parametrize(
    "search",
    [
        "x " * 127,
        "".join(chr(0x4E00 + n) for n in range(SEARCH_MAX)),
        "\ufdfa" * SEARCH_MAX,  # each decomposes to 18 characters
        "\U0010ffff x \ufffe \u200b \u202e x",
        "' OR 1=1 --",
        "'::tsvector @@ 'x",
        '") OR "" ("',
        "NEAR(x y, 10) ^x {a b}: -x x*",
        "\\",
    ],
)
def test_search_text_never_causes_query_error(alice: User, search: str) -> None:
    answer = alice.get(f"{alice.tasks_url}?search={quote(search)}")
    assert answer.status_int in (200, 400)
    if answer.status_int == 400:
        assert faults(answer) == {"search": "no_words"}


def test_search_reflects_every_write(alice: User) -> None:
    def found(search: str) -> int:
        return len(alice.get(f"{alice.tasks_url}?search={search}").json["tasks"])

    alice.send_json("POST", alice.tasks_url, {"name": "Milk", "note": "cold"})
    [task] = alice.get(f"{alice.tasks_url}?search=milk").json["tasks"]
    url = f"{alice.tasks_url}/{task['id']}"
    assert found("milk cold") == 1
    alice.send_json("PATCH", url, {"name": "Tea"})
    assert (found("milk"), found("tea cold")) == (0, 1)
    alice.send_json("PATCH", url, {"note": None})
    assert (found("cold"), found("tea")) == (0, 1)
    alice.send_json("PATCH", f"{alice.tasks_url}?search=tea", {"note": "hot", "name": "Soup"})
    assert (found("tea"), found("soup hot")) == (0, 1)
    alice.delete(url)
    assert found("soup") == 0


def test_search_finds_no_foreign_tasks(alice: User, bob: Login, db: Session) -> None:
    # Each indexed word starts with the digits of its account: no word may imitate another account.
    make_task(db, bob, name=f"{alice.id:016x}secret secret")
    for search in ("secret", f"{alice.id:016x}secret", f"{bob.id:016x}secret"):
        assert alice.get(f"{alice.tasks_url}?search={search}").json["tasks"] == []


def test_every_write_sets_search_columns(alice: User, db: Session) -> None:
    alice.send_json("POST", alice.tasks_url, {"tasks": [{"name": "Ä"}, {"name": "B"}]})
    alice.send_json("PATCH", f"{alice.tasks_url}?search=b", {"name": "Ç", "note": "É!"})
    rows = db.execute(select(Task.name_folded, Task.name_words, Task.note_words).order_by(Task.id))
    assert [tuple(row) for row in rows] == [("a", " a", ""), ("c", " c", " e")]


# PostgreSQL maintains its index itself.
@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_account_deletion_deletes_indexed_words(
    alice: User, db: Session, keys_by_id: dict[int, str]
) -> None:
    match = text(f"SELECT count(*) FROM task_words WHERE task_words MATCH '\"{alice.id:016x}\"*'")
    assert db.scalar(match) == len(TASKS)
    db.execute(text(f"DELETE FROM accounts WHERE id = {alice.id}"))
    assert db.scalar(match) == 0


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Crème Brûlée", "creme brulee"),
        ("STRASSE Straße", "strasse strasse"),
        ("İstanbul ısı", "istanbul isi"),
        ("Łódź Ø ǿ đ ħ ŧ ɨ", "lodz o o d h t i"),
        ("Æ œ ß ŋ þ ð ĸ", "ae oe ss n th d q"),
        ("ᾳ ᾼ ᾴ", "αι αι αι"),
        ("كتـــاب ߺ", "كتاب "),
        ("١۲२๓ ² ① ❶ ፩", "1223 2 1 1 1"),
        ("a\u00adb\u200bc\u200d \ufeffd\ufe0f", "abc d"),
        ("👍🏽 ☝\ufe0f🏽 🏽 1\ufe0f\u20e3", "👍 ☝ 🏽 1"),
        ("ﬁgs ２ Ⅷ", "figs 2 viii"),
        ("Ελλάς", "ελλασ"),
        ("Ёлка", "елка"),
        ("ガ ｶﾞ か", "カ カ か"),
        # A vowel sign is not an accent; a tone mark is.
        ("की ปู่ ບຸ່ བོད", "की ปู ບຸ བོད"),
        ("", ""),
    ],
)
def test_fold_removes_case_and_accents(text: str, folded: str) -> None:
    assert fold(text) == folded


EVERY_CHARACTER = [chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n <= 0xDFFF]


def test_fold_of_every_character_ignores_case_and_composition() -> None:
    for character in EVERY_CHARACTER:
        equal = {character.upper(), character.lower(), character.title(), fold(character)}
        equal |= {unicodedata.normalize(form, character) for form in ("NFC", "NFD", "NFKC")}
        assert {fold(each) for each in equal} == {fold(character)}, ascii(character)


def test_fold_of_every_digit_is_ascii() -> None:
    for character in EVERY_CHARACTER:
        digit = unicodedata.digit(character, None)
        assert digit is None or str(digit) in fold(character), ascii(character)


def test_fold_of_every_latin_letter_with_addition_is_the_letter() -> None:
    # These end with a character of their own: a middle dot and half a ring.
    decomposed = {"ŀ": "l·", "ẚ": "aʾ"}
    for character in EVERY_CHARACTER:
        name = unicodedata.name(character, "")
        if found := re.fullmatch("LATIN (?:SMALL|CAPITAL) LETTER ([A-Z]) WITH (?!SMALL).*", name):
            expected = decomposed.get(character.lower(), found[1].lower())
            assert fold(character) == expected, name


@pytest.mark.parametrize(
    ("text", "expected"),
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
def test_words_splits_folded_text(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_indexed_words_are_unique_and_each_after_a_space() -> None:
    assert indexed_words("Tea, milk; TEA") == " tea milk"
    assert indexed_words("") == indexed_words(None) == ""
