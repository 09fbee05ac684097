"""Labels of tasks: when two are equal, and their index."""

import unicodedata
from typing import Any

from sqlalchemy import Select, TableClause, Text, column, select, table

from todo.models.meta import BigInt, CodePoints

LABEL_MAX = 64
LABELS_MAX = 20  # of a task

# The labels of tasks, except deleted ones. Only triggers write it.
TASK_LABELS: TableClause = table(
    "task_labels",
    column("account_id", BigInt),
    column("key", CodePoints),
    column("task_id", BigInt),
    column("name", Text),
)


def label_key(name: str) -> str:
    """Return the label without regard to case: labels with the same key are equal.

    A canonical caseless match (The Unicode Standard, section 3.13, D145), in NFC.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def spelling_of(account_id: Any, key: Any) -> Select[str]:
    """Return the query for the spelling of the label with this key: that of its oldest task.

    Tasks that are restored, or whose change is undone, may have another spelling.
    """
    label = TASK_LABELS.alias("spelled").c
    same_label = (label.account_id == account_id, label.key == key)
    return select(label.name).where(*same_label).order_by(label.task_id).limit(1)
