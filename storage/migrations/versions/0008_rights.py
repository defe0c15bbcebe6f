"""Requests of people about their own data, with the law's deadlines; and the register of data breaches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "right_request",
        sa.Column("id", sa.Text(), nullable=False),
        *(_text(name) for name in ("code", "intake", "what", "channel", "state", "officer")),
        *(_number(name) for name in ("at", "answer_by", "done_by")),
        sa.Column("answered_at", sa.BigInteger()),
        sa.Column("done_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_right_request"),
    )
    open_ones, theirs = sa.text("done_at IS NULL"), sa.text("intake <> ''")
    _index("ix_right_request_open", ["done_by", "id"], open_ones)
    _index("ix_right_request_intake", ["intake"], theirs)
    op.create_table(
        "breach",
        sa.Column("id", sa.Text(), nullable=False),
        _number("detected_at"),
        _number("recorded_at"),
        sa.Column("notified_at", sa.BigInteger()),
        sa.Column("sealed_fields", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_breach"),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''"))


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _index(name: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, "right_request", columns, sqlite_where=where, postgresql_where=where)
