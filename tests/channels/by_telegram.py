"""Telegram's door: the small Bot API of tests/fakes/telegram.py, by webhook."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import Route

from bot.channels.telegram.send import TelegramChannel
from bot.channels.telegram.set_up import Way, set_up
from bot.channels.telegram.webhook import webhook_route
from flows.model import Chose, CitizenEvent, Empty, Opened, Said, Sent
from tests.channels.driver import NotThere, Receive, Shown, numbers
from tests.fakes.telegram import TOKEN, FakeTelegram

SECRET = "a-secret-of-32-signs-for-the-test"


class TelegramDoor:
    """See `tests.channels.driver.Door`."""

    name = "telegram"

    def __init__(self) -> None:
        self.telegram = FakeTelegram(retry_s=0.01)
        self._numbers = numbers()
        self._last = 0

    async def start(self) -> None:
        await self.telegram.start()
        self.channel = TelegramChannel(TOKEN, api=self.telegram.url)

    async def stop(self) -> None:
        await self.telegram.stop()

    def route(self, receive: Receive) -> Route:
        return webhook_route(self.channel, SECRET, receive)

    async def knock(self, url: str) -> None:
        await set_up(self.channel.bot, Way(url, SECRET))

    def address(self) -> str:
        return str(next(self._numbers))

    async def does(self, address: str, event: CitizenEvent) -> None:
        self._last = self._begin(int(address), event)
        await self.telegram.settled()

    def _begin(self, chat: int, event: CitizenEvent) -> int:
        match event:
            case Opened(payload):
                return self.telegram.say(chat, f"/start {payload}".strip())
            case Said(text):
                return self.telegram.say(chat, text)
            case Chose(ids, prompt) if len(ids) == 1:
                return self._press(chat, f"p{prompt}:{ids[0]}")
            case Sent(media):
                return self._send(chat, media.kind, media.caption)
            case Empty():
                return self.telegram.sends(chat, dice={"emoji": "🎲", "value": 3})
        raise NotThere(f"nobody can do this on Telegram: {event}")

    def _press(self, chat: int, data: str) -> int:
        """A button that is shown, or was until a moment ago."""
        try:
            return self.telegram.press(chat, data)
        except LookupError:
            return self.telegram._pressed(chat, self.telegram.shown(chat)[-1], data)

    def _send(self, chat: int, kind: str, caption: str) -> int:
        more = {"caption": caption} if caption else {}
        if kind == "photo":
            return self.telegram.send_photo(chat, caption)
        if kind == "location":
            return self.telegram.send_location(chat, 21.85, 106.76)
        if kind == "contact":
            return self.telegram.sends(chat, contact={"phone_number": caption, "first_name": ""})
        return self.telegram.sends(chat, **{kind: self.telegram._file(kind, b"content")}, **more)

    async def again(self) -> None:
        self.telegram.repeat(self._last)
        await self.telegram.settled()

    def shown(self, address: str) -> Sequence[Shown]:
        rows = [(one["text"], one.get("reply_markup", {})) for one in self.telegram.shown(int(address))]
        return [
            Shown(text, tuple((b["text"], b["callback_data"]) for row in keys.get("inline_keyboard", []) for b in row))
            for text, keys in rows
        ]
