"""The Zalo Official Account's door: the small Zalo of tests/fakes/zalo_oa.py, by signed webhook."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import Route

from bot.channels.zalo_oa.api import ZaloOaApi
from bot.channels.zalo_oa.send import ZaloOaChannel
from bot.channels.zalo_oa.tokens import Pair, Tokens
from bot.channels.zalo_oa.webhook import webhook_route
from flows.model import Chose, CitizenEvent, Empty, Opened, Said, Sent, StaffWrote
from tests.channels.driver import NotThere, Receive, Shown, numbers
from tests.fakes.zalo_oa import FakeZaloOa


class InMemory:
    """A shelf of this process alone."""

    def __init__(self) -> None:
        self.pair: Pair | None = None
        self.puts = 0

    async def read(self) -> tuple[Pair | None, bytes]:
        return self.pair, str(self.puts).encode()

    async def put(self, pair: Pair, mark: bytes) -> bool:
        if mark != str(self.puts).encode():
            return False
        self.pair, self.puts = pair, self.puts + 1
        return True


async def no_alarm(trouble: str, serial: int) -> None:
    raise AssertionError(f"nothing is wrong with the token, but: {trouble}")


def channel_to(zalo: FakeZaloOa) -> ZaloOaChannel:
    """Our adapter for this account, with a first refresh token."""
    api = ZaloOaApi(app_id=zalo.app_id, app_secret=zalo.app_secret, api=zalo.url, oauth=zalo.url)
    return ZaloOaChannel(
        api, Tokens(InMemory(), api.renew, no_alarm, given=zalo.refresh, now=lambda: zalo.now), account=zalo.account
    )


class ZaloOaDoor:
    """See `tests.channels.driver.Door`."""

    name = "zalo_oa"

    def __init__(self) -> None:
        self.zalo = FakeZaloOa(retry_s=0.01)
        self._numbers = numbers()
        self._last = ""

    async def start(self) -> None:
        await self.zalo.start()
        self.channel = channel_to(self.zalo)

    async def stop(self) -> None:
        await self.zalo.stop()

    def route(self, receive: Receive) -> Route:
        return webhook_route(self.channel, self.zalo.app_id, self.zalo.key, receive)

    async def knock(self, url: str) -> None:
        assert await self.zalo.save_webhook(url) == 200

    def address(self) -> str:
        return str(next(self._numbers))

    async def does(self, address: str, event: CitizenEvent) -> None:
        self._last = self._begin(address, event)
        await self.zalo.settled()

    def _begin(self, person: str, event: CitizenEvent) -> str:
        match event:
            case Opened(payload) if not payload:
                return self.zalo.follow(person)
            case Said(text):
                return self.zalo.say(person, text)
            case Chose(ids, prompt) if len(ids) == 1:
                return self.zalo.press(person, f"#p{prompt}:{ids[0]}")
            case Sent(media):
                return self._send(person, media.kind, media.caption)
            case StaffWrote():
                return self.zalo.staff_says(person, "Chào bạn, tôi là người trực.")
            case Empty():
                return self.zalo.sends_nothing(person)
        raise NotThere(f"nobody can do this on a Zalo Official Account: {event}")

    def _send(self, person: str, kind: str, caption: str) -> str:
        if kind == "photo":
            return self.zalo.send_image(person, caption)
        if kind == "video":
            return self.zalo.send_video(person, caption)
        if kind == "document":
            return self.zalo.send_file(person, caption)
        if kind == "location":
            return self.zalo.send_location(person, 21.85, 106.76, caption)
        if caption:
            raise NotThere(f"no {kind} has words there")
        return {"voice": self.zalo.send_audio, "sticker": self.zalo.send_sticker, "contact": self.zalo.send_card}[kind](
            person
        )

    async def again(self) -> None:
        self.zalo.repeat(self._last)
        await self.zalo.settled()

    def shown(self, address: str) -> Sequence[Shown]:
        return [
            Shown(
                one["text"], tuple((button["title"], button["payload"].removeprefix("#")) for button in one["buttons"])
            )
            for one in self.zalo.shown(address)
        ]
