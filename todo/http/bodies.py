"""The only reader of request bodies: JSON or a form becomes a dict."""

import json
import re
from collections import Counter
from math import isinf
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from todo.http.errors import Problem, safe_name
from todo.http.request import MAX_BODY, Request

MAX_DEPTH = 32  # nesting of objects and arrays
MAX_DIGITS = 400  # in an integer; the largest double has 309
MAX_PAIRS = 1000  # in a form or a query

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"  # RFC 7396; null clears a field, as in JSON
FORM = "application/x-www-form-urlencoded"

_CHARSET = re.compile(r'charset\s*=\s*"?([^";\s]*)', re.IGNORECASE)


def read_body(request: Request, *, required: bool) -> tuple[dict[str, Any], str]:
    """Return the fields of the body and its media type, JSON or FORM.

    An empty value in a form means null. No body means no fields, unless it is `required`. Raise
    Problem 400 (malformed), 413 or 415.
    """
    if not required and not request.content_length:
        return {}, JSON
    if (request.content_length or 0) > MAX_BODY:
        raise Problem("body_too_large", f"The body is larger than {MAX_BODY} bytes.")
    media_type, _, parameters = request.headers.get("Content-Type", "").partition(";")
    media_type = media_type.strip().lower()
    charset = _CHARSET.search(parameters)
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    accepted = accepted_media_types(request.method)
    if (
        media_type not in accepted
        or (charset and charset[1].lower() not in ("utf-8", "utf8"))
        or encoding != "identity"
    ):
        raise Problem(
            "unsupported_media_type",
            f"Send the body as {' or '.join(accepted)}, in UTF-8 and uncompressed.",
        )
    if media_type == FORM:
        return _read_form(request.body), FORM
    return _read_json(request.body), JSON


def accepted_media_types(method: str) -> tuple[str, ...]:
    """Return the media types of bodies that the method accepts."""
    return (JSON, MERGE_PATCH, FORM) if method == "PATCH" else (JSON, FORM)


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_float,
            parse_int=_int,
        )
        # Counting brackets is cheap, and enough for nearly every body.
        if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
            raise RecursionError
    except RecursionError:
        raise Problem("bad_json", f"The JSON is nested deeper than {MAX_DEPTH} levels.") from None
    except UnicodeError:
        raise Problem("bad_json", "The body is not JSON in UTF-8 (RFC 8259).") from None
    except ValueError as error:
        raise Problem("bad_json", f"The body is not JSON (RFC 8259): {error}.") from None
    if not isinstance(value, dict):
        raise Problem("not_object", 'The body must be a JSON object, such as {"name": "Milk"}.')
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        _duplicate_key(Counter(key for key, _ in pairs).most_common(1)[0][0])
    for key in fields:
        key.encode()  # raises UnicodeEncodeError for a lone surrogate
    return fields


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise ValueError("a number is too large")
    return value


def _int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("a number is too large")
    return int(text)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [
            child for item in level for child in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


def _read_form(body: bytes) -> dict[str, Any]:
    if body.lstrip().startswith(b"{"):
        raise Problem("bad_form", f"This looks like JSON: send it with Content-Type: {JSON}.")
    try:
        pairs = parse_pairs(body.decode())
    except UnicodeDecodeError:
        raise Problem("bad_form", "The form is not percent-encoded UTF-8.") from None
    except ValueError:
        raise Problem("bad_form", f"The form has more than {MAX_PAIRS} fields.") from None
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if key in fields:
            _duplicate_key(key)
        fields[key] = value or None
    return fields


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """Return the name-value pairs of a form or a query, in order.

    Raise UnicodeDecodeError if they are not UTF-8, ValueError if there are more than MAX_PAIRS.
    """
    return parse_qsl(
        text, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_PAIRS
    )


def parse_query(request: Request) -> list[tuple[str, str]]:
    """Return the name-value pairs of the query, in order. Raise like parse_pairs().

    Ignore the parameter "_", which libraries such as jQuery add to bypass caches.
    """
    return [pair for pair in parse_pairs(request.query_string) if pair[0] != "_"]


def _duplicate_key(key: str) -> NoReturn:
    name = safe_name(key, "(name not shown)")
    raise Problem("duplicate_key", f"The field {name} occurs more than once in the body.")
