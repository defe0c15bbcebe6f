"""When a person was last heard, for platforms that take messages for them only for a while after that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("address", sa.Column("heard_at", sa.BigInteger()))
    known = sa.text("heard_at IS NOT NULL")
    op.create_index("ix_address_heard", "address", ["channel", "heard_at"], sqlite_where=known, postgresql_where=known)
