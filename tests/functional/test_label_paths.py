"""Labels in the path of a request: any characters, in one spelling."""

from urllib.parse import quote

import pytest

from tests.support.client import User
from tests.support.outline import add, change, show


def path_of(user: User, name: str) -> str:
    return f"{user.url}/labels/{quote(name, safe='')}"


ODD_NAMES = [
    *("a/b", "/", "a//b/", "a b", "ÜBER", "日本", "😀", "e\u0301", "%2F", "100%", "a?b#c", "a+b"),
    *('"', "\\", "a:b;c=d&e", "a\nb", "~", "x" * 64, "é" * 64),
]


@pytest.mark.parametrize("prefix", ["", "/todo", "https://todo.example.com"])
def test_label_in_path_may_have_any_characters(alice: User, prefix: str) -> None:
    for name in ODD_NAMES:
        task_id = add(alice, labels=[name])
        for given, new in ((name, "other"), ("other", name)):
            path = path_of(alice, given)
            answer = alice.request(
                path,
                method="PATCH",
                environ={"REQUEST_URI": prefix + path},
                headers={"Content-Type": "application/json"},
                body=b'{"name": %s}' % quoted(new),
            )
            assert answer.status_int == 200, (prefix, given)
            assert show(alice, task_id)["labels"] == [new]
        change(alice, task_id, labels=[])


def quoted(text: str) -> bytes:
    return b'"%s"' % text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").encode()


def test_label_has_one_spelling_of_its_slash(alice: User) -> None:
    task_id = add(alice, labels=["a/b", "x"])
    for path in (
        "/labels/a/b",
        "/labels/a%2Fb/",
        "/labels//a%2Fb",
        "%2Flabels/a%2Fb",
        "/labels%2Fx",
    ):
        url = alice.url + path
        answer = alice.request(url, method="DELETE", environ={"REQUEST_URI": url})
        assert answer.status_int == 404, path
    assert show(alice, task_id)["labels"] == ["a/b", "x"]
