"""The people of the small Telegram, their chats with the bot, and what is on its way to it. No network here."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.fakes import on_its_way

START = 1_795_000_000
TWO_DAYS = 48 * 3600


class Refused(Exception):
    """The Bot API's `ok: false`."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status, self.description, self.parameters = status, description, parameters


@dataclass
class Call:
    """One call that the bot made, with what it was answered (0: nothing) and the message that it left in the chat (0: none)."""

    method: str
    fields: dict[str, Any]
    status: int = 0
    made: int = 0


@dataclass
class Fault(on_its_way.Fault):
    """What goes wrong with calls to this chat (0: any)."""

    status: int = 500
    description: str = "Internal Server Error"
    retry_after: int = 0
    chat: int = 0

    @property
    def whom(self) -> int:
        return self.chat


class World(on_its_way.OnItsWay[dict[str, Any], Fault]):
    """One bot's chats."""

    def __init__(self) -> None:
        super().__init__(Fault)
        self.now = START
        self.calls: list[Call] = []
        self.chats: dict[int, dict[int, dict[str, Any]]] = {}
        self.blocked: set[int] = set()
        self.gone: set[int] = set()
        self.per_second = float("inf")
        self.per_chat = float("inf")
        self._sent_at: deque[tuple[float, int]] = deque()
        self._history: dict[int, dict[str, Any]] = {}
        self._allowed: list[str] = []
        self._queries: set[str] = set()
        self._updates = itertools.count(870_000_001)
        self._messages = itertools.count(1)
        self._ids = itertools.count(1)

    # ------------------------------------------------------------------------------------------- what people do

    def say(self, chat: int, text: str, **more: Any) -> int:
        """Somebody writes a text; returns the update's id, as all of these do."""
        return self.sends(chat, text=text, **more)

    def sends(self, chat: int, **content: Any) -> int:
        """Somebody sends a message with this content (any field of a Message)."""
        message = self._message(chat, self._user(chat), content)
        return self._update(chat, "message", message)

    def send_photo(self, chat: int, caption: str = "", content: bytes = b"\xff\xd8photo") -> int:
        small, large = self._file("photos", b"small"), self._file("photos", content)
        sizes = [{**small, "width": 90, "height": 60}, {**large, "width": 1280, "height": 853}]
        return self.sends(chat, photo=sizes, **({"caption": caption} if caption else {}))

    def send_voice(self, chat: int, content: bytes = b"OggS") -> int:
        return self.sends(chat, voice={**self._file("voice", content), "duration": 4, "mime_type": "audio/ogg"})

    def send_document(self, chat: int, content: bytes = b"%PDF", name: str = "giay.pdf") -> int:
        return self.sends(chat, document={**self._file("documents", content), "file_name": name})

    def send_album(self, chat: int, count: int = 3, caption: str = "") -> list[int]:
        """Several photos at once: one update each, the words with the first (channels.md §2.7)."""
        group = str(next(self._ids))
        sizes = [{**self._file("photos", b"\xff\xd8photo"), "width": 90, "height": 60} for _ in range(count)]
        return [
            self.sends(chat, photo=[size], media_group_id=group, **({"caption": caption} if caption and not at else {}))
            for at, size in enumerate(sizes)
        ]

    def edit(self, chat: int, message_id: int, **content: Any) -> int:
        """Somebody changes an earlier message of theirs; or the place that they show live is another now."""
        message = {**self.chats[chat][message_id], **content, "edit_date": self.now}
        self.chats[chat][message_id] = message
        return self._update(chat, "edited_message", message)

    def send_location(self, chat: int, latitude: float, longitude: float) -> int:
        return self.sends(chat, location={"latitude": latitude, "longitude": longitude})

    def send_contact(self, chat: int, phone: str) -> int:
        return self.sends(chat, contact={"phone_number": phone, "first_name": "Người quen"})

    def newest(self, chat: int) -> int:
        """The number of what this person wrote last."""
        return max(number for number, one in self.chats[chat].items() if not one["from"]["is_bot"])

    def unblock(self, chat: int) -> None:
        """They let the bot in again; it learns of it when they write."""
        self.blocked.discard(chat)
        self.gone.discard(chat)

    def delete_account(self, chat: int) -> None:
        """Somebody deletes their account: nobody tells the bot."""
        self.gone.add(chat)

    def press(self, chat: int, button: str, message_id: int = 0) -> int:
        """Somebody presses a button, named by its label or its data, in the newest message that shows it."""
        for message in reversed(list(self.chats.get(chat, {}).values())):
            if message_id not in (0, message["message_id"]):
                continue
            for shown in _buttons(message):
                if button in (shown["text"], shown["callback_data"]):
                    return self._pressed(chat, message, shown["callback_data"])
        raise LookupError(f"no button {button!r} is shown; there are {self.buttons(chat)}")

    def block(self, chat: int) -> int:
        """Somebody blocks the bot."""
        self.blocked.add(chat)
        member = {"user": {"id": 1234567, "is_bot": True, "first_name": "Nhịp Cầu"}}
        change = {
            "chat": _private(chat),
            "from": self._user(chat),
            "date": self.now,
            "old_chat_member": {**member, "status": "member"},
            "new_chat_member": {**member, "status": "kicked", "until_date": 0},
        }
        return self._update(chat, "my_chat_member", change)

    # -------------------------------------------------------------------------------------- what the network does

    def repeat(self, update_id: int) -> None:
        """Deliver an update once more, as Telegram does when it did not see the answer."""
        self._deliver(self._history[update_id])

    def raw(self, update: dict[str, Any]) -> None:
        """Deliver this update as it is."""
        self._deliver(update)

    def pass_time(self, seconds: int) -> None:
        self.now += seconds

    def forget_queries(self) -> None:
        """Every pressed button becomes too old to be answered."""
        self._queries.clear()

    # ---------------------------------------------------------------------------------------------- what is seen

    def shown(self, chat: int) -> list[dict[str, Any]]:
        """The bot's messages that this person sees now, the oldest first."""
        return [m for m in self.chats.get(chat, {}).values() if m["from"]["is_bot"]]

    def texts(self, chat: int) -> list[str]:
        return [message["text"] for message in self.shown(chat)]

    def buttons(self, chat: int) -> list[str]:
        """The labels under the newest message that has any."""
        with_buttons = [message for message in self.shown(chat) if _buttons(message)]
        return [button["text"] for button in _buttons(with_buttons[-1])] if with_buttons else []

    def called(self, *methods: str) -> list[Call]:
        """The calls of these methods (all but getUpdates if none is named), in order."""
        return [c for c in self.calls if c.method in methods or (not methods and c.method != "getUpdates")]

    # ------------------------------------------------------------------------------------------------- inner doings

    def _open(self, fields: dict[str, Any]) -> int:
        chat = int(fields.get("chat_id", 0))
        if chat in self.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if chat in self.gone:
            raise Refused(403, "Forbidden: user is deactivated")
        if chat not in self.chats:
            raise Refused(400, "Bad Request: chat not found")
        return chat

    def _count(self, chat: int, now: float) -> None:
        """Refuse what is faster than `per_second` in all and `per_chat` to one chat (channels.md §2.1: 30 and 1)."""
        while self._sent_at and self._sent_at[0][0] <= now - 1:
            self._sent_at.popleft()
        to_chat = sum(one == chat for _, one in self._sent_at)
        if len(self._sent_at) >= self.per_second or to_chat >= self.per_chat:
            raise Refused(429, "Too Many Requests: retry after 1", retry_after=1)
        self._sent_at.append((now, chat))

    def _found(self, fields: dict[str, Any]) -> dict[str, Any]:
        message = self.chats[self._open(fields)].get(int(fields["message_id"]))
        if message is None or not message["from"]["is_bot"]:
            raise Refused(400, "Bad Request: message to edit not found")
        return message

    def _edited(self, fields: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        message = self._found(fields)
        if {key: message[key] for key in ("text", "reply_markup") if key in message} == content:
            raise Refused(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message",
            )
        message.pop("reply_markup", None)
        message.update(content, edit_date=self.now)
        return message

    def _delete(self, chat: int, ids: Iterable[int]) -> None:
        if any(self.chats[chat][one]["date"] < self.now - TWO_DAYS for one in ids):
            raise Refused(400, "Bad Request: message can't be deleted for everyone")
        for one in ids:
            del self.chats[chat][one]

    def _message(self, chat: int, sender: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        number = next(self._messages)
        message = {"message_id": number, "from": sender, "chat": _private(chat), "date": self.now, **content}
        self.chats.setdefault(chat, {})[number] = message
        return message

    def _pressed(self, chat: int, message: dict[str, Any], pressed: str) -> int:
        query = f"43{next(self._ids):016d}"
        self._queries.add(query)
        body = {"id": query, "from": self._user(chat), "message": dict(message), "chat_instance": "1", "data": pressed}
        return self._update(chat, "callback_query", body)

    def _update(self, chat: int, kind: str, content: dict[str, Any]) -> int:
        number = next(self._updates)
        self._history[number] = {"update_id": number, kind: content}
        if not self._allowed or kind in self._allowed:
            self._deliver(self._history[number])
        return number

    def _deliver(self, update: dict[str, Any]) -> None:
        self.pending.append(update)
        self._changed()

    def _user(self, chat: int) -> dict[str, Any]:
        return {"id": chat, "is_bot": False, "first_name": "Người dùng", "language_code": "vi"}

    def _bot(self) -> dict[str, Any]:
        return {"id": 1234567, "is_bot": True, "first_name": "Nhịp Cầu", "username": "nhipcau_test_bot"}

    def _file(self, folder: str, content: bytes) -> dict[str, Any]:
        name = f"{folder}-{next(self._ids):04d}"
        self.files[name] = content
        return {"file_id": name, "file_unique_id": name[-8:], "file_size": len(content)}


def content_of(fields: dict[str, Any]) -> dict[str, Any]:
    text = str(fields.get("text", "")).strip()
    if not text:
        raise Refused(400, "Bad Request: message text is empty")
    if len(text.encode("utf-16-le")) // 2 > 4096:
        raise Refused(400, "Bad Request: message is too long")
    return {"text": text, **markup_of(fields)}


def markup_of(fields: dict[str, Any]) -> dict[str, Any]:
    rows = (fields.get("reply_markup") or {}).get("inline_keyboard", [])
    buttons = [button for row in rows for button in row]
    if len(buttons) > 100 or any(len(row) > 8 for row in rows):
        raise Refused(400, "Bad Request: REPLY_MARKUP_TOO_LONG")
    if any(not 1 <= len(button.get("callback_data", "").encode()) <= 64 for button in buttons):
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    if any(not button.get("text") for button in buttons):
        raise Refused(400, 'Bad Request: can\'t parse inline keyboard button: field "text" must be non-empty')
    return {"reply_markup": {"inline_keyboard": rows}} if buttons else {}


def _buttons(message: dict[str, Any]) -> list[dict[str, str]]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row]


def _private(chat: int) -> dict[str, Any]:
    return {"id": chat, "type": "private", "first_name": "Người dùng"}


def chat_of(update: dict[str, Any]) -> int:
    """The chat whose order this update keeps; 0 where there is none."""
    for content in update.values():
        if isinstance(content, dict):
            chat = (content.get("message") or content).get("chat") or {}
            return int(chat.get("id", 0))
    return 0
