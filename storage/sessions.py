"""Sessions of officers, and the browsers from which they signed in before. Work only; `accounts.py` has the methods.

A session is bound to the secret of its browser, is over after half an hour without a page, and can be ended from
elsewhere. A known browser counts its own wrong tries, so that those of others do not delay it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select, update

from storage import schema as t
from storage.base import AuditEntry, Officer
from storage.rows import OFFICER_COLUMNS, audit_values, from_ms, from_ms_or_none, read_officer, to_ms
from storage.statements import Work, change, insert_once, question
from storage.turns import ADD_AUDIT

p = bindparam

TOUCH_MS = 60_000
"""How exactly is known when a session was last used: a page that is loaded again does not write each time."""


class CodeReplayed(Exception):
    """The code of the second factor was used before: nothing was stored."""


class OfficerUnknown(Exception):
    """There is no active officer with this id. Nothing was stored."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One place where an officer is signed in. `id` ends it, and lets nobody in."""

    id: str
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Tried:
    """How often in a row it was tried in vain from a known browser, and when last."""

    failed: int
    failed_at: datetime | None


_officer = [t.officer.c[name] for name in OFFICER_COLUMNS]
_seen = func.coalesce(t.session.c.seen_at, t.session.c.created_at)
_lasts = (t.session.c.revoked_at.is_(None), t.session.c.expires_at > p("now"), _seen >= p("idle_since"))

ACTIVE = question(select(t.officer.c.id).where(t.officer.c.id == p("is_id"), t.officer.c.active != t.NO))
SUCCEEDED = change(update(t.officer).where(t.officer.c.id == p("is_id")).values(failed=0, failed_at=None))
USE_STEP = change(
    update(t.officer).where(t.officer.c.id == p("is_id"), t.officer.c.totp_step < p("step")).values(totp_step=p("step"))
)
ADD_SESSION = insert_once(t.session, "sealed_key")
SESSION = question(
    select(*_officer, _seen)
    .join_from(t.session, t.officer, t.officer.c.id == t.session.c.officer)
    .where(
        t.session.c.token == p("is_token"),
        or_(t.session.c.device == p("is_device"), t.session.c.device == t.NONE),
        *_lasts,
        t.officer.c.active != t.NO,
    )
)
SEEN = change(update(t.session).where(t.session.c.token == p("is_token")).values(seen_at=p("now")))
SESSIONS_OF = question(
    select(t.session.c.token, t.session.c.created_at, _seen).where(t.session.c.officer == p("is_officer"), *_lasts)
)
_END = update(t.session).values(revoked_at=p("now"), sealed_key=None).where(t.session.c.revoked_at.is_(None))
END_SESSION = change(_END.where(t.session.c.token == p("is_token")))
END_OWN_SESSION = change(_END.where(t.session.c.token == p("is_token"), t.session.c.officer == p("is_id")))
END_SESSIONS = change(_END.where(t.session.c.officer == p("is_id")))
END_OTHER_SESSIONS = change(_END.where(t.session.c.officer == p("is_id"), t.session.c.token != p("is_token")))

_HELD = update(t.session).where(t.session.c.sealed_key.is_not(None)).values(sealed_key=None)
FORGET_EXPIRED = change(_HELD.where(t.session.c.expires_at <= p("now")))
FORGET_IDLE = change(_HELD.where(t.session.c.seen_at < p("idle_since")))

ADD_DEVICE = insert_once(t.device, "failed", "failed_at", "forgotten")
KNOW_DEVICE = change(
    update(t.device).where(t.device.c.id == p("is_id")).values(failed=0, failed_at=None, forgotten=0, seen_at=p("now"))
)
KNOWN_DEVICE = question(
    select(t.device.c.failed, t.device.c.failed_at).where(t.device.c.id == p("is_id"), t.device.c.forgotten == t.NO)
)
DEVICE_FAILED = change(
    update(t.device).where(t.device.c.id == p("is_id")).values(failed=t.device.c.failed + 1, failed_at=p("now"))
)
FORGET_DEVICES = change(update(t.device).where(t.device.c.officer == p("is_id")).values(forgotten=1))
FORGET_OTHER_DEVICES = change(
    update(t.device).where(t.device.c.officer == p("is_id"), t.device.c.id != p("is_device")).values(forgotten=1)
)


@dataclass(frozen=True, slots=True)
class Opening:
    """A session to be opened: the keyed hashes of its token, its browser, and this officer at this browser.

    `step` is that of the code that was given, 0 without one; `instead` the session that this browser had before.
    """

    officer: str
    token: str
    at: datetime
    expires_at: datetime
    device: str = ""
    known: str = ""
    step: int = 0
    instead: str = ""


def noted(action: str, subject: str, by: str, at: datetime, **detail: str) -> Work[None]:
    """A line of the audit."""
    yield ADD_AUDIT, audit_values(AuditEntry(by, action, subject, at, detail))


def open_session(it: Opening) -> Work[None]:
    """A session. Raises OfficerUnknown where they were revoked meanwhile, CodeReplayed where the code was used before."""
    now = to_ms(it.at)
    active = yield ACTIVE, {"is_id": it.officer}
    if not active:
        raise OfficerUnknown
    if it.step:
        fresh = yield USE_STEP, {"is_id": it.officer, "step": it.step}
        if not fresh:
            raise CodeReplayed
    yield SUCCEEDED, {"is_id": it.officer}
    if it.instead:
        yield END_SESSION, {"is_token": it.instead, "now": now}
    values = {"token": it.token, "officer": it.officer, "created_at": now, "expires_at": to_ms(it.expires_at)}
    yield ADD_SESSION, {**values, "revoked_at": None, "device": it.device, "seen_at": now}
    if it.known:
        yield ADD_DEVICE, {"id": it.known, "officer": it.officer, "created_at": now, "seen_at": now}
        yield KNOW_DEVICE, {"is_id": it.known, "now": now}
    yield from noted("sign_in.done", it.officer, it.officer, it.at)


def session_of(token: str, device: str, now: datetime, idle_since: datetime) -> Work[tuple[Officer | None, bool]]:
    """Who is behind a session, and whether it should be written down that it was used."""
    values = {"is_token": token, "is_device": device, "now": to_ms(now), "idle_since": to_ms(idle_since)}
    found = yield SESSION, values
    if not found:
        return None, False
    *officer, seen = found[0]
    return read_officer(tuple(officer)), to_ms(now) - seen >= TOUCH_MS


def seen(token: str, at: datetime) -> Work[None]:
    """A session was used."""
    yield SEEN, {"is_token": token, "now": to_ms(at)}


def sessions_of(officer: str, now: datetime, idle_since: datetime) -> Work[tuple[OpenSession, ...]]:
    """Where an officer is signed in, the newest first."""
    values = {"is_officer": officer, "now": to_ms(now), "idle_since": to_ms(idle_since)}
    rows = yield SESSIONS_OF, values
    made = (OpenSession(token, from_ms(created), from_ms(seen)) for token, created, seen in rows)
    return tuple(sorted(made, key=lambda one: one.created_at, reverse=True))


def end_session(token: str, at: datetime) -> Work[None]:
    """This session ends."""
    yield END_SESSION, {"is_token": token, "now": to_ms(at)}


def end_own(officer: str, session: str, at: datetime) -> Work[bool]:
    """One of an officer's own sessions ends; False where it is not theirs or over."""
    ended = yield END_OWN_SESSION, {"is_token": session, "is_id": officer, "now": to_ms(at)}
    if ended:
        yield from noted("session.ended", officer, officer, at)
    return bool(ended)


def end_others(officer: str, token: str, device: str, at: datetime) -> Work[int]:
    """All of an officer's sessions but this one end, and other browsers are forgotten; how many sessions ended."""
    ended = yield END_OTHER_SESSIONS, {"is_id": officer, "is_token": token, "now": to_ms(at)}
    yield FORGET_OTHER_DEVICES, {"is_id": officer, "is_device": device}
    yield from noted("session.others_ended", officer, officer, at)
    return int(ended)


def end_all(officer: str, at: datetime) -> Work[None]:
    """Every session of an officer ends, and every browser of theirs is a strange one again."""
    yield END_SESSIONS, {"is_id": officer, "now": to_ms(at)}
    yield FORGET_DEVICES, {"is_id": officer}


def forget_keys(now: datetime, idle_since: datetime) -> Work[int]:
    """The keys of sessions whose time is over, or at which nobody sat since then, go; of how many."""
    expired = yield FORGET_EXPIRED, {"now": to_ms(now)}
    idle = yield FORGET_IDLE, {"idle_since": to_ms(idle_since)}
    return int(expired) + int(idle)


def known_device(device: str) -> Work[Tried | None]:
    """What was tried from a browser at which this officer signed in before; None for any other."""
    found = yield KNOWN_DEVICE, {"is_id": device}
    return Tried(found[0][0], from_ms_or_none(found[0][1])) if found else None
