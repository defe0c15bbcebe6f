"""`python -m bot triage --json`: one first message in, what was understood and the whole first reply out (docs/doors.md)."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from bot.book import Book
from bot.channels.base import Message
from bot.decide import decide
from bot.doors.lines import Line, one_of, only, text
from bot.events import Event
from bot.place import Whereabouts, place_of
from flows.hear.hear import hear
from flows.model import Said
from storage.base import Snapshot

CHANNELS = ("telegram", "zalo_bot", "zalo_oa", "web")
AT = datetime(2026, 1, 1, tzinfo=UTC)
"""The door has no clock; nothing in a first reply depends on the time."""


def answer(book: Book, line: Line) -> Line:
    """What was understood of one first message. Raises BadLine."""
    only(line, ("id", "text", "channel"))
    identifier, said = text(line, "id", required=True), text(line, "text", required=True)
    channel = one_of(line, "channel", CHANNELS, "web")
    heard = hear(book.flows.lexicon, said)
    return {
        "id": identifier,
        "lang": heard.lang,
        "intent": heard.intent,
        "urgent": heard.urgent,
        "trafficking": heard.trafficking,
        "child": heard.child,
        "place": _place(place_of(book, said)),
        "heard": list(heard.words),
        "reply": first_reply(book, said, channel),
    }


def _place(place: Whereabouts | None) -> Line | None:
    if place is None:
        return None
    return {"text": place.text, "country": place.country or None, "province": place.province or None}


def first_reply(book: Book, said: str, channel: str) -> str:
    """The whole first reply to a text, bubbles joined by line breaks."""
    event = Event(seed="triage", at=AT, what=Said(said), channel=channel, address="triage", external_id="1")
    says = [row for row in decide(Snapshot(), event, book).outbox if row.kind == "say"]
    return "\n".join(text for row in says for text in msgspec.convert(row.body, Message).texts)
