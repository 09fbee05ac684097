"""Sessions, going in and out."""

from typing import Annotated

from pydantic import Field

from todo.http.schema import Body, Representation
from todo.schemas.meta import Instant, Owner, Unicode

CurrentPassword = Annotated[
    Unicode,
    Field(
        description="The password as it is. Not needed within ten minutes of a login.",
        examples=["correct horse battery"],
        json_schema_extra={"format": "password"},
    ),
]


class Credentials(Body):
    """Who logs in."""

    username: Unicode = Field(description="In any case of letters.", examples=["alice"])
    password: Annotated[
        Unicode,
        Field(
            repr=False,
            examples=["correct horse battery"],
            json_schema_extra={"format": "password"},
        ),
    ]


class LoggedIn(Representation):
    """A login, which is shown this once."""

    msg: str = Field(description="A word that it is done.", examples=["Authenticated"])
    username: Owner
    token: str = Field(
        description="To be sent as Authorization: Bearer <token>. The cookie holds the same.",
        examples=["q0BXwTtYbVU2j5Mm8fEHoZs1LJcKdRxgPnA7yvWi94k"],
    )
    token_expires: Instant


class LoggedOut(Representation):
    """A word that it is done."""

    msg: str = Field(examples=["Logged out."])
