"""Background jobs: a thread per process, and a lock that selects one process per hour.

The lock is a count in the database: the first process to increment it in an hour runs the jobs,
unless the clock has jumped.
"""

import logging
import threading
import time
from collections.abc import Callable

from pyramid.registry import Registry
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from todo.auth.limits import refund
from todo.http.errors import first_line
from todo.jobs.purge import purge_expired
from todo.jobs.schedule import PURGE, describe_pause, take_turn
from todo.jobs.zones import correct_instants
from todo.settings import Settings

logger = logging.getLogger(__name__)

CHECK_INTERVAL = 5 * 60  # seconds between checks whether an hour has passed


class StoppedError(Exception):
    """The process is stopping, so the job must end early."""


class JobThread(threading.Thread):
    """The thread that runs the jobs until stopped."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        super().__init__(name="jobs", daemon=True)
        self.engine, self.settings = engine, settings
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.wait(CHECK_INTERVAL):
            try:
                purge_hourly(self.engine, self.settings, self.pause)
            except StoppedError:
                return
            except SQLAlchemyError as error:
                logger.warning("the purge failed and will be retried: %s", first_line(error))
            except Exception:
                logger.exception("the purge failed and will be retried")

    def pause(self, seconds: float) -> None:
        """Wait between two batches of a job. Raise StoppedError if the process is stopping."""
        if self.stopping.wait(seconds):
            raise StoppedError

    def stop(self) -> None:
        """Stop the thread after the current batch."""
        self.stopping.set()
        self.join()


def start(registry: Registry) -> JobThread:
    """Start the job thread of this process and return it."""
    thread = JobThread(registry["engine"], registry["settings"])
    thread.start()
    return thread


def purge_hourly(
    engine: Engine, settings: Settings, pause: Callable[[float], object] = time.sleep
) -> dict[str, int]:
    """Purge unless a process did in the last hour; return the number of deleted rows by name.

    Then correct the tasks in time zones with new rules. If the clock has jumped, log a warning
    instead.
    """
    with Session(engine) as session:
        turn = take_turn(session)
        if not turn.is_first:
            return {}
        session.commit()
        if turn.paused_until is not None:
            logger.warning(describe_pause(turn.paused_until))
            return {}
        try:
            deleted = purge_expired(session, settings, pause)
            corrected = correct_instants(session, pause)
        except Exception:
            session.rollback()
            refund(engine, [(PURGE, "")])
            raise
    if any(deleted.values()):
        logger.info("purged: %s", ", ".join(f"{name} {n}" for name, n in deleted.items() if n))
    if corrected:
        logger.info("corrected %d tasks: the rules of their time zones have changed", corrected)
    return deleted
