"""The data of `benchmarks.data` in a database of this project, written by its own models."""

import os

from sqlalchemy.orm import Session

from benchmarks import data
from tests.support.factories import make_account, make_tasks
from todo.models.engine import create_engine
from todo.settings import parse_database_url


def fill() -> list[data.Filled]:
    """Fill the migrated database of DATABASE_URL."""
    engine = create_engine(parse_database_url(os.environ["DATABASE_URL"]))
    filled = []
    with Session(engine) as session:
        for account in range(data.ACCOUNTS):
            login = make_account(session, data.username(account))
            ids = make_tasks(session, login, [data.task(number) for number in range(data.TASKS)])
            filled.append(data.Filled(login.token, login.tasks_url, ids))
    engine.dispose()
    return filled
