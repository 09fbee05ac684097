"""Account schemas."""

import re
from typing import Annotated

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from pydantic import MISSING, AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from todo.auth.passwords import (
    MAX_BYTES,
    MIN_CHARACTERS,
    is_common,
    is_personal,
    normalize_password,
)
from todo.http.schema import Body, Representation
from todo.models.account import DEFAULT_TIMEZONE, EMAIL_MAX, TIMEZONE_MAX, USERNAME_MAX
from todo.schemas.dates import zone_name
from todo.schemas.filter import Filter
from todo.schemas.list import List
from todo.schemas.meta import WITHOUT_NUL, Instant, Owner, Text, Unicode, limited
from todo.schemas.reminder import StoredReminder
from todo.schemas.session import OMITTED_WITH, CurrentPassword, LoggedIn, SessionCarrier
from todo.schemas.task import StoredTask
from todo.schemas.trash import TrashedTask
from todo.schemas.webhook import Webhook

USERNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")

# Path segments below /accounts/ that the API uses, or that a later version may use.
RESERVED = frozenset(
    {"login", "logout", "register", "me", "password", "reset", "session", "sessions", "tokens"}
)


def _username(text: str) -> str:
    if not text:
        raise PydanticCustomError("blank", "This must not be empty.")
    limited(text, USERNAME_MAX)
    if not USERNAME.fullmatch(text):
        raise PydanticCustomError(
            "username",
            "This must contain only the letters a to z, digits, '.', '_' and '-', "
            "and begin and end with a letter or digit.",
        )
    if text.lower() in RESERVED:
        raise PydanticCustomError("reserved", "This name is reserved.")
    return text


# Home servers have addresses such as alice@localhost and alice@nas.local.
for _domain in ("local", "localhost"):
    SPECIAL_USE_DOMAIN_NAMES.remove(_domain)


def _email(text: str) -> str:
    limited(text, EMAIL_MAX)  # first, because validating a long text is slow
    is_local = text.lower().endswith("@localhost")
    try:
        address = validate_email(
            text, check_deliverability=False, globally_deliverable=not is_local
        ).normalized
    except EmailNotValidError as error:
        raise PydanticCustomError("email", "{reason}", {"reason": str(error)}) from None
    return limited(address, EMAIL_MAX)


def _password(text: str, info: ValidationInfo) -> str:
    if len(text) <= MAX_BYTES:  # a longer text is slow to normalize, and refused below
        text = normalize_password(text)
    if len(text) < MIN_CHARACTERS:
        raise PydanticCustomError(
            "password_too_short",
            "This must have at least {minimum} characters.",
            {"minimum": MIN_CHARACTERS},
        )
    if len(text.encode()) > MAX_BYTES:
        raise PydanticCustomError(
            "password_too_long",
            "This must have at most {maximum} bytes in UTF-8.",
            {"maximum": MAX_BYTES},
        )
    if is_common(text):
        raise PydanticCustomError(
            "password_common", "This is among the passwords that attackers try first."
        )
    if is_personal(text, info.data.get("username", ""), info.data.get("email", "")):
        raise PydanticCustomError(
            "password_personal", "This must not contain the username or the e-mail address."
        )
    return text


def _repeated_password(text: str, info: ValidationInfo) -> str:
    # An invalid password is not in info.data; its own fault is enough.
    if len(text) <= MAX_BYTES:
        text = normalize_password(text)
    if info.data.get("password", text) != text:
        raise PydanticCustomError("mismatch", "The two passwords differ.")
    return text


Username = Annotated[
    str,
    AfterValidator(_username),
    Field(
        description="ASCII letters, digits, '.', '_' and '-'; begins and ends with a letter or "
        "digit. Unique regardless of case. Some words, such as `login`, are reserved.",
        examples=["alice"],
        json_schema_extra={
            "minLength": 1,
            "maxLength": USERNAME_MAX,
            "pattern": f"^{USERNAME.pattern}$",
        },
    ),
]
Email = Annotated[
    Text,
    AfterValidator(_email),
    Field(
        description="E-mail address. Several accounts may have the same one.",
        examples=["alice@example.com"],
        json_schema_extra={"format": "email", "maxLength": EMAIL_MAX},
    ),
]
Password = Annotated[
    Text,
    AfterValidator(_password),
    Field(
        description=f"At least {MIN_CHARACTERS} characters, at most {MAX_BYTES} bytes in UTF-8. "
        "Common passwords, and those that contain the username or e-mail address, are refused.",
        examples=["correct horse battery"],
        json_schema_extra={
            "format": "password",
            "minLength": MIN_CHARACTERS,
            "maxLength": MAX_BYTES,
            "pattern": WITHOUT_NUL,
        },
    ),
]
RepeatedPassword = Annotated[
    Unicode,
    AfterValidator(_repeated_password),
    Field(
        description="Repetition of `password`. Optional; if sent, it must match.",
        examples=["correct horse battery"],
        json_schema_extra={"format": "password"},
    ),
]
Timezone = Annotated[
    str,
    AfterValidator(zone_name),
    Field(
        description="IANA time zone name. Times without an offset are read in this zone, and "
        "days begin and end in it.",
        examples=["Europe/Berlin"],
        json_schema_extra={"minLength": 1, "maxLength": TIMEZONE_MAX},
    ),
]


class Account(Representation):
    """An account's profile."""

    id: int = Field(description="Account id. Never reused.", examples=[1])
    username: Owner
    email: str = Field(description="E-mail address.", examples=["alice@example.com"])
    date_joined: Instant
    timezone: str = Field(description="IANA time zone name.", examples=["Europe/Berlin"])


class AccountExport(Representation):
    """The profile, lists, saved filters, tasks, reminders, trash and webhooks of an account."""

    username: Owner
    profile: Account
    lists: list[List] = Field(description="All lists, by id.")
    filters: list[Filter] = Field(description="All saved filters, by id.")
    tasks: list[StoredTask] = Field(description="All tasks, by id.")
    reminders: list[StoredReminder] = Field(description="Reminders that have fired, by id.")
    trash: list[TrashedTask] = Field(description="Deleted tasks, in the order of their deletion.")
    webhooks: list[Webhook] | MISSING = Field(
        MISSING,
        description="All webhooks, by id, without their secrets. Absent in an export by an API "
        "token.",
    )


class Registration(Body):
    """Registration details. Without `timezone`, it is UTC."""

    shown_as = Account

    username: Username
    email: Email
    password: Annotated[Password, Field(repr=False)]
    password2: Annotated[RepeatedPassword | MISSING, Field(repr=False)] = MISSING
    timezone: Timezone = DEFAULT_TIMEZONE
    invitation: Annotated[
        Unicode | None,
        Field(
            repr=False,
            description="Invitation from the administrator. Required if the service accepts "
            "registrations by invitation only; otherwise ignored.",
        ),
    ] = None
    session: SessionCarrier = None


class AccountChange(Body):
    """Changes to a profile. Fields that are not mentioned keep their values."""

    shown_as = Account

    username: Username | MISSING = MISSING
    email: Email | MISSING = MISSING
    password: Annotated[Password | MISSING, Field(repr=False)] = MISSING
    password2: Annotated[RepeatedPassword | MISSING, Field(repr=False)] = MISSING
    timezone: Timezone | MISSING = MISSING
    current_password: Annotated[CurrentPassword | MISSING, Field(repr=False)] = MISSING
    session: SessionCarrier = None


class AccountDeletion(Body):
    """Password to confirm the deletion of an account."""

    current_password: Annotated[CurrentPassword | MISSING, Field(repr=False)] = MISSING


class Registered(LoggedIn):
    """The new account and its first session."""

    profile: Account


class AccountChanged(Representation):
    """The account after the change."""

    msg: str = Field(description="Confirmation message.", examples=["Profile updated."])
    username: Owner
    profile: Account
    token: str | MISSING = Field(
        MISSING,
        description="Token of the new session; only after a password change, and absent if the "
        "request has `session: cookie`.",
        examples=["q0BXwTtYbVU2j5Mm8fEHoZs1LJcKdRxgPnA7yvWi94k"],
        json_schema_extra={OMITTED_WITH: "session"},
    )
    token_expires: Instant | MISSING = MISSING
