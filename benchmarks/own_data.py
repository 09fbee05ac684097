"""The data of `benchmarks.data` in a database of this project, written by its own models."""

import os

from sqlalchemy.orm import Session

from benchmarks import data
from tests.support.factories import make_account, new_task
from todo.models import create_engine, journal
from todo.settings import parse_database_url


def fill() -> list[data.Filled]:
    """Fill the migrated database of DATABASE_URL."""
    engine = create_engine(parse_database_url(os.environ["DATABASE_URL"]))
    filled = []
    with Session(engine) as session:
        for account in range(data.ACCOUNTS):
            login = make_account(session, data.username(account))
            date = journal.date_of(session)
            tasks = [new_task(login.id, data.task(number), date) for number in range(data.TASKS)]
            session.add_all(tasks)
            session.commit()
            filled.append(data.Filled(login.token, login.tasks_url, [task.id for task in tasks]))
    engine.dispose()
    return filled
