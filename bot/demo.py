"""Demo officers for a trial: one for every office of the directory, so that every referral has somebody to open it.

Only in trial mode, and the page says so on every screen. Production refuses to start on a database that holds them.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from argon2 import PasswordHasher

from referral.book import ReferralBook
from storage.accounts import Accounts
from storage.base import Officer

PASSWORD = "cau-nhip-thu-nghiem"  # noqa: S105 - printed on the trial's sign-in page; refused in production
"""The one password of all demo officers."""


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
    known = {officer.id for officer in await accounts.officers()}
    missing = [officer for officer in demo_officers(book) if officer.id not in known]
    if not missing:
        return 0
    hashed = PasswordHasher().hash(PASSWORD)
    for officer in missing:
        code = secrets.token_urlsafe(16)
        await accounts.add(officer, code, at + timedelta(hours=1), by="operator", at=at)
        await accounts.redeem(code, officer.id, hashed, at=at)
    return len(missing)


async def refuse_demo_officers(accounts: Accounts, book: ReferralBook) -> None:
    """Raises DemoInProduction where an active demo officer is found."""
    demo = {officer.id for officer in demo_officers(book)}
    if any(officer.active and officer.id in demo for officer in await accounts.officers()):
        raise DemoInProduction(
            "this database was used for a trial and holds demo officers: start on a new NHIPCAU_HOME"
        )
