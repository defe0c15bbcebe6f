"""Where an officer gets notices: what their page and their chief's say of each address, adding one, trying one, letting go."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from bot.channels.base import Message
from bot.perform import BRIEF
from bot.reach import NOTIFIED, State, doors_on, reaches, state_of
from bot.web import words
from bot.web.console.access import Desk
from bot.web.look import Look
from storage.base import Commit, Door, OutboxRow
from storage.doors import Doors

NAMES: Final[Mapping[str, str]] = {
    "telegram": "Telegram", "zalo_bot": "Zalo (bot)", "zalo_oa": "Zalo", "push": "Trình duyệt", "email": "Thư điện tử",
}  # fmt: skip
STATES: Final[Mapping[State, str]] = {
    "new": "chưa có tin nào tới", "taken": "nhận được lúc {when}", "failing": "không nhận được từ {when}",
    "blocked": "đã chặn, hoặc không còn", "off": "kênh này đang tắt ở đây",
}  # fmt: skip
NO_DOOR: Final = "chưa có máy nhận thông báo"
NONE_REACHES: Final = "không nơi nào còn nhận được thông báo"
TRY: Final = ("THỬ", "thông báo thử")


def door_words(door: Door, on: frozenset[str], now: datetime, say: Callable[..., str]) -> dict[str, Any]:
    """One address as its officer and their chief read it. The address itself stands nowhere: a chief need not know it."""
    state, at = state_of(door, on), door.failing_since if door.failing_since else door.taken_at
    return {
        "id": door.id, "name": say(NAMES.get(door.address.channel, door.address.channel)),
        "state": say(STATES[state], when=words.when(at)), "reaches": reaches(door, on, now),
    }  # fmt: skip


async def own_doors(desk: Desk, look: Look) -> dict[str, Any]:
    """For the officer's own page: their addresses, and a sentence where none of them is any good."""
    on, now = doors_on(desk.parts.settings), desk.parts.now()
    found = await Doors(desk.parts.storage).of_officer(desk.officer.id)
    is_told = desk.officer.role in NOTIFIED
    lost = is_told and not any(reaches(door, on, now) for door in found)
    return {
        "doors": [door_words(door, on, now, look.say) for door in found],
        "unreached": look.say(NONE_REACHES if found else NO_DOOR) if lost else "",
    }  # fmt: skip


async def drop(desk: Desk, door: str) -> None:
    """Nothing goes to this address of theirs any more. What is not theirs stays as it is."""
    await Doors(desk.parts.storage).drop(desk.officer.id, door, at=desk.parts.now())


async def try_out(desk: Desk, door: str) -> bool:
    """Send a notice that says that it is a trial to one of their own addresses; False where it is not theirs."""
    found = [one for one in await Doors(desk.parts.storage).of_officer(desk.officer.id) if one.id == door]
    for one in found:
        await desk.parts.storage.commit(Commit(at=desk.parts.now(), outbox=(trial(one, desk.parts.now()),)))
        desk.parts.receiver.wake()
    return bool(found)


def trial(door: Door, now: datetime) -> OutboxRow:
    """The row of such a notice. It goes ahead of replies: somebody sits there and waits for it."""
    channel, which = door.address.channel, door.id if door.address.channel in BRIEF else ""
    where = f"{door.officer.id}/{channel}{which[:12]}"
    message = Message(TRY) if channel in BRIEF else Message((" · ".join(TRY),))
    body = {"officer": door.officer.id, "message": msgspec.to_builtins(message)}
    return OutboxRow(
        f"trial/{secrets.token_hex(8)}", "notice", f"o:{where}", 1, now, body, sender=channel, door=which
    )  # fmt: skip
