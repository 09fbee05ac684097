"""Background jobs: work that needs no request."""

from threading import Event

from sqlalchemy import Engine

from todo.jobs.backup import back_up_daily
from todo.jobs.hourly import purge_hourly
from todo.jobs.reminders import fire_reminders
from todo.jobs.runner import Job, Runner
from todo.jobs.sizes import measure_sizes
from todo.jobs.webhooks import deliver_webhooks
from todo.settings import Settings

JOBS: tuple[Job, ...] = (
    Job("purge", 5 * 60, purge_hourly),
    Job("backup", 5 * 60, back_up_daily),
    Job("reminders", 5, fire_reminders),
    Job("webhooks", 1, deliver_webhooks),
    Job("sizes", 5 * 60, measure_sizes),
)


def start(engine: Engine, settings: Settings, stopping: Event | None = None) -> Runner:
    """Start the jobs of this process and return their runner. They end once `stopping` is set."""
    runner = Runner(engine, settings, JOBS, stopping)
    runner.start()
    return runner
