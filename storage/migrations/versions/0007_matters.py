"""Intakes have the class that an officer gave them, two of them may be linked, and a case is found by its code."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("intake", sa.Column("filed_as", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "link",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("one", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("other", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("officer", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
    )
    op.create_index("ix_link_one", "link", ["one"])
    op.create_index("ix_link_other", "link", ["other"])
    op.create_index("ix_referral_code", "referral", ["code"])
