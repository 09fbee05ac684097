"""Health: whether the service lives, and whether it can serve; for what watches over it."""

from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config
from sqlalchemy.exc import DBAPIError

from todo.http.errors import RETRY_AFTER, Problem
from todo.http.request import Request
from todo.models.migration import MIGRATION, is_undefined_table, stored_migration
from todo.schemas.health import Health


@view_config(
    route_name="healthz",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    operation="health",
    returns=Health,
)
def live(request: Request) -> dict[str, str]:
    """Tell that the process answers; the database is not asked."""
    return {"status": "ok"}


@view_config(
    route_name="readyz",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    operation="readiness",
    returns=Health,
)
def ready(request: Request) -> dict[str, str]:
    """Tell whether the database answers, and is the one that this code is written for."""
    try:
        migration = stored_migration(request.db)
    except DBAPIError as error:
        if not is_undefined_table(error):
            raise
        migration = None
    if migration != MIGRATION:
        raise Problem(
            "unavailable",
            "The database is not at the migration that this code is written for.",
            headers={"Retry-After": str(RETRY_AFTER)},
        )
    return {"status": "ok"}
