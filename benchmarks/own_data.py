"""Fill a database of this project with the data of `benchmarks.data`."""

import os

from sqlalchemy.orm import Session

from benchmarks import data
from tests.support.factories import make_account, make_tasks
from todo.models.engine import create_engine
from todo.settings import parse_database_url


def fill() -> list[data.StoredAccount]:
    """Fill the migrated database of DATABASE_URL and return its accounts."""
    engine = create_engine(parse_database_url(os.environ["DATABASE_URL"]))
    filled = []
    with Session(engine) as session:
        for account in range(data.ACCOUNTS):
            login = make_account(session, data.username(account))
            ids = make_tasks(session, login, [data.task(number) for number in range(data.TASKS)])
            filled.append(data.StoredAccount(login.token, login.tasks_url, ids))
    engine.dispose()
    return filled
