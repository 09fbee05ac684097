"""The hourly purge: a count in the database selects one process per hour."""

import logging
import time

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from todo.auth.limits import refund
from todo.jobs.purge import purge_expired
from todo.jobs.runner import Pause
from todo.jobs.schedule import PURGE, describe_pause, take_turn
from todo.jobs.zones import correct_instants
from todo.settings import Settings

logger = logging.getLogger(__name__)


def purge_hourly(engine: Engine, settings: Settings, pause: Pause = time.sleep) -> dict[str, int]:
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
