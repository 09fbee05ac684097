"""The response, and the renderer that fills it with JSON."""

from typing import Any

from pyramid.config import Configurator
from pyramid.response import Response as PyramidResponse

from todo.models.json import to_json


class Response(PyramidResponse):
    """A response without a body or a content type until it is given one."""

    default_content_type = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer as WSGI wants it, with `Location` as the view has set it.

        WebOb would put the Host header into it, and a client may send any Host. RFC 9110, section
        10.2.2 allows a path.
        """
        location = self.location
        if location is None:
            return super().__call__(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            kept = [pair for pair in headers if pair[0] != "Location"]
            return start_response(status, [*kept, ("Location", location)], *rest)

        return super().__call__(environ, start)


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
