"""`python -m bot keys …`: the escrow that two people open together, new keys for old ones, sealing what stood open.

Shares and keys come on standard input and never in arguments, which others on the machine can see. Each use of the escrow is
in the audit before anything is opened with it.
"""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

from bot.keys import KEY_BYTES, open_with_key, path_of, promote, put_next
from bot.receive import utc_now
from bot.serve import alone
from bot.settings import BadSetting, Settings
from bot.shares import NEEDED, SECRET_BYTES, read_together, split, written
from referral.disclose import allowed, parts_of
from storage.base import NO_KEYS, Opener
from storage.envelope import Locked
from storage.keyring import Keyring
from storage.open import place_of
from storage.store import DatabaseStorage

PEOPLE = 3
"""How many are given a share; any two of them open the escrow."""


def read_shares(lines: Iterable[str]) -> list[str]:
    """As many lines as people are needed; empty ones do not count."""
    return list(itertools.islice((line.strip() for line in lines if line.strip()), NEEDED))


@asynccontextmanager
async def _keyring(settings: Settings) -> AsyncIterator[Keyring]:
    storage = await open_with_key(settings.home, settings.database, settings.key_at)
    try:
        yield Keyring(storage)
    finally:
        await storage.close()


def read_new_key(lines: Iterable[str]) -> bytes:
    """A new service key as it was typed. Raises BadSetting for what is none."""
    text = "".join("".join(lines).split())
    if not re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        raise BadSetting(
            "the new service key should be 64 hex digits on standard input: `openssl rand -hex 32` makes one"
        )
    return bytes.fromhex(text)


async def init(settings: Settings) -> str:
    """Make the escrow's key; its shares, printed once and stored nowhere. Raises BadSetting where there is one."""
    secret = secrets.token_bytes(SECRET_BYTES)
    async with _keyring(settings) as keyring:
        if not await keyring.add_escrow(secret, utc_now()):
            raise BadSetting("there is an escrow key already: `keys verify` tries its shares")
    return _shares(secret)


def _shares(secret: bytes) -> str:
    chance = [secrets.token_bytes(SECRET_BYTES) for _ in range(NEEDED - 1)]
    shares = "\n\n".join(written(secret, split(secret, PEOPLE, chance)))
    return (
        f"{shares}\n\nOne line for each of {PEOPLE} people, on paper, apart from one another. Any {NEEDED} of them together open "
        "every report; one alone opens nothing.\nThey are shown now and never again. Try them: python -m bot keys verify"
    )


async def split_anew(settings: Settings, lines: Sequence[str]) -> str:
    """New shares of the escrow, for two of the old; the old open nothing here any more. Raises BadShares and BadSetting."""
    secret = secrets.token_bytes(SECRET_BYTES)
    async with _keyring(settings) as keyring:
        await keyring.split_escrow(await _used(keyring, lines, "split"), secret, utc_now())
    return f"{_shares(secret)}\nThe shares of before open nothing here any more: burn them."


async def rotate_escrow(settings: Settings, lines: Sequence[str]) -> str:
    """A new key and new shares for the escrow. Raises BadShares and BadSetting; the service must stand still."""
    secret = secrets.token_bytes(SECRET_BYTES)
    async with _alone_with(settings) as storage:
        keyring = Keyring(storage)
        moved = await keyring.rotate_escrow(await _used(keyring, lines, "rotate"), secret, utc_now())
    return f"{_shares(secret)}\nThe new key opens {moved} reports. The shares of before open nothing here any more: burn them."


async def rotate_office(settings: Settings, office: str) -> str:
    """A new key for an office. Raises BadSetting where it has none."""
    async with _keyring(settings) as keyring:
        given = await keyring.rotate_office(office, utc_now())
    if not given:
        raise BadSetting(f"{office} has no key that anybody holds: one is made when its first officer signs in")
    return (
        f"{office} has a new key; {given} of its officers hold it. What comes from now on is sealed to it; what came before "
        "they open as they did, and each report that they open is given to the new key as well."
    )


async def rotate_service(settings: Settings, given: bytes | None) -> str:
    """Another service key: `given`, or a new one in the key's file. Raises BadSetting, KeyLost; the service must stand still."""
    path = path_of(settings.home, settings.key_at)
    if given is None and settings.key_at.value:
        raise BadSetting(
            "the service key is in NHIPCAU_SERVICE_KEY: write the new one to where yours comes from, then give it on standard "
            "input (`keys rotate --service --new-key-from-input`), then start with it"
        )
    async with _alone_with(settings) as storage:
        key = given or secrets.token_bytes(KEY_BYTES)
        if given is None:
            put_next(path, key)
        done, left = await Keyring(storage).rotate_service(key, utc_now())
    told = f"{done} values are sealed with the new service key; {left} could not be opened and were left as they are.\n"
    if given is not None:
        return f"{told}Start with the new key. Keep the old one where the backups of before are: it opens nothing but those."
    aside = promote(path, utc_now().date())
    return (
        f"{told}It is in {path.name}: keep a copy apart from the backups, as of the old one, and bring it to every machine. "
        f"The old one is in {aside.name} and opens nothing but backups of before: move it to where those are, away from here."
    )


async def open_report(settings: Settings, code: str, lines: Sequence[str]) -> str:
    """Two people give the offices that have one report the keys that they lack. Raises BadShares and BadSetting."""
    async with _keyring(settings) as keyring:
        reports = await keyring.report_of("".join(code.split()).upper())
        if not reports:
            raise BadSetting("no referral has this code: give the six signs that stand in the notice and on the page")
        opener = await _used(keyring, lines, "open", code="".join(code.split()).upper())
        given = sum([await keyring.reseal_one(one, utc_now(), parts_of, allowed, opener) for one in reports])
    return f"{given} keys were given to the offices that have it: their officers open it on their page, and the audit says who."


@asynccontextmanager
async def _alone_with(settings: Settings) -> AsyncIterator[DatabaseStorage]:
    """The database, while no process of ours serves from it. Raises BadSetting where one does."""
    place = place_of(settings.database)
    with alone(place) if isinstance(place, Path) else nullcontext():
        storage = await open_with_key(settings.home, settings.database, settings.key_at)
        try:
            if await storage.others():
                raise BadSetting("other processes use the database: stop every `serve` and `work`, then run this again")
            yield storage
        finally:
            await storage.close()


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
        opener = await _used(keyring, lines, "reseal") if lines else NO_KEYS
        seen, sealed, given = await keyring.reseal(utc_now(), parts_of, allowed, opener)
    return (
        f"{seen} reports: {sealed} stood under the service key and are sealed now; {given} keys were given to offices."
    )


async def _used(keyring: Keyring, lines: Sequence[str], what: str, **detail: str) -> Opener:
    """The escrow, opened to be used: it is in the audit before anything is done with it."""
    opener = await _open(keyring, lines)
    await keyring.note_escrow("escrow.opened", utc_now(), shares=str(len(lines)), what=what, **detail)
    return opener


async def _open(keyring: Keyring, lines: Sequence[str]) -> Opener:
    try:
        opener = await keyring.open_escrow(read_together(lines))
    except Locked:
        raise BadSetting("these shares belong to another escrow: bring those of this installation") from None
    if not opener.keys:
        raise BadSetting("there is no escrow key: run `python -m bot keys init` first")
    return opener
