"""Add invitations to register."""

import sqlalchemy as sa

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invitations",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("expiration_date", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_invitations_expiration_date", "invitations", ["expiration_date"])


def downgrade() -> None:
    op.drop_table("invitations")
