"""View options that declare the contract of an operation: input, output and errors.

    @view_config(
        request_method="POST",
        operation="create ticket",          # its name in the index of the API
        query=TicketOptions,                # model of the query; without it, parameters are faults
        body=NewTicket,                     # model of the body; without it, the body is not read.
                                            # A client may omit the body of a DELETE, and
                                            # of a POST that needs no field
        returns={201: Ticket},              # a model, or {status: model}. Here and in body=,
                                            # a tuple means one of several models
        errors=("ticket_exists",),          # codes that the view itself may raise
        headers=("Link",),                  # names in openapi/paths.py, sent on success
        redirects={303: "See the page."},   # 3xx that the view itself answers, for the document
        deprecated=("GET",),                # methods that clients should no longer use
        heavy=True,                         # an account runs one at a time: todo/auth/running.py
        session=True,                       # it begins or ends a login session (the cookie)
    )
    def post(self):
        "Create a ticket."                  # the first line is the operation's summary
        values = self.request.validated_body.values()

Pyramid stores the options in the view's introspectable, where openapi/ reads them. Views
without `returns=`, such as HTML pages, are not changed. Nothing here depends on tasks.
"""

from collections import Counter
from collections.abc import Callable, Collection
from itertools import takewhile
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

from todo.http.bodies import FORM, parse_query, read_body
from todo.http.codes import CODES, FAULTS
from todo.http.errors import Fault, Problem, json_pointer, safe_name, validation_problem
from todo.http.operations import Operation
from todo.http.request import Request
from todo.http.schema import Input, Query

View = Callable[[Any, Request], Any]

# pydantic's error type, or the prefix of several -> our stable code, and our message. None keeps
# pydantic's message, which must not name a class.
_PYDANTIC_FAULTS = (
    ("extra_forbidden", "unknown_field", "Unknown field."),
    ("missing", "missing", "This field is required."),
    ("string_type", "type", "This must be a string."),
    ("bool_", "type", "This must be true or false."),
    ("int_", "type", "This must be a whole number."),
    ("list_type", "type", "This must be a list."),
    ("model_", "type", "This must be an object."),
    ("dict_type", "type", "This must be an object."),
    ("too_long", "too_long", "This must have at most {max_length} items."),
    ("too_short", "too_short", "This must have {min_length} or more items."),
    ("literal_error", "choice", None),
    ("enum", "choice", None),
    ("greater_than", "range", None),
    ("less_than", "range", None),
)


def typed_view(view: View, info: Any) -> View:
    """Derive a view that reads and validates the input, and sets the success status."""
    returns = info.options.get("returns")
    if returns is None:
        return view
    status, _ = success_response(returns)
    if unknown := set(info.options.get("errors") or ()) - CODES.keys():
        raise ConfigurationError(
            f"{info.original_view}: errors= has {unknown}, not among CODES in todo/http/codes.py"
        )
    query = info.options.get("query") or Query
    bodies = models_of(info.options.get("body"))

    def derived(context: Any, request: Request) -> Any:
        request.validated_query, faults = read_query(query, request)
        if bodies:
            request.validated_body, more_faults = request.early_input or _read(bodies, request)
            faults += more_faults
        if faults:
            raise validation_problem(faults)
        if status != 200:
            request.response.status_int = status
        return view(context, request)

    return derived


typed_view.options = (  # type: ignore[attr-defined]
    "operation",
    "query",
    "body",
    "returns",
    "errors",
    "headers",
    "redirects",
    "deprecated",
    "heavy",
    "session",
)


def read_input_early(operation: Operation, request: Request) -> None:
    """Read, validate and prepare the body before the request locks anything.

    The view raises the faults: a missing object or permission comes before them.
    """
    try:
        request.early_input = _read(models_of(operation.options.get("body")), request)
    except Problem:
        return
    validated, _ = request.early_input
    if validated is not None:
        validated.prepared  # noqa: B018 - cached


def _read(models: tuple[type[Input], ...], request: Request) -> tuple[Any, list[Fault]]:
    """Return the body as an instance of one of the models, and its faults."""
    if not models:
        return None, []
    fields, media_type = read_body(request, required=needs_body(request.method, models))
    strict = media_type != FORM
    # A form is always the first model; later models have lists, which a form cannot hold.
    model = choose_model(models, fields) if strict else models[0]
    context = _context(request) | {"settings": request.settings}
    return validate(model, fields, strict=strict, context=context)


def needs_body(method: str, models: tuple[type[Input], ...]) -> bool:
    """Return whether the client must send a body."""
    needs_field = any(field.is_required() for field in models[0].model_fields.values())
    return needs_field or method not in {"DELETE", "POST"}


def success_response(returns: Any) -> tuple[int, tuple[Any, ...]]:
    """Return the status and the models of `returns=`; no models mean a response without a body."""
    if isinstance(returns, dict):
        [(status, model)] = returns.items()
        return status, models_of(model)
    return 200, models_of(returns)


def models_of(option: Any) -> tuple[Any, ...]:
    """Return the models of an option as a tuple, which may be empty."""
    if option is None:
        return ()
    return option if isinstance(option, tuple) else (option,)


def choose_model(models: tuple[type[Input], ...], fields: Collection[str]) -> type[Input]:
    """Return the model that fits the field names.

    This is the first one, unless a field is declared only by a later one.
    """
    best = models[0]
    for model in models[1:]:
        if any(name in model.model_fields and name not in best.model_fields for name in fields):
            best = model
    return best


def read_query(model: type[Input], request: Request) -> tuple[Any, list[Fault]]:
    """Return the query parameters as an instance of the model, and their faults.

    Raise Problem 400 if the query cannot be decoded or has too many parameters.
    """
    try:
        pairs = parse_query(request)
    except ValueError as error:
        wrong = (
            "is not percent-encoded UTF-8"
            if isinstance(error, UnicodeError)
            else "has too many parameters"
        )
        raise Problem("bad_query", f"The query string, after the ?, {wrong}.") from None
    return validate_pairs(model, pairs, _context(request))


def validate_pairs(
    model: type[Input], pairs: list[tuple[str, str]], context: dict[str, Any] | None
) -> tuple[Any, list[Fault]]:
    """Return the query parameters as an instance of the model, and their faults."""
    fields = dict(pairs)
    validated, faults = validate(model, fields, strict=False, context=context, whole="query")
    if len(fields) < len(pairs):
        faults += _duplicate_parameters(
            [name for name, _ in pairs], {fault.field for fault in faults}
        )
    return validated, faults


def _duplicate_parameters(names: list[str], known: set[str]) -> list[Fault]:
    """Return the faults of repeated parameters, except the `known` ones that already have one."""
    message = "This parameter may be given only once."
    shown_names = [safe_name(name, "query") for name, times in Counter(names).items() if times > 1]
    return [Fault(name, "duplicate", message) for name in shown_names if name not in known]


def validate(
    model: type[Input],
    fields: dict[str, Any],
    *,
    strict: bool,
    context: dict[str, Any] | None = None,
    whole: str = "body",
) -> tuple[Any, list[Fault]]:
    """Return the fields as an instance of the model and no faults, or None and all faults.

    Validators get `context` as `info.context`. `whole` replaces a field name that must not be
    shown.
    """
    try:
        context = (context or {}) | {"form": not strict}
        return model.model_validate(fields, strict=strict, context=context), []
    except ValidationError as error:
        known = ", ".join(model.model_fields)
        return None, [_fault(details, known, whole) for details in error.errors(include_url=False)]


def _context(request: Request) -> dict[str, Any]:
    """Return the validation context: the time zone in which the fields are read."""
    return {"timezone": request.timezone}


def _fault(details: ErrorDetails, known: str, whole: str) -> Fault:
    """Convert pydantic's error to a Fault; `known` are the fields at the top level."""
    path = _field_path(details["loc"])
    code, message = _code_and_message(details, known, "parameter" if whole == "query" else "field")
    pointer = None if whole == "query" else json_pointer(*path)
    return Fault(".".join(path) or whole, code, message, pointer)


def _code_and_message(details: ErrorDetails, known: str, noun: str) -> tuple[str, str]:
    fault_type, context = details["type"], details.get("ctx", {})
    message = details["msg"].replace("Input should be", "This must be")
    if fault_type == "extra_forbidden" and len(details["loc"]) == 1:
        allowed = f"; allowed here: {known}" if known else "; none is allowed here"
        return "unknown_field", f"Unknown {noun}{allowed}."
    if fault_type.endswith("_type") and details["input"] is None:
        return "null", "This must have a value."
    # One of our own codes. pydantic uses a few of the same names; its list errors have a context.
    if fault_type in FAULTS and fault_type != "missing" and "field_type" not in context:
        return fault_type, message
    for family, code, ours in _PYDANTIC_FAULTS:
        if fault_type.startswith(family):
            return code, ours.format(**context) if ours else f"{message}."
    return "invalid", f"{message}."


def _field_path(location: tuple[int | str, ...]) -> list[str]:
    """Return the path to a field, such as ["tasks", "3", "name"].

    The path ends before a name that must not be shown, so it can be empty.
    """
    names = [
        str(part) if isinstance(part, int) else safe_name(part, fallback="") for part in location
    ]
    return list(takewhile(lambda name: name != "", names))


def includeme(config: Configurator) -> None:
    config.add_view_deriver(typed_view)
