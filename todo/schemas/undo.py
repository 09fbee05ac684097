"""Undo, going out."""

from pydantic import Field

from todo.http.schema import Representation
from todo.schemas.meta import Owner


class Undone(Representation):
    """How many tasks were changed back."""

    username: Owner
    undone: int = Field(description="How many tasks are as they were before.", examples=[3])
