"""Officers' keys and offices' keys: made, handed on by who holds them, opened for a session. No private key is stored open.

An officer has a key pair; its private half is stored under their password (and, over that, under the service key, so that
a stolen backup cannot be tried with guessed passwords). An office has one too; its private half is wrapped to each officer
who was given it, and to the escrow. A session's row holds the officer's private key under one that only the cookie gives.
Every change writes its line of the audit in the same transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from storage import office_keys as work
from storage import rekeying, resealing
from storage.base import NO_KEYS, Allowed, Officer, Opener
from storage.envelope import (
    Locked,
    key_of_token,
    lock,
    lock_all_by_password,
    lock_by_password,
    new_private,
    public_of,
    unlock,
    unlock_by_password,
    unwrap,
)
from storage.office_keys import HELD, WAITING, Pair, about_grant, about_officer, about_session
from storage.resealing import PartsOf
from storage.sealing import ESCROW
from storage.store import DatabaseStorage

__all__ = ["HELD", "WAITING", "Keyring"]


class Keyring:
    """The keys of a storage's officers. Passwords and cookies' tokens come as they are, and are never kept."""

    def __init__(self, storage: DatabaseStorage) -> None:
        self._storage = storage
        self._sealer = storage.sealer

    async def sign_in(self, officer: Officer, password: str, token: str, at: datetime) -> str:
        """Open the officer's key for this session, whose row is there; at their first time make it. Takes a few tenths
        of a second, on a thread.

        `held`: they open what their office may read. `waiting`: a colleague who holds the office's key must confirm them
        first. After a lost password the key is a new one, and waits as the first time; nothing is lost with the old one.
        """
        stored = await self._storage.read(lambda: work.officer_key(officer.id))
        pair = await asyncio.to_thread(self._pair, officer.id, password, stored)
        hashed, private = self._sealer.lookup("session", token), await asyncio.to_thread(new_private)
        in_session = lock(pair.private, key_of_token(token), about_session(hashed))
        return await self._storage.write(
            lambda: work.set_up(officer, pair, private, hashed, at, is_demo=False, in_session=in_session)
        )

    def _pair(self, officer: str, password: str, stored: bytes | None) -> Pair:
        about = about_officer(officer)
        if stored is not None:
            try:
                private = unlock_by_password(self._sealer.open(stored, about.encode()), password, about)
                return Pair(private, public_of(private), stored, fresh=False)
            except Locked:
                pass  # another password was set without the old one: that key is lost, and a new one follows
        private = new_private()
        return Pair(private, public_of(private), self._stored(officer, private, password), fresh=True)

    def _stored(self, officer: str, private: bytes, password: str) -> bytes:
        about = about_officer(officer)
        return self._sealer.seal(lock_by_password(private, password, about), about.encode())

    async def opener(self, token: str) -> Opener:
        """The offices' keys that this session opens; none where its officer holds none."""
        hashed = self._sealer.lookup("session", token)
        found = await self._storage.read(lambda: work.session_key(hashed))
        if found is None or found[1] is None:
            return NO_KEYS
        officer, private = found[0], unlock(found[1], key_of_token(token), about_session(hashed))
        grants = await self._storage.read(lambda: work.grants_to(officer))
        return Opener(_unwrapped(officer, private, grants))

    async def opener_by_password(self, officer: str, password: str) -> Opener:
        """The offices' keys that this password opens; slow, on a thread. None where it is not theirs."""
        stored = await self._storage.read(lambda: work.officer_key(officer))
        if stored is None:
            return NO_KEYS
        pair = await asyncio.to_thread(self._pair, officer, password, stored)
        return Opener(_unwrapped(officer, pair.private, await self._storage.read(lambda: work.grants_to(officer))))

    async def under_password(self, officer: str, token: str, password: str) -> bytes:
        """The key of the officer who is signed in with `token`, as it is to be stored under another password; nothing is stored.

        Empty where they have no key. Raises Locked where they have one and this session does not open it.
        """
        hashed = self._sealer.lookup("session", token)
        found = await self._storage.read(lambda: work.session_key(hashed))
        if found is None or found[1] is None or found[0] != officer:
            if await self._storage.read(lambda: work.officer_key(officer)) is None:
                return b""
            raise Locked(f"the session of {officer} does not open their key")
        private = unlock(found[1], key_of_token(token), about_session(hashed))
        return await asyncio.to_thread(self._stored, officer, private, password)

    async def move(self, old: str, new: str) -> None:
        """Hand the key of one session to another that replaces it (both rows are there)."""
        before, after = (self._sealer.lookup("session", token) for token in (old, new))
        found = await self._storage.read(lambda: work.session_key(before))
        if found is not None and found[1] is not None:
            private = unlock(found[1], key_of_token(old), about_session(before))
            await self._storage.write(lambda: work.keep(after, lock(private, key_of_token(new), about_session(after))))

    async def waiting(self, office: str) -> Sequence[Officer]:
        """The officers of an office who do not hold its key and could be given it."""
        return [one for one, _ in await self._storage.read(lambda: work.without_key(office))]

    async def give(self, by: Officer, opener: Opener, to: str, at: datetime) -> bool:
        """Hand the keys of the office of `by` to a colleague who waits. False where there is none, or `by` holds none."""
        return await self._storage.write(lambda: work.give(by.office, opener, to, by.id, at))

    async def has_escrow(self) -> bool:
        return await self._storage.read(lambda: work.current_key(ESCROW)) is not None

    async def is_demo(self) -> bool:
        """Whether the escrow is that of a trial: whoever has this machine has it too."""
        escrow = await self._storage.read(lambda: work.current_key(ESCROW))
        return escrow is not None and escrow.is_demo

    async def add_escrow(self, secret: bytes, at: datetime, *, is_demo: bool = False) -> bool:
        """A key pair that everything is sealed to beside the offices; `secret` (32 bytes) opens it. False where there is one."""
        private = new_private()
        stored = self._in_escrow(private, secret)
        return await self._storage.write(lambda: work.add_escrow(public_of(private), stored, at, is_demo))

    async def open_escrow(self, secret: bytes) -> Opener:
        """The escrow's key and with it those of all offices. Raises Locked where the secret is another."""
        stored = await self._storage.read(lambda: work.officer_key(ESCROW))
        key = await self._storage.read(lambda: work.current_key(ESCROW))
        if stored is None or key is None:
            return NO_KEYS
        private = unlock(self._sealer.open(stored, about_officer(ESCROW).encode()), secret, about_officer(ESCROW))
        grants = await self._storage.read(lambda: work.grants_to(ESCROW))
        return Opener({key.id: private, **_unwrapped(ESCROW, private, grants)})

    async def rotate_office(self, office: str, at: datetime) -> int:
        """A new key for an office, given to all of its officers who hold the one before; how many. 0: it had none yet."""
        private = await asyncio.to_thread(new_private)
        return await self._storage.write(lambda: rekeying.rotate_office(office, private, at))

    async def split_escrow(self, opener: Opener, secret: bytes, at: datetime) -> bool:
        """Keep the escrow's private key, which `opener` has opened, under another secret. False where there is none."""
        key = await self._storage.read(lambda: work.current_key(ESCROW))
        if key is None or key.id not in opener.keys:
            return False
        stored = self._in_escrow(opener.keys[key.id], secret)
        return await self._storage.write(lambda: rekeying.split_anew(stored, at))

    async def rotate_escrow(self, opener: Opener, secret: bytes, at: datetime) -> int:
        """A new key pair for the escrow under another secret, for everything that the old one (`opener`) opens; of how many
        reports. One transaction: not beside a service that works."""
        private = await asyncio.to_thread(new_private)
        stored = self._in_escrow(private, secret)
        return await self._storage.write(lambda: rekeying.rotate_escrow(opener, private, stored, at))

    def _in_escrow(self, private: bytes, secret: bytes) -> bytes:
        return self._sealer.seal(lock(private, secret, about_officer(ESCROW)), about_officer(ESCROW).encode())

    async def rotate_service(self, key: bytes, at: datetime) -> tuple[int, int]:
        """Seal everything of the service with another service key (32 bytes): how many values, how many were unreadable.

        One transaction. Nobody else may use the database, and this storage must be closed afterwards.
        """
        from storage import rotating  # an operator's command alone needs it

        after = self._sealer.successor(key)
        return await self._storage.write(lambda: rotating.rotate(self._sealer, after, at))

    async def reseal_one(self, report: str, at: datetime, parts_of: PartsOf, allowed: Allowed, opener: Opener) -> int:
        """Give the offices that have this report the keys that they lack and `opener` opens; how many."""
        again = partial(resealing.reseal, report, at, parts_of, allowed, opener, self._sealer)
        return (await self._storage.write(again))[1]

    async def report_of(self, code: str) -> tuple[str, ...]:
        """The reports whose referrals are known by this code."""
        return await self._storage.read(lambda: work.reports_of(code))

    async def reseal(
        self, at: datetime, parts_of: PartsOf, allowed: Allowed, opener: Opener = NO_KEYS
    ) -> tuple[int, int, int]:
        """Seal every report that stands under the service key, and give offices the keys that `opener` opens and they lack.

        (reports looked at, of them sealed now, keys given). Each report is a transaction of its own; it can be run again.
        """
        seen = sealed = given = 0
        after = ""
        while report := await self._after(after):
            again = partial(resealing.reseal, report, at, parts_of, allowed, opener, self._sealer)
            stood_open, keys = await self._storage.write(again)
            seen, sealed, given, after = seen + 1, sealed + stood_open, given + keys, report
        return seen, sealed, given

    async def _after(self, report: str) -> str | None:
        return await self._storage.read(lambda: resealing.next_after(report))

    async def note_escrow(self, action: str, at: datetime, **detail: str) -> None:
        """Write into the audit what was done with the escrow."""
        await self._storage.write(lambda: resealing.note(action, at, **detail))

    async def add_demo(self, officers: Iterable[Officer], password: str, at: datetime) -> None:
        """Keys for a trial's officers under their one password, and for their offices; those there are stay."""
        there = await self._storage.read(lambda: work.officers_with_keys())
        missing = [one for one in officers if one.id not in there]
        if missing:
            made = await asyncio.to_thread(self._of_demo, missing, password)
            await self._storage.write(lambda: work.add_demo(made, at))

    def _of_demo(self, officers: Sequence[Officer], password: str) -> list[tuple[Officer, bytes, bytes, bytes]]:
        privates = {one.id: new_private() for one in officers}
        locked = lock_all_by_password({about_officer(one): key for one, key in privates.items()}, password)
        made = []
        for one in officers:
            about = about_officer(one.id)
            stored = self._sealer.seal(locked[about], about.encode())
            made.append((one, public_of(privates[one.id]), stored, new_private()))
        return made


def _unwrapped(officer: str, private: bytes, grants: Mapping[str, bytes]) -> dict[str, bytes]:
    opened: dict[str, bytes] = {}
    for office_key, wrapped in grants.items():
        try:
            opened[office_key] = unwrap(wrapped, private, about_grant(office_key, officer))
        except Locked:
            continue  # given to a key of theirs that was lost since
    return opened
