"""Webhooks: URLs that an account's changes are sent to."""

import secrets
from base64 import b64encode
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Table, Text, inspect
from sqlalchemy.orm import Mapped, mapped_column

from todo.days import in_whole_seconds
from todo.models.change import ACTIONS
from todo.models.journalled import columns_except, kinds, row_class
from todo.models.json import JSONText
from todo.models.meta import NEVER_REUSE_IDS, Base, BigInt, UTCDateTime, where

URL_MAX = 2000
ERROR_MAX = 255

EVERY_EVENT = "*"

# The form of the Standard Webhooks 1.0, which allow 24 to 64 bytes.
SECRET_PREFIX = "whsec_"  # noqa: S105
SECRET_BYTES = 32


class Disabled(StrEnum):
    """The reason for which nothing is sent to a webhook."""

    PAUSED = "paused"  # by its owner
    FAILING = "failing"
    GONE = "gone"  # the receiver has answered 410


class Webhook(Base):
    """A URL, and how far the account's journal has been sent to it.

    All changes up to `cursor_revision` have been sent, and the first `cursor_changes` of the next
    revision. While `claimed_until` is in the future, one process is sending; afterwards, it is the
    end of the last turn.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint(f"length(url) BETWEEN 1 AND {URL_MAX}", name="url_length"),
        CheckConstraint(f"length(answer_error) <= {ERROR_MAX}", name="answer_error_length"),
        CheckConstraint(
            "(disabled_date IS NULL) = (disabled_reason IS NULL)", name="disabled_reason"
        ),
        Index("ix_webhooks_enabled", "claimed_until", "id", **where("disabled_date IS NULL")),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    url: Mapped[str] = mapped_column(Text)
    events: Mapped[list[str]] = mapped_column(JSONText)
    secret: Mapped[str] = mapped_column(String(64))
    creation_date: Mapped[datetime] = mapped_column(UTCDateTime)
    cursor_revision: Mapped[int] = mapped_column(BigInt)
    cursor_changes: Mapped[int] = mapped_column(Integer, server_default="0")
    claimed_until: Mapped[datetime] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")  # that failed in a row
    failing_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    next_attempt_date: Mapped[datetime | None] = mapped_column(UTCDateTime)
    answer_date: Mapped[datetime | None] = mapped_column(UTCDateTime)
    answer_status: Mapped[int | None] = mapped_column(Integer)
    answer_error: Mapped[str | None] = mapped_column(String(ERROR_MAX))
    answer_milliseconds: Mapped[int | None] = mapped_column(Integer)
    disabled_date: Mapped[datetime | None] = mapped_column(UTCDateTime)
    disabled_reason: Mapped[str | None] = mapped_column(String(7))


WEBHOOKS: Table = inspect(Webhook).local_table  # type: ignore[assignment]

# The secret is read only to sign.
WEBHOOK_COLUMNS = columns_except(WEBHOOKS, frozenset({"secret"}))


class WebhookRow(row_class(WEBHOOK_COLUMNS)):  # type: ignore[misc]
    """A row of a query of WEBHOOK_COLUMNS."""

    __slots__ = ()

    @property
    def enabled(self) -> bool:
        """Whether changes are sent."""
        return self.disabled_date is None

    @property
    def last_answer(self) -> dict[str, Any] | None:
        """The answer to the last message, as the API shows it."""
        if self.answer_date is None:
            return None
        return {
            "date": in_whole_seconds(self.answer_date),
            "status": self.answer_status,
            "error": self.answer_error,
            "milliseconds": self.answer_milliseconds,
        }


def event_names() -> tuple[str, ...]:
    """Return the names of all events, and of the groups of a kind's events."""
    return (
        EVERY_EVENT,
        *(f"{kind}.{action}" for kind in kinds() for action in (EVERY_EVENT, *ACTIONS)),
    )


def is_wanted(events: list[str], kind: str, action: str) -> bool:
    """Return whether a webhook with these events gets a change of the kind."""
    return not {EVERY_EVENT, f"{kind}.{EVERY_EVENT}", f"{kind}.{action}"}.isdisjoint(events)


def new_secret() -> str:
    """Return a new secret of 256 random bits, in the form of the Standard Webhooks."""
    return SECRET_PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
