"""Add the trash, and record restored and purged tasks in the journal."""

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG_INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
CODE_POINTS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def set_actions(*actions: str) -> None:
    with op.batch_alter_table("changes") as changes:
        changes.drop_constraint(op.f("ck_changes_action"), type_="check")
        changes.alter_column(
            "action",
            type_=sa.String(max(map(len, actions))),
            existing_type=sa.String(),
            existing_nullable=False,
        )
        changes.create_check_constraint(op.f("ck_changes_action"), f"action IN {actions}")


def upgrade() -> None:
    op.create_table(
        "trash",
        sa.Column("id", BIG_INT, autoincrement=False, nullable=False),
        sa.Column("account_id", BIG_INT, nullable=False),
        sa.Column("revision", BIG_INT, nullable=False, server_default="0"),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("name_folded", CODE_POINTS, nullable=False),
        sa.Column("name_words", sa.Text(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("note_words", sa.Text(), nullable=False),
        sa.Column("due_at", INSTANT),
        sa.Column("due_all_day", sa.Boolean(), nullable=False),
        sa.Column("creation_date", INSTANT, nullable=False),
        sa.Column("modification_date", INSTANT, nullable=False),
        sa.Column("completion_date", INSTANT),
        sa.Column("deletion_date", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trash"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_trash_account_id_accounts", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_trash_deletion", "trash", ["account_id", "deletion_date", "id"])
    set_actions("create", "update", "delete", "restore", "purge")


def downgrade() -> None:
    # The previous version has only three actions; the replacements result in the same tasks.
    op.execute("UPDATE changes SET action = 'create' WHERE action = 'restore'")
    op.execute("UPDATE changes SET action = 'delete' WHERE action = 'purge'")
    set_actions("create", "update", "delete")
    op.drop_table("trash")
