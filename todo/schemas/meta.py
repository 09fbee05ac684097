"""Types that several schemas share."""

import re
from datetime import datetime
from typing import Annotated, Any

import regex
from pydantic import (
    MISSING,
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from todo.models.meta import ID_MAX


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError(
            "bad_unicode", "This contains half of a surrogate pair, which is not a character."
        ) from None
    return text


def without_nul(text: str) -> str:
    """Return the text. Raise a fault if it contains NUL."""
    # PostgreSQL cannot store NUL.
    if "\0" in text:
        raise PydanticCustomError("nul", "This must not contain a NUL character.")
    return text


Unicode = Annotated[str, AfterValidator(_unicode)]
Text = Annotated[Unicode, AfterValidator(without_nul)]

# JSON Schema patterns of the texts that Text and not_blank() accept.
WITHOUT_NUL = r"^[^\u0000]*$"
NOT_BLANK = r"^[^\u0000]*[^\u0000\s][^\u0000]*$"


# Other characters are spaces, controls, the blank Braille pattern, and those without a glyph, such
# as U+200B (Default_Ignorable_Code_Point, Unicode Standard Annex 44).
_VISIBLE = regex.compile(r"[^\p{White_Space}\p{DI}\p{Cc}\p{Cf}\u2800]")


def limited(text: str, maximum: int) -> str:
    """Return the text. Raise a fault if it has more than `maximum` code points."""
    if len(text) > maximum:
        raise PydanticCustomError(
            "too_long", "This must have at most {maximum} characters.", {"maximum": maximum}
        )
    return text


def not_blank(text: str, maximum: int) -> str:
    """Return the text. Raise a fault if it has no visible character or is too long."""
    if not _VISIBLE.search(text):
        raise PydanticCustomError("blank", "This must not be blank.")
    return limited(text, maximum)


def visible(maximum: int) -> AfterValidator:
    """Return the validator of a name: not blank, and at most `maximum` characters."""
    return AfterValidator(lambda text: not_blank(text, maximum))


def short(maximum: int) -> AfterValidator:
    """Return the validator of a text of at most `maximum` characters."""
    return AfterValidator(lambda text: limited(text, maximum))


def limits(maximum: int) -> dict[str, Any]:
    """Return the JSON Schema of a text of at most `maximum` characters."""
    return {"maxLength": maximum, "pattern": WITHOUT_NUL}


def name_field(maximum: int, description: str, example: str) -> Any:
    """Return the description of a name."""
    return Field(
        description=f"{description} Must not be blank.",
        examples=[example],
        json_schema_extra={"minLength": 1, "maxLength": maximum, "pattern": NOT_BLANK},
    )


def _flag(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise PydanticCustomError("type", "This must be true or false.")
    return value.lower() == "true"


# Query parameters are untyped. Besides JSON's spellings of booleans, accept Python's.
Flag = Annotated[
    bool,
    PlainValidator(_flag),
    WithJsonSchema({"type": "boolean", "examples": [True]}),
]


def whole_number(text: str) -> int:
    """Return the number that a query parameter has. Raise a fault for other text."""
    if not re.fullmatch("-?[0-9]{1,19}", text):
        raise PydanticCustomError("type", "This must be a whole number.")
    return int(text)


# In a query: decimal digits, without the spaces and underscores that int() accepts.
WholeNumber = Annotated[int, BeforeValidator(whole_number)]

# The bounds precede the validator: otherwise the schema of a union with MISSING lacks them.
RevisionIn = Annotated[int, Field(ge=1, le=ID_MAX), BeforeValidator(whole_number)]


# The id of another object of the account.
ReferenceIn = Annotated[int, Field(ge=1, le=ID_MAX)]


# A time in an answer. All have this form: some parsers accept either a fraction or none.
WHOLE_SECONDS = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"

UTCTime = Annotated[datetime, Field(json_schema_extra={"pattern": f"^{WHOLE_SECONDS}$"})]
Instant = Annotated[
    UTCTime, Field(description="Time in UTC (RFC 3339).", examples=["2030-01-01T08:00:00Z"])
]

Owner = Annotated[
    str, Field(description="The account's username, in its original case.", examples=["alice"])
]

UndoRevision = Annotated[
    int | MISSING,
    Field(
        description="Revision of the change, for `POST …/changes/<revision>/undo`. Absent if "
        "nothing was changed.",
        examples=[12],
    ),
]
