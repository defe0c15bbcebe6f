"""The people of the small Zalo Bot Platform, their chats with the bot, and what is on its way to it. No network here."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import Any

from tests.fakes import on_its_way

START_MS = 1_795_000_000_000
THINKS_MS = 5_000
"""Between two things that people do, unless a test says that they are quick."""
MESSAGES_A_MONTH = 3000
"""The Basic plan (channels.md §0.2)."""


class Refused(Exception):
    """The Bot API's `ok: false`."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status


@dataclass
class Call:
    """One call that the bot made, with what it was answered (0: nothing)."""

    method: str
    fields: dict[str, Any]
    status: int = 0


@dataclass
class Fault(on_its_way.Fault):
    """What goes wrong with calls to this chat (empty: any). `in_a_200`: it stands in the body only, the HTTP status is 200."""

    status: int = 500
    description: str = "Internal Server Error"
    chat: str = ""
    in_a_200: bool = False

    @property
    def whom(self) -> str:
        return self.chat


class World(on_its_way.OnItsWay[dict[str, Any], Fault]):
    """One bot's chats."""

    def __init__(self, *, flat: bool = True) -> None:
        super().__init__(Fault)
        self.flat = flat
        self.now = START_MS
        self.thinks_ms = THINKS_MS
        self.plan = "BASIC"
        self.messages_left = MESSAGES_A_MONTH
        self.calls: list[Call] = []
        self.chats: dict[str, list[dict[str, Any]]] = {}
        self._history: dict[str, dict[str, Any]] = {}
        self._lanes: dict[int, str] = {}
        self._ids = itertools.count(1)

    # ------------------------------------------------------------------------------------------- what people do

    def say(self, chat: str, text: str) -> str:
        """Somebody writes a text; returns the message's id, as all of these do."""
        return self._event(chat, "message.text.received", text=text)

    def send_photo(self, chat: str, caption: str = "", field: str = "photo_url") -> str:
        """`field`: `photo_url` in live traffic, `photo` in the documents."""
        about: dict[str, Any] = {field: self._file("photo.jpg", b"\xff\xd8photo"), "message_type": "CHAT_PHOTO"}
        if caption:
            about["caption"] = caption
        return self._event(chat, "message.image.received", **about)

    def send_voice(self, chat: str) -> str:
        address = self._file("voice.aac", b"\xff\xf1voice")
        return self._event(chat, "message.voice.received", voice_url=address, message_type="CHAT_VOICE")

    def send_sticker(self, chat: str) -> str:
        return self._event(chat, "message.sticker.received", sticker="23300", url=self._file("sticker.png", b"\x89PNG"))

    def withhold(self, chat: str = "", text: str = "") -> str:
        """Somebody whom Zalo protects writes: the content stays there. Without a chat the event has no message at all.

        `text` is what they wrote; it goes nowhere. So come links, files, contact cards and places of anybody.
        """
        if not chat:
            return self._deliver({"event_name": "message.unsupported.received"}, f"nobody-{next(self._ids)}")
        return self._event(chat, "message.unsupported.received")

    def in_a_group(self, chat: str, text: str) -> str:
        """Somebody mentions the bot in a group."""
        group = {"id": "g" + chat, "chat_type": "GROUP"}
        return self._event(chat, "message.text.received", text=text, where=group)

    # -------------------------------------------------------------------------------------- what the network does

    def repeat(self, message: str) -> None:
        """Deliver an event once more."""
        self._put(self._history[message], self.lane_of(self._history[message]))

    def raw(self, event: dict[str, Any]) -> None:
        """Deliver this as it is."""
        self._put(event, "raw")

    def use_up(self, left: int = 0) -> None:
        """So many messages are left of the plan's month."""
        self.messages_left = left

    def forget_files(self) -> None:
        """The addresses of all files end."""
        self.files.clear()

    # ---------------------------------------------------------------------------------------------- what is seen

    def shown(self, chat: str) -> list[dict[str, Any]]:
        """The bot's messages that this person sees, the oldest first."""
        return self.chats.get(chat, [])

    def texts(self, chat: str) -> list[str]:
        return [str(one["text"]) for one in self.shown(chat)]

    def called(self, *methods: str) -> list[Call]:
        """The calls of these methods (all but getUpdates if none is named), in order."""
        return [c for c in self.calls if c.method in methods or (not methods and c.method != "getUpdates")]

    def lane_of(self, event: dict[str, Any]) -> str:
        """The chat whose order this event keeps."""
        return self._lanes.get(id(event), "")

    def id_of(self, event: dict[str, Any]) -> str:
        """The message's id, or empty."""
        return str((event.get("result", event).get("message") or {}).get("message_id", ""))

    # ------------------------------------------------------------------------------------------------- inner doings

    def _event(self, chat: str, name: str, *, where: dict[str, str] | None = None, **content: Any) -> str:
        self.chats.setdefault(chat, [])
        self.now += self.thinks_ms
        number = hashlib.blake2b(str(next(self._ids)).encode(), digest_size=10).hexdigest()
        message = {
            "message_id": number,
            "date": self.now,
            "from": {"id": chat, "display_name": "Người dùng", "is_bot": False},
            "chat": where or {"id": chat, "chat_type": "PRIVATE"},
            **content,
        }
        return self._deliver({"event_name": name, "message": message}, number, chat)

    def _deliver(self, event: dict[str, Any], number: str, lane: str = "") -> str:
        body = event if self.flat else {"ok": True, "result": event}
        self._history[number] = body
        self._put(body, lane or number)
        return number

    def _put(self, body: dict[str, Any], lane: str) -> None:
        self._lanes[id(body)] = lane
        self.pending.append(body)
        self._changed()

    def _open(self, fields: dict[str, Any]) -> str:
        chat = str(fields.get("chat_id", ""))
        if chat not in self.chats:  # a bot can write to nobody who has not written to it (channels.md §1.1)
            raise Refused(400, "Bad Request: chat not found")
        return chat

    def _shown_to(self, fields: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        chat = self._open(fields)
        if self.messages_left <= 0:
            raise Refused(429, "Quota exceeded")
        self.messages_left -= 1
        number = f"82599fa32f56{next(self._ids):08x}"
        self.chats[chat].append({"message_id": number, **content})
        return {"message_id": number, "date": self.now}

    def _file(self, name: str, content: bytes) -> str:
        key = f"{next(self._ids):04d}-{name}"
        self.files[key] = content
        return f"{self.url}/files/{key}"
