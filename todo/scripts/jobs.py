"""`todo-admin jobs`: the background jobs alone, in the foreground."""

import signal
from argparse import Namespace

from pyramid.paster import setup_logging
from sqlalchemy.orm import Session

from todo import jobs
from todo.settings import check_backup_folder


def run_jobs(session: Session, arguments: Namespace) -> str:
    """Run the jobs until SIGTERM or SIGINT, with the logging of the ini file. Print one line.

    Raise SystemExit (one line) if todo.backup_dir is wrong. A second signal ends at once.
    """
    check_backup_folder(arguments.settings)
    setup_logging(arguments.config)
    # Blocked in every thread, the signals wait for sigwait().
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    runner = jobs.start(session.get_bind().engine, arguments.settings)
    names = ", ".join(job.name for job in jobs.JOBS)
    print(f"todo runs the jobs {names} until SIGTERM or SIGINT", flush=True)  # noqa: T201
    signal.sigwait(signals)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    runner.stop()
    return ""
