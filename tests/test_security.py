"""Each promise of docs/security.md, docs/guarantees.md and docs/faults.md names its tests."""

import ast
import re

import pytest

from tests.support.databases import ROOT

SECURITY = [
    line
    for line in (ROOT / "docs" / "security.md").read_text().splitlines()
    if re.match(r"\| (V|API)[0-9]", line)
]
FAULTS = [
    line
    for line in (ROOT / "docs" / "faults.md").read_text().splitlines()
    if re.match(r"\| (?!fault|---)", line)
]


def test_security_and_faults_tables_are_found() -> None:
    assert len(SECURITY) > 40
    assert len(FAULTS) > 8


@pytest.mark.parametrize("row", SECURITY + FAULTS, ids=lambda row: row.split("|")[1].strip())
def test_promise_names_existing_tests(row: str) -> None:
    tests_column = row.split("|")[-2]
    named = re.findall(r"`(tests/[a-z_/]+\.py)::(\w+)`", tests_column)
    assert named
    assert len(named) == tests_column.count("`") / 2, "the column contains only names of tests"
    for path, name in named:
        functions = ast.parse((ROOT / path).read_text()).body
        assert name in {f.name for f in functions if isinstance(f, ast.FunctionDef)}, path


def test_guarantee_names_existing_test_files() -> None:
    rows = re.findall(r"^\| \*\*.*\|$", (ROOT / "docs" / "guarantees.md").read_text(), re.MULTILINE)
    assert len(rows) > 10
    for row in rows:
        named = re.findall(r"`(tests/[a-z_/]+\.py)`", row.split("|")[-2])
        assert named, row
        for path in named:
            assert (ROOT / path).exists(), path
