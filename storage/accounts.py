"""Officers, their invites, passwords and second factors. Passwords come here hashed (argon2id) and leave here hashed.

Every change writes its line of the audit in the same transaction. `by` is who did it: an officer's id, or `operator`
for the command line. Sessions and known browsers are in sessions.py; their methods are here, on `Accounts`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, literal_column, select, update

from storage import schema as t
from storage import sessions, staff
from storage.base import Invite, Officer, StaleConversation
from storage.cases import OFFICER, find_invite
from storage.office_keys import drop
from storage.rows import OFFICER_COLUMNS, from_ms_or_none, read_officer, to_ms
from storage.seal import Sealer
from storage.sessions import CodeReplayed as CodeReplayed
from storage.sessions import OfficerUnknown as OfficerUnknown
from storage.sessions import Opening, OpenSession, Tried, noted
from storage.staff import Entry, NewPassword, Own, about_totp
from storage.statements import Work, change, insert_once, question
from storage.store import DatabaseStorage
from storage.turns import RELEASE_ADDRESSES, USE_INVITE

p = bindparam

IDLE: Final = timedelta(minutes=30)
"""After so long without a page a session is over."""

Allowed = Callable[[Officer], bool]
"""Whether something may be done to an officer as they are in this moment; asked within the transaction that does it."""


class LoginTaken(Exception):
    """Another officer signs in under this name: choose another. Nothing was stored, the invite is still good."""


@dataclass(frozen=True, slots=True)
class Account:
    """How an officer signs in. `failed` counts wrong tries from strange browsers since the last right one.

    `totp` is the secret of the second factor, empty where there is none; of `totp_step` the code was used last.
    """

    officer: Officer
    password: str
    failed: int
    failed_at: datetime | None
    totp: bytes = b""
    totp_step: int = 0

    def __repr__(self) -> str:
        return f"Account({self.officer.id}, password=…, failed={self.failed})"


@dataclass(frozen=True, slots=True)
class Joining:
    """What an officer chose when they joined: name, hash of the password, secret and last used step of the second factor."""

    login: str
    password: str
    totp: bytes = b""
    step: int = 0

    def __repr__(self) -> str:
        return f"Joining({self.login}, password=…)"


def _anybody(_: Officer) -> bool:
    return True


# ------------------------------------------------------------------------------------------------------- statements

_officer = [t.officer.c[name] for name in OFFICER_COLUMNS]

ADD_OFFICER = insert_once(t.officer, "login", "password", "failed", "failed_at", "sealed_totp", "totp_step")
ADD_INVITE = insert_once(t.invite)
OFFICERS = question(select(*_officer).order_by(t.officer.c.office, t.officer.c.id))
LOGIN_OF = question(select(t.officer.c.id).where(t.officer.c.login == p("is_login")))
ACCOUNT = question(
    select(
        *_officer,
        t.officer.c.password,
        t.officer.c.failed,
        t.officer.c.failed_at,
        t.officer.c.sealed_totp,
        t.officer.c.totp_step,
    ).where(t.officer.c.login == p("is_login"), t.officer.c.active != t.NO)
)
SET_LOGIN = change(
    update(t.officer)
    .where(t.officer.c.id == p("is_id"))
    .values(
        login=p("login"),
        password=p("password"),
        failed=0,
        failed_at=None,
        sealed_totp=p("sealed_totp"),
        totp_step=p("totp_step"),
    )
)
SET_ROLE = change(
    update(t.officer).where(t.officer.c.id == p("is_id"), t.officer.c.active != t.NO).values(role=p("role"))
)
FAILED = change(
    update(t.officer)
    .where(t.officer.c.login == p("is_login"))
    .values(failed=t.officer.c.failed + 1, failed_at=p("now"))
)
END_INVITES = change(
    update(t.invite).where(t.invite.c.officer == p("is_id"), t.invite.c.used_at.is_(None)).values(used_at=p("now"))
)
REVOKE = change(
    update(t.officer)
    .where(t.officer.c.id == p("is_id"), t.officer.c.active != t.NO)
    .values(active=0, login=None, password=literal_column("''"), sealed_totp=None)
)


# -------------------------------------------------------------------------------------------------------------- work


def _must(officer: str, allowed: Allowed) -> Work[None]:
    """Raises OfficerUnknown where there is no such active officer, or where it may not be done to this one."""
    found = yield OFFICER, {"is_id": officer}
    if not found or not allowed(read_officer(found[0])):
        raise OfficerUnknown


def _invite(officer: str, hashed: str, expires_at: datetime, by: str, at: datetime, allowed: Allowed) -> Work[None]:
    yield from _must(officer, allowed)
    values = {
        "hash": hashed,
        "officer": officer,
        "expires_at": to_ms(expires_at),
        "used_at": None,
        "created_at": to_ms(at),
    }
    yield ADD_INVITE, values
    yield from noted("officer.invited", officer, by, at)


def _add(officer: Officer, hashed: str, expires_at: datetime, by: str, at: datetime) -> Work[bool]:
    values: dict[str, Any] = {name: getattr(officer, name) for name in OFFICER_COLUMNS}
    added = yield ADD_OFFICER, {**values, "active": 1, "created_at": to_ms(at)}
    if not added:
        return False
    yield from noted("officer.added", officer.id, by, at)
    yield from _invite(officer.id, hashed, expires_at, by, at, _anybody)
    return True


def _redeem(hashed: str, it: Joining, sealed: bytes | None, at: datetime) -> Work[Officer | None]:
    invite = yield from find_invite(hashed)
    if invite is None:
        return None
    officer = invite.officer.id
    taken = yield LOGIN_OF, {"is_login": it.login}
    if taken and taken[0][0] != officer:
        raise LoginTaken
    used = yield USE_INVITE, {"is_hash": hashed, "officer": officer, "now": to_ms(at)}
    if not used:
        return None
    values = {"login": it.login, "password": it.password, "sealed_totp": sealed, "totp_step": it.step}
    yield SET_LOGIN, {"is_id": officer, **values}
    yield from sessions.end_all(officer, at)
    yield from noted("officer.joined", officer, officer, at)
    return invite.officer


def _failed(login: str, device: str, at: datetime) -> Work[None]:
    """From a known browser it counts there, and delays nobody else."""
    values = {"now": to_ms(at)}
    counted = (yield sessions.DEVICE_FAILED, {"is_id": device, **values}) if device else 0
    if not counted:
        yield FAILED, {"is_login": login, **values}
    found = yield LOGIN_OF, {"is_login": login}
    if found:
        yield from noted("sign_in.failed", found[0][0], found[0][0], at)


def _set_role(officer: str, role: str, by: str, at: datetime, allowed: Allowed) -> Work[None]:
    yield from _must(officer, allowed)
    yield SET_ROLE, {"is_id": officer, "role": role}
    yield from sessions.end_all(officer, at)
    yield from noted("officer.role", officer, by, at, role=role)


def _revoke(officer: str, by: str, at: datetime, allowed: Allowed) -> Work[bool]:
    found = yield OFFICER, {"is_id": officer}
    if found and not allowed(read_officer(found[0])):
        return False
    revoked = yield REVOKE, {"is_id": officer}
    yield from sessions.end_all(officer, at)
    yield END_INVITES, {"is_id": officer, "now": to_ms(at)}
    yield RELEASE_ADDRESSES, {"is_officer": officer}
    yield from drop(officer, by, at)
    if revoked:
        yield from noted("officer.revoked", officer, by, at)
    return bool(revoked)


def _one_account(login: str, sealer: Sealer) -> Work[Account | None]:
    found = yield ACCOUNT, {"is_login": login}
    if not found:
        return None
    *officer, password, failed, failed_at, sealed, step = found[0]
    secret = sealer.open(sealed, about_totp(login)) if sealed else b""
    return Account(read_officer(tuple(officer)), password, failed, from_ms_or_none(failed_at), secret, step)


def _all_officers() -> Work[tuple[Officer, ...]]:
    rows = yield OFFICERS, {}
    return tuple(read_officer(row) for row in rows)


def _unused_invite(hashed: str) -> Work[Invite | None]:
    return (yield from find_invite(hashed))


# ---------------------------------------------------------------------------------------------------------- accounts


class Accounts:
    """The officers' side of a storage. Codes, tokens and browsers' secrets come as they are, and are stored as keyed hashes."""

    def __init__(self, storage: DatabaseStorage) -> None:
        self._storage = storage
        self._lookup = storage.sealer.lookup

    async def add(self, officer: Officer, code: str, expires_at: datetime, *, by: str, at: datetime) -> bool:
        """A new officer and the code with which they join once. False where the id exists: nothing is changed then."""
        return await self._storage.write(lambda: _add(officer, self._lookup("invite", code), expires_at, by, at))

    async def invite(
        self, officer: str, code: str, expires_at: datetime, *, by: str, at: datetime, allowed: Allowed = _anybody
    ) -> None:
        """Another one-time code for an officer (a second door, a lost password). Raises OfficerUnknown."""
        hashed = self._lookup("invite", code)
        await self._storage.write(lambda: _invite(officer, hashed, expires_at, by, at, allowed))

    async def find_invite(self, code: str) -> Invite | None:
        """The invite behind a code, if it was not used; it may have expired."""
        return await self._storage.read(lambda: _unused_invite(self._lookup("invite", code)))

    async def redeem(
        self, code: str, login: str, password: str, *, at: datetime, totp: bytes = b"", step: int = 0
    ) -> Officer | None:
        """Use a code to set login, password hash and second factor; sessions of before end. Raises LoginTaken.

        None where the code is unknown, used or expired. `step` is that of the second factor's code that was given.
        """
        hashed, it = self._lookup("invite", code), Joining(login, password, totp, step)
        sealed = self._storage.sealer.seal(totp, about_totp(login)) if totp else None
        try:
            return await self._storage.write(lambda: _redeem(hashed, it, sealed, at))
        except StaleConversation:  # another took the name in this moment: now it is seen
            return await self._storage.write(lambda: _redeem(hashed, it, sealed, at))

    async def account(self, login: str) -> Account | None:
        """The active officer who signs in under this name."""
        return await self._storage.read(lambda: _one_account(login, self._storage.sealer))

    async def failed(self, login: str, *, at: datetime, officer: str = "", device: str = "") -> None:
        """Count a wrong try: at the browser where this officer is known there, else at the name."""
        known = self._known(officer, device)
        await self._storage.write(lambda: _failed(login, known, at))

    async def tried_from(self, officer: str, device: str) -> Tried | None:
        """Wrong tries from a browser at which this officer signed in before; None where they did not."""
        known = self._known(officer, device)
        return await self._storage.read(lambda: sessions.known_device(known)) if known else None

    async def open_session(
        self, officer: str, token: str, *, at: datetime, expires_at: datetime, device: str = "", step: int = 0,
        instead: str = "",
    ) -> None:  # fmt: skip
        """A right password: forget the wrong ones, start a session, know the browser, end the session it had (`instead`).

        Raises OfficerUnknown where revoked meanwhile, CodeReplayed where a code of this step was used before.
        """
        opening = Opening(
            officer, self._lookup("session", token), at, expires_at, self._device(device), self._known(officer, device),
            step, self._lookup("session", instead) if instead else "",
        )  # fmt: skip
        await self._storage.write(lambda: sessions.open_session(opening))

    async def session(self, token: str, now: datetime, device: str = "", *, used: bool = True) -> Officer | None:
        """Who is behind a session's token, while it lasts, comes from its browser, is in use and the officer is active.

        Not `used`: only asked, and no nearer to being in use.
        """
        hashed, browser = self._lookup("session", token), self._device(device)
        officer, touch = await self._storage.read(lambda: sessions.session_of(hashed, browser, now, now - IDLE))
        if officer and touch and used:
            await self._storage.write(lambda: sessions.seen(hashed, now))
        return officer

    async def sessions(self, officer: str, now: datetime) -> Sequence[OpenSession]:
        """Where an officer is signed in, the newest first."""
        return await self._storage.read(lambda: sessions.sessions_of(officer, now, now - IDLE))

    def session_id(self, token: str) -> str:
        """The `OpenSession.id` of a token."""
        return self._lookup("session", token)

    async def end_session(self, token: str, *, at: datetime) -> None:
        """Sign out."""
        await self._storage.write(lambda: sessions.end_session(self._lookup("session", token), at))

    async def forget_keys(self, *, at: datetime) -> int:
        """The keys that sessions hold whose time is over, or at which nobody sits any more, go; of how many sessions."""
        return await self._storage.write(lambda: sessions.forget_keys(at, at - IDLE))

    async def end_own(self, officer: str, session: str, *, at: datetime) -> bool:
        """End one of an officer's own sessions, by its id; False where it is not theirs or over."""
        return await self._storage.write(lambda: sessions.end_own(officer, session, at))

    async def end_others(self, officer: str, token: str, device: str, *, at: datetime) -> int:
        """Sign out everywhere else, and forget the other browsers; how many sessions ended."""
        hashed, known = self._lookup("session", token), self._known(officer, device)
        return await self._storage.write(lambda: sessions.end_others(officer, hashed, known, at))

    async def set_role(self, officer: str, role: str, *, by: str, at: datetime, allowed: Allowed = _anybody) -> None:
        """Another role; they sign in anew. Raises OfficerUnknown."""
        await self._storage.write(lambda: _set_role(officer, role, by, at, allowed))

    async def revoke(self, officer: str, *, by: str, at: datetime, allowed: Allowed = _anybody) -> bool:
        """End an officer's access at once: sessions, unused codes, their chat. False where none is active."""
        return await self._storage.write(lambda: _revoke(officer, by, at, allowed))

    async def own(self, officer: str) -> Own | None:
        """What a signed-in officer proves themselves with once more; None where they never joined or were revoked."""
        return await self._storage.read(lambda: staff.own(officer, self._storage.sealer))

    async def set_password(
        self, officer: str, before: str, after: str, key: bytes, *, token: str, device: str, step: int, at: datetime
    ) -> None:
        """Another password (hashes), the officer's key under it, and no other session; all in one transaction.

        Raises CodeReplayed, or OfficerUnknown where they were revoked or `before` is no longer the password.
        """
        it = NewPassword(
            officer, before, after, key, self._lookup("session", token), self._known(officer, device), step
        )
        await self._storage.write(lambda: staff.set_password(it, at))

    async def roster(self) -> Sequence[Entry]:
        """All officers and the state of their accounts, revoked ones too, by office."""
        return await self._storage.read(lambda: staff.roster(), long=True)

    async def officers(self) -> Sequence[Officer]:
        """All officers, revoked ones too, by office."""
        return await self._storage.read(lambda: _all_officers(), long=True)

    def _device(self, device: str) -> str:
        return self._lookup("device", device) if device else ""

    def _known(self, officer: str, device: str) -> str:
        return self._lookup("known", f"{officer}\0{device}") if officer and device else ""
