"""Labels of tasks: set, spell, search, filter, and change in bulk."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.client import User, faults, pages
from tests.support.fixtures import Patch
from tests.support.labels import stored
from tests.support.outline import add, add_list, change, delete, ids, show, trashed, undo
from todo.services import matching

TWENTY = [f"label {n:02}" for n in range(20)]
LONGEST = "x" * 64

# Given labels in JSON, and the code and the field of the fault.
WRONG_LABELS = [
    ([*TWENTY, "more"], "labels", "too_long"),
    (["a,b"], "labels.0", "label"),
    (["home", ","], "labels.1", "label"),
    ([""], "labels.0", "blank"),
    (["home", " \t\u00a0"], "labels.1", "blank"),
    (["\u200b"], "labels.0", "blank"),
    (["home", "job", "HOME"], "labels", "duplicate"),
    (["home", " home "], "labels", "duplicate"),
    (["straße", "STRASSE"], "labels", "duplicate"),
    (["é", "e\u0301"], "labels", "duplicate"),
    (["Προΐσταμαι", "ΠΡΟΪ́ΣΤΑΜΑΙ"], "labels", "duplicate"),
    ([LONGEST + "x"], "labels.0", "too_long"),
    (["a\0"], "labels.0", "nul"),
    ([7], "labels.0", "type"),
    ([None], "labels.0", "null"),
    ([["home"]], "labels.0", "type"),
    ("home", "labels", "type"),
    ({"home": True}, "labels", "type"),
    (7, "labels", "type"),
    (None, "labels", "null"),
]


def labels_of(user: User, task_id: int) -> list[str]:
    labels: list[str] = show(user, task_id)["labels"]
    return labels


def bulk(user: User, query: str, **fields: Any) -> Any:
    return user.send_json("PATCH", f"{user.tasks_url}?{query}", fields)


def test_labels_keep_their_order(alice: User) -> None:
    given = ["urgent", "Home", "a b", "日本", "a/b", '"q" \\', LONGEST, "😀"]
    task_id = add(alice, labels=given)
    assert labels_of(alice, task_id) == given
    assert change(alice, task_id, labels=given[::-1]).json["task"]["labels"] == given[::-1]
    assert alice.get(f"{alice.tasks_url}?fields=labels").json["tasks"] == [{"labels": given[::-1]}]
    change(alice, task_id, note="x")
    assert labels_of(alice, task_id) == given[::-1]


def test_task_has_no_labels_by_default_and_without_them(alice: User) -> None:
    task_id = add(alice)
    assert labels_of(alice, task_id) == []
    revision = show(alice, task_id)["revision"]
    assert change(alice, task_id, labels=[]).json["task"]["revision"] == revision
    change(alice, task_id, labels=["home"])
    assert change(alice, task_id, labels=[]).json["task"]["labels"] == []
    assert ids(alice, "labelled=true") == []


def test_form_has_labels_with_commas(alice: User) -> None:
    posted = alice.post(alice.tasks_url, {"name": "Tea", "labels": "urgent, Home"})
    assert posted.json["task"]["labels"] == ["urgent", "Home"]
    assert alice.put(posted.location, {"labels": "job"}).json["task"]["labels"] == ["job"]
    assert alice.put(posted.location, {"labels": ""}).json["task"]["labels"] == []
    assert faults(alice.put(posted.location, {"labels": "a,A"})) == {"labels": "duplicate"}
    for wrong in ("a,,b", "a,", " ", ","):
        answer = alice.put(posted.location, {"labels": wrong})
        assert {*faults(answer).values()} == {"blank"}, wrong
    many = alice.put(posted.location, {"labels": ",".join([*TWENTY, "x"])})
    assert faults(many) == {"labels": "too_long"}
    assert alice.put(posted.location, {"labels": ",".join(TWENTY)}).json["task"]["labels"] == TWENTY


def test_answer_is_accepted_as_read(alice: User) -> None:
    url = f"{alice.tasks_url}/{add(alice, labels=['urgent', 'Home'])}"
    answer = alice.get(url).json
    assert alice.put_json(url, answer).json == answer


def test_wrong_labels_are_refused(alice: User, db: Session) -> None:
    task_id = add(alice, labels=["kept"])
    one, some = f"{alice.tasks_url}/{task_id}", f"{alice.tasks_url}?id={task_id}"
    before = stored(db)
    for given, field, code in WRONG_LABELS:
        several = {"tasks": [{"name": "Tea", "labels": given}]}
        for method, url, body, expected in (
            ("POST", alice.tasks_url, {"name": "Tea", "labels": given}, field),
            ("POST", alice.tasks_url, several, f"tasks.0.{field}"),
            ("PATCH", one, {"labels": given}, field),
            ("PATCH", some, {"labels": given}, field),
            ("PATCH", some, {"add_labels": given}, f"add_{field}"),
            ("PATCH", some, {"remove_labels": given}, f"remove_{field}"),
        ):
            assert faults(alice.send_json(method, url, body)) == {expected: code}, given
    assert stored(db) == before


def test_half_a_character_is_refused(alice: User) -> None:
    for labels in ("\ud800", ["\ud800"], ["a", "\udfff\ud800"]):
        answer = alice.send_json("POST", alice.tasks_url, {"name": "Tea", "labels": labels})
        assert answer.status_int == 400
    assert ids(alice) == []


def test_first_spelling_of_account_stays(alice: User, bob: User) -> None:
    first = add(alice, labels=["Home", "Straße"])
    second = add(alice, labels=["STRASSE", " HOME ", "New"])
    assert labels_of(alice, second) == ["Straße", "Home", "New"]
    assert change(alice, first, labels=["home"]).json["task"]["labels"] == ["Home"]
    bulk(alice, f"id={first}", labels=["new"])
    assert labels_of(alice, first) == ["New"]
    bulk(alice, f"id={first}", add_labels=["home"])
    assert labels_of(alice, first) == ["New", "Home"]
    assert labels_of(bob, add(bob, labels=["home"])) == ["home"]


def test_first_spelling_in_request_stays(alice: User) -> None:
    body = {"tasks": [{"name": "Tea", "labels": [each]} for each in ("Home", "HOME", "home")]}
    tasks = alice.post_json(alice.tasks_url, body).json["tasks"]
    assert [task["labels"] for task in tasks] == [["Home"]] * 3


def test_unused_label_is_spelled_anew(alice: User) -> None:
    task_id = add(alice, labels=["Home"])
    change(alice, task_id, labels=[])
    change(alice, task_id, labels=["home"])
    assert labels_of(alice, task_id) == ["home"]
    assert change(alice, task_id, labels=["HOME"]).json["task"]["labels"] == ["home"]


def test_search_finds_words_of_labels(alice: User, bob: User) -> None:
    task_id = add(alice, "Milk", note="bottles", labels=["Crème brûlée", "Büro-Zeug"])
    add(bob, labels=["creme"])
    for words in ("creme", "BRULEE", "zeu", "milk+creme", "bottles+buro"):
        assert ids(alice, f"search={words}") == [task_id], words
    assert ids(alice, "search=creme+tea") == []
    change(alice, task_id, labels=["Büro-Zeug"])
    assert ids(alice, "search=creme") == []
    assert ids(alice, "search=zeug") == [task_id]
    delete(alice, task_id)
    assert ids(alice, "search=zeug") == []
    found = alice.get(f"{alice.trash_url}?search=zeug").json["tasks"]
    assert [task["id"] for task in found] == [task_id]


@pytest.fixture
def tasks(alice: User, bob: User) -> list[int]:
    """Create five tasks of Alice, and one of Bob."""
    add(bob, labels=["home", "urgent"])
    return [
        add(alice, "Eggs", labels=["home", "urgent"]),
        add(alice, "Dust", labels=["HOME"], completed=True),
        add(alice, "Call", labels=["urgent", "job"]),
        add(alice, "Bread"),
        add(alice, "Ask", labels=["job", "Urgent", "Home"], due_date="2030-01-01"),
    ]


FILTERS: list[tuple[str, list[int]]] = [
    ("label=home", [0, 1, 4]),
    ("label=HOME", [0, 1, 4]),
    ("label=home,urgent", [0, 4]),
    ("label=urgent, home ", [0, 4]),
    ("label=home,urgent,job", [4]),
    ("label=home,unknown", []),
    ("label=unknown", []),
    ("label=hom", []),
    ("label=home&completed=false", [0, 4]),
    ("label=home&completed=true", [1]),
    ("label=home&due=any", [4]),
    ("label=home&labelled=false", []),
    ("labelled=true", [0, 1, 2, 4]),
    ("labelled=false", [3]),
    ("labelled=true&completed=true", [1]),
    ("label=urgent&search=eggs", [0]),
    ("label=urgent,job&search=home", [4]),
    ("label=home&sort=-id", [4, 1, 0]),
    ("label=home&sort=name", [4, 1, 0]),
    ("label=home&sort=position", [0, 1, 4]),
    ("label=home&sort=due_date", [4, 0, 1]),
    ("labelled=true&sort=name", [4, 2, 1, 0]),
    ("label=home&list=inbox&parent=none", [0, 1, 4]),
]


def test_label_filters(alice: User, tasks: list[int]) -> None:
    for query, expected in FILTERS:
        url = f"{alice.tasks_url}?{query}"
        found = [tasks[index] for index in expected]
        assert ids(alice, query) == found, query
        assert alice.get(f"{url}&count=true&limit=1").json["total"] == len(found), query
        one_by_one = pages(alice, f"{url}&limit=1", "tasks")
        assert [task["id"] for page in one_by_one for task in page] == found, query


def test_label_filter_leaves_out_archived_lists(alice: User) -> None:
    old = add_list(alice, archived=True)
    hidden, shown = add(alice, list_id=old, labels=["home"]), add(alice, labels=["home"])
    for query in ("label=home", "labelled=true"):
        assert ids(alice, query) == [shown]
        assert ids(alice, f"{query}&archived=any") == [hidden, shown]
        assert ids(alice, f"{query}&list={old}") == [hidden]


WRONG_FILTERS = [
    ("label=", {"label": "blank"}),
    ("label=,", {"label": "blank"}),
    ("label=home,", {"label": "blank"}),
    ("label=home,HOME", {"label": "duplicate"}),
    ("label=" + ",".join([*TWENTY, "x"]), {"label": "too_long"}),
    (f"label={LONGEST}x", {"label": "too_long"}),
    ("label=a%00", {"label": "nul"}),
    ("label=home&label=job", {"label": "duplicate"}),
    ("labelled=", {"labelled": "type"}),
    ("labelled=home", {"labelled": "type"}),
]


def test_wrong_label_filters_are_refused(alice: User) -> None:
    for query, expected in WRONG_FILTERS:
        for url in (alice.tasks_url, alice.trash_url):
            assert faults(alice.get(f"{url}?{query}")) == expected
        assert faults(bulk(alice, query, name="x")) == expected


def test_label_filters_in_trash(alice: User, bob: User, tasks: list[int]) -> None:
    quoted = [add(alice, labels=[each]) for each in ('y"job', 'y"a\\', "100%", "1000", "[job")]
    alice.delete(alice.all_tasks_url)
    everything = trashed(alice)
    assert len(everything) == len(tasks) + len(quoted)

    def found(query: str) -> list[int]:
        shown = alice.get(f"{alice.trash_url}?limit=200&{query}").json["tasks"]
        return sorted(task["id"] for task in shown)

    assert found("label=HOME") == [tasks[0], tasks[1], tasks[4]]
    assert found("label=home,urgent") == [tasks[0], tasks[4]]
    assert found("label=job") == [tasks[2], tasks[4]]
    assert found("label=a%5C") == []
    assert found("label=y%22a%5C") == [quoted[1]]
    assert found("label=100%25") == [quoted[2]]
    assert found("label=unknown") == []
    assert found("labelled=false") == [tasks[3]]
    assert len(found("labelled=true")) == len(everything) - 1
    restored = alice.send_json("POST", f"{alice.trash_url}/restore?label=home,urgent", {})
    assert restored.json["restored"] == 2
    assert ids(alice, "label=home") == [tasks[0], tasks[4]]
    assert alice.delete(f"{alice.trash_url}?label=job").json["deleted"] == 1


def test_bulk_adds_and_removes_labels(alice: User, bob: User, tasks: list[int]) -> None:
    answer = bulk(alice, "completed=false", add_labels=["Later", "HOME"], remove_labels=["Urgent"])
    assert answer.json["updated"] == 4
    assert [labels_of(alice, each) for each in tasks] == [
        ["home", "Later"],
        ["home"],
        ["job", "Later", "home"],
        ["Later", "home"],
        ["job", "home", "Later"],
    ]
    assert ids(bob, "label=urgent") != []
    undo(alice, answer)
    assert ids(alice, "label=later") == []
    assert ids(alice, "label=urgent") == [tasks[0], tasks[2], tasks[4]]


def test_bulk_by_form_adds_and_removes_labels(alice: User, tasks: list[int]) -> None:
    url = f"{alice.tasks_url}?label=job"
    answer = alice.send_form("PATCH", url, "add_labels=a,b&remove_labels=urgent,home,nope")
    assert answer.json["updated"] == 2
    assert labels_of(alice, tasks[2]) == labels_of(alice, tasks[4]) == ["job", "a", "b"]


def test_bulk_sets_then_removes_then_adds(alice: User, tasks: list[int]) -> None:
    bulk(alice, "label=job", labels=["a", "b"], remove_labels=["A", "c"], add_labels=["c", "B"])
    assert labels_of(alice, tasks[2]) == labels_of(alice, tasks[4]) == ["b", "c"]


def test_bulk_without_effect_changes_nothing(alice: User, tasks: list[int], db: Session) -> None:
    before = stored(db)
    for name, given in (("add_labels", ["HOME"]), ("remove_labels", ["nope"]), ("add_labels", [])):
        answer = bulk(alice, "label=home", **{name: given})
        assert answer.json == {"username": "alice", "updated": 3}
    assert stored(db) == before


def test_bulk_beyond_twenty_labels_changes_nothing(alice: User, db: Session) -> None:
    others = [add(alice, labels=["a"]), add(alice)]
    full = add(alice, labels=TWENTY)
    before = stored(db)
    for query in ("", "&dry_run=true"):
        answer = bulk(alice, f"due=none{query}", add_labels=["b"], name="x")
        assert faults(answer) == {"add_labels": "too_long"}
        assert f"Task {full} " in answer.json["errors"][0]["message"]
    assert stored(db) == before
    assert bulk(alice, "due=none", add_labels=["b"], remove_labels=["label 07"]).status_int == 200
    assert labels_of(alice, full) == [each for each in TWENTY if each != "label 07"] + ["b"]
    assert [labels_of(alice, each) for each in others] == [["a", "b"], ["b"]]


@pytest.mark.parametrize(
    ("limit", "name"), [(20, "MAX_INDEXED_CHARACTERS"), (700, "MAX_RECORDED_BYTES")]
)
@pytest.mark.parametrize("field", ["labels", "add_labels"])
def test_bulk_counts_text_of_labels(
    alice: User, db: Session, monkeypatch: Patch, limit: int, name: str, field: str
) -> None:
    for _ in range(2):
        add(alice)
    monkeypatch.setattr(matching, name, limit)
    before = stored(db)
    answer = bulk(alice, "due=none", **{field: [LONGEST, "y" * 64]})
    assert (answer.status_int, answer.json["code"], answer.json["count"]) == (409, "too_many", 2)
    assert stored(db) == before


def test_labels_are_outside_of_single_change_fields(alice: User) -> None:
    task_id = add(alice, labels=["a"])
    for name in ("add_labels", "remove_labels"):
        assert faults(change(alice, task_id, **{name: ["b"]})) == {name: "unknown_field"}
        body = {"name": "Tea", name: ["b"]}
        assert faults(alice.send_json("POST", alice.tasks_url, body)) == {name: "unknown_field"}
