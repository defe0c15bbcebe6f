"""Rows of the outbox know the channel whose pace they fall under, and wait in that channel's own order.

The index by priority alone goes: it would be written four times for each row, and only the release before looks for its
rows by it. That one still finds them, by reading what waits.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OF_PEOPLE = """
UPDATE outbox SET sender = (SELECT c.channel FROM conversation c WHERE c.id = outbox.conversation)
WHERE finished = 0 AND kind IN ('say', 'clear') AND conversation IN (SELECT id FROM conversation)
"""
OF_OFFICERS = """
UPDATE outbox SET sender = (SELECT a.channel FROM address a WHERE a.officer = outbox.officer)
WHERE finished = 0 AND kind = 'notice' AND officer IN (SELECT officer FROM address WHERE officer IS NOT NULL)
"""


def upgrade() -> None:
    op.add_column("outbox", sa.Column("sender", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.execute(OF_PEOPLE)
    op.execute(OF_OFFICERS)
    op.drop_index("ix_outbox_due", "outbox")
    where = sa.text("finished = 0")
    op.create_index(
        "ix_outbox_sender",
        "outbox",
        ["sender", "priority", "due_at", "id"],
        sqlite_where=where,
        postgresql_where=where,
    )
