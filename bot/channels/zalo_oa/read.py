"""One Zalo OA event → what the person did, in our words. Touches nothing and never raises.

Wire format: channels.md §1.2 "Webhook events". Ids are texts of digits; a pressed `oa.query.hide` button comes back as a text
that is its payload (§1.2 "Buttons"), so ours begin with `#p` and the number of their question.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, Final

from bot.channels.base import Ignored, Inbound
from bot.channels.wire.decoded import decoded
from bot.channels.wire.moment import moment
from bot.channels.wire.tidy import tidy
from flows.model import Chose, CitizenEvent, Empty, Media, Opened, Said, Sent, StaffWrote

CHANNEL: Final = "zalo_oa"
LONGEST: Final = 4096
"""Code points of a person's text that are kept."""
MOST_URL: Final = 2048
MOST_FILES: Final = 20
ANONYMOUS: Final = "@"
"""Stands between the two ids of a person whom Zalo does not name: theirs and the conversation's."""

UNREADABLE: Final = Ignored("unreadable")
OWN: Final = Ignored("our own message")
LEFT: Final = Ignored("left")
OTHER_ACCOUNT: Final = Ignored("for another account of the same app")
NOT_WRITTEN: Final = Ignored("nothing was written")

KINDS: Final = {"image": "photo", "gif": "photo", "audio": "voice", "video": "video", "file": "document"}
"""Attachments that are files, by what we call them."""

_tidy = partial(tidy, longest=LONGEST)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_PRESSED = re.compile(r"#p([0-9]{1,9}):([A-Za-z0-9_.-]{1,52})", re.ASCII)
_OFFICER = re.compile(r"#(o:[a-z_]{1,20}:[A-Za-z0-9_-]{1,40})", re.ASCII)
_PHONE = re.compile(r"\+?[0-9][0-9 .-]{6,17}[0-9]")
_COMMANDS: Final[Mapping[str, CitizenEvent]] = {
    "/start": Opened(""),
    "start": Opened(""),
    "bắt đầu": Opened(""),
    "/help": Opened(""),
    "/stop": Chose(("stop",)),
    "/dung": Chose(("stop",)),
}


def read(raw: bytes, account: str = "") -> tuple[Inbound, ...] | Ignored:
    """What one event says: one thing, or one for each file of it. `account`: our OA's id; empty takes any.

    A body that says that somebody wrote but holds nothing we know is `Empty`: somebody may need help (channels.md §0.1).
    """
    body = decoded(raw)
    name = _text(body, "event_name") if body else ""
    if not body or not name:
        return UNREADABLE
    if name.startswith("oa_send"):
        return _by_account(body, account)
    if name in ("follow", "unfollow"):
        return _followed(body, name, account)
    is_written = name.startswith(("user_send_", "anonymous_send_")) or name == "user_submit_info"
    if not is_written:
        return NOT_WRITTEN
    if account and _text(_part(body, "recipient"), "id") not in ("", account):
        return OTHER_ACCOUNT
    return _written(raw, body, name)


def _by_account(body: Mapping[str, Any], account: str) -> tuple[Inbound, ...] | Ignored:
    """Our own messages come back as events; with `admin_id` a person typed it in Zalo's window (channels.md §1.2 "Echoes")."""
    sender = _part(body, "sender")
    if account and _text(sender, "id") not in ("", account):
        return OTHER_ACCOUNT
    person, number = _id(_part(body, "recipient")), _text(_part(body, "message"), "msg_id")
    if not _text(sender, "admin_id") or not person or not number:
        return OWN
    return (Inbound(CHANNEL, number[:128], person, StaffWrote()),)


def _followed(body: Mapping[str, Any], name: str, account: str) -> tuple[Inbound, ...] | Ignored:
    if account and _text(body, "oa_id") not in ("", account):
        return OTHER_ACCOUNT
    person = _id(_part(body, "follower"))
    if name == "unfollow":
        return LEFT
    if not person:
        return UNREADABLE
    return (Inbound(CHANNEL, f"follow-{person}-{_text(body, 'timestamp')[:32]}", person, Opened("")),)


def _written(raw: bytes, body: Mapping[str, Any], name: str) -> tuple[Inbound, ...] | Ignored:
    message = _part(body, "message")
    person = _id(_part(body, "sender"))
    if not person:
        return UNREADABLE
    if name.startswith("anonymous_") and _id(message, "conversation_id"):
        person = f"{person}{ANONYMOUS}{_id(message, 'conversation_id')}"
    number = _text(message, "msg_id")[:100] or f"nameless-{blake2b(raw, digest_size=12).hexdigest()}"
    events, done_at = _contents(name, message, body), moment(body.get("timestamp"))
    return tuple(
        Inbound(CHANNEL, f"{number}/{at + 1}" if at else number, person, event, message_id=number, done_at=done_at)
        for at, event in enumerate(events)
    )


def _contents(name: str, message: Mapping[str, Any], body: Mapping[str, Any]) -> Sequence[CitizenEvent]:
    words = _tidy(_text(message, "text"))
    if name == "user_submit_info":
        return [Sent(Media("contact", "", _phone(_text(_part(body, "info"), "phone"))))]
    found = message.get("attachments")
    attachments = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    is_card = name.endswith("_business_card")
    media = [one for each in attachments[:MOST_FILES] if (one := _attached(each, is_card=is_card)) is not None]
    if not media:
        words = "\n".join(dict.fromkeys(part for part in (words, *map(_linked, attachments)) if part))
        return [_said(words) if words else Empty()]
    first = Media(media[0].kind, media[0].ref, media[0].caption or words)
    return [Sent(one) for one in (first, *media[1:])]


def _attached(attachment: Mapping[str, Any], *, is_card: bool) -> Media | None:
    """A file, place, sticker or contact card; None for a link and for what holds nothing."""
    kind, payload = _text(attachment, "type"), _part(attachment, "payload")
    if is_card:
        return Media("contact", "", _phone(_text(payload, "description")))
    if kind == "location":
        return _place(_part(payload, "coordinates"))
    if kind == "sticker":
        return Media("sticker", _tidy(_text(payload, "id"))[:MOST_URL])
    address = _tidy(_text(payload, "url"))[:MOST_URL]
    return Media(KINDS[kind], address) if kind in KINDS and address else None


def _linked(attachment: Mapping[str, Any]) -> str:
    """The words of a link that somebody passed on: what it says, and where it leads."""
    payload = _part(attachment, "payload")
    if _text(attachment, "type") != "link":
        return ""
    parts = (_tidy(_text(payload, "description")), _tidy(_text(payload, "url"))[:MOST_URL])
    return "\n".join(dict.fromkeys(part for part in parts if part))


def _place(coordinates: Mapping[str, Any]) -> Media | None:
    """Degrees with five decimals, about one metre; Zalo writes them as texts."""
    try:
        lat, lon = (float(_text(coordinates, name)) for name in ("latitude", "longitude"))
    except ValueError:
        return None
    inside = -90 <= lat <= 90 and -180 <= lon <= 180
    return Media("location", f"{lat:.5f},{lon:.5f}") if inside else None


def _phone(text: str) -> str:
    found = _PHONE.search(_tidy(text))
    return found[0] if found else ""


def _said(words: str) -> CitizenEvent:
    pressed = _PRESSED.fullmatch(words)
    if pressed:
        return Chose((pressed[2],), int(pressed[1]))
    officer = _OFFICER.fullmatch(words)
    if officer:
        return Chose((officer[1],), None)
    return _COMMANDS.get(words.lower()) or Said(words)


def _part(of: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    found = of.get(name) if of else None
    return found if isinstance(found, Mapping) else {}


def _text(of: Mapping[str, Any] | None, name: str) -> str:
    """A text, or a number that somebody's library made of one. Empty where it is neither."""
    found = of.get(name) if of else None
    return str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else ""


def _id(of: Mapping[str, Any], name: str = "id") -> str:
    found = _text(of, name)
    return found if _ID.fullmatch(found) else ""
