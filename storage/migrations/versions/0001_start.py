"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


APPEND_ONLY = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$",
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
    ),
}


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Make every table of the first release."""
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("action", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("subject", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("detail", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_received", "audit", ["at", "subject"], **_where("action = 'intake.received'"))
    op.create_index("ix_audit_subject", "audit", ["subject"])
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("conversation", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("intake", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("route", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("given", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("wording", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_conversation", "consent", ["conversation"])
    op.create_index("ix_consent_intake", "consent", ["intake", "route"])
    op.create_table(
        "export_run",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("counts", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_export_run")),
    )
    op.create_table(
        "inbox",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("conversation", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("message_id", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "external_id", name=op.f("pk_inbox")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_inbox_conversation", "inbox", ["conversation", "at"])
    op.create_table(
        "intake",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("conversation", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("kind", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("level", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("urgent", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("facts", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("screening", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("channel", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("locale", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("province", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("form", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("articles", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("classified_at", sa.BigInteger()),
        sa.Column("receipt", sa.Text()),
        sa.Column("revision", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_answers", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake")),
        sa.UniqueConstraint("receipt", name=op.f("uq_intake_receipt")),
    )
    op.create_index("ix_intake_conversation", "intake", ["conversation"])
    op.create_index("ix_intake_created_at", "intake", ["created_at"])
    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "officer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("office", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("route", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("role", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("active", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("login", sa.Text()),
        sa.Column("password", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("failed", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("failed_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officer")),
        sa.UniqueConstraint("login", name=op.f("uq_officer_login")),
    )
    op.create_index("ix_officer_office", "officer", ["office"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("lane", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_until", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("finished", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("state", sa.Text(), nullable=False, server_default=sa.text("'waiting'")),
        sa.Column("attempts", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("sealed_body", sa.LargeBinary()),
        sa.Column("conversation", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("version", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("referral", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("officer", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger()),
        sa.Column("message_ids", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("code", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.CheckConstraint("priority BETWEEN 0 AND 3", name=op.f("ck_outbox_priority")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_due", "outbox", ["priority", "due_at", "id"], **_where("finished = 0"))
    op.create_index("ix_outbox_lane", "outbox", ["lane", "id"], **_where("finished = 0"))
    op.create_index("ix_outbox_referral", "outbox", ["referral"], **_where("referral <> ''"))
    op.create_index("ix_outbox_said", "outbox", ["conversation", "version"], **_where("kind = 'say'"))
    op.create_table(
        "address",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("sealed_external", sa.LargeBinary(), nullable=False),
        sa.Column("conversation", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("unreachable", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("officer", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["officer"], ["officer.id"], name=op.f("fk_address_officer_officer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
    )
    op.create_index("uq_address_officer", "address", ["officer"], unique=True)
    op.create_table(
        "invite",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["officer"], ["officer.id"], name=op.f("fk_invite_officer_officer")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_invite")),
    )
    op.create_index("ix_invite_officer", "invite", ["officer"])
    op.create_table(
        "referral",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("intake", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("route", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("office", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("identified", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("rule", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("because", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("source", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("ground", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("level", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("urgent", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("province", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("state", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("ended", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("delivered_at", sa.BigInteger()),
        sa.Column("acknowledged_at", sa.BigInteger()),
        sa.Column("accepted_at", sa.BigInteger()),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("officer", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("reason", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("outcome", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.ForeignKeyConstraint(["intake"], ["intake.id"], name=op.f("fk_referral_intake_intake")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral")),
    )
    op.create_index("ix_referral_ended", "referral", ["ended", "urgent", "created_at"])
    op.create_index("ix_referral_intake", "referral", ["intake"])
    op.create_index("ix_referral_office", "referral", ["office", "ended", "urgent", "created_at"])
    op.create_table(
        "session",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["officer"], ["officer.id"], name=op.f("fk_session_officer_officer")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_session")),
    )
    op.create_index("ix_session_officer", "session", ["officer"])
    op.create_table(
        "conversation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("heard_version", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("address", sa.Text()),
        sa.Column("channel", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("locale", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("flow", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("step", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("quiet", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("active_at", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("sealed_state", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["address"], ["address.id"], name=op.f("fk_conversation_address_address")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
    )
    op.create_index("ix_conversation_active", "conversation", ["active_at"], **_where("ended = 0"))
    op.create_table(
        "attachment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("conversation", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("intake", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("kind", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("size", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed_content", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index("ix_attachment_conversation", "attachment", ["conversation"])
    for statement in APPEND_ONLY[op.get_context().dialect.name]:
        op.execute(statement)
