"""The types of a task's fields in bodies."""

import re
from typing import Annotated, Any, Literal

from pydantic import MISSING, AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from todo.models.account import TIMEZONE_MAX
from todo.models.task import DEPTH_MAX, NAME_MAX, NOTE_MAX, PRIORITY_MAX, UID_MAX
from todo.recurrence.rule import RULE_MAX, RuleError, format_rule, parse_rule
from todo.schemas.dates import zone_name
from todo.schemas.meta import ReferenceIn, Text, limits, name_field, short, visible

UID = f"[!-~]{{1,{UID_MAX}}}"


def _uid(text: str) -> str:
    if not re.fullmatch(UID, text):
        raise PydanticCustomError(
            "uid",
            "This must have 1 to {maximum} printable ASCII characters, without spaces.",
            {"maximum": UID_MAX},
        )
    return text


def _rule(text: str) -> str:
    try:
        return format_rule(parse_rule(text))
    except RuleError as error:
        raise PydanticCustomError("recurrence", "{reason}", {"reason": str(error)}) from None


def _shown(value: Any) -> Any:
    if not isinstance(value, dict):
        raise PydanticCustomError("place", "Give the occurrence to complete within `task`.")
    return MISSING


def _subtasks(value: Any) -> Any:
    # An object is part of an answer that the client sends back.
    return False if isinstance(value, dict) else value


Name = Annotated[Text, visible(NAME_MAX), name_field(NAME_MAX, "What to do.", "Milk")]
NoteIn = Annotated[
    Annotated[Text, short(NOTE_MAX), Field(json_schema_extra=limits(NOTE_MAX))] | None,
    Field(description="Further details.", examples=["two bottles"]),
]
CompletedIn = Annotated[bool, Field(description="Whether the task is done.", examples=[False])]
Priority = Annotated[
    int,
    Field(
        ge=0,
        le=PRIORITY_MAX,
        description="1 is the highest, 9 the lowest, 0 none (RFC 5545, section 3.8.1.9).",
        examples=[0],
    ),
]
ListIn = Annotated[
    ReferenceIn | None,
    Field(
        description="Id of the list; null is the inbox. A subtask is in the list of its parent.",
        examples=[None],
    ),
]
ParentIn = Annotated[
    ReferenceIn | None,
    Field(
        description=f"Id of the task that this is a subtask of. Tasks can be nested {DEPTH_MAX} "
        "levels deep.",
        examples=[None],
    ),
]
TimezoneIn = Annotated[
    Annotated[
        str,
        AfterValidator(zone_name),
        Field(json_schema_extra={"minLength": 1, "maxLength": TIMEZONE_MAX}),
    ]
    | None,
    Field(
        description="IANA name of a time zone, or null. Times without an offset are in it. A new "
        "zone keeps the local times of the task.",
        examples=["Europe/Berlin"],
    ),
]
UidIn = Annotated[
    str,
    AfterValidator(_uid),
    Field(
        description="Identifier of the task in other programs, such as calendars. A UUID, if "
        "absent or null. It cannot be changed.",
        examples=["0f6b5e0c-3c5b-4f0e-9a9b-1d2f6a1c7e55"],
        json_schema_extra={"pattern": f"^{UID}$"},
    ),
]
SubtasksIn = Annotated[
    bool,
    BeforeValidator(_subtasks),
    WithJsonSchema(
        {
            "anyOf": [{"type": "boolean"}, {"type": "object", "additionalProperties": True}],
            "description": "`true`: `completed` applies to all subtasks, too. An object, as in an "
            "answer, is ignored.",
            "examples": [False],
        }
    ),
]
RecurrenceRule = Annotated[
    Text,
    AfterValidator(_rule),
    Field(
        description="A recurrence rule (RFC 5545, section 3.3.10) of whole days: `FREQ` is "
        "`DAILY`, `WEEKLY`, `MONTHLY` or `YEARLY`.",
        examples=["FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"],
        json_schema_extra={"minLength": 1, "maxLength": RULE_MAX},
    ),
]
RecurrenceIn = Annotated[
    RecurrenceRule | None,
    Field(
        description="A recurrence rule (RFC 5545, section 3.3.10) of whole days, or null. The task "
        "needs a `due_date`, its first date. `COUNT` includes the current date.",
        examples=["FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"],
    ),
]
RecurrenceFrom = Annotated[
    Literal["due", "completion"],
    Field(
        description="Whether the next date follows from the due date or from the day on which the "
        "task is completed.",
        examples=["due"],
    ),
]
CatchUp = Annotated[
    bool,
    Field(
        description="`true`: a task that recurs goes on to the very next date, even if it has "
        "passed. Otherwise, missed dates are left out.",
        examples=[False],
    ),
]
OccurrenceShown = Annotated[
    Any,
    PlainValidator(_shown),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": True,
            "description": "The completed occurrence in an answer. It is ignored.",
            "readOnly": True,
        }
    ),
]
