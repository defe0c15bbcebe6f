"""Demo officers for a trial: one for every office of the directory, so that every referral has somebody to open it.

Only in trial mode, and the page says so on every screen. Production refuses to start on a database that holds them.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from argon2 import PasswordHasher

from bot.shares import NEEDED, SECRET_BYTES, split, written
from referral.book import ReferralBook
from storage.accounts import Accounts
from storage.base import Officer
from storage.keyring import Keyring

PASSWORD = "cau-nhip-thu-nghiem"  # noqa: S105 - printed on the trial's sign-in page; refused in production
"""The one password of all demo officers."""


DEMO_SHARES = "demo-escrow-shares.txt"
"""In the keys' folder of a trial: where real ones are, nobody may find two together."""


class DemoInProduction(Exception):
    """A production start on a database that holds demo officers; the message says what to do."""


def demo_officers(book: ReferralBook) -> Iterator[Officer]:
    """`<route id>-<n>` for every office, in the directory's order; the second of an office does not exist."""
    counted: Counter[str] = Counter()
    for office in book.offices:
        counted[office.route] += 1
        number = f"{office.route}-{counted[office.route]}"
        yield Officer(number, f"Cán bộ trực thử {number}", office.id, office.route, "chief")


async def add_demo_officers(accounts: Accounts, book: ReferralBook, at: datetime) -> int:
    """Add the demo officers that are not there yet; how many were added. One hash for all: it is no secret."""
    known = {officer.id: officer.active for officer in await accounts.officers()}
    missing = [officer for officer in demo_officers(book) if officer.id not in known]
    hashed = PasswordHasher().hash(PASSWORD) if missing else ""
    for officer in missing:
        code = secrets.token_urlsafe(16)
        await accounts.add(officer, code, at + timedelta(hours=1), by="operator", at=at)
        await accounts.redeem(code, officer.id, hashed, at=at)
    return len(missing)


async def add_demo_keys(keyring: Keyring, keys: Path, book: ReferralBook, at: datetime) -> None:
    """A trial's escrow, its two shares side by side in a file, and keys for the demo officers under their one password."""
    if not await keyring.has_escrow():
        secret = secrets.token_bytes(SECRET_BYTES)
        shares = written(secret, split(secret, NEEDED, [secrets.token_bytes(SECRET_BYTES) for _ in range(NEEDED - 1)]))
        if await keyring.add_escrow(secret, at, is_demo=True):
            await asyncio.to_thread(_write_shares, keys, shares)
    await keyring.add_demo(demo_officers(book), PASSWORD, at)


def _write_shares(keys: Path, shares: Iterable[str]) -> None:
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = os.open(keys / DEMO_SHARES, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(place, "w", encoding="ascii") as file:
        os.fchmod(file.fileno(), 0o600)  # also where it was there before
        file.write("\n".join(shares) + "\n")


async def refuse_demo_officers(accounts: Accounts, book: ReferralBook) -> None:
    """Raises DemoInProduction where an active demo officer is found."""
    demo = {officer.id for officer in demo_officers(book)}
    if any(officer.active and officer.id in demo for officer in await accounts.officers()):
        raise DemoInProduction(
            "this database was used for a trial and holds demo officers: start on a new NHIPCAU_HOME"
        )


async def refuse_without_escrow(keyring: Keyring) -> None:
    """Raises DemoInProduction where what people submit would be sealed to nobody, or to the key of a trial."""
    if not await keyring.has_escrow():
        raise DemoInProduction("there is no escrow key yet: run `python -m bot keys init` and hand out the shares")
    if await keyring.is_demo():
        raise DemoInProduction("the escrow key is that of a trial: start on a new NHIPCAU_HOME and run `keys init`")
