"""The audit is chained in blocks beside the turns, and a row's detail may be erased under a certificate.

The release before writes no links and erases no details; this one links what that wrote.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SAME = " AND ".join(f"NEW.{name} = OLD.{name}" for name in ("id", "at", "actor", "action", "subject"))
ERASED = (
    f"{SAME} AND NEW.detail = '' AND EXISTS (SELECT 1 FROM audit_detail d WHERE d.id = OLD.id AND d.certificate <> '')"  # noqa: S608 - names
)
FORGOTTEN = (
    "NEW.id = OLD.id AND NEW.sha256 = OLD.sha256 AND OLD.certificate = '' AND NEW.certificate <> '' AND NEW.salt = ''"
)
REFUSE = "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
ON_SQLITE = (
    "DROP TRIGGER audit_no_update",
    f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit WHEN NOT ({ERASED}) {REFUSE}",
    f"CREATE TRIGGER audit_link_no_delete BEFORE DELETE ON audit_link {REFUSE}",
    f"CREATE TRIGGER audit_link_no_update BEFORE UPDATE ON audit_link {REFUSE}",
    f"CREATE TRIGGER audit_detail_no_delete BEFORE DELETE ON audit_detail {REFUSE}",
    f"CREATE TRIGGER audit_detail_no_update BEFORE UPDATE ON audit_detail WHEN NOT ({FORGOTTEN}) {REFUSE}",
)
ALWAYS = "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
ON_POSTGRES = (
    "DROP TRIGGER audit_no_change ON audit",
    *(
        each
        for table, unless in (("audit", ERASED), ("audit_detail", FORGOTTEN))
        for each in (
            f"CREATE FUNCTION {table}_erases() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF {unless} THEN RETURN NEW; END IF; RAISE EXCEPTION 'the audit is append-only'; END $$",
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_erases()",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE OR TRUNCATE ON {table} {ALWAYS}",
        )
    ),
    f"CREATE TRIGGER audit_link_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_link {ALWAYS}",
)


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    none = sa.text("''")
    op.create_table(
        "audit_link",
        sa.Column("id", number, nullable=False, autoincrement=False),
        sa.Column("previous", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False, server_default=none),
        sa.Column("mark", sa.Text(), nullable=False, server_default=none),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("previous", name=op.f("uq_audit_link_previous")),
    )
    op.create_index("ix_audit_link_at", "audit_link", ["at", "id"])
    op.create_table(
        "audit_detail",
        sa.Column("id", number, nullable=False, autoincrement=False),
        sa.Column("salt", sa.Text(), nullable=False, server_default=none),
        sa.Column("sha256", sa.Text(), nullable=False, server_default=none),
        sa.Column("certificate", sa.Text(), nullable=False, server_default=none),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_detail")),
    )
    for statement in ON_SQLITE if op.get_context().dialect.name == "sqlite" else ON_POSTGRES:
        op.execute(statement)
