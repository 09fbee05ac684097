"""Create accounts, tokens and tasks."""

import sqlalchemy as sa

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("username_lower", sa.String(64), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("date_joined", Instant, nullable=False),
        sa.CheckConstraint(
            "length(username) BETWEEN 1 AND 64", name=op.f("ck_accounts_username_length")
        ),
        sa.CheckConstraint(
            "username_lower = lower(username)", name=op.f("ck_accounts_username_lower")
        ),
        sa.CheckConstraint("length(email) <= 254", name=op.f("ck_accounts_email_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("username_lower", name=op.f("uq_accounts_username_lower")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tokens",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("account_id", BigInt, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("creation_date", Instant, nullable=False),
        sa.Column("expiration_date", Instant, nullable=False),
        sa.CheckConstraint("length(digest) = 32", name=op.f("ck_tokens_digest_length")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_tokens_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tokens_account_id", "tokens", ["account_id"])
    op.create_table(
        "tasks",
        sa.Column("id", BigInt, nullable=False),
        sa.Column("account_id", BigInt, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("due_at", Instant, nullable=True),
        sa.Column("due_all_day", sa.Boolean(), nullable=False),
        sa.Column("creation_date", Instant, nullable=False),
        sa.Column("modification_date", Instant, nullable=False),
        sa.Column("completion_date", Instant, nullable=True),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 255", name=op.f("ck_tasks_name_length")),
        sa.CheckConstraint("length(note) <= 10000", name=op.f("ck_tasks_note_length")),
        sa.CheckConstraint(
            "due_at IS NOT NULL OR NOT due_all_day", name=op.f("ck_tasks_due_all_day")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_tasks_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tasks_account_id_id", "tasks", ["account_id", "id"])


def downgrade() -> None:
    op.drop_table("tasks")
    op.drop_table("tokens")
    op.drop_table("accounts")
