"""New keys for an office or for the escrow, and a new secret for the escrow: work of the operator's commands, a transaction each.

What an old key opened, its holders go on opening; nothing new is sealed to it. The old key of the escrow is gone, for
everything it opened was given to the new one: who had two of its shares opens nothing here any more.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, update

from storage import office_keys as work
from storage import schema as t
from storage import sealing
from storage.base import AuditEntry, Opener
from storage.envelope import public_of, unwrap, wrap
from storage.resealing import next_after
from storage.rows import audit_values, to_ms
from storage.sealing import ESCROW, about_grant
from storage.statements import Work, change
from storage.turns import ADD_AUDIT

p = bindparam

DROP_OFFICE_KEY = change(delete(t.office_key).where(t.office_key.c.id == p("is_id")))
DROP_GRANT = change(delete(t.intake_grant).where(t.intake_grant.c.id == p("is_id")))
WRAP_ANEW = change(
    update(t.office_grant)
    .where(t.office_grant.c.id == p("is_id"))
    .values(wrapped=p("wrapped"), given_by=p("given_by"), created_at=p("created_at"))
)
KEEP_ESCROW = change(
    update(t.officer_key)
    .where(t.officer_key.c.id == p("is_id"))
    .values(public=p("public"), sealed_private=p("sealed_private"))
)


def rotate_office(office: str, private: bytes, at: datetime) -> Work[int]:
    """A new key pair for an office, given to every active officer who holds the one before; how many. 0: it had none."""
    current = yield from work.current_key(office)
    if current is None or office == ESCROW:
        return 0
    holders = yield work.HOLDERS, {"is_key": current.id}
    number = yield from work.add_office_key(
        office, public_of(private), at, by="operator", is_demo=bool(current.is_demo)
    )
    given = 0
    for (officer,) in holders:
        rows = yield work.OFFICER_KEY, {"is_id": officer}
        if rows:
            yield from work.hand(number, private, officer, rows[0][0], at, by="operator")
            given += 1
    yield from work.into_escrow(number, private, at, by="operator")
    return given


def split_anew(stored: bytes, at: datetime) -> Work[bool]:
    """The escrow's private key under another secret. False where there is none."""
    changed = yield work.REWRAP, {"is_id": ESCROW, "sealed_private": stored}
    yield ADD_AUDIT, audit_values(AuditEntry("operator", "escrow.split", ESCROW, at))
    return bool(changed)


def rotate_escrow(opener: Opener, private: bytes, stored: bytes, at: datetime) -> Work[int]:
    """A new key pair for the escrow, and everything that the old one opens given to it; of how many reports."""
    old = yield from work.current_key(ESCROW)
    assert old is not None  # noqa: S101 - it was opened
    before, public = opener.keys[old.id], public_of(private)
    number = yield from work.add_office_key(ESCROW, public, at, by="operator", is_demo=False)
    yield from _offices(before, public, at)
    moved, after = 0, ""
    while report := (yield from next_after(after)):
        moved += yield from _report(report, old.id, before, number, public, at)
        after = report
    yield KEEP_ESCROW, {"is_id": ESCROW, "public": public, "sealed_private": stored}
    yield DROP_OFFICE_KEY, {"is_id": old.id}
    yield ADD_AUDIT, audit_values(AuditEntry("operator", "escrow.rotated", ESCROW, at, {"reports": str(moved)}))
    return moved


def _offices(before: bytes, public: bytes, at: datetime) -> Work[None]:
    for office_key, wrapped in (yield from work.grants_to(ESCROW)).items():
        about = work.about_grant(office_key, ESCROW)
        again = wrap(unwrap(wrapped, before, about), public, about)
        row = {"is_id": f"{office_key}/{ESCROW}", "wrapped": again, "given_by": "operator", "created_at": to_ms(at)}
        yield WRAP_ANEW, row


def _report(report: str, old: str, before: bytes, number: str, public: bytes, at: datetime) -> Work[bool]:
    mine = [one for one in (yield from sealing.grants_of(report)) if one.office_key == old]
    for one in mine:
        keys = unwrap(one.wrapped, before, about_grant(one.intake_key, old, one.parts))
        wrapped = wrap(keys, public, about_grant(one.intake_key, number, one.parts))
        yield sealing.granting(report, one.intake_key, number, one.parts, wrapped, to_ms(at))
        yield DROP_GRANT, {"is_id": f"{one.intake_key}/{old}/{' '.join(sorted(one.parts))}"}
    return bool(mine)
