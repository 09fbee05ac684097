"""Add webhooks."""

import sqlalchemy as sa

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BIG_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", BIG_INT, nullable=False),
        sa.Column("account_id", BIG_INT, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("creation_date", TIME, nullable=False),
        sa.Column("cursor_revision", BIG_INT, nullable=False),
        sa.Column("cursor_changes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claimed_until", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", TIME),
        sa.Column("next_attempt_date", TIME),
        sa.Column("answer_date", TIME),
        sa.Column("answer_status", sa.Integer()),
        sa.Column("answer_error", sa.String(255)),
        sa.Column("answer_milliseconds", sa.Integer()),
        sa.Column("disabled_date", TIME),
        sa.Column("disabled_reason", sa.String(7)),
        sa.CheckConstraint("length(url) BETWEEN 1 AND 2000", name=op.f("ck_webhooks_url_length")),
        sa.CheckConstraint(
            "length(answer_error) <= 255", name=op.f("ck_webhooks_answer_error_length")
        ),
        sa.CheckConstraint(
            "(disabled_date IS NULL) = (disabled_reason IS NULL)",
            name=op.f("ck_webhooks_disabled_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_webhooks_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhooks_account_id", "webhooks", ["account_id"])
    is_enabled = sa.text("disabled_date IS NULL")
    op.create_index(
        "ix_webhooks_enabled",
        "webhooks",
        ["claimed_until", "id"],
        sqlite_where=is_enabled,
        postgresql_where=is_enabled,
    )


def downgrade() -> None:
    op.drop_index("ix_webhooks_enabled", "webhooks")
    op.drop_index("ix_webhooks_account_id", "webhooks")
    op.drop_table("webhooks")
