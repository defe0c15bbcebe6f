"""One Telegram update → what the person did, in our words. Touches nothing and never raises.

Only the fields named here are decoded (msgspec, about 3 µs an update); everything else Telegram sends is passed over.
Wire format: https://core.telegram.org/bots/api#update
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from bot.channels.base import Ignored, Inbound
from bot.channels.wire.tidy import tidy
from flows.model import Chose, CitizenEvent, Empty, Gone, Media, Moved, Opened, Said, Sent

CHANNEL: Final = "telegram"
LONGEST: Final = 4096
"""Code points of a person's text that are kept."""
MOST_NAMED: Final = 200
"""Code points of the name and address of a place."""
FETCHED_FILE: Final = 20 * 1024 * 1024
"""Bytes that a bot may fetch, but from a server of its own: https://core.telegram.org/bots/api#getfile (channels.md §2.1)"""

UNREADABLE: Final = Ignored("unreadable")
NOT_PRIVATE: Final = Ignored("not a private chat")
UNKNOWN_KIND: Final = Ignored("a kind of update that is not used")
SERVICE: Final = Ignored("a note of the platform about the chat")
EDIT_WITHOUT_TEXT: Final = Ignored("an edit without text")
BOT: Final = Ignored("written by a bot")

UNKNOWN_BUTTON: Final = Chose(("unknown",), 0)
"""A button that we did not make or no longer understand. It is still answered, so that it does not spin for ever."""


class File(msgspec.Struct):
    file_id: str
    file_size: int = 0


class PhotoSize(File):
    width: int = 0
    height: int = 0


class Location(msgspec.Struct):
    latitude: float
    longitude: float


class Venue(msgspec.Struct):
    title: str = ""
    address: str = ""


class Contact(msgspec.Struct):
    phone_number: str = ""
    first_name: str = ""
    last_name: str = ""
    user_id: int = 0


class User(msgspec.Struct):
    id: int
    is_bot: bool = False
    language_code: str = ""


class Chat(msgspec.Struct):
    id: int
    type: str = ""


class Message(msgspec.Struct, rename={"sender": "from"}):
    """`pinned_message` and those after it are notes of the platform: nobody said anything."""

    message_id: int
    chat: Chat
    sender: User | None = None
    text: str = ""
    caption: str = ""
    photo: list[PhotoSize] = msgspec.field(default_factory=list)
    voice: File | None = None
    video: File | None = None
    video_note: File | None = None
    animation: File | None = None
    document: File | None = None
    audio: File | None = None
    sticker: File | None = None
    location: Location | None = None
    venue: Venue | None = None
    contact: Contact | None = None
    media_group_id: str = ""
    pinned_message: Any = None
    message_auto_delete_timer_changed: Any = None
    write_access_allowed: Any = None
    chat_background_set: Any = None


class Key(msgspec.Struct):
    text: str = ""
    callback_data: str = ""


class Keyboard(msgspec.Struct):
    inline_keyboard: list[list[Key]] = msgspec.field(default_factory=list)


class Shown(msgspec.Struct):
    """The message that a pressed button belongs to. An old one arrives without its buttons."""

    message_id: int
    chat: Chat
    reply_markup: Keyboard | None = None


class CallbackQuery(msgspec.Struct, rename={"sender": "from"}):
    id: str
    sender: User
    message: Shown | None = None
    data: str = ""


class Member(msgspec.Struct):
    status: str = ""


class MemberUpdate(msgspec.Struct):
    chat: Chat
    new_chat_member: Member


class Update(msgspec.Struct):
    update_id: int
    message: Message | None = None
    edited_message: Message | None = None
    callback_query: CallbackQuery | None = None
    my_chat_member: MemberUpdate | None = None


def read(raw: bytes | Mapping[str, Any], largest: int = FETCHED_FILE) -> Inbound | Ignored:
    """What one update (its bytes, or already decoded) says. Private chats only; never raises.

    `largest`: bytes of a file that can be fetched; one above it has no handle, and the person is told so.
    """
    try:
        update = _decoded(raw)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors; nothing of the content goes further
        return UNREADABLE
    if update.message is not None:
        return _message(update.update_id, update.message, edited=False, largest=largest)
    if update.callback_query is not None:
        return _press(update.update_id, update.callback_query)
    if update.edited_message is not None:
        return _message(update.update_id, update.edited_message, edited=True, largest=largest)
    if update.my_chat_member is not None:
        return _member(update.update_id, update.my_chat_member)
    return UNKNOWN_KIND


_tidy = partial(tidy, longest=LONGEST)
_START = re.compile(r"/start(?:@\w{1,64})?(?:\s+([A-Za-z0-9_-]{1,64}))?", re.IGNORECASE)
_COMMAND = re.compile(r"/(\w{1,32})(?:@\w{1,64})?")
_COMMANDS: Final[Mapping[str, CitizenEvent]] = {
    "stop": Chose(("stop",)),
    "dung": Chose(("stop",)),
    "dừng": Chose(("stop",)),
    "help": Opened(""),
    "gap": Chose(("danger",)),
    "urgent": Chose(("danger",)),
    "nguoi": Chose(("person",)),
    "person": Chose(("person",)),
    "ngonngu": Chose(("language",)),
    "language": Chose(("language",)),
}
_ANSWER = re.compile(r"p([0-9]{1,9}):([A-Za-z0-9_.-]{1,52})", re.ASCII)
_OFFICER = re.compile(r"o:[a-z_]{1,20}:[A-Za-z0-9_-]{1,40}", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,3}", re.ASCII)

_FILES: Final = {
    "voice": "voice", "video": "video", "video_note": "video", "animation": "video", "document": "document",
    "audio": "voice", "sticker": "sticker",
}  # fmt: skip
"""Telegram's kinds by ours. In this order: Telegram fills `document` for an animation too."""
_SERVICE: Final = (
    "pinned_message",
    "message_auto_delete_timer_changed",
    "write_access_allowed",
    "chat_background_set",
)

_update = msgspec.json.Decoder(Update)


def _decoded(raw: bytes | Mapping[str, Any]) -> Update:
    if not isinstance(raw, bytes):
        return msgspec.convert(raw, Update)
    try:
        return _update.decode(raw)
    except msgspec.ValidationError:
        raise
    except ValueError:
        # Bytes that are not UTF-8, or half a surrogate pair: a damaged character must not lose the message.
        return msgspec.convert(json.loads(raw.decode("utf-8", "replace")), Update)


def _message(update_id: int, message: Message, *, edited: bool, largest: int) -> Inbound | Ignored:
    if message.chat.type != "private":
        return NOT_PRIVATE
    if message.sender is not None and message.sender.is_bot:
        return BOT
    event = _changed(message) if edited else _content(message, largest)
    if event is None:
        return EDIT_WITHOUT_TEXT if edited else SERVICE
    return Inbound(
        channel=CHANNEL,
        external_id=str(update_id),
        address=str(message.chat.id),
        event=event,
        message_id=str(message.message_id),
        language=_language(message.sender),
    )


def _content(message: Message, largest: int) -> CitizenEvent | None:
    """What the message says or carries; `Empty` if nothing that we know; None for a note of the platform."""
    if message.text:
        words = _tidy(message.text)
        return _said(words) if words else Empty()
    media = _media(message, largest)
    if media is not None:
        return Sent(media)
    if any(getattr(message, name) is not None for name in _SERVICE):
        return None
    return Empty()


def _changed(message: Message) -> CitizenEvent | None:
    """What an earlier message says now. A live location is such a change every few seconds, and is never answered."""
    if message.location is not None:
        place = _place(message.location)
        return Moved(place) if place else None
    words = _tidy(message.text or message.caption)
    return Said(words, edited=True) if words else None


def _said(words: str) -> CitizenEvent:
    if not words.startswith("/"):
        return Said(words)
    start = _START.fullmatch(words)
    if start:
        return Opened(start[1] or "")
    command = _COMMAND.fullmatch(words)
    known = _COMMANDS.get(command[1].lower()) if command else None
    return known or Said(words)


def _media(message: Message, largest: int) -> Media | None:
    if message.photo:
        return _file("photo", max(message.photo, key=lambda size: size.width * size.height), message, largest)
    if message.location is not None:
        place = _place(message.location)
        return replace(place, caption=_named(message.venue)) if place and message.venue else place
    if message.contact is not None:
        return Media("contact", "", _contact(message.contact, message.sender))
    for name, kind in _FILES.items():
        file = getattr(message, name)
        if file is not None:
            return _file(kind, file, message, largest)
    return None


def _file(kind: str, file: File, message: Message, largest: int) -> Media:
    """Without a handle where it is larger than Telegram lets a bot fetch: the person is told so."""
    handle = _tidy(file.file_id) if file.file_size <= largest else ""
    return Media(kind, handle, _tidy(message.caption), file.file_size, _tidy(message.media_group_id)[:64])


def _contact(contact: Contact, sender: User | None) -> str:
    """The number, and whose it is; of somebody's own number no name, for nobody has to give theirs (channels.md §2.7)."""
    number = _tidy(contact.phone_number)
    if sender is not None and contact.user_id == sender.id:
        return f"{number} (số của người nhắn)"
    return " ".join(filter(None, (number, _tidy(contact.first_name), _tidy(contact.last_name))))


def _place(location: Location) -> Media | None:
    """Degrees with five decimals, about one metre."""
    lat, lon = location.latitude, location.longitude
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return None
    return Media("location", f"{lat:.5f},{lon:.5f}")


def _named(venue: Venue) -> str:
    """What the place that was sent is called, and its address."""
    return ", ".join(filter(None, (tidy(venue.title), tidy(venue.address))))[:MOST_NAMED]


def _press(update_id: int, query: CallbackQuery) -> Inbound | Ignored:
    chat = query.message.chat if query.message else Chat(query.sender.id, "private")
    if chat.type != "private":
        return NOT_PRIVATE
    press = {"id": _tidy(query.id)[:64], "chat": str(chat.id), "data": _tidy(query.data)[:64]}
    if query.message is not None:
        press |= {"message_id": str(query.message.message_id), "label": _label(query)}
    return Inbound(
        channel=CHANNEL,
        external_id=str(update_id),
        address=str(chat.id),
        event=_chose(query.data),
        press=press,
        language=_language(query.sender),
    )


def _label(query: CallbackQuery) -> str:
    """What stood on the button, so that the old keyboard can be replaced by what was chosen; empty if not known."""
    keyboard = query.message.reply_markup if query.message else None
    keys = [key for row in keyboard.inline_keyboard for key in row] if keyboard else []
    return next((_tidy(key.text)[:64] for key in keys if key.callback_data == query.data), "")


def _chose(pressed: str) -> Chose:
    answer = _ANSWER.fullmatch(pressed)
    if answer:
        return Chose((answer[2],), int(answer[1]))
    if _OFFICER.fullmatch(pressed):
        return Chose((pressed,), None)
    return UNKNOWN_BUTTON


def _member(update_id: int, update: MemberUpdate) -> Inbound | Ignored:
    """Somebody blocked the bot. That they let it in again is known when they write."""
    if update.chat.type != "private":
        return NOT_PRIVATE
    if update.new_chat_member.status != "kicked":
        return UNKNOWN_KIND
    return Inbound(channel=CHANNEL, external_id=str(update_id), address=str(update.chat.id), event=Gone())


def _language(sender: User | None) -> str:
    code = sender.language_code if sender else ""
    return code if _LANGUAGE.fullmatch(code) else ""
