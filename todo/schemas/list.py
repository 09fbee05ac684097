"""List schemas."""

import re
from functools import cached_property
from typing import Annotated, Any

from pydantic import MISSING, AfterValidator, Field
from pydantic_core import PydanticCustomError

from todo.http.schema import Body, Query, Representation
from todo.models.list import NAME_MAX, NOTE_MAX
from todo.schemas.meta import (
    Flag,
    Instant,
    Owner,
    Text,
    UndoRevision,
    limits,
    name_field,
    short,
    visible,
)
from todo.schemas.task import DRY_RUN

COLOR = "#[0-9A-Fa-f]{6}"


def _color(text: str) -> str:
    if not re.fullmatch(COLOR, text):
        raise PydanticCustomError("color", "This must be a color, such as #3366ff.")
    return text.lower()


Name = Annotated[Text, visible(NAME_MAX), name_field(NAME_MAX, "Name of the list.", "Shopping")]
NoteIn = Annotated[
    Annotated[Text, short(NOTE_MAX), Field(json_schema_extra=limits(NOTE_MAX))] | None,
    Field(description="Further details.", examples=["every Saturday"]),
]
ColorIn = Annotated[
    Annotated[str, AfterValidator(_color), Field(json_schema_extra={"pattern": f"^{COLOR}$"})]
    | None,
    Field(description="Color for programs that show the list.", examples=["#3366ff"]),
]
Archived = Annotated[
    bool,
    Field(
        description="Whether the list is archived: its tasks are left out of other lists of tasks.",
        examples=[False],
    ),
]


class List(Representation):
    """A list of tasks."""

    id: int = Field(description="List id. Never reused.", examples=[1])
    name: str = Field(description="Name of the list.", examples=["Shopping"])
    note: str | None = Field(description="Further details.", examples=["every Saturday"])
    color: str | None = Field(description="Color, `#rrggbb` in lower case.", examples=["#3366ff"])
    archived: Archived
    position: str = Field(
        description="Place among the lists: they are in the byte order of this string. It has no "
        "other meaning; `POST …/move` changes it.",
        examples=["1c11i"],
    )
    creation_date: Instant
    modification_date: Instant
    revision: int = Field(
        description="The account's `revision` at the list's last change. In quotes, it is the "
        "list's `ETag`.",
        examples=[12],
    )


class ListChange(Body):
    """Changes to a list. Fields that are not mentioned keep their values."""

    shown_as = List

    name: Name | MISSING = MISSING
    note: NoteIn | MISSING = MISSING
    color: ColorIn | MISSING = MISSING
    archived: Archived | MISSING = MISSING


class NewList(ListChange):
    """A list to create."""

    name: Name


class ListAnswer(Representation):
    """The list."""

    username: Owner
    list: List


class ListPosted(ListAnswer):
    """The new list."""

    msg: str = Field(description="Confirmation message.", examples=["posted"])
    revision: UndoRevision = MISSING
    dry_run: bool | MISSING = DRY_RUN


class ListEnvelope(Body):
    """Changes to a list, in an answer that the client sends back."""

    shown_as = ListPosted

    list: ListChange

    @cached_property
    def prepared(self) -> dict[str, Any]:
        return self.list.prepared


class ListWithCount(List):
    """A list of tasks, perhaps with the number of its open tasks."""

    open: int | MISSING = Field(MISSING, description="With `count=true`: number of open tasks.")


class Inbox(Representation):
    """The tasks without a list."""

    open: int = Field(description="Number of open tasks.", examples=[3])


class Lists(Representation):
    """The account's lists."""

    username: Owner
    lists: list[ListWithCount] = Field(description="Lists, in their order.")
    inbox: Inbox | MISSING = Field(MISSING, description="With `count=true`: tasks without a list.")
    revision: int = Field(
        description="The account's revision. The answer reflects at least all changes up to it.",
        examples=[12],
    )


class ListDeleted(Representation):
    """Confirmation of the deletion."""

    username: Owner
    msg: str = Field(description="Confirmation message.", examples=["Deleted."])
    tasks: int = Field(description="Number of tasks that went to the trash.", examples=[3])
    revision: UndoRevision = MISSING
    dry_run: bool | MISSING = DRY_RUN


class ListsQuery(Query):
    """Parameters of the lists."""

    archived: Flag | MISSING = Field(
        MISSING, description="`true`: archived lists. `false`: the others. Default: all."
    )
    count: Flag = Field(False, description="`true`: also return the numbers of open tasks.")
