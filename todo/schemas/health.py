"""Health check schemas."""

from typing import Literal

from pydantic import Field

from todo.http.schema import Representation


class Health(Representation):
    """The service is healthy."""

    status: Literal["ok"] = Field(description="Always `ok`.", examples=["ok"])
