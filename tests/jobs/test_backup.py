"""The daily backup: one file a day, seven are kept, and a failure is retried."""

import logging
import os
import resource
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.scripts.conftest import TodoAdmin
from tests.support.databases import all_rows, delete_all_rows
from tests.support.factories import make_account, make_task
from tests.support.fixtures import Logs, Patch
from tests.support.running import run_concurrently
from todo import clock
from todo.jobs.backup import back_up_daily
from todo.jobs.runner import Pause, StoppedError
from todo.models import Account, LimitCount
from todo.settings import Settings

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NIGHT = datetime(2050, 3, 1, 0, 2, tzinfo=UTC)
NAME = "todo-2050-03-01.backup"
NEXT_NAME = "todo-2050-03-02.backup"

SetTime = Callable[[datetime], None]


def no_pause(_seconds: float) -> None:
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "backups"
    path.mkdir()
    return path


@pytest.fixture
def set_time(monkeypatch: Patch) -> SetTime:
    return lambda moment: monkeypatch.setattr(clock, "now", lambda: moment)


class BackUp:
    """Runs the job as one of the processes would."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine, self.settings = engine, settings

    def __call__(self, pause: Pause = no_pause) -> None:
        back_up_daily(self.engine, self.settings, pause)


@pytest.fixture
def back_up(real_app: Any, folder: Path, set_time: SetTime, caplog: Logs) -> BackUp:
    set_time(NIGHT)
    caplog.set_level(logging.INFO, "todo.jobs.backup")
    settings = replace(real_app.registry["settings"], backup_dir=folder)
    return BackUp(real_app.registry["engine"], settings)


def levels(caplog: Logs) -> list[str]:
    return [each.levelname for each in caplog.records]


def test_one_of_several_processes_writes_one_private_file_a_day(
    back_up: BackUp, folder: Path, set_time: SetTime, caplog: Logs
) -> None:
    run_concurrently(lambda _: back_up(), 4)
    assert os.listdir(folder) == [NAME]
    assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o600
    assert [each.message for each in caplog.records] == [
        f"today's backup '{folder / NAME}' is written"
    ]
    for hours in range(24):
        set_time(NIGHT + hours * HOUR)
        back_up()
    assert os.listdir(folder) == [NAME]
    set_time(NIGHT + DAY - timedelta(minutes=1))  # the check after midnight came a little earlier
    back_up()
    assert sorted(os.listdir(folder)) == [NAME, NEXT_NAME]
    assert levels(caplog) == ["INFO", "INFO"]


def test_without_folder_nothing_is_written(
    back_up: BackUp, committed: Session, real_app: Any
) -> None:
    back_up_daily(back_up.engine, real_app.registry["settings"], no_pause)
    assert committed.scalars(select(LimitCount.name)).all() == []


def test_seven_newest_are_kept_and_other_files_never_touched(
    back_up: BackUp, folder: Path, set_time: SetTime, tmp_path: Path
) -> None:
    others = {"todo-2001-01-01.backup.old", "before-update.backup", "todo-2001-1-1.backup", "x"}
    for name in others:
        (folder / name).touch()
    (folder / "todo-2001-01-01.backup").mkdir()
    (folder / "todo-2001-01-02.backup").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").touch()
    others |= {"todo-2001-01-01.backup", "todo-2001-01-02.backup"}
    for days in range(9):
        set_time(NIGHT + days * DAY)
        back_up()
    kept = {f"todo-2050-03-{day:02}.backup" for day in range(3, 10)}
    assert set(os.listdir(folder)) == others | kept
    assert (tmp_path / "elsewhere").exists()


def test_backups_of_wrong_clock_do_not_displace_new_ones(
    back_up: BackUp, folder: Path, set_time: SetTime
) -> None:
    for days in range(7):
        set_time(NIGHT + 400 * DAY + days * DAY)
        back_up()
    ahead = set(os.listdir(folder))
    assert len(ahead) == 7
    for days in range(7):
        set_time(NIGHT + days * DAY)
        back_up()
        new = {f"todo-2050-03-{day:02}.backup" for day in range(1, days + 2)}
        found = set(os.listdir(folder))
        assert len(found) == 7
        assert found - ahead == new, "the newest is not the one that is deleted"


def test_failure_says_what_to_do_and_is_retried_at_next_run(
    back_up: BackUp, folder: Path, set_time: SetTime, caplog: Logs
) -> None:
    folder.rmdir()
    for minutes in (0, 5):
        set_time(NIGHT + timedelta(minutes=minutes))
        back_up()
    line = (
        f"the backup failed: cannot back up to '{folder / NAME}': No such file or directory; "
        "nothing was written; remove the cause: it is retried every 5 minutes"
    )
    assert [each.message for each in caplog.records] == [line, line]
    assert levels(caplog) == ["ERROR", "ERROR"]
    folder.mkdir()
    back_up()
    assert os.listdir(folder) == [NAME]


# On SQLite, the limit would apply to the database, too.
@pytest.mark.parametrize("database_server", ["postgresql"], indirect=True)
def test_full_disk_leaves_nothing_and_is_retried(
    back_up: BackUp, folder: Path, committed: Session, caplog: Logs
) -> None:
    alice = make_account(committed)
    for number in range(20):
        make_task(committed, alice, note=f"{number} " * 2000)
    old_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, old_limit[1]))
    try:
        back_up()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
    assert os.listdir(folder) == []
    assert levels(caplog) == ["ERROR"]
    back_up()
    assert os.listdir(folder) == [NAME]


def test_existing_file_of_the_day_is_kept_with_a_warning(
    back_up: BackUp, folder: Path, caplog: Logs
) -> None:
    (folder / NAME).write_text("of another service")
    for _ in range(2):
        back_up()
    assert (folder / NAME).read_text() == "of another service"
    assert levels(caplog) == ["WARNING"]
    assert "give each its own todo.backup_dir" in caplog.text


def test_stop_ends_backup_and_leaves_nothing(back_up: BackUp, folder: Path) -> None:
    def stop(_seconds: float) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        back_up(stop)
    assert os.listdir(folder) == []
    back_up()
    assert os.listdir(folder) == [NAME]


def test_backup_of_killed_process_is_repeated_on_the_same_day(
    back_up: BackUp, folder: Path, set_time: SetTime, real_app: Any
) -> None:
    back_up()
    (folder / NAME).unlink()
    with Session(real_app.registry["engine"]) as session:  # as if it had not come to its end
        session.delete(session.get(LimitCount, ("backup", "2050-03-01")))
        session.commit()
    set_time(NIGHT + 5 * HOUR)
    back_up()
    assert os.listdir(folder) == [], "it may still be running"
    set_time(NIGHT + 7 * HOUR)
    back_up()
    assert os.listdir(folder) == [NAME]


def test_clock_that_goes_back_writes_no_second_backup(
    back_up: BackUp, folder: Path, set_time: SetTime, caplog: Logs
) -> None:
    set_time(NIGHT + DAY)
    back_up()
    set_time(NIGHT + 10 * HOUR)
    back_up()
    set_time(NIGHT + DAY + HOUR)
    back_up()
    assert sorted(os.listdir(folder)) == [NAME, NEXT_NAME]
    assert levels(caplog) == ["INFO", "INFO"]


def test_backup_is_of_a_single_moment_and_blocks_no_write(
    back_up: BackUp,
    folder: Path,
    committed: Session,
    todo_admin: TodoAdmin,
    database_url: str,
    without_wal: None,
) -> None:
    moments: list[Any] = []

    def write(_seconds: float = 0) -> None:
        make_account(committed, f"user{len(moments)}")
        moments.append(all_rows(committed))
        committed.rollback()

    write()
    back_up(write)
    assert len(moments) > 4
    assert len(committed.scalars(select(Account.id)).all()) == len(moments)
    committed.close()
    delete_all_rows(database_url)
    todo_admin("restore", str(folder / NAME))
    # A write between two steps restarts the copy, if the file is large.
    assert [moment["accounts"] for moment in moments].count(all_rows(committed)["accounts"]) == 1
