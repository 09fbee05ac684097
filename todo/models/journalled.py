"""What a model must have for the journal to record it, and what may not be done to its table."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy.orm import Mapped


class Journalled:
    """An object of an account, whose every change todo/models/journal.py records."""

    kind: ClassVar[str]
    secrets: ClassVar[frozenset[str]] = frozenset()  # fields that are recorded without a value
    moved: ClassVar[bool] = False  # to the trash, where others are deleted

    id: Mapped[int]

    @property
    @abstractmethod
    def owner_id(self) -> int:
        """The account's id."""

    @staticmethod
    @abstractmethod
    def recorded(value: Callable[[str], Any]) -> dict[str, Any]:
        """Return the fields to record, by their names in the API.

        `value` gives an attribute's value: as it is now, or as the database has it.
        """

    @staticmethod
    @abstractmethod
    def stamps(revision: int, date: datetime) -> dict[str, Any]:
        """Return the attributes that every change sets, such as the revision."""


def refuse_unrecorded(statement: Any, options: Mapping[str, Any]) -> None:
    """Raise RuntimeError for a statement that would change a journalled table, unrecorded.

    It may by the execution option unjournalled=True: where it is recorded, or nothing is to be.
    """
    if not statement.is_dml or options.get("unjournalled"):
        return
    if statement.table.name in _tables(Journalled):
        raise RuntimeError(
            f"this would change {statement.table.name} unrecorded: use todo/models/rows.py, or "
            "the execution option unjournalled=True where nothing that is recorded changes"
        )


def _tables(model: Any) -> set[str]:
    own = {model.__tablename__} if hasattr(model, "__tablename__") else set()
    return own.union(*map(_tables, model.__subclasses__()))
