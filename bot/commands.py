"""What an operator does from the command line beside the running service: export a week, invite and revoke officers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from bot import audit, reach
from bot.accounts.joining import CODE_LASTS, new_code, new_officer
from bot.book import read_book
from bot.doors_table import every_door, line_of
from bot.export import export_weekly
from bot.keys import open_with_key, service_key
from bot.receive import utc_now
from bot.settings import BadSetting, Settings
from storage.accounts import Accounts, OfficerUnknown
from storage.base import Door
from storage.chain import read_head
from storage.doors import Doors
from storage.open import is_new, migrate_storage
from storage.staff import Entry
from storage.store import DatabaseStorage


async def export_week(settings: Settings, week: str, folder: Path) -> str:
    """Write the week's log into the folder; one line that says what was written. Raises BadWeek, StorageUnfit."""
    book, _ = read_book()
    async with _storage(settings) as storage:
        return str(await export_weekly(storage, book, week, folder, utc_now()))


async def migrate(settings: Settings) -> str:
    """Bring the database to this program's schema; one line that says from which to which. Raises StorageUnfit."""
    async with service_key(settings.home, settings.database, settings.key_at) as key:
        before, after = await migrate_storage(settings.database, key)
    if before == after:
        return f"schema {after}: nothing to do."
    return f"schema {before or 'none'} → {after}."


@asynccontextmanager
async def _storage(settings: Settings) -> AsyncIterator[DatabaseStorage]:
    """The database of this installation, beside the service that may be running on it. Raises BadSetting where there is none.

    A command that was started without the service's settings would otherwise make an empty one, and say that all is well.
    """
    if await is_new(settings.database):
        raise BadSetting(
            "there is no database yet where these settings point: run this with the service's own settings (NHIPCAU_HOME, "
            "NHIPCAU_DATABASE), or begin a new one with `python -m bot migrate` or by starting the service"
        )
    storage = await open_with_key(settings.home, settings.database, settings.key_at)
    try:
        yield storage
    finally:
        await storage.close()


async def invite(settings: Settings, office: str, name: str, role: str) -> str:
    """A new officer of an office and the code with which they join once, within a week. Raises BadSetting."""
    book, _ = read_book()
    found = next((one for one in book.referral.offices if one.id == office), None)
    if found is None:
        known = ", ".join(one.id for one in book.referral.offices)
        raise BadSetting(f"{office} is no office of referral/directory; known are {known}")
    code, now = new_code(), utc_now()
    officer = new_officer(office, found.route, name, role)
    async with _storage(settings) as storage:
        await Accounts(storage).add(officer, code, now + CODE_LASTS, by="operator", at=now)
    return _how_to_join(code, f"{officer.id}, {found.name}")


async def invite_again(settings: Settings, officer: str) -> str:
    """Another code for an officer: for their phone beside their page, or for a lost password. Raises BadSetting."""
    code, now = new_code(), utc_now()
    async with _storage(settings) as storage:
        try:
            await Accounts(storage).invite(officer, code, now + CODE_LASTS, by="operator", at=now)
        except OfficerUnknown:
            raise BadSetting(f"{officer} is no active officer; `python -m bot officers` lists them") from None
    return _how_to_join(code, officer)


async def revoke(settings: Settings, officer: str) -> str:
    """End an officer's access: sessions, codes and phone go at once. Raises BadSetting."""
    async with _storage(settings) as storage:
        if not await Accounts(storage).revoke(officer, by="operator", at=utc_now()):
            raise BadSetting(f"{officer} is no active officer; `python -m bot officers` lists them")
    return f"{officer}: signed out everywhere, no code or phone of theirs works any more."


async def parked(settings: Settings) -> str:
    """What was set aside, a line each: number, kind, tries, since when, referral. Nothing of what it says."""
    async with _storage(settings) as storage:
        found = await storage.parked()
    lines = [
        f"{one.id}\t{one.kind}\t{one.attempts} tries\t{one.parked_at:%Y-%m-%d %H:%M}Z\t{one.referral or '-'}"
        for one in found
    ]
    return "\n".join(lines) or "nothing is set aside."


async def parked_again(settings: Settings, numbers: Sequence[int]) -> str:
    """Try these again, or all; one line that says how many. They leave at once where the service runs."""
    async with _storage(settings) as storage:
        numbers = numbers or [one.id for one in await storage.parked()]
        return f"{await storage.try_again(numbers, utc_now())} rows are tried again."


async def doors(settings: Settings) -> tuple[str, bool]:
    """Every door, a line each, and whether none of them is down."""
    async with _storage(settings) as storage:
        found = await every_door(storage, settings, utc_now())
    return "\n".join(map(line_of, found)), not any(one.down_since for one in found)


async def officers(settings: Settings) -> str:
    """All officers, a line each: id, office, role, whether they are active, name, and by what they are reached."""
    async with _storage(settings) as storage:
        found, doors = await Accounts(storage).roster(), reach.by_officer(await Doors(storage).all())
    on, now = reach.doors_on(settings), utc_now()
    return "\n".join(
        f"{one.id}\t{one.office}\t{one.role}\t{'active' if one.active else 'revoked'}\t{one.name}\t"
        f"{reached(entry, doors.get(one.id, ()), on, now)}"
        for entry in found
        for one in (entry.officer,)
    )


def reached(entry: Entry, doors: Sequence[Door], on: frozenset[str], now: datetime) -> str:
    """By what an officer is reached and how each address proved, or an error."""
    if not entry.officer.active:
        return "-"
    each = ", ".join(f"{door.address.channel} {reach.state_of(door, on)}" for door in doors)
    if reach.unreached((entry,), doors, on, now):
        return f"ERROR: reached by no notice ({each or 'no address'})"
    return each or "-"


async def audit_verify(settings: Settings, kept: Sequence[str]) -> tuple[str, bool]:
    """Link the audit up to now and prove it, against heads kept elsewhere too. Raises BadHead."""
    heads = [read_head(one) for one in kept]
    async with _storage(settings) as storage:
        return await audit.verify(storage, utc_now(), heads)


async def audit_head(settings: Settings) -> str:
    """The head of the audit's chain."""
    async with _storage(settings) as storage:
        return await audit.head(storage, utc_now())


async def audit_show(settings: Settings, subject: str) -> str:
    """Everything in the audit about one subject; that it was shown is written down."""
    async with _storage(settings) as storage:
        return await audit.show(storage, subject, "operator", utc_now())


def _how_to_join(code: str, who: str) -> str:
    return (
        f"{code}\nFor {who}. Join within {CODE_LASTS.days} days, once: at /officers/join, or by sending\n"
        f"/canbo {code}\nto the bot on Telegram. Page and phone need a code each: invite --again OFFICER."
    )
