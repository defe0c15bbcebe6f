"""The work behind a keyring: what is stored of officers' and offices' keys, and how it changes, in one transaction each."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import bindparam, delete, exists, select, update

from storage import schema as t
from storage.base import AuditEntry, Officer, Opener
from storage.envelope import (
    public_of,
    unwrap,
    wrap,
)
from storage.rows import OFFICER_COLUMNS, audit_values, read_officer, to_ms
from storage.sealing import ESCROW
from storage.statements import Work, change, insert_once, question
from storage.turns import ADD_AUDIT

p = bindparam

# ------------------------------------------------------------------------------------------------------- statements

ADD_OFFICE_KEY = insert_once(t.office_key)
ADD_OFFICER_KEY = insert_once(t.officer_key)
ADD_OFFICE_GRANT = insert_once(t.office_grant)
RETIRE = change(update(t.office_key).where(t.office_key.c.office == p("is_office")).values(retired=1))
OFFICER_KEY = question(
    select(t.officer_key.c.public, t.officer_key.c.sealed_private).where(t.officer_key.c.id == p("is_id"))
)
OFFICERS_WITH_KEYS = question(select(t.officer_key.c.id))
REWRAP = change(
    update(t.officer_key).where(t.officer_key.c.id == p("is_id")).values(sealed_private=p("sealed_private"))
)
DROP_OFFICER_KEY = change(delete(t.officer_key).where(t.officer_key.c.id == p("is_id")))
DROP_GRANTS = change(delete(t.office_grant).where(t.office_grant.c.officer == p("is_id")))
GRANTS_TO = question(
    select(t.office_grant.c.office_key, t.office_grant.c.wrapped).where(t.office_grant.c.officer == p("is_id"))
)
KEYS_OF_OFFICE = question(
    select(t.office_key.c.id, t.office_key.c.public, t.office_key.c.is_demo, t.office_key.c.retired)
    .where(t.office_key.c.office == p("is_office"))
    .order_by(t.office_key.c.retired, t.office_key.c.created_at.desc(), t.office_key.c.id)
)
HOLDERS = question(
    select(t.office_grant.c.officer).where(
        t.office_grant.c.office_key == p("is_key"),
        exists().where(t.officer.c.id == t.office_grant.c.officer, t.officer.c.active != t.NO),
    )
)
IN_ESCROW = question(
    select(t.office_grant.c.wrapped).where(
        t.office_grant.c.office_key == p("is_key"), t.office_grant.c.officer == p("is_id")
    )
)
WITHOUT = question(
    select(*[t.officer.c[name] for name in OFFICER_COLUMNS], t.officer_key.c.public)
    .join_from(t.officer, t.officer_key, t.officer_key.c.id == t.officer.c.id)
    .where(
        t.officer.c.office == p("is_office"),
        t.officer.c.active != t.NO,
        ~exists().where(t.office_grant.c.officer == t.officer.c.id, t.office_grant.c.office_key == p("is_key")),
    )
    .order_by(t.officer.c.id)
)
KEEP_IN_SESSION = change(update(t.session).where(t.session.c.token == p("is_token")).values(sealed_key=p("sealed_key")))
SESSION_KEY = question(select(t.session.c.officer, t.session.c.sealed_key).where(t.session.c.token == p("is_token")))

REPORTS_OF = question(select(t.referral.c.intake).where(t.referral.c.code == p("is_code")).distinct())

HELD: Final = "held"
WAITING: Final = "waiting"


class OfficeKey(Struct, frozen=True):
    """An office's key pair, its private half not in it."""

    id: str
    public: bytes
    is_demo: bool
    retired: bool


class Pair(Struct, frozen=True):
    """An officer's key: the pair and its private half as it is stored; `fresh` where the old one no longer opens."""

    private: bytes
    public: bytes
    stored: bytes
    fresh: bool


# -------------------------------------------------------------------------------------------------------------- work


def _noted(action: str, subject: str, by: str, at: datetime, **detail: str) -> Work[None]:
    yield ADD_AUDIT, audit_values(AuditEntry(by, action, subject, at, detail))


def _keys_of(office: str) -> Work[tuple[OfficeKey, ...]]:
    rows = yield KEYS_OF_OFFICE, {"is_office": office}
    return tuple(OfficeKey(row[0], row[1], bool(row[2]), bool(row[3])) for row in rows)


def current_key(office: str) -> Work[OfficeKey | None]:
    return next((one for one in (yield from _keys_of(office)) if not one.retired), None)


def add_office_key(office: str, public: bytes, at: datetime, *, by: str, is_demo: bool) -> Work[str]:
    """A new current key of an office; its id. The one before is retired."""
    number = secrets.token_hex(8)
    row = {"id": number, "office": office, "public": public, "is_demo": int(is_demo), "retired": 0}
    yield RETIRE, {"is_office": office}
    yield ADD_OFFICE_KEY, {**row, "created_at": to_ms(at)}
    yield from _noted("key.made", office, by, at, key=number)
    return number


def hand(office_key: str, private: bytes, officer: str, public: bytes, at: datetime, *, by: str) -> Work[None]:
    """Give an office's private key to an officer, or to the escrow."""
    wrapped = wrap(private, public, about_grant(office_key, officer))
    row = {"id": f"{office_key}/{officer}", "office_key": office_key, "officer": officer, "wrapped": wrapped}
    given = yield ADD_OFFICE_GRANT, {**row, "given_by": by, "created_at": to_ms(at)}
    if given and officer != ESCROW:
        yield from _noted("key.given", officer, by, at, key=office_key)


def into_escrow(office_key: str, private: bytes, at: datetime, *, by: str) -> Work[None]:
    """The same to the escrow, where there is one that lacks it."""
    escrow = yield from current_key(ESCROW)
    if escrow is None:
        return
    there = yield IN_ESCROW, {"is_key": office_key, "is_id": ESCROW}
    if not there:
        yield from hand(office_key, private, ESCROW, escrow.public, at, by=by)


def set_up(
    officer: Officer, pair: Pair, office_private: bytes, token: str, at: datetime, *, is_demo: bool, in_session: bytes
) -> Work[str]:
    """Store an officer's fresh key; make their office's where nobody could open it any more; keep theirs in the session."""
    if pair.fresh:
        yield DROP_OFFICER_KEY, {"is_id": officer.id}
        yield DROP_GRANTS, {"is_id": officer.id}
        row = {"id": officer.id, "public": pair.public, "sealed_private": pair.stored, "created_at": to_ms(at)}
        yield ADD_OFFICER_KEY, row
        yield from _noted("key.of_officer", officer.id, officer.id, at)
    if token:
        yield KEEP_IN_SESSION, {"is_token": token, "sealed_key": in_session}
    current = yield from current_key(officer.office)
    holders = (yield HOLDERS, {"is_key": current.id}) if current else []
    if current is None or not holders:
        # Nobody is left who opens what comes in: from now on this officer does; the old key is in escrow.
        number = yield from add_office_key(
            officer.office, public_of(office_private), at, by=officer.id, is_demo=is_demo
        )
        yield from hand(number, office_private, officer.id, pair.public, at, by=officer.id)
        yield from into_escrow(number, office_private, at, by=officer.id)
        return HELD
    if (officer.id,) not in [tuple(row) for row in holders]:
        return WAITING
    rows = yield GRANTS_TO, {"is_id": officer.id}
    wrapped = dict(rows)[current.id]
    yield from into_escrow(
        current.id, unwrap(wrapped, pair.private, about_grant(current.id, officer.id)), at, by=officer.id
    )
    return HELD


def session_key(token: str) -> Work[tuple[str, bytes | None] | None]:
    rows = yield SESSION_KEY, {"is_token": token}
    return (rows[0][0], rows[0][1]) if rows else None


def grants_to(officer: str) -> Work[dict[str, bytes]]:
    rows = yield GRANTS_TO, {"is_id": officer}
    return {row[0]: row[1] for row in rows}


def officer_key(officer: str) -> Work[bytes | None]:
    rows = yield OFFICER_KEY, {"is_id": officer}
    return rows[0][1] if rows else None


def without_key(office: str) -> Work[tuple[tuple[Officer, bytes], ...]]:
    current = yield from current_key(office)
    if current is None:
        return ()
    rows = yield WITHOUT, {"is_office": office, "is_key": current.id}
    return tuple((read_officer(row[:6]), row[6]) for row in rows)


def give(office: str, opener: Opener, to: str, by: str, at: datetime) -> Work[bool]:
    """Every key of this office that is open here, the old ones too, to an officer of it who waits."""
    waiting = {one.id: public for one, public in (yield from without_key(office))}
    if to not in waiting:
        return False
    given = False
    for key in (yield from _keys_of(office)):
        if key.id in opener.keys:
            yield from hand(key.id, opener.keys[key.id], to, waiting[to], at, by=by)
            given = given or not key.retired
    return given


def add_demo(made: Sequence[tuple[Officer, bytes, bytes, bytes]], at: datetime) -> Work[None]:
    for officer, public, stored, office_private in made:
        added = yield ADD_OFFICER_KEY, {
            "id": officer.id, "public": public, "sealed_private": stored, "created_at": to_ms(at)
        }  # fmt: skip
        if added and (yield from current_key(officer.office)) is None:
            number = yield from add_office_key(
                officer.office, public_of(office_private), at, by="operator", is_demo=True
            )
            yield from hand(number, office_private, officer.id, public, at, by="operator")
            yield from into_escrow(number, office_private, at, by="operator")


def add_escrow(public: bytes, stored: bytes, at: datetime, is_demo: bool) -> Work[bool]:
    if (yield from current_key(ESCROW)) is not None:
        return False
    yield from add_office_key(ESCROW, public, at, by="operator", is_demo=is_demo)
    yield ADD_OFFICER_KEY, {"id": ESCROW, "public": public, "sealed_private": stored, "created_at": to_ms(at)}
    return True


def drop(officer: str, by: str, at: datetime) -> Work[None]:
    dropped = yield DROP_OFFICER_KEY, {"is_id": officer}
    yield DROP_GRANTS, {"is_id": officer}
    if dropped:
        yield from _noted("key.dropped", officer, by, at)


def rewrap(officer: str, stored: bytes, at: datetime) -> Work[bool]:
    changed = yield REWRAP, {"is_id": officer, "sealed_private": stored}
    yield from _noted("key.rewrapped", officer, officer, at)
    return bool(changed)


def officers_with_keys() -> Work[frozenset[str]]:
    rows = yield OFFICERS_WITH_KEYS, {}
    return frozenset(row[0] for row in rows)


def reports_of(code: str) -> Work[tuple[str, ...]]:
    rows = yield REPORTS_OF, {"is_code": code}
    return tuple(row[0] for row in rows)


def keep(hashed: str, in_session: bytes) -> Work[None]:
    yield KEEP_IN_SESSION, {"is_token": hashed, "sealed_key": in_session}


def about_grant(office_key: str, officer: str) -> str:
    return f"nhip-cau office 1/{office_key}/{officer}"


def about_officer(officer: str) -> str:
    return f"officer-key/{officer}"


def about_session(hashed: str) -> str:
    return f"session-key/{hashed}"
