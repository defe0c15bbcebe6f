"""Officers have a second factor; their sessions are bound to a browser and end when idle; known browsers are remembered.

The release before writes sessions that are bound to no browser and count from their beginning.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("officer", sa.Column("sealed_totp", sa.LargeBinary))
    op.add_column("officer", _number("totp_step"))
    op.add_column("session", sa.Column("device", sa.Text, nullable=False, server_default=sa.text("''")))
    op.add_column("session", sa.Column("seen_at", sa.BigInteger))
    op.create_table(
        "device",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("officer", sa.Text, nullable=False),
        _number("failed"),
        sa.Column("failed_at", sa.BigInteger),
        sa.Column("forgotten", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.ForeignKeyConstraint(["officer"], ["officer.id"], name="fk_device_officer_officer"),
    )
    op.create_index("ix_device_officer", "device", ["officer"])


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))
