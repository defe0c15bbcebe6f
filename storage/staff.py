"""What officers change of their own accounts, and all accounts with their state. Work only; `accounts.py` has the methods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update

from storage import schema as t
from storage import sessions
from storage.base import Officer
from storage.office_keys import rewrap
from storage.rows import OFFICER_COLUMNS, read_officer, to_ms
from storage.seal import Sealer
from storage.sessions import CodeReplayed, OfficerUnknown, noted
from storage.statements import Work, change, question

p = bindparam


@dataclass(frozen=True, slots=True)
class Own:
    """How a signed-in officer proves again that it is them. `totp` is empty where they have no second factor."""

    login: str
    password: str
    totp: bytes
    totp_step: int

    def __repr__(self) -> str:
        return f"Own({self.login}, password=…)"


@dataclass(frozen=True, slots=True)
class Entry:
    """An officer and the state of their account: whether they chose a password and have a second factor."""

    officer: Officer
    joined: bool
    has_totp: bool


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password instead of another. `before` and `after` are hashes, `key` the officer's key under the new one (or empty).

    `token`, `known` (keyed hashes) are the session and the browser that stay; `step` that of the code which was given.
    """

    officer: str
    before: str
    after: str
    key: bytes
    token: str
    known: str
    step: int

    def __repr__(self) -> str:
        return f"NewPassword({self.officer})"


_officer = [t.officer.c[name] for name in OFFICER_COLUMNS]

OWN = question(
    select(t.officer.c.login, t.officer.c.password, t.officer.c.sealed_totp, t.officer.c.totp_step).where(
        t.officer.c.id == p("is_id"), t.officer.c.active != t.NO, t.officer.c.login.is_not(None)
    )
)
SET_PASSWORD = change(
    update(t.officer)
    .where(t.officer.c.id == p("is_id"), t.officer.c.active != t.NO, t.officer.c.password == p("is_before"))
    .values(password=p("after"))
)
ROSTER = question(
    select(*_officer, t.officer.c.login, t.officer.c.sealed_totp).order_by(t.officer.c.office, t.officer.c.id)
)


def own(officer: str, sealer: Sealer) -> Work[Own | None]:
    """The account of an active officer who joined."""
    rows = yield OWN, {"is_id": officer}
    if not rows:
        return None
    login, password, sealed, step = rows[0]
    return Own(login, password, sealer.open(sealed, about_totp(login)) if sealed else b"", step)


def about_totp(login: str) -> bytes:
    """What the secret of a second factor is sealed as."""
    return f"officer/{login}/totp".encode()


def set_password(it: NewPassword, at: datetime) -> Work[None]:
    """Password and key change together or not at all; every other session ends, every other browser is a strange one.

    Raises CodeReplayed where the code was used before, OfficerUnknown where they were revoked or the password changed meanwhile.
    """
    if it.step:
        fresh = yield sessions.USE_STEP, {"is_id": it.officer, "step": it.step}
        if not fresh:
            raise CodeReplayed
    changed = yield SET_PASSWORD, {"is_id": it.officer, "is_before": it.before, "after": it.after}
    if not changed:
        raise OfficerUnknown
    if it.key:
        yield from rewrap(it.officer, it.key, at)
    yield sessions.END_OTHER_SESSIONS, {"is_id": it.officer, "is_token": it.token, "now": to_ms(at)}
    yield sessions.FORGET_OTHER_DEVICES, {"is_id": it.officer, "is_device": it.known}
    yield from noted("officer.password", it.officer, it.officer, at)


def roster() -> Work[tuple[Entry, ...]]:
    """Every officer, revoked ones too, by office."""
    rows = yield ROSTER, {}
    count = len(OFFICER_COLUMNS)
    return tuple(Entry(read_officer(row[:count]), row[count] is not None, row[count + 1] is not None) for row in rows)
