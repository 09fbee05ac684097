"""The one writer of JSON, and the response that carries it."""

from typing import Any

import msgspec
from pyramid.config import Configurator
from pyramid.response import Response as PyramidResponse


class Response(PyramidResponse):
    """A response without a body or a content type until it is given one."""

    default_content_type = ""

    @staticmethod
    def _make_location_absolute(environ: dict[str, Any], value: str) -> str:
        # WebOb would put the Host header into Location, and anybody may send any Host.
        # RFC 9110, section 10.2.2 allows a path.
        return value


def to_json(value: Any) -> bytes:
    """Write a value as JSON: an aware datetime as RFC 3339, with Z for UTC; a date as a date."""
    return msgspec.json.encode(value)


class JSONRenderer:
    """Pyramid's renderer factory for what a view returns."""

    def __init__(self, info: Any) -> None:
        pass

    def __call__(self, value: Any, system: dict[str, Any]) -> bytes:
        response = system["request"].response
        if response.status_code == 204:
            return b""
        response.headers["Content-Type"] = "application/json"
        return to_json(value)


def includeme(config: Configurator) -> None:
    config.set_response_factory(lambda request: Response())
    config.add_renderer(None, JSONRenderer)  # the default: a view names none
