"""Count the bytes of tasks, changes and idempotency keys, for limits and quotas."""

import json
from typing import Any

import sqlalchemy as sa

from alembic import op

from todo.models.size import ROW_SIZE, text_size

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# The primary key of each table whose rows are measured, and its columns with texts.
MEASURED = {
    "tasks": (("id",), ("name", "note")),
    "trash": (("id",), ("name", "note")),
    "changes": (("account_id", "revision", "kind", "object_id"), ("before", "after")),
}
SUMS = {"task_bytes": ("tasks", "trash"), "journal_bytes": ("changes",)}
ROWS_AT_ONCE = 1000


def upgrade() -> None:
    # Not in a batch: on SQLite, a batch recreates the table without its triggers.
    for name in (*MEASURED, "idempotency_keys"):
        op.add_column(name, sa.Column("size", sa.Integer(), nullable=False, server_default="0"))
    for name in SUMS:
        op.add_column("accounts", sa.Column(name, BIG_INT, nullable=False, server_default="0"))
    for name, (key, texts) in MEASURED.items():
        measure(name, key, texts)
    keys = sa.table("idempotency_keys", sa.column("body"), sa.column("size"))
    op.execute(keys.update().values(size=ROW_SIZE + sa.func.length(keys.c.body)))
    accounts = sa.table("accounts", sa.column("id"), *map(sa.column, SUMS))
    for name, tables in SUMS.items():
        op.execute(accounts.update().values({name: sum(total(each, accounts) for each in tables)}))
    op.create_index("ix_idempotency_keys_size", "idempotency_keys", ["account_id", "size"])


def measure(name: str, key: tuple[str, ...], texts: tuple[str, ...]) -> None:
    """Set the size of each row, as todo/journal/writes.py does."""
    table = sa.table(name, *map(sa.column, (*key, *texts, "size")))
    columns = [table.c[each] for each in key]
    change = (
        table.update()
        .where(*(column == sa.bindparam(f"row_{column.name}") for column in columns))
        .values(size=sa.bindparam("new_size"))
    )
    query = sa.select(table).order_by(*columns).limit(ROWS_AT_ONCE)
    rows = op.get_bind().execute(query).all()
    while rows:
        op.get_bind().execute(
            change,
            [
                {f"row_{each}": getattr(row, each) for each in key}
                | {"new_size": ROW_SIZE + size_of(name, [getattr(row, each) for each in texts])}
                for row in rows
            ],
        )
        place = tuple(sa.literal(getattr(rows[-1], each)) for each in key)
        rows = op.get_bind().execute(query.where(sa.tuple_(*columns) > sa.tuple_(*place))).all()


def size_of(name: str, texts: list[str | None]) -> int:
    """Return the size of a row's texts; those of a change are in JSON objects."""
    if name == "changes":
        recorded = [json.loads(text) for text in texts if text]
        return sum(
            text_size({key: values[key] for key in values if "date" not in key})
            for values in recorded
        )
    return text_size(dict(enumerate(texts)))


def total(name: str, accounts: Any) -> Any:
    """Return the sum of the sizes of the account's rows."""
    table = sa.table(name, sa.column("account_id"), sa.column("size"))
    rows = sa.select(sa.func.sum(table.c.size)).where(table.c.account_id == accounts.c.id)
    return sa.func.coalesce(rows.scalar_subquery(), 0)


def downgrade() -> None:
    op.drop_index("ix_idempotency_keys_size", "idempotency_keys")
    for name in reversed(SUMS):
        op.drop_column("accounts", name)
    for name in (*reversed(MEASURED), "idempotency_keys"):
        op.drop_column(name, "size")
