"""The job runner: a thread for each job, which repeats it until the process stops."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from todo import clock
from todo.http.errors import first_line
from todo.http.logs import JOB_THREAD
from todo.metrics import JOB_LAST_SUCCESS, JOB_RUNS, JOB_SECONDS
from todo.settings import Settings

logger = logging.getLogger(__name__)

# Of the interval, the part before the first run: a restart delays no job by much.
FIRST_WAIT = 0.1
# Seconds before a frequent job is tried again after a failure, twice as many each time.
FIRST_RETRY, LONGEST_RETRY = 0.2, 30
STOP_TIMEOUT = 25  # seconds for running jobs to end

Pause = Callable[[float], object]  # waits for seconds; raises StoppedError when the process stops


class StoppedError(Exception):
    """The process is stopping, so the job must end early."""


class Job(NamedTuple):
    """Work that a process repeats.

    `run` is called in a thread of the job's own, once at a time. Every process calls it, so the
    database must decide which of them does the work. It returns False after a failure that it has
    logged itself.
    """

    name: str
    interval: float  # seconds between the end of a run and the next one
    run: Callable[[Engine, Settings, Pause], object]


class Runner:
    """The threads of the jobs. They end once `stopping` is set, each at its next pause."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        jobs: Iterable[Job],
        stopping: threading.Event | None = None,
    ) -> None:
        self.engine, self.settings = engine, settings
        self.stopping = stopping or threading.Event()
        self._threads = [
            threading.Thread(
                target=self._repeat, args=[job], name=f"{JOB_THREAD}{job.name}", daemon=True
            )
            for job in jobs
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """Set `stopping`, and wait for all threads, at most `timeout` seconds together.

        Log a warning for a job that has not ended; the end of the process interrupts it.
        """
        self.stopping.set()
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0, until - time.monotonic()))
            if thread.is_alive():
                logger.warning("%s has not ended in time and is interrupted", thread.name)

    def _repeat(self, job: Job) -> None:
        wait, retry = job.interval * FIRST_WAIT, FIRST_RETRY
        while not self.stopping.wait(wait):
            wait, retry = max(job.interval, retry), min(2 * retry, LONGEST_RETRY)
            succeeded = False
            try:
                with JOB_SECONDS.labels(job.name).time():
                    succeeded = job.run(self.engine, self.settings, self._pause) is not False
                wait, retry = job.interval, FIRST_RETRY
            except StoppedError:
                return
            except SQLAlchemyError as error:
                logger.warning("the %s failed and will be retried: %s", job.name, first_line(error))
            except (Exception, SystemExit):
                logger.exception("the %s failed and will be retried", job.name)
            JOB_RUNS.labels(job.name, "success" if succeeded else "failure").inc()
            if succeeded:
                JOB_LAST_SUCCESS.labels(job.name).set(clock.now().timestamp())

    def _pause(self, seconds: float) -> None:
        if self.stopping.wait(seconds):
            raise StoppedError
