"""The trash: listed, restored from, emptied."""

from sqlalchemy import ColumnElement, literal, select, tuple_

from todo.http.request import Request
from todo.http.transactions import commit_so_far
from todo.listing.cursors import NO_PLACE, list_digest, read_cursor, write_cursor, wrong_cursor
from todo.listing.filters import rows_of
from todo.listing.links import next_path
from todo.listing.orders import Order
from todo.listing.pages import Page
from todo.models import Task, TrashedTask, journal
from todo.models.change import RESTORE
from todo.models.trash import TRASH_DAYS, is_kept
from todo.schemas.task_filter import Paged
from todo.services.accounts import lock_identity

ORDER = Order("deletion_date", descending=True)
# Tasks that one transaction erases: on SQLite nobody else can write meanwhile.
AT_ONCE = 1000


def kept(request: Request) -> list[ColumnElement[bool]]:
    """Return what holds of the asker's tasks that are in the trash."""
    return [_of_account(request), is_kept(request.registry.settings[TRASH_DAYS])]


def read_trash(request: Request, query: Paged) -> Page:
    """Return the page of the asker's trash. Raises Problem with 400 for a wrong cursor."""
    values = query.values()
    digest = list_digest(request.identity.account.id, {}, ORDER)
    key = (ORDER.key, TrashedTask.id)
    statement = select(TrashedTask).where(*kept(request)).order_by(*ORDER.directed(*key))
    if "after" in values:
        cursor = read_cursor(values["after"], digest, ORDER)
        if cursor.key is None:
            raise wrong_cursor(NO_PLACE)
        place = tuple_(literal(cursor.key, ORDER.key.type), literal(cursor.id))
        statement = statement.where(ORDER.beyond(tuple_(*key), place))
    # One more than the page has tells whether there is a next one.
    tasks = list(request.dbsession.scalars(statement.limit(query.limit + 1)))
    if len(tasks) <= query.limit:
        return Page(tasks, None)
    path = request.route_path("trash", username=request.identity.account.username)
    cursor_after = write_cursor(tasks[-2], digest, ORDER)
    return Page(tasks[:-1], next_path(request, path, "after", cursor_after))


def restore_task(request: Request, trashed: TrashedTask) -> Task:
    """Move the task back to the others, and return it."""
    rows_of(request, TrashedTask, TrashedTask.id == trashed.id).move(Task, RESTORE)
    return request.dbsession.get_one(Task, trashed.id)


def purge_task(request: Request, trashed: TrashedTask) -> None:
    """Erase the task for good."""
    rows_of(request, TrashedTask, TrashedTask.id == trashed.id).purge()


def empty_trash(request: Request) -> int:
    """Erase all tasks of the asker's trash for good, and return how many were there.

    So many at once are a transaction: a very full trash is emptied by several.
    """
    deleted = 0
    # Others may delete between two transactions: their tasks stay.
    begun = TrashedTask.deletion_date <= journal.date_of(request.dbsession)
    while True:
        found = select(TrashedTask.id, is_kept(request.registry.settings[TRASH_DAYS]))
        found = found.where(_of_account(request), begun)
        rows = request.dbsession.execute(found.limit(AT_ONCE)).all()
        if rows:
            rows_of(request, TrashedTask, TrashedTask.id.in_([row[0] for row in rows])).purge()
            deleted += sum(row[1] for row in rows)
        if len(rows) < AT_ONCE:
            return deleted
        commit_so_far(request)
        lock_identity(request)  # whose login has ended meanwhile deletes no further


def _of_account(request: Request) -> ColumnElement[bool]:
    return TrashedTask.account_id == request.identity.account.id
