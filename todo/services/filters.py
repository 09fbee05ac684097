"""Save, change and delete filters of tasks, and read their queries."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from todo.auth.identity import AccountRow
from todo.http.errors import Problem
from todo.journal import writes
from todo.models.engine import Database
from todo.models.filter import FILTER_COLUMNS, FILTERS, Filter, FilterRow
from todo.schemas.filter import read_saved
from todo.schemas.task_filter import TaskPage

MAX_FILTERS = 1000  # of an account


def read_filters(db: Database, account: AccountRow) -> Sequence[Row[Any]]:
    """Return the account's filters by id."""
    query = select(*FILTER_COLUMNS).where(FILTERS.c.account_id == account.id)
    return db.execute(query.order_by(FILTERS.c.id)).all()


def count_filters(account: AccountRow) -> Select[int]:
    """Return the query for the number of the account's filters."""
    return select(func.count()).select_from(FILTERS).where(FILTERS.c.account_id == account.id)


def too_many_filters(count: int) -> Problem:
    """Return Problem 409 for an account that has this many filters."""
    return Problem(
        "too_many",
        f"The account has {count} saved filters, of at most {MAX_FILTERS}. Delete one.",
        extensions={"count": count},
    )


def create_filter(session: Session, account: AccountRow, columns: dict[str, Any]) -> FilterRow:
    """Save a filter. Raise Problem 409 if the account has too many."""
    count = session.scalar(count_filters(account)) or 0
    if count >= MAX_FILTERS:
        raise too_many_filters(count)
    [row] = writes.create(session, Filter, account.id, [columns])
    return FilterRow._make(row)


def change_filter(
    session: Session, account: AccountRow, row: FilterRow, columns: dict[str, Any]
) -> FilterRow:
    """Set the columns, and return the changed filter."""
    [changed] = writes.change(session, Filter, account.id, [(row._asdict(), columns)])
    return FilterRow(**changed)


def delete_filter(session: Session, account: AccountRow, row: FilterRow) -> None:
    """Delete the filter."""
    writes.delete(session, Filter, account.id, [row._asdict()])


def page_of(account: AccountRow, row: FilterRow, replaced: dict[str, Any]) -> TaskPage:
    """Return the parameters of a page of the filter's tasks; `replaced` are those of the request.

    Raise Problem 409 if an earlier version has stored a query that is no longer accepted.
    """
    query, faults = read_saved(row.query, account.zone)
    if query is None:
        wrong = " ".join(f"{fault.field}: {fault.message}" for fault in faults)
        raise Problem(
            "filter_outdated",
            f"The query of this filter is no longer accepted; change it. {wrong}",
            errors=faults,
        )
    return TaskPage.model_construct(**query.values() | replaced)
