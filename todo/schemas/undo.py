"""Undo schemas."""

from pydantic import Field

from todo.http.schema import Representation
from todo.schemas.meta import Owner


class Undone(Representation):
    """Result of an undo."""

    username: Owner
    undone: int = Field(description="Number of tasks that were reverted.", examples=[3])
