"""The people of the small Zalo, their chats with the account, its tokens and limits. No network here (channels.md §1.2)."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from typing import Any

from tests.fakes import on_its_way

START = 1_795_000_000.0
DAY = 86_400.0
ACCESS_LIVES_S = 25 * 3600
LONGEST = 2000
THINKS_S = 5.0
"""Between two things that people do, unless a test says that they are quick."""
BUTTON_TYPES = ("oa.query.show", "oa.query.hide", "oa.open.url", "oa.open.phone", "oa.open.sms")


class Refused(Exception):
    """An answer with an error's number."""

    def __init__(self, error: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.error, self.message, self.status = error, message, status


@dataclass
class Call:
    """One call that was made, with the error it was answered with (None: nothing was answered)."""

    method: str
    body: dict[str, Any]
    token: str
    error: int | None = None
    at: float = 0.0


@dataclass
class Fault(on_its_way.Fault):
    """What goes wrong with calls (`message/cs`, `access_token`) for this person (empty: anybody): this number and HTTP status."""

    error: int = -200
    status: int = 200
    person: str = ""

    @property
    def whom(self) -> str:
        return self.person


@dataclass
class Event:
    """One event on its way to the webhook."""

    id: str
    person: str
    raw: bytes


class World(on_its_way.OnItsWay[Event, Fault]):
    """One OA's chats."""

    def __init__(self) -> None:
        super().__init__(Fault)
        self.app_id, self.account = "360846524940903967", "388613280878808645"
        self.key, self.app_secret = "OA_SECRET_KEY", "APP_SECRET"
        self.now = START
        self.thinks_s = THINKS_S
        self.per_minute = 4000
        self.takes_buttons = True
        self.calls: list[Call] = []
        self.chats: dict[str, list[dict[str, Any]]] = {}
        self.heard_at: dict[str, float] = {}
        self.blocked: set[str] = set()
        self.restricted: set[str] = set()
        self.access, self.access_until = "", 0.0
        self._numbers = itertools.count(1)
        self.refresh = self._token("refresh")
        self.used: set[str] = set()
        self._history: dict[str, Event] = {}

    # ------------------------------------------------------------------------------------------- what people do

    def say(self, person: str, text: str, **more: Any) -> str:
        """Somebody writes a text; returns the event's id, as all of these do."""
        return self._writes(person, "user_send_text", {"text": text, **more})

    def press(self, person: str, button: str) -> str:
        """Somebody presses a button, named by its title or payload, in the newest message that shows it."""
        for message in reversed(self.chats.get(person, [])):
            for one in message["buttons"]:
                if button in (one["title"], one["payload"]):
                    return self.say(person, one["payload"])
        raise LookupError(f"no button {button!r} is shown; there are {self.buttons(person)}")

    def send_image(self, person: str, text: str = "", content: str = "\xff\xd8photo", count: int = 1) -> str:
        urls = [self._file(content) for _ in range(count)]
        found = [{"type": "image", "payload": {"thumbnail": url, "url": url}} for url in urls]
        return self._writes(person, "user_send_image", _with(text, attachments=found))

    def send_gif(self, person: str) -> str:
        url = self._file("GIF89a")
        return self._attached(person, "gif", {"thumbnail": url, "url": url})

    def send_audio(self, person: str) -> str:
        return self._attached(person, "audio", {"url": self._file("\xff\xf1audio")})

    def send_video(self, person: str, text: str = "") -> str:
        url = self._file("video")
        return self._attached(person, "video", {"url": url, "thumbnail": url, "description": ""}, text)

    def send_file(self, person: str, text: str = "", name: str = "giay.pdf") -> str:
        content = "%PDF"
        check = hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
        payload = {"size": "4", "name": name, "checksum": check, "type": "pdf", "url": self._file(content)}
        return self._attached(person, "file", payload, text)

    def send_sticker(self, person: str) -> str:
        return self._attached(person, "sticker", {"url": self._file("sticker"), "id": "27a3b1f4"})

    def send_location(self, person: str, latitude: float, longitude: float, text: str = "") -> str:
        where = {"coordinates": {"latitude": str(latitude), "longitude": str(longitude)}}
        return self._attached(person, "location", where, text)

    def send_link(self, person: str, url: str, description: str = "", text: str = "") -> str:
        return self._attached(person, "link", {"thumbnail": "", "description": description, "url": url}, text)

    def send_card(self, person: str, phone: str = "") -> str:
        payload = {"thumbnail": "", "description": json.dumps({"phone": phone}), "url": ""}
        found = [{"type": "link", "payload": payload}]
        return self._writes(person, "user_send_business_card", {"attachments": found})

    def submit_info(self, person: str, phone: str) -> str:
        info = {"phone": phone, "name": "Người dùng", "address": ""}
        return self._event(person, {**self._from(person), "event_name": "user_submit_info", "info": info}, heard=True)

    def sends_nothing(self, person: str) -> str:
        """Something arrives that holds nothing."""
        return self._writes(person, "user_send_text", {"text": ""})

    def sees(self, person: str) -> str:
        """Zalo tells that somebody saw a message. That is no word of theirs."""
        body = {**self._from(person), "event_name": "user_seen_message", "message": {"msg_ids": ["1"]}}
        return self._event(person, body, heard=False)

    def follow(self, person: str) -> str:
        return self._followed(person, "follow")

    def unfollow(self, person: str) -> str:
        return self._followed(person, "unfollow")

    def block(self, person: str) -> None:
        """Somebody blocks the account."""
        self.blocked.add(person)

    def restrict(self, person: str) -> None:
        """Somebody takes no more messages of this kind."""
        self.restricted.add(person)

    def anonymous(self, person: str, conversation: str, text: str) -> str:
        """Somebody writes whom Zalo does not name."""
        body = {**self._from(person), "event_name": "anonymous_send_text"}
        message = {"text": text, "msg_id": self._id(), "conversation_id": conversation}
        return self._event(person, {**body, "message": message}, heard=True)

    # ----------------------------------------------------------------------------------- what the account's people do

    def staff_says(self, person: str, text: str, admin: str = "7788990011") -> str:
        """One of the staff types in Zalo's own window."""
        self._show(person, text, [])
        return self._echo(person, text, admin)

    def _echo(self, person: str, text: str, admin: str = "") -> str:
        sender = {"id": self.account, **({"admin_id": admin} if admin else {})}
        body = {
            "app_id": self.app_id, "sender": sender, "recipient": {"id": person}, "event_name": "oa_send_text",
            "message": {"text": text, "msg_id": self._id()}, "timestamp": self._moment(),
        }  # fmt: skip
        return self._event(person, body, heard=False)

    # -------------------------------------------------------------------------------------- what the network does

    def repeat(self, event: str) -> None:
        """Deliver an event once more."""
        self._deliver(self._history[event])

    def raw(self, body: dict[str, Any]) -> None:
        """Deliver this body as it is, signed."""
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        self._deliver(Event(f"raw-{next(self._numbers)}", "", content))

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def expire_tokens(self) -> None:
        """The access token ends before its time."""
        self.access_until = 0.0

    # ------------------------------------------------------------------------------------------------- its own rules

    def renew(self, form: dict[str, Any], secret: str) -> dict[str, str]:
        """A new pair for a refresh token that was not used before. The old access token is dead from here on."""
        if secret != self.app_secret or form.get("app_id") != self.app_id:
            raise Refused(-14002, "Invalid app")
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh:
            raise Refused(-14014, "Invalid refresh token")
        self.used.add(self.refresh)
        self.refresh, self.access = self._token("refresh"), self._token("access")
        self.access_until = self.now + ACCESS_LIVES_S
        return {"access_token": self.access, "refresh_token": self.refresh, "expires_in": "90000"}

    def take_message(self, call: Call) -> dict[str, Any]:
        """Show a message to its person, or say why not."""
        call.at = self.now
        if call.token != self.access or self.now >= self.access_until:
            raise Refused(-216, "Access token is invalid")
        if len(self.minute()) > self.per_minute:
            raise Refused(-32, "Rate limit exceeded")
        recipient = call.body.get("recipient", {})
        person = recipient.get("user_id") or f"{recipient.get('anonymous_id')}"
        text, buttons = self._content(call.body.get("message", {}))
        self._may_reach(person)
        number = self._show(person, text, buttons)
        self._echo(person, text)
        free = self.now - self.heard_at[person] <= 2 * DAY
        quota = {"quota": {"quota_type": "reply"}} if free else {}
        return {"message_id": number, "user_id": person, "sent_time": self._moment(), **quota}

    def minute(self) -> list[Call]:
        """The calls of this minute."""
        return [call for call in self.calls if call.method == "message/cs" and call.at > self.now - 60]

    def _may_reach(self, person: str) -> None:
        if person not in self.heard_at:
            raise Refused(-213, "User has not followed OA")
        if person in self.blocked:
            raise Refused(-227, "User is banned or has been inactive for more than 45 days")
        if person in self.restricted:
            raise Refused(-244, "User has restricted this type of message")
        if self.now - self.heard_at[person] > 7 * DAY:
            raise Refused(-230, "User has not interacted with the OA in the past 7 days")

    def _content(self, message: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
        text = message.get("text", "")
        if not isinstance(text, str) or not 1 <= len(text.encode("utf-16-le")) // 2 <= LONGEST:
            raise Refused(-201, "text is invalid")
        attachment = message.get("attachment")
        if not attachment:
            return text, []
        buttons = attachment.get("payload", {}).get("buttons", [])
        if not self.takes_buttons or attachment.get("type") != "template":
            raise Refused(-233, "Message type is not supported")
        if not 1 <= len(buttons) <= 5 or any(not _is_button(one) for one in buttons):
            raise Refused(-201, "buttons are invalid")
        return text, buttons

    # ---------------------------------------------------------------------------------------------- what is seen

    def shown(self, person: str) -> list[dict[str, Any]]:
        """The account's messages that this person sees, the oldest first: text and buttons."""
        return self.chats.get(person, [])

    def texts(self, person: str) -> list[str]:
        return [message["text"] for message in self.shown(person)]

    def buttons(self, person: str) -> list[str]:
        """The titles under the newest message."""
        return [button["title"] for button in self.shown(person)[-1]["buttons"]] if self.shown(person) else []

    def called(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    # ------------------------------------------------------------------------------------------------- inner doings

    def _attached(self, person: str, kind: str, payload: dict[str, Any], text: str = "") -> str:
        found = [{"type": kind, "payload": payload}]
        return self._writes(person, f"user_send_{kind}", _with(text, attachments=found))

    def _writes(self, person: str, name: str, message: dict[str, Any]) -> str:
        body = {**self._from(person), "event_name": name, "message": {**message, "msg_id": self._id()}}
        return self._event(person, body, heard=True)

    def _followed(self, person: str, name: str) -> str:
        body = {
            "app_id": self.app_id, "oa_id": self.account, "user_id_by_app": f"9{person}", "event_name": name,
            "follower": {"id": person}, "source": "oa_profile", "timestamp": self._moment(),
        }  # fmt: skip
        return self._event(person, body, heard=name == "follow")

    def _from(self, person: str) -> dict[str, Any]:
        self.now += self.thinks_s
        return {
            "app_id": self.app_id, "sender": {"id": person}, "user_id_by_app": f"9{person}",
            "recipient": {"id": self.account}, "timestamp": self._moment(),
        }  # fmt: skip

    def _event(self, person: str, body: dict[str, Any], *, heard: bool) -> str:
        if heard:
            self.heard_at[person] = self.now
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        event = Event(f"event-{next(self._numbers)}", person, content)
        self._history[event.id] = event
        self._deliver(event)
        return event.id

    def _deliver(self, event: Event) -> None:
        self.pending.append(event)
        self._changed()

    def _show(self, person: str, text: str, buttons: list[dict[str, Any]]) -> str:
        number = self._id()
        self.chats.setdefault(person, []).append({"message_id": number, "text": text, "buttons": buttons})
        return number

    def _moment(self) -> str:
        """Milliseconds, as a text; no two things happen in the same one."""
        self.now += 0.001
        return str(round(self.now * 1000))

    def _id(self) -> str:
        return hashlib.sha256(f"message {next(self._numbers)}".encode()).hexdigest()[:20]

    def _token(self, kind: str) -> str:
        return f"{kind}-token-of-the-small-zalo-{next(self._numbers)}"

    def _file(self, content: str) -> str:
        name = f"file{next(self._numbers)}"
        self.files[name] = content.encode("latin-1", "replace")
        return f"{self.url}/files/{name}"


def _with(text: str, **more: Any) -> dict[str, Any]:
    return {**({"text": text} if text else {}), **more}


def _is_button(button: dict[str, Any]) -> bool:
    title, payload = button.get("title", ""), button.get("payload")
    return (
        isinstance(title, str)
        and 1 <= len(title) <= 100
        and button.get("type") in BUTTON_TYPES
        and (payload.startswith("#") if isinstance(payload, str) else isinstance(payload, dict))
    )
