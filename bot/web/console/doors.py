"""Where an officer gets notices: what their page and their chief's say of each address, adding one, trying one, letting go."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from bot.channels.base import Message
from bot.channels.email import ADDRESS
from bot.channels.email import CHANNEL as EMAIL
from bot.channels.push import CHANNEL as PUSH
from bot.channels.push import NoSubscription, subscription
from bot.perform import BRIEF
from bot.reach import NOTIFIED, State, doors_on, reaches, state_of
from bot.web import words
from bot.web.console.access import Desk
from bot.web.look import Look
from storage.base import Address, Commit, Door, OutboxRow
from storage.doors import Doors, TooMany

NAMES: Final[Mapping[str, str]] = {
    "telegram": "Telegram", "zalo_bot": "Zalo (bot)", "zalo_oa": "Zalo", "push": "Trình duyệt", "email": "Thư điện tử",
}  # fmt: skip
STATES: Final[Mapping[State, str]] = {
    "new": "chưa có tin nào tới", "taken": "nhận được lúc {when}", "failing": "không nhận được từ {when}",
    "blocked": "đã chặn, hoặc không còn", "off": "kênh này đang tắt ở đây",
}  # fmt: skip
WORKER: Final = (Path(__file__).parent.parent / "static" / "officers-sw.js").read_bytes()
NO_DOOR: Final = "chưa có máy nhận thông báo"
NONE_REACHES: Final = "không nơi nào còn nhận được thông báo"
LONGEST_ADDRESS: Final = 254
NO_MAIL: Final = "Đó không phải là một địa chỉ thư điện tử dùng được ở đây."
NO_BROWSER: Final = "Trình duyệt này không nhận được thông báo qua nơi mà hệ thống biết."
TAKEN: Final = "Địa chỉ này đang nhận thông báo của một cán bộ khác."
FULL: Final = "Đã đủ sáu nơi. Bỏ một nơi trước khi thêm."
TRY: Final = ("THỬ", "thông báo thử")


def door_words(door: Door, on: frozenset[str], now: datetime, say: Callable[..., str]) -> dict[str, Any]:
    """One address as its officer and their chief read it. The address itself stands nowhere: a chief need not know it."""
    state, at = state_of(door, on), door.failing_since if door.failing_since else door.taken_at
    return {
        "id": door.id, "name": say(NAMES.get(door.address.channel, door.address.channel)),
        "state": say(STATES[state], when=words.when(at)), "reaches": reaches(door, on, now),
    }  # fmt: skip


async def worker(request: Request) -> Response:
    """GET /officers/sw.js: shows notices in the officer's browser. It may act for the officers' pages only, and keeps nothing."""
    return Response(WORKER, media_type="text/javascript; charset=utf-8")


async def own_doors(desk: Desk, look: Look) -> dict[str, Any]:
    """For the officer's own page: their addresses, and a sentence where none of them is any good."""
    on, now = doors_on(desk.parts.settings), desk.parts.now()
    found = await Doors(desk.parts.storage).of_officer(desk.officer.id)
    is_told = desk.officer.role in NOTIFIED
    lost = is_told and not any(reaches(door, on, now) for door in found)
    return {
        "doors": [door_words(door, on, now, look.say) for door in found],
        "has_mail": desk.parts.settings.mail is not None, "push_key": desk.parts.push_key,
        "unreached": look.say(NONE_REACHES if found else NO_DOOR) if lost else "",
    }  # fmt: skip


async def add_mail(desk: Desk, address: str) -> str:
    """Notices go to this address of theirs as well, beginning with a trial. Why not, or empty."""
    if not desk.parts.settings.mail or not ADDRESS.fullmatch(address) or len(address) > LONGEST_ADDRESS:
        return NO_MAIL
    return await _add(desk, Address(EMAIL, address))


async def add_push(desk: Desk, given: Mapping[str, str]) -> str:
    """Notices go to this browser as well, beginning with a trial. Why not, or empty."""
    try:
        found = subscription(given.get("endpoint", ""), given.get("p256dh", ""), given.get("auth", ""))
    except NoSubscription:
        return NO_BROWSER
    return await _add(desk, Address(PUSH, found)) if desk.parts.push_key else NO_BROWSER


async def _add(desk: Desk, address: Address) -> str:
    doors = Doors(desk.parts.storage)
    try:
        if not await doors.add(desk.officer.id, address, at=desk.parts.now()):
            return TAKEN
    except TooMany:
        return FULL
    for one in await doors.of_officer(desk.officer.id):
        if one.address == address:
            await try_out(desk, one.id)
    return ""


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
