"""Webhook schemas."""

import re
from functools import cached_property
from ipaddress import ip_address
from typing import Annotated, Any

from pydantic import MISSING, AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from todo.addresses import is_allowed, literal_addresses
from todo.http.schema import Body, Representation
from todo.models.webhook import EVERY_EVENT, URL_MAX, event_names
from todo.schemas.meta import Instant, Owner, Text, UTCTime, limited
from todo.schemas.session import CurrentPassword

EVENTS_MAX = 100
PORT_MAX = 2**16 - 1
LABEL_MAX, HOST_MAX = 63, 253  # RFC 1035, section 2.3.4, in the usual notation

# RFC 3986, without user information and fragments. Other characters must be percent-encoded.
_HOST = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?"
_REST = r"[/?](?:[A-Za-z0-9._~:/?@!$&'()*+,;=\[\]-]|%[0-9A-Fa-f]{2})*"
URL_PATTERN = rf"https?://(?:{_HOST})(?::[0-9]{{1,5}})?(?:{_REST})?"
_URL = re.compile(rf"https?://(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?(?:{_REST})?")


def _url(text: str, info: ValidationInfo) -> str:
    match = _URL.fullmatch(limited(text, URL_MAX))
    if not match or not _is_host(match["host"]) or not 1 <= int(match["port"] or 1) <= PORT_MAX:
        raise PydanticCustomError(
            "url",
            "This must be a URL that begins with http:// or https:// and a host, without a "
            "username, a password and a fragment. Percent-encode other characters, and write an "
            "international host name in its form with xn--.",
        )
    settings = (info.context or {}).get("settings")
    networks = settings.webhook_networks if settings else ()
    literal = literal_addresses(match["host"])
    if literal and not any(is_allowed(address, networks) for address in literal):
        raise PydanticCustomError(
            "private_address", "The host must have a public address on the internet."
        )
    return text


def _is_host(host: str) -> bool:
    if host.startswith("["):
        try:
            return ip_address(host[1:-1]).version == 6
        except ValueError:
            return False
    labels = host.removesuffix(".").split(".")
    return len(host) <= HOST_MAX and all(0 < len(label) <= LABEL_MAX for label in labels)


def _from_form(value: Any, info: ValidationInfo) -> Any:
    if (info.context or {}).get("form") and isinstance(value, str):
        return value.split(",")
    return value


def _event(name: str) -> str:
    if name not in event_names():
        raise PydanticCustomError(
            "event", "This must be *, or an event such as task.create or task.*."
        )
    return name


URLIn = Annotated[
    Text,
    AfterValidator(_url),
    Field(
        description="Where to send the messages: `http` or `https`, at most 2,000 characters.",
        examples=["https://hooks.example.com/todo"],
        json_schema_extra={"maxLength": URL_MAX, "pattern": f"^{URL_PATTERN}$"},
    ),
]
EventsIn = Annotated[
    list[
        Annotated[
            Text, AfterValidator(_event), Field(json_schema_extra={"enum": list(event_names())})
        ]
    ],
    Field(min_length=1, max_length=EVENTS_MAX),
    BeforeValidator(_from_form),
    AfterValidator(lambda names: list(dict.fromkeys(names))),
    Field(
        description="Events to send: `task.create`, or `task.*` for all events of a kind, or `*` "
        "for all. In a form, separated by commas.",
        examples=[["task.create", "list.*"]],
    ),
]
EnabledIn = Annotated[
    bool,
    Field(
        description="`false` pauses the webhook. `true` goes on where it stopped.", examples=[True]
    ),
]


class ReceiverAnswer(Representation):
    """The answer of a receiver to a message."""

    date: Instant
    status: int | None = Field(
        description="HTTP status. Null if there was no answer.", examples=[503]
    )
    error: str | None = Field(
        description="Why the message counts as not delivered, in English. Null if it was "
        "delivered: the status was from 200 to 299.",
        examples=["The status is not from 200 to 299."],
    )
    milliseconds: int = Field(description="Time until the end of the answer.", examples=[87])


class Webhook(Representation):
    """A webhook, without its secret."""

    id: int = Field(description="Webhook id. Never reused.", examples=[1])
    url: str = Field(
        description="Where messages are sent.", examples=["https://hooks.example.com/todo"]
    )
    events: list[str] = Field(
        description="Events that are sent. `*` is all, `task.*` all of the kind.", examples=[["*"]]
    )
    creation_date: Instant
    enabled: bool = Field(description="Whether messages are sent.", examples=[True])
    disabled_date: UTCTime | None = Field(
        description="Time since which nothing is sent, in UTC (RFC 3339), or null.",
        examples=[None],
    )
    disabled_reason: str | None = Field(
        description="`paused` (by its owner), `failing` (all attempts for a day have failed) or "
        "`gone` (the receiver has answered 410). Null if enabled. New reasons may be added.",
        examples=[None],
    )
    failing_since: UTCTime | None = Field(
        description="Time of the first of the attempts that have failed in a row, in UTC "
        "(RFC 3339). Null if the last one succeeded.",
        examples=[None],
    )
    next_attempt_date: UTCTime | None = Field(
        description="Time of the next attempt after a failed one, in UTC (RFC 3339), or null.",
        examples=[None],
    )
    last_answer: ReceiverAnswer | None = Field(
        description="Answer to the last message. Null if none was sent yet."
    )


class WebhookChange(Body):
    """Changes to a webhook. Fields that are not mentioned keep their values."""

    shown_as = Webhook

    url: URLIn | MISSING = MISSING
    events: EventsIn | MISSING = MISSING
    enabled: EnabledIn | MISSING = MISSING
    current_password: CurrentPassword | MISSING = MISSING


class NewWebhook(WebhookChange):
    """A webhook to create."""

    url: URLIn
    events: EventsIn = [EVERY_EVENT]  # noqa: RUF012 - pydantic copies it
    enabled: EnabledIn = True


class Webhooks(Representation):
    """The account's webhooks."""

    username: Owner
    webhooks: list[Webhook] = Field(description="Webhooks, oldest first.")


class WebhookAnswer(Representation):
    """The webhook."""

    username: Owner
    webhook: Webhook


class WebhookEnvelope(Body):
    """Changes to a webhook, in an answer that the client sends back."""

    shown_as = WebhookAnswer

    webhook: WebhookChange

    @cached_property
    def prepared(self) -> dict[str, Any]:
        return self.webhook.prepared


class WebhookPosted(WebhookAnswer):
    """The new webhook. Its secret is not shown again."""

    msg: str = Field(description="Confirmation message.", examples=["posted"])
    secret: str = Field(
        description="Secret that signs the messages: `whsec_` and 32 bytes in base64.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="],
    )


class WebhookDeleted(Representation):
    """Confirmation of the deletion."""

    username: Owner
    msg: str = Field(description="Confirmation message.", examples=["Deleted."])


class WebhookTested(Representation):
    """The answer of the receiver to a test message."""

    username: Owner
    answer: ReceiverAnswer
