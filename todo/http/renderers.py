"""The response class and the JSON renderer."""

from typing import Any

from pyramid.config import Configurator
from pyramid.response import Response as PyramidResponse

from todo.models.json import to_json


class Response(PyramidResponse):
    """A response without a default body or content type."""

    default_content_type = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Run the WSGI response, with `Location` exactly as the view set it.

        WebOb would prepend the Host header, which a client can forge. RFC 9110, section 10.2.2
        allows a path.
        """
        location = self.location
        if location is None:
            return super().__call__(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            kept = [pair for pair in headers if pair[0] != "Location"]
            return start_response(status, [*kept, ("Location", location)], *rest)

        return super().__call__(environ, start)


class JSONRenderer:
    """Pyramid's renderer factory: the value that a view returns becomes JSON."""

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
    config.add_renderer(None, JSONRenderer)  # the default for views without `renderer=`
