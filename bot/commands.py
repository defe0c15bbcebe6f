"""What an operator does from the command line beside the running service: export a week, invite an officer."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

from bot.book import read_book
from bot.export import export_weekly
from bot.keys import service_key
from bot.receive import utc_now
from bot.settings import BadSetting, Settings
from storage.accounts import Accounts
from storage.base import Officer
from storage.open import open_storage

INVITE_DAYS = 7


async def export_week(settings: Settings, week: str, folder: Path) -> str:
    """Write the week's log into the folder; one line that says what was written. Raises BadWeek, StorageUnfit."""
    book, _ = read_book()
    storage = await open_storage(settings.database, service_key(settings.home, Path(settings.database)))
    try:
        done = await export_weekly(storage, book, week, folder, utc_now())
    finally:
        await storage.close()
    return str(done)


async def invite(settings: Settings, office: str, name: str, role: str) -> str:
    """A new officer of an office and the code with which they join once, within a week. Raises BadSetting."""
    book, _ = read_book()
    found = next((one for one in book.referral.offices if one.id == office), None)
    if found is None:
        known = ", ".join(one.id for one in book.referral.offices)
        raise BadSetting(f"{office} is no office of referral/directory; known are {known}")
    code = secrets.token_hex(8)
    officer = Officer(f"{office}-{secrets.token_hex(3)}", name, office, found.route, role)
    storage = await open_storage(settings.database, service_key(settings.home, Path(settings.database)))
    now = utc_now()
    try:
        await Accounts(storage).add(officer, code, now + timedelta(days=INVITE_DAYS), by="operator", at=now)
    finally:
        await storage.close()
    return (
        f"{code}\nFor {found.name}. Join within {INVITE_DAYS} days, once: at /officers/join, or by sending\n"
        f"/canbo {code}\nto the bot on Telegram."
    )
