"""One event of the Zalo Bot Platform → what the person did, in our words. Touches nothing and never raises.

Wire format: channels.md §1.1, "Webhook" and "Message fields". The documented body has an envelope (`ok`, `result`), the one
seen in live traffic is flat: both are read. The picture's address is `photo` in the documents and `photo_url` in traffic.

**An event without content is a person** (channels.md §0.1): for children, people with disabilities and others Zalo sends
`message.unsupported.received` in place of what was written, perhaps without any `message` at all. It becomes `Empty`, also where
nobody can be answered (an `Inbound` with an empty address), and so does every message of a kind that nobody here knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from bot.channels.base import Ignored, Inbound
from bot.channels.wire.decoded import decoded
from bot.channels.wire.moment import moment
from bot.channels.wire.tidy import bare, tidy
from flows.model import Chose, CitizenEvent, Empty, Media, Opened, Said, Sent

CHANNEL: Final = "zalo_bot"
LONGEST: Final = 4000
"""Code points of a person's text that are kept."""
MOST_URL: Final = 2000

NOTHING: Final = Ignored("an empty body")
UNREADABLE: Final = Ignored("unreadable")
NOT_PRIVATE: Final = Ignored("not a private chat")
NO_MESSAGE: Final = Ignored("an event that is no message")
BOT: Final = Ignored("written by a bot")

KINDS: Final = {"image": "photo", "voice": "voice", "sticker": "sticker"}
"""Events with a file, by what we call it. The others: `text`, and `unsupported` with everything unknown, which is `Empty`."""
URLS: Final = {"photo": ("photo_url", "photo"), "voice": ("voice_url",), "sticker": ("sticker", "url")}
SILENT: Final = frozenset({"message.reaction.received"})
"""Nothing was written: a finger on a message of ours."""

_tidy = partial(tidy, longest=LONGEST)
_EVENT = re.compile(r"message\.([a-z_]{1,30})\.received", re.ASCII)
_ID = re.compile(r"[!-~]{1,128}", re.ASCII)
_START = re.compile(r"/start(?:\s+([A-Za-z0-9_-]{1,64}))?", re.IGNORECASE)
_COMMANDS: Final[Mapping[str, CitizenEvent]] = {
    "/stop": Chose(("stop",)),
    "/dung": Chose(("stop",)),
    "/help": Opened(""),
    "start": Opened(""),
    "bắt đầu": Opened(""),
}


def read(raw: bytes | Mapping[str, Any]) -> Inbound | Ignored:
    """What one event (its bytes, or already decoded) says. `external_id` is empty where Zalo names no message.

    Private chats only; never raises.
    """
    if isinstance(raw, bytes) and not raw.strip():
        return NOTHING
    body = decoded(raw) if isinstance(raw, bytes) else raw
    if not isinstance(body, Mapping):
        return UNREADABLE
    result = body.get("result")
    return _event(result if isinstance(result, Mapping) else body)


def _event(event: Mapping[str, Any]) -> Inbound | Ignored:
    name, message = _text(event, "event_name"), _part(event, "message")
    if name in SILENT or not (message or _EVENT.fullmatch(name)):
        return NO_MESSAGE
    found = _EVENT.fullmatch(name)
    return _inbound(found[1] if found else "", message)


def _inbound(kind: str, message: Mapping[str, Any]) -> Inbound | Ignored:
    sender, chat = _part(message, "from"), _part(message, "chat")
    if str(chat.get("chat_type") or "PRIVATE").upper() != "PRIVATE":
        return NOT_PRIVATE
    if sender.get("is_bot") is True:
        return BOT
    number = _id(message.get("message_id"))
    return Inbound(
        channel=CHANNEL,
        external_id=number,
        address=_id(chat.get("id")) or _id(sender.get("id")),  # in a private chat they are the same
        event=_content(kind, message) if message else Empty(),
        message_id=number,
        done_at=moment(message.get("date")),
    )


def _content(kind: str, message: Mapping[str, Any]) -> CitizenEvent:
    """What the message says or carries, whatever its event is called; `Empty` where there is nothing that we know."""
    media = _media(KINDS.get(kind) or _kind_by_fields(message), message)
    if media is not None:
        return Sent(media)
    words = _tidy(_text(message, "text") or _text(message, "caption"))
    return _said(words) if words else Empty()


def _kind_by_fields(message: Mapping[str, Any]) -> str:
    """An event of another name that carries a file all the same."""
    return next((kind for kind in ("voice", "photo") if _url(message, kind)), "")


def _media(kind: str, message: Mapping[str, Any]) -> Media | None:
    """The file, where it came with an address: one without was held back like any other content."""
    address = _url(message, kind) if kind else ""
    return Media(kind, address, _tidy(_text(message, "caption") or _text(message, "text"))) if address else None


def _url(message: Mapping[str, Any], kind: str) -> str:
    """Where the file is. Anybody who knows this address can read the file: it is stored encrypted and never logged."""
    found = next((text for name in URLS[kind] if (text := _text(message, name))), "")
    return bare(found).strip()[:MOST_URL]


def _said(words: str) -> CitizenEvent:
    start = _START.fullmatch(words)
    if start:
        return Opened(start[1] or "")
    return _COMMANDS.get(words.lower()) or Said(words)


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(of: Mapping[str, Any], name: str) -> str:
    found = of.get(name)
    return found if isinstance(found, str) else ""


def _id(value: Any) -> str:
    """An id of Zalo's: a text, or a number that somebody's library made of it. Empty where it is none."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _ID.fullmatch(text) else ""
