"""Add API tokens, released usernames, rate limits and disabled accounts."""

from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)

NEW_COLUMNS = (
    ("kind", sa.String(7)),
    ("scope", sa.String(5)),
    ("name", sa.String(64)),
    ("client", sa.String(255)),
    ("last_used_date", Instant),
)


def alter_tokens() -> AbstractContextManager[Any]:
    """Alter tokens in a batch, because SQLite must recreate the table."""
    return op.batch_alter_table("tokens", table_kwargs={"sqlite_autoincrement": True})


def upgrade() -> None:
    op.add_column("accounts", sa.Column("disabled_date", Instant, nullable=True))
    # All existing tokens are login sessions. Their last use is unknown, so use the creation date.
    for column, kind in NEW_COLUMNS:
        op.add_column("tokens", sa.Column(column, kind, nullable=True))
    op.execute(
        "UPDATE tokens SET kind = 'session', scope = 'write', last_used_date = creation_date"
    )
    with alter_tokens() as tokens:
        for column, kind in NEW_COLUMNS:
            if column not in ("name", "client"):
                tokens.alter_column(column, existing_type=kind, nullable=False)
        tokens.create_check_constraint(op.f("ck_tokens_kind"), "kind IN ('session', 'api')")
        tokens.create_check_constraint(op.f("ck_tokens_scope"), "scope IN ('read', 'write')")
        tokens.create_check_constraint(
            op.f("ck_tokens_name_length"), "length(name) BETWEEN 1 AND 64"
        )
        tokens.create_check_constraint(op.f("ck_tokens_client_length"), "length(client) <= 255")
        tokens.create_index("ix_tokens_expiration_date", ["expiration_date"])
    op.create_table(
        "released_usernames",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("account_id", BigInt, nullable=False),
        sa.Column("username_lower", sa.String(64), nullable=False),
        sa.Column("expiration_date", Instant, nullable=False),
        sa.CheckConstraint(
            "username_lower = lower(username_lower)",
            name=op.f("ck_released_usernames_username_lower"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_released_usernames")),
        sqlite_autoincrement=True,
    )
    for column in ("account_id", "username_lower", "expiration_date"):
        op.create_index(f"ix_released_usernames_{column}", "released_usernames", [column])
    op.create_table(
        "limit_counts",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expiration_date", Instant, nullable=False),
        sa.CheckConstraint("count >= 0", name=op.f("ck_limit_counts_count")),
        sa.PrimaryKeyConstraint("name", "subject", name=op.f("pk_limit_counts")),
    )
    op.create_index("ix_limit_counts_expiration_date", "limit_counts", ["expiration_date"])


def downgrade() -> None:
    op.drop_table("limit_counts")
    op.drop_table("released_usernames")
    # The previous version would treat API tokens as login sessions.
    op.execute("DELETE FROM tokens WHERE kind = 'api'")
    with alter_tokens() as tokens:
        tokens.drop_index("ix_tokens_expiration_date")
        for constraint in ("kind", "scope", "name_length", "client_length"):
            tokens.drop_constraint(op.f(f"ck_tokens_{constraint}"), type_="check")
        for column, _ in NEW_COLUMNS:
            tokens.drop_column(column)
    op.drop_column("accounts", "disabled_date")
