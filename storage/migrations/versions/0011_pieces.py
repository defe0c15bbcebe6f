"""Large files in pieces, each sealed by itself: no file need be in memory whole.

The release before goes on keeping files whole, and finds those in pieces erased.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attachment", sa.Column("stream", sa.Text(), nullable=False, server_default=sa.text("''")))
    in_pieces = sa.text("stream <> ''")
    op.create_index(
        "ix_attachment_stream", "attachment", ["stream"], sqlite_where=in_pieces, postgresql_where=in_pieces
    )
    loose = sa.text("conversation = '' AND intake = '' AND (sealed_content IS NOT NULL OR stream <> '')")
    op.create_index("ix_attachment_loose", "attachment", ["created_at"], sqlite_where=loose, postgresql_where=loose)
    op.create_table(
        "attachment_piece",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attachment_piece"),
    )
    op.create_index("ix_attachment_piece_stream", "attachment_piece", ["stream"])
    first = sa.text("number = 0")
    op.create_index(
        "ix_attachment_piece_first", "attachment_piece", ["created_at"], sqlite_where=first, postgresql_where=first
    )
