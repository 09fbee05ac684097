"""The size of a row, which limits and quotas count."""

from collections.abc import Mapping
from typing import Any

from todo.models.json import to_json

ROW_SIZE = 200  # bytes that a row counts besides its texts: for numbers, dates and indexes


def text_size(fields: Mapping[Any, Any] | None) -> int:
    """Return the bytes of the texts and lists among the values, as JSON in UTF-8."""
    return sum(
        len(to_json(value))
        for value in (fields or {}).values()
        if type(value) is str or (value and type(value) is list)
    )
