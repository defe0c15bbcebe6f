"""How each kind of outbox row is performed, and how it ended. Nothing here decides, and nothing here writes.

A crash between sending and marking sends twice: we choose twice over never.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from bot import log
from bot.book import Book
from bot.channels.base import Button, Channel, Fetches, Message, SendError, Sent, Streams
from bot.channels.pace import Pace
from bot.decide import REPLY
from bot.receive import Clock, Receiver
from bot.referring import ANSWERED_BY_A_PERSON
from bot.sender import target
from bot.window import is_closed
from referral.clocks import clock_for, notice_after
from referral.model import Referral
from referral.notice import brief, notice
from storage.base import DAMAGED, Address, Claimed, Done, Door, OutboxRow, Storage, StorageAway
from storage.parked import PARKED
from storage.window import HELD

BACKOFF_S: Final = (2, 5, 15, 60, 300)
"""Seconds before the next try, by tries so far; the last one repeats."""
AWAY_S: Final = 2.0
"""Seconds before the next try where our own database was away."""
HELD_S: Final = 86_400.0
OF_THE_DOOR: Final = frozenset({"again", "misconfigured", "unpaid"})
"""Send errors that say something of the channel, and not of the one person or message."""
PARK_AFTER: Final = 12
"""Tries of what fails in our own hands, some forty minutes of them: longer than an operator needs to restart something."""
PARK_AFTER_S: Final = 86_400.0
"""So long a platform may fail at one message while it takes others. Where it takes none, everything waits for it."""
MOST_STUCK: Final = 10_000
TAKES_OTHERS_S: Final = 600.0
"""A platform that took something so recently is there."""
CLEAR_WITHIN = timedelta(hours=48)
"""Telegram deletes a bot's messages of the last 48 h (channels.md §2.1)."""
ROLES = {
    "duty": ("duty", "chief"),
    "chief": ("chief",),
    "everyone": ("duty", "chief", "admin"),
    "next_office": ("chief",),
}
"""Who a rung of the ladder reaches. A chief is told of everything from the start: one phone is never the only one."""
TAKE = "Tôi nhận"
BRIEF: Final = frozenset({"push", "email"})
"""Doors of which an officer may have several, and which show level and code and nothing else."""
ALARM: Final = "CẦN XEM"
NOT_THEIRS = frozenset({"proposed", "withdrawn", "returned", "transferred", "closed"})
"""States in which an office is told nothing of a referral: not handed over, taken back, or no longer there."""

More = tuple[OutboxRow, ...]
Ended = tuple[Done, More]


Wait = Callable[[asyncio.Event, float], Awaitable[None]]


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Return when the event is set, which it also is after so many seconds."""
    bell = asyncio.get_running_loop().call_later(seconds, event.set)
    try:
        await event.wait()
    finally:
        bell.cancel()


@dataclass(frozen=True, slots=True)
class Work:
    """What performing a row needs to know beside the row. `now` is the time of day, `steady` seconds that never jump.

    `took` is when each channel last took a message, `stuck` since when it fails at a row while it takes others; by `steady`.
    `told` hears of each message that a channel took, and with a code of each that it did not for a reason of its own.
    """

    storage: Storage
    book: Book
    receiver: Receiver
    channels: Mapping[str, Channel]
    url: str
    now: Clock
    export: Callable[[Mapping[str, Any]], Awaitable[None]] | None = None
    paces: Mapping[str, Pace] = field(default_factory=dict)
    steady: Callable[[], float] = time.monotonic
    wait: Wait = wait_for
    took: dict[str, float] = field(default_factory=dict)
    stuck: dict[int, float] = field(default_factory=dict)
    erase: Callable[[], Awaitable[None]] | None = None
    told: Callable[[str, str], None] = lambda channel, code: None


async def perform(work: Work, claimed: Claimed) -> Ended:
    """Perform one row; how it ended and the rows that follow from it. Never raises."""
    try:
        return await PERFORMERS[claimed.row.kind](work, claimed)
    except SendError as error:
        return _after_send_error(work, claimed, error)
    except StorageAway:
        return later(
            work, claimed, "storage_away", AWAY_S
        ), ()  # our own fault: whoever waits must not wait longer each time
    except Exception as error:
        # A row that cannot be performed must not stop the others: it is tried again later and an operator is told.
        log.warn("outbox.failed", kind=claimed.row.kind, what=type(error).__name__, attempts=claimed.attempts)
        if claimed.row.priority and claimed.attempts >= PARK_AFTER:
            return _parked(work, claimed, "failed")
        return later(work, claimed, "failed"), ()


# ------------------------------------------------------------------------------------------------------ kinds of rows


async def _say(work: Work, claimed: Claimed) -> Ended:
    address = target(claimed)
    if address is None:
        return _done(work, claimed, "dead", "no_address"), ()
    if "to" not in claimed.row.body and is_closed(address.channel, claimed.heard_at, work.now()):
        return _held(work, claimed)
    message = msgspec.convert({key: value for key, value in claimed.row.body.items() if key != "to"}, Message)
    return _done(work, claimed, "done", sent=await _send(work, address, message)), ()


async def _notice(work: Work, claimed: Claimed) -> Ended:
    if claimed.address is None:
        return _done(work, claimed, "dead", "no_phone"), ()
    if "waited" in claimed.row.body:
        # Meanwhile it may have been taken back, or gone elsewhere.
        referral = (await work.storage.load_referral(claimed.row.referral)).referral
        if referral is None or referral.state in NOT_THEIRS:
            return _done(work, claimed, "cancelled", "withdrawn"), ()
    message = msgspec.convert(claimed.row.body["message"], Message)
    sent = await _send(work, claimed.address, message)
    return replace(_done(work, claimed, "done", sent=sent), delivered=bool(claimed.row.referral), door="took"), ()


async def _notify_agency(work: Work, claimed: Claimed) -> Ended:
    """Hand the referral to its office (once, if consent or ground still stand) and tell its officers' phones."""
    body = claimed.row.body
    referral = await work.storage.hand_over(body["referral"], work.now())
    if referral is None:
        # Handed over before: this is another notice of it, or a crash came before the first was marked.
        referral = (await work.storage.load_referral(body["referral"])).referral
    if referral is None or referral.state in NOT_THEIRS:
        return _done(work, claimed, "cancelled", "withdrawn"), ()
    found = await work.storage.doors_of(referral.office)
    rows = [
        _notice_row(work, claimed, referral, door)
        for door in found
        if not door.blocked and door.officer.role in ROLES[body["to"]]
    ]
    if not rows:
        log.warn("notice.no_phone", office=referral.office, referral=referral.code)
    return _done(work, claimed, "done", "" if rows else "no_phone"), tuple(rows)


async def _wake(work: Work, claimed: Claimed) -> Ended:
    await work.receiver.clock(claimed.row.body["referral"], int(claimed.row.body["rung"]))
    return _done(work, claimed, "done"), ()


async def _clear(work: Work, claimed: Claimed) -> Ended:
    if claimed.address is None:
        return _done(work, claimed, "dead", "no_address"), ()
    ids = await work.storage.shown(claimed.row.conversation, work.now() - CLEAR_WITHIN)
    await _channel(work, claimed.address).clear(claimed.address.external, tuple(ids))
    return _done(work, claimed, "done"), ()


async def _alarm(work: Work, claimed: Claimed) -> Ended:
    """Tell the staff of the national hotline that something failed for somebody, by a number and nothing else."""
    text = _alarm_text(claimed.row.body)
    rows = []
    for office in work.book.referral.offices:
        if office.route != "hotline_111":
            continue
        for door in await work.storage.doors_of(office.id):
            if not door.blocked:
                message = Message((ALARM, _number_of(claimed)) if door.address.channel in BRIEF else (text,))
                rows.append(_to_door(claimed, door, message, work.now()))
    return _done(work, claimed, "done"), tuple(rows)


def _number_of(claimed: Claimed) -> str:
    body = claimed.row.body
    return str(body.get("nobody") or body.get("error") or body.get("door") or "Yêu cầu")


def _alarm_text(body: Mapping[str, Any]) -> str:
    if "right" in body:
        return f"Yêu cầu {body['right']} về dữ liệu cá nhân, hạn {body['until']}. Hãy mở trang cán bộ, mục Yêu cầu."
    if "door" in body:
        return f"Kênh {body['door']} không gửi hoặc nhận được tin từ {body['since']}. Hãy báo người vận hành."
    if "nobody" in body:
        return f"Hồ sơ {body['nobody']} đã bị mọi nơi trả lại, chưa ai giữ. Hãy mở trang cán bộ."
    seen = "Có một tin không gửi đi được." if body.get("unsent") else "Người nhắn đã thấy số 111 và 113."
    return f"Hệ thống gặp lỗi {body['error']}. {seen} Hãy báo người vận hành."


async def _fetch(work: Work, claimed: Claimed) -> Ended:
    """Bring in a file that a person sent while the platform still has it: it may be evidence."""
    body = claimed.row.body
    channel = work.channels.get(body["channel"])
    if not isinstance(channel, Fetches):
        return _done(work, claimed, "dead", "no_files_here"), _lost(work, claimed)
    content = channel.pieces(body["ref"]) if isinstance(channel, Streams) else await channel.fetch(body["ref"])
    sent_at = datetime.fromisoformat(body["sent_at"])
    await work.storage.keep_file(body["ref"], claimed.row.conversation, body["kind"], content, work.now(), sent_at)
    return _done(work, claimed, "done"), ()


def _lost(work: Work, claimed: Claimed) -> More:
    """The person hears that their file never came, while that still follows from what they did."""
    body, conversation = claimed.row.body, claimed.row.conversation
    if not conversation or "lost" not in body or work.now() > datetime.fromisoformat(body["tell_until"]):
        return ()
    return (
        OutboxRow(
            f"lost/{claimed.row.key}", "say", f"c:{conversation}", REPLY, work.now(), body["lost"], conversation,
            sender=body["channel"],
        ),
    )  # fmt: skip


async def _export(work: Work, claimed: Claimed) -> Ended:
    if work.export is not None:
        await work.export(claimed.row.body)
    return _done(work, claimed, "done"), ()


async def _erase(work: Work, claimed: Claimed) -> Ended:
    """The nightly sweep of what has been kept long enough."""
    if work.erase is not None:
        await work.erase()
    return _done(work, claimed, "done"), ()


async def _damaged(work: Work, claimed: Claimed) -> Ended:
    """What was to leave cannot be read: it is given up, and the staff are told, for somebody waits for it."""
    log.warn("outbox.damaged", kind=claimed.row.body["kind"], referral=claimed.row.referral, count=claimed.id)
    number = f"outbox-{claimed.id}"
    body = {"error": number, "unsent": "yes"}
    alarm = OutboxRow(f"alarm/{number}", "alarm", f"alarm:{number}", 1, work.now(), body)
    return _done(work, claimed, "dead", "damaged"), (alarm,)


PERFORMERS: Mapping[str, Callable[[Work, Claimed], Awaitable[Ended]]] = {
    "say": _say,
    "notice": _notice,
    "notify_agency": _notify_agency,
    "wake": _wake,
    "clear": _clear,
    "alarm": _alarm,
    "fetch": _fetch,
    "export": _export,
    "erase": _erase,
    DAMAGED: _damaged,
}
"""Every kind of outbox row and who performs it."""


# ------------------------------------------------------------------------------------------------------------- parts


def _notice_row(work: Work, claimed: Claimed, referral: Referral, door: Door) -> OutboxRow:
    row = _to_door(claimed, door, _notice_for(work, referral, door.address.channel), work.now())
    wait = _wait_of(work, claimed, referral)
    return replace(row, due_at=row.due_at + wait, body={**row.body, "waited": "yes"}) if wait else row


def _notice_for(work: Work, referral: Referral, channel: str) -> Message:
    """What one kind of door may show. Through strangers' machines (a push service, mail servers) go level and code only."""
    link = f"{work.url}/officers/r/{referral.id}"
    if channel in BRIEF:
        return Message(brief(referral), link=work.url + "/officers/")
    button = Button(data=f"o:acknowledge:{referral.id}", label=TAKE, role="officer", id="acknowledge")
    return Message((notice(referral, link, "vi", work.book.referral.provinces),), buttons=(button,), link=link)


def _wait_of(work: Work, claimed: Claimed, referral: Referral) -> timedelta:
    """How long the phones are spared, so that the moment of a notice points at nobody: by chance, the same for all of an office.

    Not where it is urgent, where somebody waits for a person to answer, nor on a rung of the ladder, which is late already.
    """
    if (
        referral.urgent
        or claimed.row.priority == 0
        or referral.rule in ANSWERED_BY_A_PERSON
        or "/rung/" in claimed.row.key
    ):
        return timedelta()
    number = hashlib.blake2b(claimed.row.key.encode(), digest_size=8).hexdigest()
    return notice_after(clock_for(work.book.referral, urgent=False), number)


def _to_door(claimed: Claimed, door: Door, message: Message, now: datetime) -> OutboxRow:
    """One address of an officer, beside their others: each in a lane of its own, so that none waits for another."""
    officer, channel = door.officer.id, door.address.channel
    which = door.id if channel in BRIEF else ""
    where = f"{officer}/{channel}{which[:12]}"
    body = {"officer": officer, "message": msgspec.to_builtins(message)}
    return OutboxRow(
        key=f"{claimed.row.key}/{where}", kind="notice", lane=f"o:{where}", priority=claimed.row.priority,
        due_at=now, body=body, referral=claimed.row.referral, sender=channel, door=which,
    )  # fmt: skip


def _channel(work: Work, address: Address) -> Channel:
    channel = work.channels.get(address.channel)
    if channel is None:
        raise SendError("misconfigured", "channel_off")
    return channel


async def _send(work: Work, address: Address, message: Message) -> Sent:
    sent = await _channel(work, address).send(address.external, message)
    work.took[address.channel] = work.steady()
    work.told(address.channel, "")
    return sent


def _after_send_error(work: Work, claimed: Claimed, error: SendError) -> Ended:
    log.warn("send.failed", kind=claimed.row.kind, outcome=error.what, code=error.code, attempts=claimed.attempts)
    if error.what in OF_THE_DOOR and (there := target(claimed)) is not None:
        work.told(there.channel, error.code)
    if error.code == "flood" and (address := target(claimed)) and (pace := work.paces.get(address.channel)):
        pace.hold(work.steady() + error.after_s)
    if error.what == "held":
        return _held(work, claimed)
    door: Literal["", "failing"] = "failing" if claimed.row.kind == "notice" and error.code != "flood" else ""
    if error.what in {"never", "blocked"}:
        lost = _lost(work, claimed) if claimed.row.kind == "fetch" else ()
        return replace(_done(work, claimed, "dead", error.code), blocked=error.what == "blocked", door=door), lost
    if error.what == "again" and error.code != "flood" and _takes_others(work, claimed):
        since = work.stuck.setdefault(claimed.id, work.steady())
        while len(work.stuck) > MOST_STUCK:
            del work.stuck[next(iter(work.stuck))]
        if claimed.row.priority and work.steady() - since >= PARK_AFTER_S:
            return _parked(work, claimed, error.code)
    return replace(later(work, claimed, error.code, error.after_s), door=door), ()


def _held(work: Work, claimed: Claimed) -> Ended:
    """What is for a person waits until they write again, and is looked at once a day; an officer is told no later."""
    if claimed.row.kind != "say":
        return replace(_done(work, claimed, "dead", HELD), door="failing" if claimed.row.kind == "notice" else ""), ()
    log.say("say.held", count=claimed.id, channel=claimed.row.sender)
    return later(work, claimed, HELD, HELD_S), ()


def _takes_others(work: Work, claimed: Claimed) -> bool:
    address = target(claimed)
    took_at = work.took.get(address.channel) if address else None
    return took_at is not None and work.steady() - took_at <= TAKES_OTHERS_S


def _parked(work: Work, claimed: Claimed, code: str) -> Ended:
    """What only this row meets is not tried for ever: it is set aside, and the staff are told. What is urgent never is."""
    log.warn("outbox.parked", kind=claimed.row.kind, code=code, attempts=claimed.attempts, count=claimed.id)
    number = f"outbox-{claimed.id}"
    body = {"error": number, "unsent": "yes"}
    key = f"alarm/{number}/{int(work.now().timestamp())}"
    alarm = OutboxRow(key, "alarm", f"alarm:{number}", 1, work.now(), body)
    # An alarm that fails makes no other: that would never end.
    return _done(work, claimed, "dead", PARKED), () if claimed.row.kind == "alarm" else (alarm,)


def later(work: Work, claimed: Claimed, code: str, after_s: float = 0.0) -> Done:
    """It is tried again after so many seconds, or after the wait that belongs to its number of tries."""
    wait = after_s or BACKOFF_S[min(claimed.attempts, len(BACKOFF_S)) - 1]
    return replace(_done(work, claimed, "later", code), again_at=work.now() + timedelta(seconds=wait))


def _done(work: Work, claimed: Claimed, outcome: Any, code: str = "", *, sent: Sent | None = None) -> Done:
    return Done(claimed.id, outcome, work.now(), code, message_ids=sent.message_ids if sent else ())
