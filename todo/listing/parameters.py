"""The values that conditions compare: bind parameters, or the values themselves."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam

from todo.models.meta import BigInt

Condition = ColumnElement[bool]

Values = Mapping[str, Any]


class _Parameters(dict[str, BindParameter[Any]]):
    def __missing__(self, name: str) -> BindParameter[Any]:
        return bindparam(name)


# A bind parameter for each name. The account id needs a type, because it is used in an array.
PARAMETERS: Values = _Parameters(account_id=bindparam("account_id", type_=BigInt))
