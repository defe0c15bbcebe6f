"""What an export reads: everything of the intakes of a period, coded. Nothing that is sealed is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, exists, literal_column, select

from referral.model import Content
from storage import schema as t
from storage.base import AuditEntry, Period
from storage.rows import INTAKE_COLUMNS, REFERRAL_COLUMNS, audit_values, read_intake, read_referral, to_ms, write_json
from storage.statements import Work, insert_once, question
from storage.turns import ADD_AUDIT

p = bindparam

_referral = [t.referral.c[name] for name in REFERRAL_COLUMNS]

ADD_EXPORT = insert_once(t.export_run)
INTAKES_BETWEEN = question(
    select(*[t.intake.c[name] for name in INTAKE_COLUMNS])
    .where(t.intake.c.created_at >= p("start"), t.intake.c.created_at < p("end"))
    .order_by(t.intake.c.created_at, t.intake.c.id)
)
REFERRALS_BETWEEN = question(
    select(*_referral)
    .join_from(t.intake, t.referral, t.referral.c.intake == t.intake.c.id)
    .where(t.intake.c.created_at >= p("start"), t.intake.c.created_at < p("end"))
    .order_by(t.referral.c.created_at, t.referral.c.id)
)
RECEIVED_BETWEEN = question(
    select(t.audit.c.subject)
    .where(t.audit.c.action == literal_column("'intake.received'"), t.audit.c.at >= p("start"), t.audit.c.at < p("end"))
    .order_by(t.audit.c.at, t.audit.c.subject)
)
NOTIFIED_BETWEEN = question(
    select(t.referral.c.id)
    .join_from(t.intake, t.referral, t.referral.c.intake == t.intake.c.id)
    .where(
        t.intake.c.created_at >= p("start"),
        t.intake.c.created_at < p("end"),
        # Not a join: for distinct rows in order, SQLite would read the notices of all years.
        exists().where(
            t.outbox.c.referral == t.referral.c.id,
            t.outbox.c.referral != t.NONE,
            t.outbox.c.kind == literal_column("'notice'"),
            t.outbox.c.state == literal_column("'done'"),
        ),
    )
    .order_by(t.referral.c.id)
)


def record_export(key: str, sha256: str, counts: Mapping[str, int], at: datetime) -> Work[bool]:
    """Keep what an export contained. False where this key was recorded before: nothing is changed then."""
    values = {"key": key, "sha256": sha256, "counts": write_json(counts), "at": to_ms(at)}
    recorded = yield ADD_EXPORT, values
    if recorded:
        yield ADD_AUDIT, audit_values(AuditEntry("export", "export.recorded", key, at, {"sha256": sha256}))
    return bool(recorded)


def period(start: datetime, end: datetime) -> Work[Period]:
    """Everything of the intakes made from `start` until before `end`, coded, as of one moment."""
    values = {"start": to_ms(start), "end": to_ms(end)}
    intakes = yield INTAKES_BETWEEN, values
    referrals = yield REFERRALS_BETWEEN, values
    received = yield RECEIVED_BETWEEN, values
    notified = yield NOTIFIED_BETWEEN, values
    return Period(
        intakes=tuple(read_intake(row, Content(), {}) for row in intakes),
        referrals=tuple(read_referral(row) for row in referrals),
        received=tuple(row[0] for row in received),
        notified=tuple(row[0] for row in notified),
    )
