"""Check the table of labels against the labels of the tasks, and that nothing else has changed."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.support.databases import all_rows
from todo.models.label import TASK_LABELS, label_key
from todo.models.task import TASKS


def stored(session: Session) -> dict[str, list[Any]]:
    """Return all rows by table, and leave no transaction: its rollback would undo requests."""
    found = all_rows(session)
    session.rollback()
    return found


def count_labels(session: Session) -> int:
    """Return the number of rows in the table of labels."""
    count = session.scalar(select(func.count()).select_from(TASK_LABELS)) or 0
    session.rollback()
    return count


def check_labels(session: Session) -> dict[int, list[str]]:
    """Check that the table has exactly the labels of the tasks; return these by task."""
    session.rollback()
    columns = (TASKS.c.account_id, TASKS.c.id, TASKS.c.labels, TASKS.c.label_keys)
    tasks = session.execute(select(*columns).order_by(TASKS.c.id)).all()
    expected = []
    for task in tasks:
        assert task.label_keys == list(map(label_key, task.labels))
        assert len(set(task.label_keys)) == len(task.labels), "a label twice"
        expected += [(task.account_id, label_key(name), task.id, name) for name in task.labels]
    labels = TASK_LABELS.c
    query = select(labels.account_id, labels.key, labels.task_id, labels.name)
    assert sorted(map(tuple, session.execute(query))) == sorted(expected)
    session.rollback()
    return {task.id: task.labels for task in tasks}
