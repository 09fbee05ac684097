"""`todo-admin jobs`: the background jobs alone, in the foreground."""

import signal
from argparse import Namespace

from sqlalchemy.orm import Session

from todo import jobs, metrics_server
from todo.settings import check_backup_folder


def run_jobs(session: Session, arguments: Namespace) -> str:
    """Run the jobs until SIGTERM or SIGINT. Print one line.

    Raise SystemExit (one line) if todo.backup_dir or todo.metrics_listen is wrong. A second
    signal ends at once.
    """
    check_backup_folder(arguments.settings)
    metrics = metrics_server.listen(arguments.settings)
    # Blocked in every thread, the signals wait for sigwait().
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    engine = session.get_bind().engine
    metrics_server.start(metrics, engine)
    runner = jobs.start(engine, arguments.settings)
    names = ", ".join(job.name for job in jobs.JOBS)
    print(f"todo runs the jobs {names} until SIGTERM or SIGINT", flush=True)  # noqa: T201
    signal.sigwait(signals)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    runner.stop()
    return ""
