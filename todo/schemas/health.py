"""Health, going out."""

from typing import Literal

from pydantic import Field

from todo.http.schema import Representation


class Health(Representation):
    """A word that it is well."""

    status: Literal["ok"] = Field(examples=["ok"])
