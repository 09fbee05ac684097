"""Saved filter schemas."""

from datetime import tzinfo
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    MISSING,
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from todo.http.bodies import parse_pairs
from todo.http.errors import Fault
from todo.http.schema import Body, Query, Representation
from todo.http.typed_views import validate_pairs
from todo.models.filter import NAME_MAX, QUERY_MAX
from todo.schemas.dates import zone_of
from todo.schemas.meta import (
    WITHOUT_NUL,
    Flag,
    Instant,
    Owner,
    Text,
    UndoRevision,
    limited,
    name_field,
    visible,
    whole_number,
)
from todo.schemas.task import DRY_RUN
from todo.schemas.task_filter import LIMIT_MAX, Fields, TaskQuery

WHOLE = "query"  # the field of a fault that concerns no parameter with a name


def read_saved(query: str, zone: tzinfo) -> tuple[TaskQuery | None, list[Fault]]:
    """Return the query string of a list of tasks as its parameters, or None and all faults."""
    try:
        pairs = parse_pairs(query)
    except UnicodeError:
        return None, [Fault(WHOLE, "invalid", "This must be percent-encoded UTF-8.")]
    except ValueError:
        return None, [Fault(WHOLE, "too_long", "This has too many parameters.")]
    return validate_pairs(TaskQuery, pairs, {"timezone": zone})


def _query(text: str, info: ValidationInfo) -> str:
    _, faults = read_saved(limited(text, QUERY_MAX), zone_of(info))
    if faults:
        raise ValidationError.from_exception_data(WHOLE, list(map(_details, faults)))
    return text


def _details(fault: Fault) -> InitErrorDetails:
    """Return the fault of a parameter as one of the field, with the parameter in its message."""
    message = fault.message if fault.field == WHOLE else f"{fault.field}: {fault.message}"
    return InitErrorDetails(type=PydanticCustomError(fault.code, message), input=None)


Name = Annotated[Text, visible(NAME_MAX), name_field(NAME_MAX, "Name of the filter.", "Urgent")]
QueryIn = Annotated[
    Text,
    AfterValidator(_query),
    Field(
        description="Query string of a list of tasks, without the `?`: parameters of "
        "`GET …/tasks` except `after`.",
        examples=["due=overdue&sort=-priority"],
        json_schema_extra={"maxLength": QUERY_MAX, "pattern": WITHOUT_NUL},
    ),
]

# The bounds precede the validator, as in RevisionIn.
LimitIn = Annotated[int, Field(ge=1, le=LIMIT_MAX), BeforeValidator(whole_number)]


class Filter(Representation):
    """A saved filter: the query string of a list of tasks."""

    id: int = Field(description="Filter id. Never reused.", examples=[1])
    name: str = Field(description="Name of the filter.", examples=["Urgent"])
    query: str = Field(
        description="Query string of the list of tasks.", examples=["due=overdue&sort=-priority"]
    )
    creation_date: Instant
    modification_date: Instant
    revision: int = Field(
        description="The account's `revision` at the filter's last change. In quotes, it is the "
        "filter's `ETag`.",
        examples=[12],
    )


class FilterChange(Body):
    """Changes to a saved filter. Fields that are not mentioned keep their values."""

    shown_as = Filter

    name: Name | MISSING = MISSING
    query: QueryIn | MISSING = MISSING


class NewFilter(FilterChange):
    """A filter to save."""

    name: Name
    query: QueryIn


class FilterAnswer(Representation):
    """The saved filter."""

    username: Owner
    filter: Filter


class FilterPosted(FilterAnswer):
    """The new filter."""

    msg: str = Field(description="Confirmation message.", examples=["posted"])
    revision: UndoRevision = MISSING
    dry_run: bool | MISSING = DRY_RUN


class FilterEnvelope(Body):
    """Changes to a saved filter, in an answer that the client sends back."""

    shown_as = FilterPosted

    filter: FilterChange

    @cached_property
    def prepared(self) -> dict[str, Any]:
        return self.filter.prepared


class Filters(Representation):
    """The account's saved filters."""

    username: Owner
    filters: list[Filter] = Field(description="Filters, by id.")
    revision: int = Field(
        description="The account's revision. The answer reflects at least all changes up to it.",
        examples=[12],
    )


class FilterDeleted(Representation):
    """Confirmation of the deletion."""

    username: Owner
    msg: str = Field(description="Confirmation message.", examples=["Deleted."])
    revision: UndoRevision = MISSING


class FilterPage(Query):
    """Parameters of a page of a saved filter's tasks. They replace those of its query."""

    limit: LimitIn | MISSING = Field(
        MISSING,
        description="Maximum number of tasks on a page. Default: that of the query, or 50.",
        examples=[50],
    )
    after: Text | MISSING = Field(
        MISSING,
        description="Opaque cursor of the page, taken from `next`.",
        examples=["WyJiODRjMDMzMmMzZWYxNzgzIixudWxsLDJd"],
    )
    fields: Fields | MISSING = Field(
        MISSING,
        description="Comma-separated fields to return. Default: those of the query, or all.",
    )
    count: Flag | MISSING = Field(
        MISSING, description="`true`: also return `total`. Default: that of the query."
    )
