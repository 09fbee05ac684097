"""Health checks for monitoring and load balancers."""

from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config
from sqlalchemy.exc import DBAPIError

from todo.http.errors import RETRY_AFTER, Problem
from todo.http.request import Request
from todo.models.migration import is_undefined_table, works_with_this_code
from todo.schemas.health import Health


@view_config(
    route_name="healthz",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    operation="health",
    returns=Health,
)
def live(request: Request) -> dict[str, str]:
    """Check that the process answers.

    The check does not use the database.
    """
    return {"status": "ok"}


@view_config(
    route_name="readyz",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    operation="readiness",
    returns=Health,
)
def ready(request: Request) -> dict[str, str]:
    """Check that the service can answer requests.

    The database must answer, and have the migration that the service needs, or a newer one that is
    marked as working with the service.
    """
    try:
        works = works_with_this_code(request.db)
    except DBAPIError as error:
        if not is_undefined_table(error):
            raise
        works = False
    if not works:
        raise Problem(
            "unavailable",
            "The database does not have the migration that this version of the service needs.",
            headers={"Retry-After": str(RETRY_AFTER)},
        )
    return {"status": "ok"}
