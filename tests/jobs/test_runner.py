"""The job runner: each job has its own thread, is retried after a failure, and ends in order."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from tests.jobs.test_hourly_purge import add_expired_rows
from tests.support.factories import make_account
from tests.support.fixtures import Logs
from tests.support.metrics import increase_of, value
from todo.jobs.hourly import purge_hourly
from todo.jobs.runner import Job, Pause, Runner
from todo.models import IdempotencyKey
from todo.settings import Settings

SOON = 0.01  # seconds
LONG = 60
DEADLINE = 10

Run = Callable[[Engine, Settings, Pause], object]


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < until
        time.sleep(SOON)


@contextmanager
def running(app: Any, **jobs: Run) -> Iterator[Runner]:
    """Run the functions as jobs, each again and again, until the end of the block."""
    registry = app.registry
    table = [Job(name, SOON, run) for name, run in jobs.items()]
    runner = Runner(registry["engine"], registry["settings"], table)
    runner.start()
    try:
        yield runner
    finally:
        runner.stop(DEADLINE)


class Count:
    """A job that counts its runs, and then does something."""

    def __init__(self, then: Callable[[Pause], object] = lambda pause: None) -> None:
        self.runs, self.then = 0, then
        self.thread = ""

    def __call__(self, _engine: Engine, _settings: Settings, pause: Pause) -> None:
        self.runs += 1
        self.thread = threading.current_thread().name
        self.then(pause)


def fail(_pause: Pause) -> None:
    raise ValueError("for example")


def test_slow_job_delays_no_other(real_app: Any) -> None:
    slow, quick = Count(lambda pause: pause(LONG)), Count()
    with running(real_app, slow=slow, quick=quick):
        wait_until(lambda: slow.runs == 1 and quick.runs > 10)
        assert (slow.thread, quick.thread) == ("job-slow", "job-quick")
        assert slow.runs == 1, "a job runs once at a time"


def test_frequent_job_that_keeps_failing_is_retried_ever_later(real_app: Any) -> None:
    times: list[float] = []

    def fail_again(_pause: Pause) -> None:
        times.append(time.monotonic())
        raise ValueError("for example")

    with running(real_app, failing=Count(fail_again)):
        wait_until(lambda: len(times) == 4)
    waits = [after - before for before, after in pairwise(times)]
    assert all(wait >= least for wait, least in zip(waits, (0.2, 0.4, 0.8), strict=True))


def test_job_that_fails_is_logged_and_retried_and_stops_no_other(
    real_app: Any, caplog: Logs
) -> None:
    failing, other = Count(fail), Count()
    with running(real_app, failing=failing, other=other):
        wait_until(lambda: failing.runs > 2)
        seen = other.runs
        wait_until(lambda: other.runs > seen)
    records = [each for each in caplog.records if each.levelname == "ERROR"]
    assert {each.message for each in records} == {"the failing failed and will be retried"}
    assert all(each.exc_info for each in records)


def test_failure_of_database_is_one_line_without_traceback(
    real_app: Any, committed: Session, caplog: Logs
) -> None:
    def query(engine: Engine, _settings: Settings, _pause: Pause) -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT * FROM missing"))

    with running(real_app, reader=query):
        wait_until(lambda: caplog.text.count("the reader failed and will be retried: ") > 1)
    for each in caplog.records:
        assert (each.levelname, each.exc_info) == ("WARNING", None)
        assert "missing" in each.message
        assert "\n" not in each.message


def test_stop_lets_work_end_in_order(real_app: Any) -> None:
    ended: list[str] = []
    begun = threading.Barrier(3)

    def work(name: str) -> Run:
        def run(_engine: Engine, _settings: Settings, pause: Pause) -> None:
            begun.wait(DEADLINE)
            try:
                pause(LONG)
            finally:
                ended.append(name)

        return run

    with running(real_app, first=work("first"), second=work("second")):
        begun.wait(DEADLINE)
    assert sorted(ended) == ["first", "second"]
    assert not [each for each in threading.enumerate() if each.name.startswith("job-")]


def test_stop_does_not_wait_longer_than_told(real_app: Any, caplog: Logs) -> None:
    begun, end = threading.Event(), threading.Event()

    def ignore_stop(*_: object) -> None:
        begun.set()
        end.wait(DEADLINE)

    with running(real_app, stubborn=ignore_stop) as runner:
        assert begun.wait(DEADLINE)
        runner.stop(SOON)
        end.set()
    assert [each.message for each in caplog.records] == [
        "job-stubborn has not ended in time and is interrupted"
    ]


def test_job_waits_for_its_interval_between_runs(real_app: Any) -> None:
    seldom, often = Count(), Count()
    registry = real_app.registry
    table = [Job("seldom", LONG, seldom), Job("often", SOON, often)]
    runner = Runner(registry["engine"], registry["settings"], table)
    runner.start()
    wait_until(lambda: often.runs > 20)
    runner.stop(DEADLINE)
    assert seldom.runs == 0


def test_purge_is_retried_after_failure(real_app: Any, committed: Session, caplog: Logs) -> None:
    add_expired_rows(committed, make_account(committed))
    committed.execute(text("ALTER TABLE limit_counts RENAME TO hidden"))
    committed.commit()
    with (
        caplog.at_level(logging.INFO, "todo.jobs"),
        running(real_app, purge=purge_hourly),
    ):
        wait_until(lambda: "the purge failed and will be retried" in caplog.text)
        committed.execute(text("ALTER TABLE hidden RENAME TO limit_counts"))
        committed.commit()
        wait_until(lambda: "purged: expired sessions and tokens 1" in caplog.text)
    assert committed.scalars(select(IdempotencyKey.key)).all() == []


def test_runs_are_counted_by_result(real_app: Any) -> None:
    def end(pause: Pause) -> None:
        pause(LONG)

    def report_failure(_engine: Engine, _settings: Settings, _pause: Pause) -> bool:
        return False

    before = time.time()
    names = ("good", "raising", "reporting", "interrupted")
    counts = {
        (name, result): increase_of("todo_job_runs_total", name=name, result=result)
        for name in names
        for result in ("success", "failure")
    }
    good, interrupted = Count(), Count(end)
    with running(
        real_app, good=good, raising=Count(fail), reporting=report_failure, interrupted=interrupted
    ):
        wait_until(lambda: good.runs > 1 and interrupted.runs == 1)
        wait_until(
            lambda: bool(counts["raising", "failure"]() and counts["reporting", "failure"]())
        )
    assert counts["good", "success"]() == good.runs
    unexpected = {key: count() for key, count in counts.items() if key[1] == "success"}
    assert {name for (name, _), count in unexpected.items() if count} == {"good"}
    assert counts["interrupted", "failure"]() == counts["good", "failure"]() == 0
    assert value("todo_job_seconds_count", name="good") >= good.runs
    last = {name: value("todo_job_last_success_timestamp_seconds", name=name) for name in names}
    assert before <= last.pop("good") <= time.time()
    assert set(last.values()) == {0}
