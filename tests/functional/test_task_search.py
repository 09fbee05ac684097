"""Search: one table of cases for both databases."""

from urllib.parse import quote

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.support.client import Client, faults
from tests.support.factories import Login, make_task
from todo.models import Task
from todo.schemas.task_filter import SEARCH_MAX

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

# The search, and the tasks that it finds.
CASES = [
    ("milk", "milk bottles"),
    ("MILK", "milk bottles"),
    ("mil", "milk bottles"),
    ("ilk", ""),
    ("milk bread", "bottles"),
    ("bread milk", "bottles"),
    ("bre milk", ""),  # only the last word is a beginning
    ("milk milk mi", "milk bottles"),
    ("mi milk", ""),
    ("milk bre", "bottles"),
    ("milk cream", ""),
    ("two  ,  bottles", "bottles"),
    ("creme", "creme"),
    ("CRÈME brul", "creme"),
    ("cre\u0300me", "creme"),
    ("zoe fur", "creme"),
    ("zoe für", "creme"),
    ("strasse", "strasse"),
    ("STRASSE", "strasse"),
    ("Straße f", "strasse"),
    ("αθηνα", "athens"),
    ("ελλας", "athens"),
    ("елка", "moscow"),
    ("МОСК", "moscow"),
    ("東京", "tokyo"),
    ("京", "tokyo"),
    ("京 東", "tokyo"),  # each is a word, and words have no order
    ("ガート", "tokyo"),  # the marks of voiced kana are accents to the fold
    ("ｶｰﾄﾞ", "tokyo"),
    ("हिन्दी", "hindi"),
    ("हि", "hindi"),
    ("חלב", "hebrew"),
    ("حليب", "arabic"),
    ("서우", "korean"),  # the beginning of a syllable
    ("near", "quotes"),
    ("NEAR(say or)", "quotes"),
    ('"say" OR nothing', ""),
    ("a|b", "quotes"),
    ("a & b", "quotes"),
    ("100%", "quotes"),
    ("it's", "quotes"),
    ("not:*", "quotes"),
    ("-say", "quotes"),
    ("name_words:milk", ""),
    ("a" * 64, "long"),
    ("a" * 65, "long"),
    ("a" * 70 + " end", "long"),
    ("a" * 63, "long"),
    ("full width", "fullwidth"),
    ("🍎apples", "emoji"),
    ("nothing of the kind", ""),
]


@pytest.fixture
def names(dbsession: Session, alice: Login) -> dict[int, str]:
    return {
        make_task(dbsession, alice, name=name, note=note): key
        for key, (name, note) in TASKS.items()
    }


def test_the_table_of_cases(
    as_alice: Client, alice: Login, bob: Login, dbsession: Session, names: dict[int, str]
) -> None:
    for name, note in TASKS.values():
        make_task(dbsession, bob, name=name, note=note)
    for search, expected in CASES:
        answer = as_alice.get(f"{alice.tasks_url}?fields=id&search={quote(search)}")
        found = [names[task["id"]] for task in answer.json["tasks"]]
        assert found == [key for key in reversed(TASKS) if key in expected.split()], search


@pytest.mark.parametrize(
    ("search", "code"),
    [
        ("", "no_words"),
        ("+", "no_words"),
        ("*", "no_words"),
        ("\"'()", "no_words"),
        ("%F0%9F%8D%8E", "no_words"),
        ("a%00b", "nul"),
        ("x" * (SEARCH_MAX + 1), "too_long"),
        ("x" * 10_000, "too_long"),
    ],
)
def test_what_is_no_search(as_alice: Client, alice: Login, search: str, code: str) -> None:
    assert faults(as_alice.get(f"{alice.tasks_url}?search={search}")) == {"search": code}


@pytest.mark.parametrize(
    "search",
    [
        "x " * 127,
        "".join(chr(0x4E00 + n) for n in range(SEARCH_MAX)),
        "\ufdfa" * SEARCH_MAX,  # eighteen characters each when it is decomposed
        "\U0010ffff x \ufffe \u200b \u202e x",
        "' OR 1=1 --",
        "'::tsvector @@ 'x",
        '") OR "" ("',
        "NEAR(x y, 10) ^x {a b}: -x x*",
        "\\",
    ],
)
def test_no_text_is_an_error_of_the_query_language(
    as_alice: Client, alice: Login, search: str
) -> None:
    answer = as_alice.get(f"{alice.tasks_url}?search={quote(search)}")
    assert answer.status_int in (200, 400)
    if answer.status_int == 400:
        assert faults(answer) == {"search": "no_words"}


def test_search_follows_every_write(as_alice: Client, alice: Login) -> None:
    def found(search: str) -> int:
        return len(as_alice.get(f"{alice.tasks_url}?search={search}").json["tasks"])

    as_alice.send_json("POST", alice.tasks_url, {"name": "Milk", "note": "cold"})
    [task] = as_alice.get(f"{alice.tasks_url}?search=milk").json["tasks"]
    url = f"{alice.tasks_url}/{task['id']}"
    assert found("milk cold") == 1
    as_alice.send_json("PATCH", url, {"name": "Tea"})
    assert (found("milk"), found("tea cold")) == (0, 1)
    as_alice.send_json("PATCH", url, {"note": None})
    assert (found("cold"), found("tea")) == (0, 1)
    as_alice.send_json("PATCH", f"{alice.tasks_url}?search=tea", {"note": "hot", "name": "Soup"})
    assert (found("tea"), found("soup hot")) == (0, 1)
    as_alice.delete(url)
    assert found("soup") == 0


def test_search_is_within_the_account_whatever_its_number(
    as_alice: Client, alice: Login, bob: Login, dbsession: Session
) -> None:
    # The digits of an account stand before its words: no word may look like another account's.
    make_task(dbsession, bob, name=f"{alice.id:016x}secret secret")
    for search in ("secret", f"{alice.id:016x}secret", f"{bob.id:016x}secret"):
        assert as_alice.get(f"{alice.tasks_url}?search={search}").json["tasks"] == []


def test_folded_columns_are_set_by_every_way_to_write(
    as_alice: Client, alice: Login, dbsession: Session
) -> None:
    as_alice.send_json("POST", alice.tasks_url, {"tasks": [{"name": "Ä"}, {"name": "B"}]})
    as_alice.send_json("PATCH", f"{alice.tasks_url}?search=b", {"name": "Ç", "note": "É!"})
    rows = dbsession.execute(
        select(Task.name_folded, Task.name_words, Task.note_words).order_by(Task.id)
    )
    assert [tuple(row) for row in rows] == [("a", " a", ""), ("c", " c", " e")]


# PostgreSQL keeps its index itself.
@pytest.mark.parametrize("database_server", ["sqlite"], indirect=True)
def test_deleting_an_account_deletes_its_words(
    as_alice: Client, alice: Login, dbsession: Session, names: dict[int, str]
) -> None:
    match = text(f"SELECT count(*) FROM task_words WHERE task_words MATCH '\"{alice.id:016x}\"*'")
    assert dbsession.scalar(match) == len(TASKS)
    dbsession.execute(text(f"DELETE FROM accounts WHERE id = {alice.id}"))
    assert dbsession.scalar(match) == 0
