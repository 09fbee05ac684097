"""The daily backup: one process writes it, and the newest ones are kept."""

import logging
import os
import re
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from todo import clock
from todo.auth.limits import Limit, count, is_first_in_window, refund
from todo.jobs.runner import Pause
from todo.models.engine import separate_transaction
from todo.models.limit import LIMIT_COUNTS
from todo.services.backup import write_backup
from todo.settings import Settings

logger = logging.getLogger(__name__)

KEPT = 7

# Counted when the backup of a day is complete. The subject is the day.
DONE = Limit("backup", setting="", window=timedelta(days=2))
# Counted when a process begins. If it is killed, another one begins when the window has ended.
ATTEMPT = Limit("backup-attempt", setting="", window=timedelta(hours=6))

_NAME = re.compile(r"todo-([0-9]{4}-[0-9]{2}-[0-9]{2})\.backup")


def back_up_daily(engine: Engine, settings: Settings, pause: Pause) -> bool:
    """Write the backup of the day (UTC) to todo.backup_dir, unless a process has, or is writing it.

    Then delete the oldest backups. A failure is logged, and the backup is due again: return False.
    """
    folder = settings.backup_dir
    today = clock.now().date()
    if folder is None or not _take_turn(engine, today):
        return True
    try:
        is_written = _write(engine, folder / f"todo-{today}.backup", pause)
    except BaseException:
        refund(engine, [(ATTEMPT, "")])
        raise
    if not is_written:
        refund(engine, [(ATTEMPT, "")])
        return False
    with separate_transaction(engine) as session:
        count(session, DONE, str(today))
    _delete_oldest(folder, today)
    return True


def _take_turn(engine: Engine, today: date) -> bool:
    """Record the attempt; return whether this process must write the backup."""
    done = select(LIMIT_COUNTS.c.count).where(
        LIMIT_COUNTS.c.name == DONE.name, LIMIT_COUNTS.c.subject == str(today)
    )
    with Session(engine) as session:
        if session.scalar(done) or not is_first_in_window(session, ATTEMPT):
            return False
        session.commit()
        return True


def _write(engine: Engine, path: Path, pause: Pause) -> bool:
    """Write the backup; return whether it is there. Log a failure."""
    if os.path.lexists(path):
        # Perhaps the only backup of another database, so never replace it.
        logger.warning(
            "today's backup %r exists already and is kept; if it is of another service, give each "
            "its own todo.backup_dir",
            str(path),
        )
        return True
    try:
        with Session(engine) as session:
            write_backup(session, path, overwrite=False, pause=pause)
    except SystemExit as error:
        reason = str(error).removeprefix("todo: ")
        logger.error(
            "the backup failed: %s; remove the cause: it is retried every 5 minutes", reason
        )
        return False
    logger.info("today's backup %r is written", str(path))
    return True


def _delete_oldest(folder: Path, today: date) -> None:
    """Delete all daily backups in the folder except the newest ones."""
    backups = sorted(_daily_backups(folder, today), reverse=True)
    for _, _, path in backups[KEPT:]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            logger.warning(
                "the old backup %r cannot be deleted: %s; delete it", str(path), error.strerror
            )


def _daily_backups(folder: Path, today: date) -> list[tuple[bool, str, Path]]:
    """Return the daily backups with what orders them by age.

    A day in the future is from a clock that was ahead, so count its backup as older than the rest.
    """
    named = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return [
        (name[1] <= str(today), name[1], path)
        for name, path in named
        if name and path.is_file() and not path.is_symlink()
    ]
