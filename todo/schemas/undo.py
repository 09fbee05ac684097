"""Undo schemas."""

from pydantic import MISSING, Field

from todo.http.schema import Representation
from todo.schemas.meta import Owner, UndoRevision


class Undone(Representation):
    """Result of an undo."""

    username: Owner
    undone: int = Field(description="Number of objects that were reverted.", examples=[3])
    revision: UndoRevision = MISSING
