"""Prepared statements: PostgreSQL parses and plans a hot statement once for each connection.

Planning a statement that finds its rows by a key takes longer than running it: docs/performance.md
has the figures. The setting `todo.prepared_statements` switches this off, and so does pgbouncer,
which gives a connection to another client after each transaction.
"""

import re
from typing import Any

from sqlalchemy import Engine, event

# The execution option of a statement for which one plan is the best, whatever its values are.
PREPARED = {"prepared": True}

_PARAMETER = re.compile(r"%\((\w+)\)s")


def listen(engine: Engine) -> None:
    """Prepare the statements with the option PREPARED on all connections of the engine."""
    event.listen(engine, "do_execute", _execute_prepared)


def _execute_prepared(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    """Run the statement, if it is to be prepared; tell SQLAlchemy whether that is done."""
    # A statement of many rows has another text for each number of rows.
    if context.executemany or not context.execution_options.get("prepared"):
        return False
    # A connection that is lost takes both along, its info and its statements.
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
