"""The Zalo Bot Platform's door: the small platform of tests/fakes/zalo_bot.py, by webhook. Nothing can be pressed there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from starlette.routing import Route

from bot.channels.zalo_bot.send import ZaloBotChannel
from bot.channels.zalo_bot.set_up import Way, set_up
from bot.channels.zalo_bot.webhook import webhook_route
from flows.model import CitizenEvent, Empty, Opened, Said, Sent
from tests.channels.driver import NotThere, Receive, Shown, numbers
from tests.fakes.zalo_bot import TOKEN, FakeZaloBot

SECRET = "a-secret-of-32-signs-for-the-test"
SAID_HERE = {
    "Chúng tôi chưa hiểu. Bạn thử lại giúp, hoặc bấm một nút ở dưới.": ["Chúng tôi chưa hiểu. Bạn thử lại giúp."],
    "Muốn nói chuyện với người thật, bạn bấm nút “Gặp người thật”, hoặc gọi 111.": [
        "Muốn nói chuyện với người thật, bạn nhắn “Gặp người thật”, hoặc gọi 111."
    ],
    "Đã dừng. Khi nào tiện, bạn chỉ cần nhắn một chữ.": [
        "Tin cũ vẫn nằm trong máy. Bạn tự xóa cuộc trò chuyện này giúp.",
        "Đã dừng. Khi nào tiện, bạn chỉ cần nhắn một chữ.",
    ],
}
"""What is said otherwise where nothing can be pressed and nothing can be taken back."""


class ZaloBotDoor:
    """See `tests.channels.driver.Door`."""

    name = "zalo_bot"

    def __init__(self) -> None:
        self.zalo = FakeZaloBot(retry_s=0.01)
        self._numbers = numbers()
        self._last = ""

    async def start(self) -> None:
        await self.zalo.start()
        self.channel = ZaloBotChannel(TOKEN, api=self.zalo.url)

    async def stop(self) -> None:
        await self.zalo.stop()

    def route(self, receive: Receive) -> Route:
        return webhook_route(self.channel, SECRET, receive)

    async def knock(self, url: str) -> None:
        await set_up(self.channel.api, Way(url, SECRET))

    def address(self) -> str:
        return hashlib.blake2b(str(next(self._numbers)).encode(), digest_size=10).hexdigest()

    async def does(self, address: str, event: CitizenEvent) -> None:
        self._last = self._begin(address, event)
        await self.zalo.settled()

    def _begin(self, chat: str, event: CitizenEvent) -> str:
        match event:
            case Opened(payload) if not payload:
                return self.zalo.say(chat, "bắt đầu")
            case Said(text):
                return self.zalo.say(chat, text)
            case Sent(media) if media.kind == "photo":
                return self.zalo.send_photo(chat, media.caption)
            case Sent(media) if media.kind == "voice" and not media.caption:
                return self.zalo.send_voice(chat)
            case Sent(media) if media.kind == "sticker" and not media.caption:
                return self.zalo.send_sticker(chat)
            case Empty():
                return self.zalo.withhold(chat)
        raise NotThere(f"nobody can do this on the Zalo Bot Platform: {event}")

    async def again(self) -> None:
        self.zalo.repeat(self._last)
        await self.zalo.settled()

    def shown(self, address: str) -> Sequence[Shown]:
        return [Shown(text) for text in self.zalo.texts(address)]
