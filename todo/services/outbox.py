"""The changes that are due for each webhook: the journal is the outbox.

Each function is one short transaction of the caller. No transaction is open while a message is
sent. A claim makes one process send to a webhook; it ends by itself if the process is killed, and
the next process repeats the messages after the stored cursor.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, or_, select, tuple_, update
from sqlalchemy.orm import Session

from todo import clock
from todo.days import in_whole_seconds
from todo.journal.retention import IN_ORDER
from todo.models.account import ACCOUNTS
from todo.models.change import CHANGES, CREATE
from todo.models.json import to_json
from todo.models.task import TASK_COLUMNS, TASKS, TaskRow
from todo.models.webhook import WEBHOOKS, Disabled, is_wanted
from todo.schemas.change import Change
from todo.schemas.task import Task
from todo.services.sending import GONE, Answer, Message
from todo.services.webhooks import MAX_WEBHOOKS

CLAIM = timedelta(seconds=60)  # much longer than a turn takes
OF_ACCOUNT = 2  # webhooks of an account that a process sends to at a time

# Of one turn.
MAX_SCANNED = 1000  # changes, of which a webhook may want few
MAX_MESSAGES, MAX_BYTES = 50, 1_000_000

# After each failed attempt, and after all further ones.
PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
)
GIVE_UP = timedelta(hours=24)  # after the first failure

REMINDER = "reminder"  # the kind whose messages have the task as well

EXPIRED, TEST = "changes.expired", "test"

_KEY = (CHANGES.c.revision, CHANGES.c.kind, CHANGES.c.object_id)


class Cursor(NamedTuple):
    """How far the journal has been sent: up to a revision, and some changes of the next one."""

    revision: int
    changes: int = 0


class Claim(NamedTuple):
    """The right of this process to send to a webhook until a time."""

    id: int
    account_id: int
    url: str
    events: list[str]
    secret: str
    cursor: Cursor
    until: datetime


class Step(NamedTuple):
    """A message, and the cursor after it."""

    message: Message
    cursor: Cursor


class Batch(NamedTuple):
    """The messages of a turn, and the cursor after all of them."""

    steps: list[Step]
    end: Cursor


def claim_due(session: Session, accounts: Iterable[int], free: int) -> list[Claim]:
    """Claim at most `free` webhooks with changes to send, those first that have waited longest.

    `accounts` are those of the webhooks that this process is sending to, one for each.
    """
    now = clock.now()
    waiting = (
        WEBHOOKS.c.disabled_date.is_(None),
        _has_passed(WEBHOOKS.c.claimed_until, now, CLAIM),
        or_(
            WEBHOOKS.c.next_attempt_date.is_(None),
            _has_passed(WEBHOOKS.c.next_attempt_date, now, PAUSES[-1]),
        ),
    )
    running = Counter(accounts)
    full = [account for account, count in running.items() if count >= OF_ACCOUNT]
    due = (
        select(WEBHOOKS.c.id, WEBHOOKS.c.account_id)
        .join(ACCOUNTS, ACCOUNTS.c.id == WEBHOOKS.c.account_id)
        .where(
            *waiting,
            ACCOUNTS.c.revision > WEBHOOKS.c.cursor_revision,
            ACCOUNTS.c.disabled_date.is_(None),
            ACCOUNTS.c.closed_date.is_(None),
            WEBHOOKS.c.account_id.not_in(full),
        )
        .order_by(WEBHOOKS.c.claimed_until, WEBHOOKS.c.id)
        # Enough rows, even if each account has as many webhooks as it may have.
        .limit(free * MAX_WEBHOOKS // OF_ACCOUNT)
    )
    chosen: list[int] = []
    for webhook_id, account_id in session.execute(due):
        if len(chosen) < free and running[account_id] < OF_ACCOUNT:
            running[account_id] += 1
            chosen.append(webhook_id)
    if not chosen:
        return []
    free_rows = select(WEBHOOKS.c.id).where(WEBHOOKS.c.id.in_(chosen), *waiting)
    until = now + CLAIM
    claimed = (
        update(WEBHOOKS)
        .where(WEBHOOKS.c.id.in_(free_rows.with_for_update(skip_locked=True)))
        .values(claimed_until=until)
        .returning(*WEBHOOKS.c)
    )
    return [_claim(row, until) for row in session.execute(claimed)]


def read_batch(session: Session, claim: Claim) -> Batch:
    """Return the next messages for the webhook."""
    account = session.execute(
        select(ACCOUNTS.c.username, ACCOUNTS.c.revision).where(ACCOUNTS.c.id == claim.account_id)
    ).one()
    later = (
        CHANGES.c.account_id == claim.account_id,
        CHANGES.c.revision > claim.cursor.revision,
        CHANGES.c.revision <= account.revision,
    )
    first = session.scalar(select(CHANGES.c.revision).where(*later).order_by(*IN_ORDER).limit(1))
    if first != claim.cursor.revision + 1:
        kept = Cursor(account.revision if first is None else first - 1)
        return Batch([_expired(claim, account.username, kept)], kept)
    scan = select(*_KEY, CHANGES.c.action, CHANGES.c.size).where(*later).order_by(*IN_ORDER)
    rows = session.execute(scan.offset(claim.cursor.changes).limit(MAX_SCANNED)).all()
    places = list(zip(rows, _cursors(claim.cursor, rows), strict=True))
    wanted = [each for each in places if is_wanted(claim.events, each[0].kind, each[0].action)]
    fitting = _fitting(wanted)
    changes = _load(session, claim.account_id, [_key(row) for row, _ in fitting])
    steps = []
    for row, cursor in fitting:
        change = changes.get(_key(row))
        if change is None:  # forgotten in between: the next turn finds that out
            break
        message = _message(session, claim.account_id, account.username, change)
        steps.append(Step(message, cursor))
    if len(steps) < len(wanted):
        return Batch(steps, steps[-1].cursor if steps else claim.cursor)
    return Batch(steps, places[-1][1] if len(rows) == MAX_SCANNED else Cursor(account.revision))


def end_turn(session: Session, claim: Claim, cursor: Cursor, answer: Answer | None) -> None:
    """Store how far the messages were delivered and the last answer, and end the claim.

    After a failed attempt, store when the next one is due, or disable the webhook. Do nothing if
    another process has claimed it meanwhile.
    """
    mine = (WEBHOOKS.c.id == claim.id, WEBHOOKS.c.claimed_until == claim.until)
    row = session.execute(select(*WEBHOOKS.c).where(*mine).with_for_update()).one_or_none()
    if row is None:
        return
    columns: dict[str, Any] = {
        "claimed_until": clock.now(),
        "cursor_revision": cursor.revision,
        "cursor_changes": cursor.changes,
    }
    if answer is not None:
        columns |= {f"answer_{name}": value for name, value in answer._asdict().items()}
        if row.url == claim.url:  # of another URL, the answer says nothing
            columns |= _after(row, answer)
    session.execute(update(WEBHOOKS).where(WEBHOOKS.c.id == claim.id).values(columns))


def message_of_test(username: str, message_id: str) -> Message:
    """Return a message that only shows whether the receiver works."""
    return Message(message_id, _body(TEST, clock.now(), {"username": username}))


def _has_passed(
    column: ColumnElement[datetime], now: datetime, longest: timedelta
) -> ColumnElement[bool]:
    """Return the condition of a time in the past; a time too far ahead is of a wrong clock.

    Another process may have set it a little later than `now`, or by a clock that is ahead.
    """
    return or_(column <= now, column > now + 2 * longest)


def _claim(row: Row[Any], until: datetime) -> Claim:
    cursor = Cursor(row.cursor_revision, row.cursor_changes)
    return Claim(row.id, row.account_id, row.url, row.events, row.secret, cursor, until)


def _key(row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, column.key) for column in _KEY)


def _cursors(start: Cursor, rows: Sequence[Any]) -> Iterator[Cursor]:
    """Yield the cursor after each row."""
    cursor = start
    for row in rows:
        # The changes of a revision are counted from its first one.
        same = row.revision == cursor.revision + 1
        cursor = Cursor(row.revision - 1, cursor.changes + 1 if same else 1)
        yield cursor


def _fitting(wanted: list[tuple[Any, Cursor]]) -> list[tuple[Any, Cursor]]:
    """Return the first of the rows, as many as one turn may send. The first is always included."""
    wanted = wanted[:MAX_MESSAGES]
    totals = accumulate(row.size for row, _ in wanted)
    fitting = [each for each, total in zip(wanted, totals, strict=True) if total <= MAX_BYTES]
    return fitting or wanted[:1]


def _load(
    session: Session, account_id: int, keys: list[tuple[Any, ...]]
) -> dict[tuple[Any, ...], Any]:
    """Return the changes with these keys."""
    if not keys:
        return {}
    query = select(*CHANGES.c).where(CHANGES.c.account_id == account_id, tuple_(*_KEY).in_(keys))
    return {_key(change): change for change in session.execute(query)}


def _message(session: Session, account_id: int, username: str, change: Row[Any]) -> Message:
    data: dict[str, Any] = {"username": username, "change": Change.of_each([change])[0]}
    if change.kind == REMINDER and (task := _task(session, account_id, change)):
        data["task"] = task
    # The date tells the change from another one with the same revision, after a restored backup.
    message_id = _message_id(account_id, *_key(change), change.date.isoformat())
    return Message(message_id, _body(f"{change.kind}.{change.action}", change.date, data))


def _task(session: Session, account_id: int, change: Row[Any]) -> dict[str, Any] | None:
    """Return the task of the reminder as the API shows it, if it exists."""
    recorded = change.after or change.before or {}
    if "task_id" not in recorded:  # an update has only the changed fields
        created = (
            CHANGES.c.account_id == account_id,
            CHANGES.c.kind == change.kind,
            CHANGES.c.object_id == change.object_id,
            CHANGES.c.action == CREATE,
        )
        recorded = session.scalar(select(CHANGES.c.after).where(*created)) or {}
    mine = (TASKS.c.account_id == account_id, TASKS.c.id == recorded.get("task_id"))
    row = session.execute(select(*TASK_COLUMNS).where(*mine)).one_or_none()
    return None if row is None else Task.of(TaskRow._make(row))


def _expired(claim: Claim, username: str, kept: Cursor) -> Step:
    """Return the message that tells the receiver to read everything anew."""
    revisions = {"since": claim.cursor.revision, "revision": kept.revision}
    message_id = _message_id(claim.account_id, claim.id, EXPIRED, *revisions.values())
    body = _body(EXPIRED, clock.now(), {"username": username, **revisions})
    return Step(Message(message_id, body), kept)


def _body(event: str, date: datetime, data: dict[str, Any]) -> bytes:
    return to_json({"type": event, "timestamp": in_whole_seconds(date), "data": data})


def _message_id(*parts: object) -> str:
    return "msg_" + hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:32]


def _after(row: Row[Any], answer: Answer) -> dict[str, Any]:
    """Return the columns that follow from the answer."""
    if answer.error is None:
        return {"attempts": 0, "failing_since": None, "next_attempt_date": None}
    now, attempts = clock.now(), row.attempts + 1
    since = row.failing_since or now
    give_up = since + GIVE_UP
    failed: dict[str, Any] = {"attempts": attempts, "failing_since": since}
    reason = None
    if answer.status == GONE:
        reason = Disabled.GONE
    elif now >= give_up and attempts >= len(PAUSES):  # not after a pause of this service
        reason = Disabled.FAILING
    if reason and row.disabled_date is None:
        return failed | {
            "next_attempt_date": None,
            "disabled_date": now,
            "disabled_reason": reason,
        }
    following = now + PAUSES[min(attempts, len(PAUSES)) - 1]
    return failed | {"next_attempt_date": min(following, give_up) if now < give_up else following}
