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
from todo.models.task import NAME_MAX, NOTE_MAX
from todo.schemas.task_filter import SEARCH_MAX
from todo.words import (
    GROWTH_FREE,
    GROWTH_MAX,
    MARKS_MAX,
    WORD_MAX,
    _decompose,
    fold,
    indexed_words,
    searched_words,
    words,
)

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
    "melon": ("すいか を 買う", "スイカ西瓜"),
    "dates": ("いす 3月12日", None),
    "longrun": ("東京都庁舎前の噴水", None),
    "thai": ("ซื้อปูนา", None),
    "lao": ("ຊື້ນ້ຳ", None),
    "khmer": ("ទិញទឹកដោះគោ", None),
    "burmese": ("နို့ဝယ်ရန်", None),
    "javanese": ("ꦠꦸꦏꦸꦱꦸꦱꦸ", None),
    "stroked": ("Łódź øre Đà ħobża ŧ ɨ", "smørrebrød, ŋ, æble, cœur, þing, ð"),
    "dotless": ("ILIK ILISU", "ısı"),
    "polytonic": ("τῷ ᾠδῇ", None),
    "kashida": ("كتـــاب", "يوم ١٢"),
    "persian": ("می\u200cخواهم ۳۴", None),
    "digits": ("๕๖ ７ ⁸ ⑨ ०", None),
    "soft": ("Donau\u00addampf", None),
    "coder": ("👩🏽\u200d💻 👍🏿 ❤\ufe0f", None),
    "flags": ("🇧🇩🇪🇸", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"),
    "scotland": ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "4\ufe0f\u20e3"),
}

# By expected tasks: the searches that find exactly these.
CASES = {
    "milk bottles": ["milk", "MILK", "mil", "milk milk mi"],
    "bottles": ["milk bread", "bread milk", "milk bre", "two  ,  bottles"],
    "creme": ["creme", "CRÈME brul", "cre\u0300me", "zoe fur", "zoe für"],
    "strasse": ["strasse", "STRASSE", "Straße f"],
    "athens": ["αθηνα", "ελλας"],
    "moscow": ["елка", "МОСК"],
    # The voicing marks of kana count as accents.
    "tokyo": ["東京へ", "へ行", "ガート", "ｶｰﾄﾞ", "へ カー 東京", "カ 東"],
    "tokyo longrun": ["東京", "東 京", "京 東"],
    "hindi": ["हिन्दी", "हि"],
    "hebrew": ["חלב"],
    "arabic": ["حليب"],
    "korean": ["서우"],  # the start of a syllable
    "quotes": ["near", "NEAR(say or)", "a|b", "a & b", "100%", "it's", "not:*", "-say"],
    "long": ["a" * 64, "a" * 65, "a" * 70 + " end", "a" * 63],
    "fullwidth": ["full width"],
    "emoji": ["🍎apples", "🍎", "apples 🍎"],
    # Han and kana that stand together in the search must do so in the text.
    "melon": ["すいか", "か", "か 買う", "すいか を", "買 い", "イカ西瓜", "カ西"],
    "melon dates": ["い"],
    "dates": ["いす", "3月12", "日 月 3"],
    "longrun": ["都庁舎", "東京都庁", "京都庁舎前の", "東京都庁舎前の噴水", "水 都"],
    "thai": ["ซื้อปู", "ปูนา", "นา", "ปู"],
    "lao": ["ນ້ຳ", "ຊື້"],
    "khmer": ["ទឹក", "គោ", "ដោះគោ ទិញ"],
    "burmese": ["ဝယ်", "နို့", "ဝယ်ရ"],
    "javanese": ["ꦱꦸꦱꦸ"],
    "stroked": [
        *("Lodz", "ŁÓDŹ", "ore da hobza", "ØRE", "smorrebrod", "aeble coeur", "thing", "t i n d"),
    ],
    "dotless": ["ılık", "ilık", "ilisu ISI", "İlisu"],
    "polytonic": ["ΤΩΙ ΩΙΔΗΙ", "τῳ", "τω", "ᾨΔΗ"],
    "kashida": ["كتاب", "ك\u0640تاب", "12 يوم", "१२ يو"],
    "persian": ["می خواهم", "34", "٣٤"],
    "digits": ["56 7", "٥٦", "8 9 0", "⁵⁶"],
    "soft": ["donaudampf", "Donau\u200bd"],
    "coder": ["👩\u200d💻", "👩🏿\u200d💻", "👩", "💻", "👍", "👍🏻 👩", "❤", "❤\ufe0f"],
    "flags": ["🇧🇩", "🇪🇸", "🇧🇩🇪🇸", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"],
    "flags scotland": ["🏴"],
    "scotland": ["4", "٤"],
    # Only the last word matches as a prefix, and operators are plain words.
    "": [
        *("ilk", "bre milk", "mi milk", "milk cream", '"say" OR nothing', "name_words:milk"),
        "nothing of the kind",
        *("京 行東", "行東", "かい", "かを", "すか", "スカ", "カ瓜", "東京庁", "庁舎前の水"),
        *("ปนา", "นาปู", "ດນ", "កទ", "ရနို့", "ꦏꦠ", "🇩🇪", "🇸🇧", "💻👩", "👍❤"),
        *("i lik", "2", "45"),
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


def test_search_finds_long_notes_of_unspaced_scripts(alice: User) -> None:
    # PostgreSQL limits the words of a row to a megabyte.
    note = "".join(chr(0x20000 + number) for number in range(NOTE_MAX))
    alice.send_json("POST", alice.tasks_url, {"name": "Ｘ" * NAME_MAX, "note": note})
    for search in (note[-1], note[:3], note[5000:5250], "x"):
        [_] = alice.get(f"{alice.tasks_url}?search={quote(search)}").json["tasks"]


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


def test_fold_bounds_marks_and_growth() -> None:
    """Without these bounds, a megabyte of text takes many seconds to fold."""
    # A vowel sign of Tibetan that is kept, decomposes into two, and takes part in sorting.
    marks = "\u0f73" * 10_000
    assert fold(f"a{marks}b") == fold("a" + "\u0f73" * MARKS_MAX + "b")
    # Halfwidth sound marks decompose into marks.
    assert len(_decompose("\uff76" + "\uff9e\u0f71" * 5_000)) == 1 + MARKS_MAX
    assert len(fold("\ufdfa" * 10_000)) == GROWTH_MAX * 10_000 + GROWTH_FREE


@pytest.mark.parametrize("text", ["한" * 10_000, "﷽ محمد ﷺ", "a\u0301" * 5_000, "㌀" * 10])
def test_fold_bounds_change_no_real_text(text: str) -> None:
    assert _decompose(text) == unicodedata.normalize("NFKD", text)


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
    # These end with a separate character: a middle dot and half a ring.
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
        ("東京タワー go", ["東京タワ", "京タワー", "タワー", "ワー", "ー", "go"]),
        ("すいか を", ["すいか", "いか", "か", "を"]),
        ("กินข้าว", ["กินขา", "นขาว", "ขาว", "าว", "ว"]),
        ("買Milk物", ["買", "milk", "物"]),
        ("한국", ["\u1112\u1161\u11ab\u1100\u116e\u11a8"]),
        ("की", ["की"]),
        ("*\"'()&|!:<>\\ \0\n", []),
        ("🍎🍌a", ["🍎🍌", "🍌", "a"]),
        ("🇩🇪🇫🇷", ["🇩🇪🇫🇷", "🇫🇷"]),
        ("…!?—‼ \u200d\ufe0f\u0640", []),
        (
            ("က" + "\u102d" * 29) * 3,
            [(("က" + "\u102d" * 29) * times)[:WORD_MAX] for times in (3, 2, 1)],
        ),
        ("x" * 100, ["x" * WORD_MAX]),
    ],
)
def test_words_splits_folded_text(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("milk milk mi", [("milk", False), ("mi", True)]),
        ("東京 go", [("東京", True), ("go", True)]),
        ("東京タワ", [("東京タワ", True)]),
        (
            "東京タワー go on",
            [("東京タワ", False), ("京タワー", True), ("go", False), ("on", True)],
        ),
        ("…", []),
    ],
)
def test_searched_words_of_unspaced_scripts_may_continue(
    text: str, expected: list[tuple[str, bool]]
) -> None:
    assert searched_words(text) == expected


def test_indexed_words_are_unique_and_each_after_a_space() -> None:
    assert indexed_words("Tea, milk; TEA") == " tea milk"
    assert indexed_words("") == indexed_words(None) == ""
