"""Add saved filters."""

import sqlalchemy as sa

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BIG_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "filters",
        sa.Column("id", BIG_INT, nullable=False),
        sa.Column("account_id", BIG_INT, nullable=False),
        sa.Column("revision", BIG_INT, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("creation_date", TIME, nullable=False),
        sa.Column("modification_date", TIME, nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 255", name=op.f("ck_filters_name_length")),
        sa.CheckConstraint("length(query) <= 2000", name=op.f("ck_filters_query_length")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_filters_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filters")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_filters_account_id", "filters", ["account_id"])


def downgrade() -> None:
    op.execute(
        "UPDATE accounts SET task_bytes = task_bytes"
        " - coalesce((SELECT sum(size) FROM filters WHERE account_id = accounts.id), 0)"
    )
    op.drop_index("ix_filters_account_id", "filters")
    op.drop_table("filters")
    # The earlier code knows no filters, and a later upgrade gives their ids to others.
    op.execute(
        "UPDATE accounts SET journal_bytes = journal_bytes - coalesce((SELECT sum(size)"
        " FROM changes WHERE account_id = accounts.id AND kind = 'filter'), 0)"
    )
    op.execute("DELETE FROM changes WHERE kind = 'filter'")
