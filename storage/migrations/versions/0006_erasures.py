"""What was erased is known by its id, by which rule and when, so that a restored backup is swept of it too.

Indexes for the daily sweep: reports that are kept by their last change, conversations that are over, what left the outbox,
files by their report, conversations by their address.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.Text(), nullable=False),
        _text("rule"),
        _text("actor"),
        _text("counts"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasure"),
    )
    op.create_index("ix_erasure_at", "erasure", ["at"])
    op.create_table(
        "erased",
        sa.Column("id", sa.Text(), nullable=False),
        _text("what"),
        _text("erasure"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erased"),
    )
    op.create_index("ix_erased_at", "erased", ["at", "id"])
    op.add_column("intake", sa.Column("erased_at", sa.BigInteger()))
    _create("ix_intake_kept", "intake", ["updated_at", "id"], "erased_at IS NULL")
    _create("ix_conversation_over", "conversation", ["active_at", "id"], "ended = 1")
    op.create_index("ix_conversation_address", "conversation", ["address"])
    _create("ix_attachment_intake", "attachment", ["intake"], "intake <> ''")
    _create("ix_outbox_left", "outbox", ["done_at"], "finished = 1 AND kind <> 'say' AND sealed_body IS NOT NULL")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''"))


def _create(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
