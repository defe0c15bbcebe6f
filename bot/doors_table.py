"""What an operator is shown of every door, by `python -m bot doors` and on the officers' page. Counts and times, no person."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from msgspec import Struct

from bot.plan import month_of
from bot.settings import Settings
from bot.standing import TITLES, Standing, read, record_of
from storage.store import DatabaseStorage


class DoorRow(Struct, frozen=True):
    """One door. `down_since` is set where it has failed for too long; `plan` and `token` where the platform has them."""

    name: str
    title: str
    is_on: bool
    standing: Standing
    failing: str
    failing_since: datetime | None
    down_since: datetime | None
    waiting: int
    parked: int
    plan: str
    token: str


async def every_door(storage: DatabaseStorage, settings: Settings, now: datetime) -> tuple[DoorRow, ...]:
    """Every door as it stands now, those that are off too. Raises StorageAway."""
    waiting = await storage.waiting()
    parked = Counter(one.sender for one in await storage.parked())
    is_on = {
        "web": True,
        "telegram": bool(settings.telegram_token),
        "zalo_oa": bool(settings.zalo_oa.app),
        "zalo_bot": bool(settings.zalo_bot_token),
    }
    after, found = timedelta(minutes=settings.down_minutes), []
    for name, title in TITLES.items():
        content, _ = await record_of(storage, name).read_or_begin()
        standing = read(content) if is_on[name] else Standing()
        failing = standing.failing(now)
        found.append(
            DoorRow(
                name, title, is_on[name], standing, ", ".join(f"{part} {one.code}" for part, one in failing),
                min((one.since for _, one in failing), default=None), standing.down_since(now, after),
                waiting.get(name, 0), parked[name],
                await _plan(storage, settings, now) if name == "zalo_bot" and is_on[name] else "",
                await _token(storage, settings) if name == "zalo_oa" and is_on[name] else "",
            )
        )  # fmt: skip
    return tuple(found)


def line_of(door: DoorRow) -> str:
    """A door on one line of a terminal; `ERROR` where it is down."""
    state = "off" if not door.is_on else "ERROR: down" if door.down_since else "failing" if door.failing else "on"
    since = f" since {_at(door.down_since or door.failing_since)} ({door.failing})" if door.failing else ""
    cells = (
        f"{door.name:<9}", f"{state}{since}", f"received {_at(door.standing.received_at)}", f"sent {_at(door.standing.sent_at)}",
        f"{door.waiting} waiting", f"{door.parked} parked", f"plan {door.plan}" if door.plan else "",
        f"token {door.token}" if door.token else "",
    )  # fmt: skip
    return "\t".join(cell for cell in cells if cell)


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z" if at else "-"


async def _plan(storage: DatabaseStorage, settings: Settings, now: datetime) -> str:
    people, messages = await storage.plan_used(month_of(now))
    most_people, most_messages = settings.zalo_bot_plan
    return f"{people}/{most_people}, {messages}/{most_messages}"


async def _token(storage: DatabaseStorage, settings: Settings) -> str:
    from bot.over_zalo_oa import token_of

    until, trouble = await token_of(settings.zalo_oa, storage)
    return " ".join(part for part in (_at(until), trouble) if part)
