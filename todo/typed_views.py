"""The view options `body=`, `returns=` and `operation=`: what comes in, what goes out, its name.

    @view_config(
        request_method="POST", operation="create ticket", body=NewTicket, returns={201: Ticket}
    )
    def post(self):
        values = self.request.validated_body.values()

Pyramid keeps the options in the view's introspectable. Nothing here knows about tasks.
"""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pyramid.config import Configurator

from todo.bodies import FORM, read_body
from todo.errors import Fault, Problem
from todo.request import Request
from todo.schemas.meta import Body

MAX_FAULTS = 100  # a body of a megabyte has room for many more

View = Callable[[Any, Request], Any]

# What pydantic calls a fault -> what we call it. Ours are stable, its own are its own business.
_FAULT_CODES = {
    "extra_forbidden": ("unknown_field", "There is no such field."),
    "missing": ("missing", "This field is required."),
    "string_type": ("type", "This must be a string."),
    "bool_type": ("type", "This must be true or false."),
    "bool_parsing": ("type", "This must be true or false."),
}


def validate(body: type[Body], fields: dict[str, Any], *, strict: bool) -> Body:
    """Return the fields as an instance of the model, or raise Problem with every fault.

    The model's read-only fields are left out first, so that what was read can be sent back.
    """
    fields = {name: value for name, value in fields.items() if name not in body.read_only}
    try:
        return body.model_validate(fields, strict=strict)
    except ValidationError as error:
        faults = [_fault(details) for details in error.errors(include_url=False)[:MAX_FAULTS]]
    raise Problem(
        "validation",
        " ".join(f"{fault.field}: {fault.message}" for fault in faults),
        errors=faults,
    )


def _fault(details: ErrorDetails) -> Fault:
    field = ".".join(str(part) for part in details["loc"])[:100] or "body"
    if details["type"].endswith("_type") and details["input"] is None:
        return Fault(field, "null", "This must have a value.")
    code, message = _FAULT_CODES.get(details["type"], (details["type"], details["msg"]))
    return Fault(field, code, message)


def typed_view(view: View, info: Any) -> View:
    """The view deriver: reads and validates the body, and sets the status of success."""
    body = info.options.get("body")
    status, _ = success(info.options.get("returns"))

    def derived(context: Any, request: Request) -> Any:
        if body is not None:
            fields, media_type = read_body(request)
            request.validated_body = validate(body, fields, strict=media_type != FORM)
        request.response.status_int = status
        return view(context, request)

    return derived


typed_view.options = ("body", "returns", "operation")  # type: ignore[attr-defined]


def success(returns: Any) -> tuple[int, Any]:
    """Return the status and the model that `returns=` names: a model, or {status: model}."""
    if isinstance(returns, dict):
        [(status, model)] = returns.items()
        return status, model
    return 200, returns


def includeme(config: Configurator) -> None:
    config.add_view_deriver(typed_view)
