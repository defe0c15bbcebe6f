"""The officers' lists have indexes in their own order: what is open, and what is over, by office and of all offices.

The release before asks in another order for what is over; it finds the same rows and sorts them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_referral_office", "referral")
    op.drop_index("ix_referral_ended", "referral")
    waits: list[str | sa.TextClause] = [
        sa.text("urgent DESC"),
        sa.text("(acknowledged_at IS NOT NULL)"),
        "created_at",
        "id",
    ]
    _create("ix_referral_open", ["office", *waits], "ended = 0")
    _create("ix_referral_open_all", waits, "ended = 0")
    _create("ix_referral_ended", ["office", "created_at", "id"], "ended = 1")
    _create("ix_referral_ended_all", ["created_at", "id"], "ended = 1")


def _create(name: str, columns: list[str | sa.TextClause], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "referral", columns, sqlite_where=where, postgresql_where=where)
