"""Label schemas: the labels of tasks, in bodies and in queries, and all labels of an account."""

from typing import Annotated, Any

from pydantic import (
    MISSING,
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from todo.http.schema import Body, Query, Representation
from todo.models.label import LABEL_MAX, LABELS_MAX, label_key
from todo.schemas.meta import Owner, Text, UndoRevision, WholeNumber, not_blank, without_nul

PAGE_MAX = 200

# Without a comma or NUL, and not only of spaces.
LABEL = r"[^,\u0000]*[^,\u0000\s][^,\u0000]*"
LABEL_SCHEMA = {"minLength": 1, "maxLength": LABEL_MAX, "pattern": f"^{LABEL}$"}


def _label(text: str) -> str:
    """Return the label without spaces around it."""
    label = not_blank(text.strip(), LABEL_MAX)
    if "," in label:
        raise PydanticCustomError("label", "A label must not contain a comma.")
    return label


def _from_form(value: Any, info: ValidationInfo) -> Any:
    if (info.context or {}).get("form"):
        return value.split(",") if isinstance(value, str) else value or []
    return value


def _labels(labels: list[str]) -> list[str]:
    if len(labels) > LABELS_MAX:
        raise PydanticCustomError(
            "too_long", "This must have at most {maximum} labels.", {"maximum": LABELS_MAX}
        )
    if len(set(map(label_key, labels))) < len(labels):
        raise PydanticCustomError(
            "duplicate", "Each label may be given only once; upper and lower case are the same."
        )
    return labels


def _keys(text: str) -> list[str]:
    names = [_label(each) for each in without_nul(text).split(",")]
    return list(map(label_key, _labels(names)))


LabelName = Annotated[
    Text,
    AfterValidator(_label),
    Field(
        description="Name of the label, without a comma. Upper and lower case are the same.",
        examples=["home"],
        json_schema_extra=LABEL_SCHEMA,
    ),
]
LabelsIn = Annotated[
    list[Annotated[Text, AfterValidator(_label), Field(json_schema_extra=LABEL_SCHEMA)]],
    BeforeValidator(_from_form),
    AfterValidator(_labels),
    Field(
        description=f"At most {LABELS_MAX} labels. In a form, they are separated by commas. The "
        "first spelling of a label in the account stays.",
        examples=[["home", "urgent"]],
        json_schema_extra={"maxItems": LABELS_MAX},
    ),
]
LabelFilter = Annotated[
    list[str],
    PlainValidator(_keys),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{LABEL}(?:,{LABEL})*$",
            "description": "Comma-separated labels: tasks that have all of them.",
            "examples": ["home,urgent"],
        }
    ),
]


class Label(Representation):
    """A label."""

    name: str = Field(description="Name of the label.", examples=["home"])
    tasks: int = Field(
        description="Number of open tasks with the label, except those in archived lists.",
        examples=[3],
    )


class Labels(Representation):
    """A page of the account's labels."""

    username: Owner
    labels: list[Label] = Field(description="Labels, by name.")
    next: str | None = Field(
        description="Path of the next page; null on the last page.",
        examples=["/api/v1/accounts/alice/labels?limit=1&after=home"],
    )
    after: str | None = Field(
        description="Label for the parameter `after` of the next page; null on the last page.",
        examples=["home"],
    )
    revision: int = Field(
        description="The account's revision. The page reflects at least all changes up to it.",
        examples=[12],
    )


class LabelsPage(Query):
    """Parameters of a page of labels."""

    limit: WholeNumber = Field(
        PAGE_MAX,
        ge=1,
        le=PAGE_MAX,
        description="Maximum number of labels on a page.",
        examples=[PAGE_MAX],
    )
    after: LabelName | MISSING = Field(
        MISSING, description="Last label of the previous page, as in `next`."
    )


class LabelChange(Body):
    """A new name of a label."""

    name: LabelName


DRY_RUN = Field(MISSING, description="True after a dry run: nothing was changed.")


class LabelAnswer(Representation):
    """The renamed label."""

    username: Owner
    label: Label
    updated: int = Field(description="Number of tasks that had the label.", examples=[3])
    revision: UndoRevision = MISSING
    dry_run: bool | MISSING = DRY_RUN


class LabelDeleted(Representation):
    """Confirmation of the deletion."""

    username: Owner
    msg: str = Field(description="Confirmation message.", examples=["Deleted."])
    updated: int = Field(description="Number of tasks that had the label.", examples=[3])
    revision: UndoRevision = MISSING
    dry_run: bool | MISSING = DRY_RUN
