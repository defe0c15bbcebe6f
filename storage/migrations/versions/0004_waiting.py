"""Of the two indexes of what waits in the outbox, each question can use one only.

PostgreSQL counts in quiet hours, when nothing waits: both then seem to hold one row, and it may look for a lane by reading all
that waits. Thousands may wait a minute later. SQLite does not count, and must keep the index as it was.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _again("ix_outbox_sender", ["sender", "priority", "due_at", "id"], "finished = 0", " AND sender IS NOT NULL")
    _again("ix_outbox_lane", ["lane", "id"], "finished = 0 AND lane <> ''")


def _again(name: str, columns: list[str], condition: str, and_on_postgresql: str = "") -> None:
    wheres: dict[str, Any] = {
        "sqlite_where": sa.text(condition),
        "postgresql_where": sa.text(condition + and_on_postgresql),
    }
    op.drop_index(name, "outbox")
    op.create_index(name, "outbox", columns, **wheres)
