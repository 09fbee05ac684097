"""Add the journal, revisions and idempotency keys."""

import sqlalchemy as sa

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)

REVISIONS = (("accounts", "revision"), ("accounts", "profile_revision"), ("tasks", "revision"))


def upgrade() -> None:
    # Not in a batch: on SQLite, a batch recreates the table without its triggers.
    for table, column in REVISIONS:
        op.add_column(table, sa.Column(column, BIG_INT, nullable=False, server_default="0"))
    op.create_table(
        "changes",
        sa.Column("account_id", BIG_INT, nullable=False),
        sa.Column("revision", BIG_INT, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("object_id", BIG_INT, nullable=False),
        sa.Column("date", INSTANT, nullable=False),
        sa.Column("token_id", BIG_INT),
        sa.Column("token_kind", sa.String(7)),
        sa.Column("token_name", sa.String(64)),
        sa.Column("action", sa.String(6), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.PrimaryKeyConstraint("account_id", "revision", "kind", "object_id", name="pk_changes"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_changes_account_id_accounts",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "action IN ('create', 'update', 'delete')", name=op.f("ck_changes_action")
        ),
    )
    op.create_index("ix_changes_object", "changes", ["account_id", "kind", "object_id", "revision"])
    op.create_table(
        "idempotency_keys",
        sa.Column("account_id", BIG_INT, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("expiration_date", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "key", name="pk_idempotency_keys"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_idempotency_keys_account_id_accounts",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "length(key) BETWEEN 1 AND 255", name=op.f("ck_idempotency_keys_key_length")
        ),
        sa.CheckConstraint(
            "length(request_digest) = 32", name=op.f("ck_idempotency_keys_request_digest_length")
        ),
    )
    op.create_index("ix_idempotency_keys_expiration_date", "idempotency_keys", ["expiration_date"])


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    op.drop_table("changes")
    for table, column in reversed(REVISIONS):
        op.drop_column(table, column)
