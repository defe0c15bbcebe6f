"""`python -m bot keys …`: the escrow that two people open together, and sealing what stood under the service key."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from bot.keys import open_with_key
from bot.receive import utc_now
from bot.settings import BadSetting, Settings
from bot.shares import NEEDED, SECRET_BYTES, read_together, split, written
from referral.disclose import allowed, parts_of
from storage.base import NO_KEYS, Opener
from storage.envelope import Locked
from storage.keyring import Keyring

PEOPLE = 3
"""How many are given a share; any two of them open the escrow."""


def read_shares(lines: Iterable[str]) -> list[str]:
    """As many lines as people are needed; empty ones do not count."""
    return list(itertools.islice((line.strip() for line in lines if line.strip()), NEEDED))


@asynccontextmanager
async def _keyring(settings: Settings) -> AsyncIterator[Keyring]:
    storage = await open_with_key(settings.home, settings.database)
    try:
        yield Keyring(storage)
    finally:
        await storage.close()


async def init(settings: Settings) -> str:
    """Make the escrow's key; its shares, printed once and stored nowhere. Raises BadSetting where there is one."""
    secret = secrets.token_bytes(SECRET_BYTES)
    chance = [secrets.token_bytes(SECRET_BYTES) for _ in range(NEEDED - 1)]
    async with _keyring(settings) as keyring:
        if not await keyring.add_escrow(secret, utc_now()):
            raise BadSetting("there is an escrow key already: `keys verify` tries its shares")
    shares = "\n\n".join(written(secret, split(secret, PEOPLE, chance)))
    return (
        f"{shares}\n\nOne line for each of {PEOPLE} people, on paper, apart from one another. Any {NEEDED} of them together open "
        "every report; one alone opens nothing.\nThey are shown now and never again. Try them: python -m bot keys verify"
    )


async def verify(settings: Settings, lines: Sequence[str]) -> str:
    """Try shares without opening anything. Raises BadShares and BadSetting."""
    async with _keyring(settings) as keyring:
        await _open(keyring, lines)
        await keyring.note_escrow("escrow.verified", utc_now(), shares=str(len(lines)))
    return "These shares open the escrow. Nothing was opened with them."


async def reseal(settings: Settings, lines: Sequence[str]) -> str:
    """Seal what stands under the service key; with shares also give offices the keys they lack. Raises BadShares, BadSetting."""
    async with _keyring(settings) as keyring:
        if not await keyring.has_escrow():
            raise BadSetting("there is no escrow key to seal to: run `python -m bot keys init` first")
        opener = await _open(keyring, lines) if lines else NO_KEYS
        if lines:
            await keyring.note_escrow("escrow.opened", utc_now(), shares=str(len(lines)))
        seen, sealed, given = await keyring.reseal(utc_now(), parts_of, allowed, opener)
    return (
        f"{seen} reports: {sealed} stood under the service key and are sealed now; {given} keys were given to offices."
    )


async def _open(keyring: Keyring, lines: Sequence[str]) -> Opener:
    try:
        opener = await keyring.open_escrow(read_together(lines))
    except Locked:
        raise BadSetting("these shares belong to another escrow: bring those of this installation") from None
    if not opener.keys:
        raise BadSetting("there is no escrow key: run `python -m bot keys init` first")
    return opener
