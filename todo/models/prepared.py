"""Prepared statements: PostgreSQL parses and plans a hot statement once per connection.

Planning a lookup by key takes longer than running it; docs/performance.md has the figures. The
setting `todo.prepared_statements` turns this off. It is also off behind pgbouncer, which gives a
connection to another client after each transaction.
"""

import re
from typing import Any

# The execution option of statements with one best plan for all values.
PREPARED = {"prepared": True}

_PARAMETER = re.compile(r"%\((\w+)\)s")


def execute_prepared(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    """Run the statement if it has the option PREPARED; return whether it ran."""
    # The text of a multi-row statement depends on the number of rows.
    if context.executemany or not context.execution_options.get("prepared"):
        return False
    # A lost connection loses its info and its prepared statements together.
    prepared: dict[str, str] = context.root_connection.info.setdefault("prepared", {})
    if statement not in prepared:
        names = list(dict.fromkeys(_PARAMETER.findall(statement)))
        text = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement)
        name = f"todo_{len(prepared)}"
        cursor.execute(f"PREPARE {name} AS {text.replace('%%', '%')}")
        arguments = ", ".join(f"%({name})s" for name in names)
        prepared[statement] = f"EXECUTE {name} ({arguments})"
    cursor.execute(prepared[statement], parameters)
    return True
