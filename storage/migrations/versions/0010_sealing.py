"""Keys of offices and of officers, and the sealed parts of what people submit.

The release before goes on writing content under the service key; it is read as before and sealed by `keys reseal`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''"))


def _flag(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger(), nullable=False, server_default=sa.text("0"))


def _at(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _sealed(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def upgrade() -> None:
    op.add_column("session", sa.Column("sealed_key", sa.LargeBinary()))
    _of_the_staff()
    _of_intakes()


def _of_the_staff() -> None:
    op.create_table(
        "office_key", sa.Column("id", sa.Text(), nullable=False), _text("office"), _sealed("public"), _flag("is_demo"),
        _flag("retired"), _at("created_at"), sa.PrimaryKeyConstraint("id", name="pk_office_key"),
    )  # fmt: skip
    op.create_index("ix_office_key_office", "office_key", ["office"])
    op.create_table(
        "officer_key", sa.Column("id", sa.Text(), nullable=False), _sealed("public"), _sealed("sealed_private"),
        _at("created_at"), sa.PrimaryKeyConstraint("id", name="pk_officer_key"),
    )  # fmt: skip
    op.create_table(
        "office_grant", sa.Column("id", sa.Text(), nullable=False), _text("office_key"), _text("officer"),
        _sealed("wrapped"), _text("given_by"), _at("created_at"), sa.PrimaryKeyConstraint("id", name="pk_office_grant"),
    )  # fmt: skip
    op.create_index("ix_office_grant_officer", "office_grant", ["officer"])
    op.create_index("ix_office_grant_office_key", "office_grant", ["office_key"])


def _of_intakes() -> None:
    op.create_table(
        "intake_key", sa.Column("id", sa.Text(), nullable=False), sa.Column("intake", sa.Text(), nullable=False),
        _text("conversation"), _at("created_at"), sa.Column("sealed_keys", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["intake"], ["intake.id"], name="fk_intake_key_intake_intake"),
        sa.PrimaryKeyConstraint("id", name="pk_intake_key"),
    )  # fmt: skip
    op.create_index("ix_intake_key_intake", "intake_key", ["intake"])
    lives = sa.text("sealed_keys IS NOT NULL")
    op.create_index(
        "ix_intake_key_conversation", "intake_key", ["conversation"], sqlite_where=lives, postgresql_where=lives
    )
    op.create_table(
        "intake_part",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        _text("intake_key"), _text("intake"), _text("part"), _at("created_at"), _sealed("sealed"),
        sa.PrimaryKeyConstraint("id", name="pk_intake_part"),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("ix_intake_part_intake", "intake_part", ["intake"])
    op.create_table(
        "intake_grant", sa.Column("id", sa.Text(), nullable=False), _text("intake_key"), _text("intake"),
        _text("office_key"), _text("parts"), _sealed("wrapped"), _at("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_intake_grant"),
    )  # fmt: skip
    op.create_index("ix_intake_grant_intake", "intake_grant", ["intake"])
    op.create_table(
        "attachment_key", sa.Column("id", sa.Text(), nullable=False), _text("intake_key"),
        sa.Column("sealed_key", sa.LargeBinary()), sa.PrimaryKeyConstraint("id", name="pk_attachment_key"),
    )  # fmt: skip
