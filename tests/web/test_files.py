"""How the shell, the service worker and the version are made of the files."""

from pathlib import Path

import pytest

from todo.web import files

VERSION = "0123456789abcdef"
NAMES = [
    *("js/elements/todo-task.js", "js/main.js", "js/store.js", "js/texts/de.js"),
    *("js/texts/en.js", "page.css"),
]


def test_version_depends_on_every_name_and_content() -> None:
    contents = {"a.js": b"1", "b.js": b"2"}
    version = files.fingerprint(contents)
    assert len(version) == 16
    assert version == files.fingerprint({"b.js": b"2", "a.js": b"1"})
    others = [
        {"a.js": b"1", "b.js": b"3"},
        {"a.js": b"1", "c.js": b"2"},
        {"a.js": b"2", "b.js": b"1"},
        {"a.js": b"1"},
    ]
    assert version not in {files.fingerprint(other) for other in others}


def test_version_depends_on_templates() -> None:
    served = files.served_files(files.PAGE)
    shell, script = ((files.PAGE / n).read_bytes() for n in (files.SHELL, files.SERVICE_WORKER))
    whole = served | {files.SHELL: shell, files.SERVICE_WORKER: script}
    assert files.fingerprint(whole) == files.VERSION
    for name in (files.SHELL, files.SERVICE_WORKER):
        assert files.fingerprint(whole | {name: whole[name] + b" "}) != files.VERSION


def test_shell_preloads_all_modules_but_entry_and_other_languages() -> None:
    shell = files.render_shell("$version:\n$preloads", NAMES, VERSION)
    loaded = ("js/elements/todo-task.js", "js/store.js", "js/texts/en.js")
    links = [f'<link rel="modulepreload" href="page/{VERSION}/{name}">' for name in loaded]
    assert shell.splitlines() == [f"{VERSION}:", *links]


def test_unknown_placeholder_of_shell_is_refused() -> None:
    with pytest.raises(KeyError):
        files.render_shell("$digest", NAMES, VERSION)


def test_files_of_editors_and_templates_are_not_served(tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    for name in ("js/main.js", "js/main.js~", "js/.main.js.swp", "index.html", "service-worker.js"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder.js").mkdir()
    (tmp_path / "js" / ".#main.js").symlink_to("nobody@127.0.0.1")
    assert files.served_files(tmp_path) == {"js/main.js": b"js/main.js"}
