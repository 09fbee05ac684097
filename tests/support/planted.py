"""A route of the tests' own, to do in a request what no view of the product does."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED

PLANTED = "/planted"


def _view(request: Request) -> Any:
    return request.registry["planted"](request)


def includeme(config: Configurator) -> None:
    config.add_route("planted", PLANTED)
    config.add_view(
        _view,
        route_name="planted",
        request_method=("GET", "POST"),
        permission=NO_PERMISSION_REQUIRED,
    )
