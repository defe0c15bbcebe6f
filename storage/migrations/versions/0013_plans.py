"""Indexes for what the Zalo Bot Platform's plan counts: who is known there, and what left for there. They are small."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    people = sa.text("channel = 'zalo_bot'")
    op.create_index("ix_address_zalo_bot", "address", ["channel"], sqlite_where=people, postgresql_where=people)
    sent = sa.text("sender = 'zalo_bot' AND state = 'done'")
    op.create_index("ix_outbox_zalo_bot", "outbox", ["done_at"], sqlite_where=sent, postgresql_where=sent)
