"""Sessions that still hold a key are found when their time is over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    held = sa.text("sealed_key IS NOT NULL")
    for name, column in (("ix_session_key_expires", "expires_at"), ("ix_session_key_seen", "seen_at")):
        op.create_index(name, "session", [column], sqlite_where=held, postgresql_where=held)
