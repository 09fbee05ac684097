"""What a model must have for the journal to record it."""

from abc import abstractmethod
from collections.abc import Callable
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
