"""Officers, their invites, passwords and sessions. Passwords come here hashed (argon2id) and leave here hashed.

Every change writes its line of the audit in the same transaction. `by` is who did it: an officer's id, or `operator`
for the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, literal_column, select, update

from storage import schema as t
from storage.base import AuditEntry, Invite, Officer, StaleConversation
from storage.cases import find_invite
from storage.rows import OFFICER_COLUMNS, audit_values, from_ms_or_none, read_officer, to_ms
from storage.statements import Work, change, insert_once, question
from storage.store import DatabaseStorage
from storage.turns import ADD_AUDIT, RELEASE_ADDRESSES, USE_INVITE

p = bindparam


class LoginTaken(Exception):
    """Another officer signs in under this name: choose another. Nothing was stored, the invite is still good."""


class OfficerUnknown(Exception):
    """There is no active officer with this id. Nothing was stored."""


@dataclass(frozen=True, slots=True)
class Account:
    """How an officer signs in. `failed` counts wrong passwords since the last right one, `failed_at` is the last."""

    officer: Officer
    password: str
    failed: int
    failed_at: datetime | None

    def __repr__(self) -> str:
        return f"Account({self.officer.id}, password=…, failed={self.failed})"


# ------------------------------------------------------------------------------------------------------- statements

_officer = [t.officer.c[name] for name in OFFICER_COLUMNS]

ADD_OFFICER = insert_once(t.officer, "login", "password", "failed", "failed_at")
ADD_INVITE = insert_once(t.invite)
ADD_SESSION = insert_once(t.session)
ACTIVE = question(select(t.officer.c.id).where(t.officer.c.id == p("is_id"), t.officer.c.active != t.NO))
OFFICERS = question(select(*_officer).order_by(t.officer.c.office, t.officer.c.id))
LOGIN_OF = question(select(t.officer.c.id).where(t.officer.c.login == p("is_login")))
ACCOUNT = question(
    select(*_officer, t.officer.c.password, t.officer.c.failed, t.officer.c.failed_at).where(
        t.officer.c.login == p("is_login"), t.officer.c.active != t.NO
    )
)
SET_LOGIN = change(
    update(t.officer)
    .where(t.officer.c.id == p("is_id"))
    .values(login=p("login"), password=p("password"), failed=0, failed_at=None)
)
FAILED = change(
    update(t.officer)
    .where(t.officer.c.login == p("is_login"))
    .values(failed=t.officer.c.failed + 1, failed_at=p("now"))
)
SUCCEEDED = change(update(t.officer).where(t.officer.c.id == p("is_id")).values(failed=0, failed_at=None))
SESSION = question(
    select(*_officer)
    .join_from(t.session, t.officer, t.officer.c.id == t.session.c.officer)
    .where(
        t.session.c.token == p("is_token"),
        t.session.c.revoked_at.is_(None),
        t.session.c.expires_at > p("now"),
        t.officer.c.active != t.NO,
    )
)
END_SESSION = change(
    update(t.session)
    .where(t.session.c.token == p("is_token"), t.session.c.revoked_at.is_(None))
    .values(revoked_at=p("now"))
)
END_SESSIONS = change(
    update(t.session)
    .where(t.session.c.officer == p("is_id"), t.session.c.revoked_at.is_(None))
    .values(revoked_at=p("now"))
)
END_INVITES = change(
    update(t.invite).where(t.invite.c.officer == p("is_id"), t.invite.c.used_at.is_(None)).values(used_at=p("now"))
)
REVOKE = change(
    update(t.officer)
    .where(t.officer.c.id == p("is_id"), t.officer.c.active != t.NO)
    .values(active=0, login=None, password=literal_column("''"))
)


# -------------------------------------------------------------------------------------------------------------- work


def _noted(action: str, subject: str, by: str, at: datetime) -> Work[None]:
    yield ADD_AUDIT, audit_values(AuditEntry(by, action, subject, at))


def _invite(officer: str, hashed: str, expires_at: datetime, by: str, at: datetime) -> Work[None]:
    active = yield ACTIVE, {"is_id": officer}
    if not active:
        raise OfficerUnknown
    values = {
        "hash": hashed,
        "officer": officer,
        "expires_at": to_ms(expires_at),
        "used_at": None,
        "created_at": to_ms(at),
    }
    yield ADD_INVITE, values
    yield from _noted("officer.invited", officer, by, at)


def _add(officer: Officer, hashed: str, expires_at: datetime, by: str, at: datetime) -> Work[bool]:
    values: dict[str, Any] = {name: getattr(officer, name) for name in OFFICER_COLUMNS}
    added = yield ADD_OFFICER, {**values, "active": 1, "created_at": to_ms(at)}
    if not added:
        return False
    yield from _noted("officer.added", officer.id, by, at)
    yield from _invite(officer.id, hashed, expires_at, by, at)
    return True


def _redeem(hashed: str, login: str, password: str, at: datetime) -> Work[Officer | None]:
    invite = yield from find_invite(hashed)
    if invite is None:
        return None
    taken = yield LOGIN_OF, {"is_login": login}
    if taken and taken[0][0] != invite.officer.id:
        raise LoginTaken
    used = yield USE_INVITE, {"is_hash": hashed, "officer": invite.officer.id, "now": to_ms(at)}
    if not used:
        return None
    yield SET_LOGIN, {"is_id": invite.officer.id, "login": login, "password": password}
    yield from _noted("officer.joined", invite.officer.id, invite.officer.id, at)
    return invite.officer


def _failed(login: str, at: datetime) -> Work[None]:
    yield FAILED, {"is_login": login, "now": to_ms(at)}
    found = yield LOGIN_OF, {"is_login": login}
    if found:
        yield from _noted("sign_in.failed", found[0][0], found[0][0], at)


def _open_session(officer: str, token: str, at: datetime, expires_at: datetime) -> Work[None]:
    active = yield ACTIVE, {"is_id": officer}
    if not active:
        raise OfficerUnknown
    yield SUCCEEDED, {"is_id": officer}
    values = {"token": token, "officer": officer, "created_at": to_ms(at), "expires_at": to_ms(expires_at)}
    yield ADD_SESSION, {**values, "revoked_at": None}
    yield from _noted("sign_in.done", officer, officer, at)


def _end_session(token: str, at: datetime) -> Work[None]:
    yield END_SESSION, {"is_token": token, "now": to_ms(at)}


def _revoke(officer: str, by: str, at: datetime) -> Work[bool]:
    revoked = yield REVOKE, {"is_id": officer}
    values = {"is_id": officer, "now": to_ms(at)}
    yield END_SESSIONS, values
    yield END_INVITES, values
    yield RELEASE_ADDRESSES, {"is_officer": officer}
    if revoked:
        yield from _noted("officer.revoked", officer, by, at)
    return bool(revoked)


def _one_account(login: str) -> Work[Account | None]:
    found = yield ACCOUNT, {"is_login": login}
    if not found:
        return None
    *officer, password, failed, failed_at = found[0]
    return Account(read_officer(tuple(officer)), password, failed, from_ms_or_none(failed_at))


def _session_of(token: str, now: datetime) -> Work[Officer | None]:
    found = yield SESSION, {"is_token": token, "now": to_ms(now)}
    return read_officer(found[0]) if found else None


def _all_officers() -> Work[tuple[Officer, ...]]:
    rows = yield OFFICERS, {}
    return tuple(read_officer(row) for row in rows)


def _unused_invite(hashed: str) -> Work[Invite | None]:
    return (yield from find_invite(hashed))


# ---------------------------------------------------------------------------------------------------------- accounts


class Accounts:
    """The officers' side of a storage. Codes and tokens come as they are, and are stored as keyed hashes."""

    def __init__(self, storage: DatabaseStorage) -> None:
        self._storage = storage
        self._lookup = storage.sealer.lookup

    async def add(self, officer: Officer, code: str, expires_at: datetime, *, by: str, at: datetime) -> bool:
        """A new officer and the code with which they join once. False where the id exists: nothing is changed then."""
        return await self._storage.write(lambda: _add(officer, self._lookup("invite", code), expires_at, by, at))

    async def invite(self, officer: str, code: str, expires_at: datetime, *, by: str, at: datetime) -> None:
        """Another one-time code for an officer (a second door, a lost password). Raises OfficerUnknown."""
        await self._storage.write(lambda: _invite(officer, self._lookup("invite", code), expires_at, by, at))

    async def find_invite(self, code: str) -> Invite | None:
        """The invite behind a code, if it was not used; it may have expired."""
        return await self._storage.read(lambda: _unused_invite(self._lookup("invite", code)))

    async def redeem(self, code: str, login: str, password: str, *, at: datetime) -> Officer | None:
        """Use a code to set login and password hash. None where it is unknown, used or expired. Raises LoginTaken."""
        hashed = self._lookup("invite", code)
        try:
            return await self._storage.write(lambda: _redeem(hashed, login, password, at))
        except StaleConversation:  # another took the name in this moment: now it is seen
            return await self._storage.write(lambda: _redeem(hashed, login, password, at))

    async def account(self, login: str) -> Account | None:
        """The active officer who signs in under this name."""
        return await self._storage.read(lambda: _one_account(login))

    async def failed(self, login: str, *, at: datetime) -> None:
        """Count a wrong password."""
        await self._storage.write(lambda: _failed(login, at))

    async def open_session(self, officer: str, token: str, *, at: datetime, expires_at: datetime) -> None:
        """A right password: forget the wrong ones, start a session. Raises OfficerUnknown where revoked meanwhile."""
        await self._storage.write(lambda: _open_session(officer, self._lookup("session", token), at, expires_at))

    async def session(self, token: str, now: datetime) -> Officer | None:
        """Who is behind a session's token, while it lasts and the officer is active."""
        return await self._storage.read(lambda: _session_of(self._lookup("session", token), now))

    async def end_session(self, token: str, *, at: datetime) -> None:
        """Sign out."""
        await self._storage.write(lambda: _end_session(self._lookup("session", token), at))

    async def revoke(self, officer: str, *, by: str, at: datetime) -> bool:
        """End an officer's access at once: sessions, unused codes, their chat. False where none is active."""
        return await self._storage.write(lambda: _revoke(officer, by, at))

    async def officers(self) -> Sequence[Officer]:
        """All officers, revoked ones too, by office."""
        return await self._storage.read(lambda: _all_officers(), long=True)
