"""How long a person can be reached on a platform that takes messages only for a while after they wrote. Pure.

Zalo OA: seven days (channels.md §0.4, §1.2 "Fees / windows"). Before they are over somebody who agreed to be written to, and
whose report is still open, is asked once to write a word; what cannot be sent any more is held until they do (storage/window.py).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from bot.asking import agreed
from bot.book import Book
from bot.channels.base import Message
from bot.events import Event, WindowCloses
from flows.model import CitizenEvent, StaffWrote, Woke
from referral.clocks import VIET_NAM
from referral.model import OPEN
from storage.base import Commit, OutboxRow, Snapshot

WINDOWS = {"zalo_oa": timedelta(days=7)}
"""By channel, so long after they wrote a person can be reached."""
MARGIN = timedelta(hours=3)
"""An event may have come two hours after it was written (channels.md §1.2, the schedule of retries), and clocks differ."""
ASK_AFTER = timedelta(days=6)
"""So long after a person was last heard they are asked: a day is left, with its daylight."""
FROM_HOUR, TO_HOUR = 8, 20
"""In Viet Nam. A message at night wakes whoever sleeps beside the phone."""
PRIORITY = 3


def opens(channel: str, what: CitizenEvent) -> bool:
    """Whether this event lets its person be reached from now on: they did it, on a platform where that counts."""
    return channel in WINDOWS and not isinstance(what, StaffWrote | Woke)


def closes_at(channel: str, heard_at: datetime | None) -> datetime | None:
    """Until when the person can be reached; None where that does not end, or where nobody knows."""
    return heard_at + WINDOWS[channel] - MARGIN if heard_at is not None and channel in WINDOWS else None


def is_closed(channel: str, heard_at: datetime | None, now: datetime) -> bool:
    """Whether nothing reaches them any more until they write."""
    end = closes_at(channel, heard_at)
    return end is not None and now >= end


def may_ask(now: datetime) -> bool:
    """Whether it is a time of day at which people may be asked."""
    return FROM_HOUR <= now.astimezone(VIET_NAM).hour < TO_HOUR


def decide_window(snapshot: Snapshot, event: Event, what: WindowCloses, book: Book) -> Commit:
    """Ask for a word, neutrally: whoever reads it beside them learns nothing. Once for each time they were heard.

    Not while they are in quiet mode or after they stopped, and only somebody who agreed to be written to.
    """
    referral, talk, intake = snapshot.referral, snapshot.conversation, snapshot.intake
    if referral is None or talk is None or intake is None or referral.state not in OPEN:
        return Commit(at=event.at)
    if talk.quiet or not agreed(intake) or is_closed(talk.channel, what.heard_at, event.at):
        return Commit(at=event.at)
    text = book.flows.everywhere.sentences["write_a_word"]
    message = Message((book.catalogues.translate(talk.locale, "everywhere.write_a_word", text),))
    key = f"write_a_word/{talk.id}/{int(what.heard_at.timestamp() * 1000)}"
    body = msgspec.to_builtins(message)
    row = OutboxRow(key, "say", f"c:{talk.id}", PRIORITY, event.at, body, talk.id, sender=talk.channel)
    return Commit(at=event.at, outbox=(row,))
