"""Send the changes of accounts to their webhooks.

An event loop in the job's thread waits for many receivers at once, so a slow one delays no other.
The database is used in threads, in short transactions, and never while a message is under way.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from todo.http.errors import first_line
from todo.jobs.runner import Pause
from todo.models.engine import separate_transaction
from todo.services.outbox import Claim, claim_due, end_turn, read_batch
from todo.services.sending import Sender
from todo.settings import Settings

logger = logging.getLogger(__name__)

MAX_RUNNING = 100  # webhooks that a process sends to at once
TURN = 5  # seconds after which a turn of a webhook sends no further message
TICK = 1  # seconds between looks for webhooks that have become due
DATABASE_THREADS = 4
LOOKUP_THREADS = 200  # a look-up of a name may go on when its message has timed out

T = TypeVar("T")


def deliver_webhooks(engine: Engine, settings: Settings, pause: Pause) -> None:
    """Send all due messages, until none is left or failed ones have to wait.

    `pause` raises StoppedError when the process is stopping: running requests then end, and their
    results are stored.
    """
    claims = _claim(engine, [])
    if not claims:
        return
    # Not asyncio.run(): it would wait for look-ups that have timed out.
    with (
        ThreadPoolExecutor(DATABASE_THREADS, "webhooks-database") as database,
        closing(asyncio.new_event_loop()) as loop,
    ):
        loop.set_default_executor(ThreadPoolExecutor(LOOKUP_THREADS, "webhooks-lookup"))
        loop.run_until_complete(_Turns(engine, settings, database).run(claims, pause))


def _claim(engine: Engine, accounts: list[int]) -> list[Claim]:
    """Claim the webhooks that are due, as many as are free besides those of these accounts."""
    free = MAX_RUNNING - len(accounts)
    if not free:
        return []
    with separate_transaction(engine) as session:
        return claim_due(session, accounts, free)


class _Turns:
    """The turns of webhooks in one event loop."""

    def __init__(self, engine: Engine, settings: Settings, database: ThreadPoolExecutor) -> None:
        self._engine, self._settings, self._database = engine, settings, database
        self._running: dict[asyncio.Task[None], Claim] = {}
        self._is_ending = False

    async def run(self, claims: list[Claim], pause: Pause) -> None:
        """Give the claimed webhooks their turns, and all that become due until none is running.

        After an error, claim nothing more, wait for the running turns, and raise it.
        """
        error: Exception | None = None
        while claims or self._running:
            for claim in claims:
                self._running[asyncio.create_task(self._turn(claim))] = claim
            await self._wait()
            claims = []
            if error is None:
                try:
                    pause(0)
                    accounts = [claim.account_id for claim in self._running.values()]
                    claims = await self._in_thread(_claim, self._engine, accounts)
                except Exception as raised:
                    error, self._is_ending = raised, True
        if error is not None:
            raise error

    async def _wait(self) -> None:
        """Wait until a turn ends, but at most for a tick."""
        done, _ = await asyncio.wait(
            self._running, timeout=TICK, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            claim = self._running.pop(task)
            # After an error, the claim ends by itself, and the messages are repeated.
            if isinstance(error := task.exception(), SQLAlchemyError):
                logger.warning("webhook %d will be retried: %s", claim.id, first_line(error))
            elif error is not None:
                logger.error("webhook %d will be retried", claim.id, exc_info=error)

    async def _turn(self, claim: Claim) -> None:
        """Send the webhook's next messages in order, up to the first that fails."""
        began = time.monotonic()
        batch = await self._in_transaction(lambda session: read_batch(session, claim))
        cursor, answer = claim.cursor, None
        async with Sender(self._settings.webhook_networks) as sender:
            for message, after in batch.steps:
                if self._is_ending or time.monotonic() - began > TURN:
                    break
                answer = await sender.send(claim.url, claim.secret, message)
                if answer.error is not None:
                    break
                cursor = after
            else:
                cursor = batch.end
        await self._in_transaction(lambda session: end_turn(session, claim, cursor, answer))

    async def _in_transaction(self, action: Callable[[Session], T]) -> T:
        def act() -> T:
            with separate_transaction(self._engine) as session:
                return action(session)

        return await self._in_thread(act)

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._database, function, *arguments)
