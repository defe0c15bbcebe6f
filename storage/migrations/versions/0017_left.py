"""When somebody left the page by quick exit: what they had sent before may come a moment later, and is still heard."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversation", sa.Column("left_at", sa.BigInteger()))
