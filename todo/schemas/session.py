"""Session schemas."""

from typing import Annotated

from pydantic import AfterValidator, Field

from todo.http.schema import Body, Representation
from todo.schemas.meta import Instant, Owner, Unicode

CurrentPassword = Annotated[
    Unicode,
    Field(
        description="Current password. Not needed within ten minutes of a login.",
        examples=["correct horse battery"],
        json_schema_extra={"format": "password"},
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


class LoggedIn(Representation):
    """The new session. Its token is not shown again."""

    msg: str = Field(description="Confirmation message.", examples=["Authenticated"])
    username: Owner
    token: str = Field(
        description="Session token, to send as `Authorization: Bearer <token>`. The cookie has the "
        "same value.",
        examples=["q0BXwTtYbVU2j5Mm8fEHoZs1LJcKdRxgPnA7yvWi94k"],
    )
    token_expires: Instant


class LoggedOut(Representation):
    """Confirmation of the logout."""

    msg: str = Field(description="Confirmation message.", examples=["Logged out."])
