"""Work without a request: one thread of each process, and a lock that picks one of them.

The lock is a count in the database: the first process to count in an hour does the hour's work.
"""

import logging
import threading
from datetime import timedelta

from pyramid.registry import Registry
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from todo.auth.limits import Limit, count_once
from todo.http.errors import first_line
from todo.jobs.purge import purge_expired
from todo.settings import Settings

logger = logging.getLogger(__name__)

PURGE = Limit("purge", setting="", window=timedelta(hours=1))
ROUND = 5 * 60  # seconds between two looks whether the hour is over


def start(registry: Registry) -> threading.Event:
    """Start the thread; set the event that is returned to stop it."""
    stopping = threading.Event()
    arguments = (registry["engine"], registry["settings"], stopping)
    threading.Thread(target=_run, args=arguments, name="jobs", daemon=True).start()
    return stopping


def _run(engine: Engine, settings: Settings, stopping: threading.Event) -> None:
    while not stopping.wait(ROUND):
        try:
            purge_hourly(engine, settings)
        except SQLAlchemyError as error:
            logger.warning("the purge failed, and is tried again: %s", first_line(error))


def purge_hourly(engine: Engine, settings: Settings) -> dict[str, int]:
    """Purge, unless a process has begun to in this hour; return how many rows of each kind."""
    with Session(engine) as session:
        if not count_once(session, PURGE):
            return {}
        session.commit()
        deleted = purge_expired(session, settings)
    if any(deleted.values()):
        logger.info("purged: %s", ", ".join(f"{name} {n}" for name, n in deleted.items() if n))
    return deleted
