from typing import Annotated

import pytest
from pydantic import Field

from todo.request import Request
from todo.schemas.meta import Query
from todo.typed_views import read_query


class Page(Query):
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    after: str = ""


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", {}),
        ("limit=1&after=x", {}),
        ("limit=0", {"limit": "range"}),
        ("limit=101", {"limit": "range"}),
        ("limit=x", {"limit": "type"}),
        ("limit=", {"limit": "type"}),
        ("limit=" + "9" * 5000, {"limit": "type"}),
        ("after=a&after=b", {"after": "duplicate"}),
        (
            "limit=0&after=a&after=b&x=1",
            {"limit": "range", "after": "duplicate", "x": "unknown_field"},
        ),
    ],
)
def test_faults_of_a_query_have_our_names(query: str, codes: dict[str, str]) -> None:
    _, faults = read_query(Page, Request.blank(f"/?{query}"))
    assert {fault.field: fault.code for fault in faults} == codes
