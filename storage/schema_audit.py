"""The tables of the audit and what keeps them append-only; part of the one schema (schema.py)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from storage.columns import Serial, at, metadata, number, text_column, where

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    at("at"),
    text_column("actor"),
    text_column("action"),
    text_column("subject"),
    text_column("detail"),
    sqlite_autoincrement=True,
)
Index("ix_audit_subject", audit.c.subject)
Index("ix_audit_received", audit.c.at, audit.c.subject, **where("action = 'intake.received'"))

audit_link = Table(
    "audit_link",  # see chain.py
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=False),  # of the last row of the audit that it covers
    Column("previous", BigInteger, nullable=False, unique=True),  # the link before it: nobody can put two after one
    number("size"),
    at("at"),
    text_column("sha256"),
    text_column("mark"),  # keyed hash of sha256
)
Index("ix_audit_link_at", audit_link.c.at, audit_link.c.id)

audit_detail = Table(
    "audit_detail",
    metadata,
    Column(
        "id", Serial, primary_key=True, autoincrement=False
    ),  # of a linked row of the audit that has or had a detail
    text_column("salt"),  # goes with the detail, so that nobody can try which detail it was
    text_column("sha256"),  # over the salt and the detail; stays
    text_column("certificate"),  # of the erasure; empty while the detail is there
)

_SAME = " AND ".join(f"NEW.{name} = OLD.{name}" for name in ("id", "at", "actor", "action", "subject"))
_ERASED = (
    f"{_SAME} AND NEW.detail = '' AND EXISTS (SELECT 1 FROM audit_detail d WHERE d.id = OLD.id AND d.certificate <> '')"  # noqa: S608 - names of the schema
)
_FORGOTTEN = (
    "NEW.id = OLD.id AND NEW.sha256 = OLD.sha256 AND OLD.certificate = '' AND NEW.certificate <> '' AND NEW.salt = ''"
)


def _sqlite_refuses(table: str, verb: str, unless: str = "") -> str:
    when = f"WHEN NOT ({unless}) " if unless else ""
    return (
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {when}"
        "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
    )


def _postgres_refuses(table: str, unless: str) -> tuple[str, ...]:
    return (
        f"CREATE FUNCTION {table}_erases() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {unless} THEN RETURN NEW; END IF; RAISE EXCEPTION 'the audit is append-only'; END $$",
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_erases()",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
    )


APPEND_ONLY = {
    "sqlite": (
        _sqlite_refuses("audit", "DELETE"),
        _sqlite_refuses("audit", "UPDATE", _ERASED),
        _sqlite_refuses("audit_link", "DELETE"),
        _sqlite_refuses("audit_link", "UPDATE"),
        _sqlite_refuses("audit_detail", "DELETE"),
        _sqlite_refuses("audit_detail", "UPDATE", _FORGOTTEN),
    ),
    "postgresql": (
        "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$",
        *_postgres_refuses("audit", _ERASED),
        *_postgres_refuses("audit_detail", _FORGOTTEN),
        "CREATE TRIGGER audit_link_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_link "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
    ),
}
"""What keeps the audit append-only, by dialect; only a detail may go, under a certificate. Run after the tables are made.

It keeps mistakes away. Whoever owns the database can take it off: against them there is the chain.
"""
