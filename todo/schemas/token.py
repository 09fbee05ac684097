"""Token schemas."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import MISSING, AfterValidator, Field
from pydantic_core import PydanticCustomError

from todo import clock
from todo.http.schema import Body, Representation
from todo.models.token import NAME_MAX
from todo.schemas.dates import InstantIn
from todo.schemas.meta import Instant, Owner, Text, UTCTime, name_field, visible
from todo.schemas.session import CurrentPassword

DEFAULT_LIFETIME = timedelta(days=90)
MAX_LIFETIME = timedelta(days=366)


def _expires(value: datetime | None) -> datetime:
    now = clock.now()
    if value is None:
        return now + DEFAULT_LIFETIME
    if not now < value <= now + MAX_LIFETIME:
        raise PydanticCustomError(
            "expires", "This must be in the future, at most 366 days from now."
        )
    return value


class NewToken(Body):
    """An API token to create."""

    name: Annotated[
        Text, visible(NAME_MAX), name_field(NAME_MAX, "Purpose of the token.", "backup script")
    ]
    scope: Annotated[
        Literal["read", "write"],
        Field(
            description="`read`: read only. `write`: also change tasks.",
            examples=["read"],
        ),
    ]
    expires: Annotated[
        InstantIn,
        AfterValidator(_expires),
        Field(
            description="Expiration: an RFC 3339 time, a day, or `DD/MM/YYYY hh:mm:ss`, at most "
            "366 days from now. Null or an empty string means 90 days from now.",
            validate_default=True,
        ),
    ] = None
    current_password: CurrentPassword | MISSING = MISSING


class Token(Representation):
    """A token, without its secret."""

    id: int = Field(description="Token id. Never reused.", examples=[1])
    kind: str = Field(description="`session` or `api`. New kinds may be added.", examples=["api"])
    name: str | None = Field(
        description="Name of the API token; null for a session.", examples=["backup script"]
    )
    scope: str = Field(description="`read` or `write`. New scopes may be added.", examples=["read"])
    client: str | None = Field(
        description="`User-Agent` of the login; null for an API token.",
        examples=["Mozilla/5.0 (X11; Linux x86_64)"],
    )
    creation_date: Instant
    last_used_date: Annotated[
        UTCTime,
        Field(
            description="Time of the last use in UTC (RFC 3339), accurate to a minute.",
            examples=["2030-01-01T08:00:00Z"],
        ),
    ]
    expiration_date: Instant


class ListedToken(Token):
    """A token in a list."""

    current: bool = Field(description="Whether this is the token of the request.", examples=[True])


class TokenList(Representation):
    """The account's sessions and API tokens."""

    username: Owner
    tokens: list[ListedToken] = Field(description="Sessions and API tokens, oldest first.")


class TokenAnswer(Representation):
    """The session or API token."""

    username: Owner
    token: Token


class TokenCreated(Representation):
    """The new API token. Its secret is not shown again."""

    msg: str = Field(description="Confirmation message.", examples=["Token created"])
    username: Owner
    token: str = Field(
        description="Secret: `tdo_`, 43 digits of base 62, and 6 digits with their CRC32.",
        examples=["tdo_0GvYz1mU5hXoQe7Rt3JkPw9SaLcDbNfHiVuBx2MgTyCqWs4Zo1mD2x"],
    )
    token_expires: Instant
    api_token: Token


class TokensRevoked(Representation):
    """Confirmation of the revocation."""

    username: Owner
    msg: str = Field(description="Confirmation message.", examples=["Revoked."])


class WhoAmI(Representation):
    """The token of the request and its permissions."""

    username: Owner
    kind: str = Field(description="`session` or `api`. New kinds may be added.", examples=["api"])
    name: str | None = Field(
        description="Name of the API token; null for a session.", examples=["backup script"]
    )
    scope: str = Field(description="`read` or `write`. New scopes may be added.", examples=["read"])
    permissions: list[str] = Field(
        description="Some of `read`, `write` (change tasks) and `manage` (change the account "
        "and its tokens). New ones may be added.",
        examples=[["read"]],
    )
    token_expires: Instant
