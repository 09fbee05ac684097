"""Session schemas."""

from typing import Annotated, Literal

from pydantic import MISSING, AfterValidator, Field

from todo.http.schema import Body, Representation
from todo.schemas.meta import Instant, Owner, Unicode

# Extension of JSON Schema: the field of the request that can leave this member out of the answer.
OMITTED_WITH = "x-omitted-with"

CurrentPassword = Annotated[
    Unicode,
    Field(
        description="Current password. Not needed within ten minutes of a login.",
        examples=["correct horse battery"],
        json_schema_extra={"format": "password"},
    ),
]

# Without an example, so that the documentation page gets the token that it works with.
SessionCarrier = Annotated[
    Literal["cookie"] | None,
    Field(
        description="`cookie` leaves `token` out of the answer: only the cookie carries the new "
        "session, out of reach of scripts. Null, like no value, answers with the token, too."
    ),
]


class Credentials(Body):
    """Login credentials."""

    # Phones add a space after a completed word.
    username: Annotated[Unicode, AfterValidator(str.strip)] = Field(
        description="Username. Case and surrounding spaces are ignored.", examples=["alice"]
    )
    password: Annotated[
        Unicode,
        Field(
            repr=False,
            description="Password of the account.",
            examples=["correct horse battery"],
            json_schema_extra={"format": "password"},
        ),
    ]
    session: SessionCarrier = None


class LoggedIn(Representation):
    """The new session. Its token is not shown again."""

    msg: str = Field(description="Confirmation message.", examples=["Authenticated"])
    username: Owner
    token: str | MISSING = Field(
        MISSING,
        description="Session token, to send as `Authorization: Bearer <token>`. The cookie has the "
        "same value. Absent only if the request has `session: cookie`.",
        examples=["q0BXwTtYbVU2j5Mm8fEHoZs1LJcKdRxgPnA7yvWi94k"],
        json_schema_extra={OMITTED_WITH: "session"},
    )
    token_expires: Instant


class LoggedOut(Representation):
    """Confirmation of the logout."""

    msg: str = Field(description="Confirmation message.", examples=["Logged out."])
