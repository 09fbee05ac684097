"""The view options that make a contract: what comes in, what goes out, what may go wrong.

    @view_config(
        request_method="POST",
        operation="create ticket",          # its name in the index of the API
        query=TicketOptions,                # a model for the query; without it, none is taken
        body=NewTicket,                     # a model for the body; without it, none is read
        returns={201: Ticket},              # a model, or {status: model}
        errors=("ticket_exists",),          # codes that the view itself may raise
    )
    def post(self):
        "Create a ticket."                  # the first line is the operation's summary
        values = self.request.validated_body.values()

Pyramid keeps the options in the view's introspectable, where openapi.py finds them. A view
without `returns=`, such as one of a page, is left alone. Nothing here knows about tasks.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pyramid.config import Configurator

from todo.bodies import FORM, parse_pairs, read_body
from todo.errors import Fault, Problem, shown
from todo.request import Request
from todo.schemas.meta import Input, Query

MAX_FAULTS = 100  # a body of a megabyte has room for many more

View = Callable[[Any, Request], Any]

# What pydantic calls a fault -> what we call it. Ours are stable, its own are its own business.
_FAULTS = {
    "extra_forbidden": ("unknown_field", "There is no such field."),
    "missing": ("missing", "This field is required."),
    "string_type": ("type", "This must be a string."),
    "bool_type": ("type", "This must be true or false."),
    "bool_parsing": ("type", "This must be true or false."),
}


def typed_view(view: View, info: Any) -> View:
    """The view deriver: reads and validates the input, and sets the status of success."""
    returns = info.options.get("returns")
    if returns is None:
        return view
    status, _ = success(returns)
    query = info.options.get("query") or Query
    body = info.options.get("body")

    def derived(context: Any, request: Request) -> Any:
        request.validated_query = read_query(query, request)
        if body is not None:
            fields, media_type = read_body(request)
            request.validated_body = validate(body, fields, strict=media_type != FORM)
        request.response.status_int = status
        return view(context, request)

    return derived


typed_view.options = (  # type: ignore[attr-defined]
    "operation",
    "query",
    "body",
    "returns",
    "errors",
)


def success(returns: Any) -> tuple[int, Any]:
    """Return the status and the model that `returns=` names: a model, or {status: model}."""
    if isinstance(returns, dict):
        [(status, model)] = returns.items()
        return status, model
    return 200, returns


def read_query(model: type[Input], request: Request) -> Input:
    """Return the parameters of the query as an instance of the model, or raise Problem."""
    text = request.query_string
    if not text:
        return validate(model, {}, strict=False)
    try:
        pairs = parse_pairs(text)
    except ValueError as error:
        wrong = "is not percent-encoded UTF-8" if isinstance(error, UnicodeError) else "is too long"
        raise Problem("bad_query", f"The query, after the ?, {wrong}.") from None
    repeated = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
    if repeated:
        message = "This parameter may stand only once."
        raise _refusal([Fault(shown(name, "query"), "duplicate", message) for name in repeated])
    return validate(model, dict(pairs), strict=False)


def validate(model: type[Input], fields: dict[str, Any], *, strict: bool) -> Input:
    """Return the fields as an instance of the model, or raise Problem with every fault.

    The model's read-only fields are left out first, so that what was read can be sent back.
    """
    fields = {name: value for name, value in fields.items() if name not in model.read_only}
    try:
        return model.model_validate(fields, strict=strict)
    except ValidationError as error:
        faults = [_fault(details) for details in error.errors(include_url=False)]
    raise _refusal(faults)


def _refusal(faults: list[Fault]) -> Problem:
    faults = faults[:MAX_FAULTS]
    detail = " ".join(f"{fault.field}: {fault.message}" for fault in faults)
    return Problem("validation", detail, errors=faults)


def _fault(details: ErrorDetails) -> Fault:
    field = shown(".".join(str(part) for part in details["loc"]), otherwise="body")
    if details["type"].endswith("_type") and details["input"] is None:
        return Fault(field, "null", "This must have a value.")
    code, message = _FAULTS.get(details["type"], (details["type"], details["msg"]))
    return Fault(field, code, message)


def includeme(config: Configurator) -> None:
    config.add_view_deriver(typed_view)
