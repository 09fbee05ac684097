"""Tokens, going in and out."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import MISSING, AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from todo import clock
from todo.days import start_of
from todo.http.schema import Body, Representation
from todo.models.token import NAME_MAX
from todo.schemas.dates import DateIn, zone_of
from todo.schemas.meta import NOT_BLANK, Instant, Owner, Text, not_blank
from todo.schemas.session import CurrentPassword

DEFAULT_LIFETIME = timedelta(days=90)
MAX_LIFETIME = timedelta(days=366)


def _name(text: str) -> str:
    return not_blank(text, NAME_MAX)


def _expires(value: date | datetime | None, info: ValidationInfo) -> datetime:
    now = clock.now()
    if value is None:
        return now + DEFAULT_LIFETIME
    if not isinstance(value, datetime):
        value = start_of(value, zone_of(info))
    if not now < value <= now + MAX_LIFETIME:
        raise PydanticCustomError(
            "expires", "This must be in the future, and not more than 366 days away."
        )
    return value


class NewToken(Body):
    """An API token to create."""

    name: Annotated[
        Text,
        AfterValidator(_name),
        Field(
            description="What it is for; not blank.",
            examples=["backup script"],
            json_schema_extra={
                "minLength": 1,
                "maxLength": NAME_MAX,
                "pattern": NOT_BLANK,
            },
        ),
    ]
    scope: Annotated[
        Literal["read", "write"],
        Field(
            description="`read` may only look; `write` may change tasks, too.",
            examples=["read"],
        ),
    ]
    expires: Annotated[DateIn, AfterValidator(_expires), Field(validate_default=True)] = None
    current_password: CurrentPassword | MISSING = MISSING


class Token(Representation):
    """A token, without its secret."""

    id: int = Field(description="Never given to another token.", examples=[1])
    kind: str = Field(description="`session` or `api`.", examples=["api"])
    name: str | None = Field(description="Of an API token.", examples=["backup script"])
    scope: str = Field(description="`read` or `write`.", examples=["read"])
    client: str | None = Field(
        description="The User-Agent of a login.", examples=["Mozilla/5.0 (X11; Linux x86_64)"]
    )
    creation_date: Instant
    last_used_date: Annotated[
        datetime, Field(description="To the minute.", examples=["2030-01-01T08:00:00.123456Z"])
    ]
    expiration_date: Instant


class ListedToken(Token):
    """A token of the list."""

    current: bool = Field(description="Whether it is the one that asks.", examples=[True])


class TokenList(Representation):
    """The sessions and API tokens of the account."""

    username: Owner
    tokens: list[ListedToken]


class TokenAnswer(Representation):
    """One token of the account."""

    username: Owner
    token: Token


class TokenCreated(Representation):
    """A new API token, whose secret is shown this once."""

    msg: str = Field(description="A word that it is done.", examples=["Token created"])
    username: Owner
    token: str = Field(
        description="The secret: tdo_, 43 digits of base 62 and 6 of their CRC32.",
        examples=["tdo_0GvYz1mU5hXoQe7Rt3JkPw9SaLcDbNfHiVuBx2MgTyCqWs4Zo1mD2x"],
    )
    token_expires: Instant
    api_token: Token


class TokensRevoked(Representation):
    """A word that it is done."""

    username: Owner
    msg: str = Field(examples=["Revoked."])


class WhoAmI(Representation):
    """What the token that asks is, and may do."""

    username: Owner
    kind: str = Field(description="`session` or `api`.", examples=["api"])
    name: str | None = Field(description="Of an API token.", examples=["backup script"])
    scope: str = Field(description="`read` or `write`.", examples=["read"])
    permissions: list[str] = Field(
        description="`read`, `write` (tasks), `manage` (the account and its tokens).",
        examples=[["read"]],
    )
    token_expires: Instant
