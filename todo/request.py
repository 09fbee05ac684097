"""The request, with what the application adds to Pyramid's."""

from typing import Any

import pyramid.request
from pyramid.config import Configurator
from sqlalchemy.orm import Session

MAX_BODY = 1024 * 1024  # bytes


class Request(pyramid.request.Request):
    """A request to the API."""

    dbsession: Session  # see todo/models
    validated_body: Any  # an instance of the view's `body=`, see todo/typed_views.py

    # pyramid_retry keeps a copy of the body; none that we take is worth a file on the disk.
    request_body_tempfile_limit = MAX_BODY + 1


def includeme(config: Configurator) -> None:
    config.set_request_factory(Request)
