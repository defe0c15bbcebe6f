"""An officer has several addresses, each with its state, and a notice says to which it goes.

A program of before finds one of them by the officer alone, and may send a notice twice while both versions run: never none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("address", sa.Column("taken_at", sa.BigInteger))
    op.add_column("address", sa.Column("failing_since", sa.BigInteger))
    op.add_column("outbox", sa.Column("door", sa.Text, nullable=False, server_default=""))
    op.drop_index("uq_address_officer", "address")
    op.create_index("ix_address_officer", "address", ["officer"])
