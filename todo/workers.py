"""Several processes that serve, and the main process, which looks after them."""

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from todo.worker import DRAIN

QUICK = 5  # seconds; a worker that dies sooner has hardly begun
MOST_QUICK = 5  # such deaths in a row, after which there is no hope

# Taken by sigwait() alone, one after the other: no handler runs in between.
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGALRM)

logger = logging.getLogger(__name__)


@dataclass
class Worker:
    """A process that serves."""

    number: int  # counted from 0; who takes its place has it, too
    began: float  # seconds of time.monotonic()
    quick: int  # how many quick deaths in a row its place has seen


@dataclass
class Workers:
    """Those that live, by their process ids, and what each does with the end of its pipe."""

    work: Callable[[int, int], None]
    alive: dict[int, Worker] = field(default_factory=dict)
    # The main process holds `main_lives` open: when it is gone, `main_gone` can be read.
    main_gone: int = -1
    main_lives: int = -1

    def __post_init__(self) -> None:
        self.main_gone, self.main_lives = os.pipe()

    def start(self, number: int, quick: int = 0) -> None:
        """Fork a worker."""
        sys.stdout.flush()
        sys.stderr.flush()
        if pid := os.fork():
            self.alive[pid] = Worker(number, time.monotonic(), quick)
            return
        status = 1
        try:
            os.close(self.main_lives)
            self.work(number, self.main_gone)
            status = 0
        except BaseException:
            logger.exception("a worker failed")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)  # what pserve does at its end is the main process's

    def collect(self) -> list[tuple[int, int, Worker]]:
        """Return those that have ended since: process id, exit code (or -signal), and worker."""
        ended = []
        for pid in list(self.alive):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                code = os.waitstatus_to_exitcode(status)
                ended.append((pid, code, self.alive.pop(pid)))
        return ended

    def replace_dead(self) -> bool:
        """Start others for those that died. Returns False where that is hopeless."""
        for pid, code, worker in self.collect():
            logger.error("worker %d ended with %d; another takes its place", pid, code)
            lived = time.monotonic() - worker.began
            quick = worker.quick + 1 if lived < QUICK else 0
            if quick == MOST_QUICK:
                return False
            self.start(worker.number, quick)
        return True

    def stop(self) -> None:
        """Let all finish what they do. Ends them after a time, or at SIGINT at once."""
        for pid in self.alive:
            os.kill(pid, signal.SIGTERM)
        signal.alarm(DRAIN + 5)
        self.collect()
        while self.alive and signal.sigwait(SIGNALS) not in (signal.SIGINT, signal.SIGALRM):
            self.collect()
        signal.alarm(0)
        for pid in self.alive:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def serve_by(
    count: int,
    listening: socket.socket,
    work: Callable[[int, int], None],
    announce: Callable[[], None],
) -> None:
    """Let so many processes work until SIGTERM or SIGINT; a second SIGINT ends them at once.

    `work` is given the worker's number, and the end of a pipe that serve_under() watches. Each
    inherits the socket. Whoever dies is replaced; where that happens again and again, this
    process ends with status 1 and a line on stderr.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    workers = Workers(work)
    for number in range(count):
        workers.start(number)
    announce()
    is_hopeful = True
    while is_hopeful and signal.sigwait(SIGNALS) == signal.SIGCHLD:
        is_hopeful = workers.replace_dead()
    listening.close()
    workers.stop()
    if not is_hopeful:
        sys.stderr.write("todo: its processes end as soon as they have started; see the log\n")
        sys.stderr.flush()
        os._exit(1)  # of a SystemExit pserve would make a success
