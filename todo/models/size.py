"""The size of a row, which limits and quotas count."""

from collections.abc import Mapping
from typing import Any

from todo.models.json import to_json

_COUNTED = (str, list)

ROW_SIZE = 200  # bytes that a row counts besides its texts: for numbers, dates and indexes


def text_size(fields: Mapping[Any, Any] | None) -> int:
    """Return the bytes of the texts and lists among the values, as JSON in UTF-8."""
    return sum(len(to_json(text)) for text in (fields or {}).values() if type(text) in _COUNTED)
