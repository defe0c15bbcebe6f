"""The webhook: only Telegram gets in, and it hears 200 only when the update is stored."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import uvicorn
from starlette.applications import Starlette

from bot.channels.base import Button, Inbound, Message
from bot.channels.telegram.send import TelegramChannel
from bot.channels.telegram.set_up import Way, set_up
from bot.channels.telegram.webhook import HEADER, webhook_route
from bot.channels.wire.receiving import LARGEST_BODY
from flows.model import Said
from storage.base import StorageAway
from tests.fakes.telegram import TOKEN, FakeTelegram

AN, BINH = 7, 8
SECRET = "a-secret-of-32-signs-for-the-test"
UPDATE = {"update_id": 5, "message": {"message_id": 1, "chat": {"id": AN, "type": "private"}, "text": "cứu em với"}}


class Service:
    """Our side: the route on a real server, and what it stored (once an update, as storage does)."""

    def __init__(self) -> None:
        self.stored: dict[str, Inbound] = {}
        self.received = 0
        self.away = 0
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.url = ""

    async def receive(self, inbound: Inbound) -> None:
        self.received += 1
        if self.gate and inbound.address == str(AN):
            await self.gate.wait()
        if self.error:
            raise self.error
        if self.away:
            self.away -= 1
            raise StorageAway
        self.stored.setdefault(inbound.external_id, inbound)

    def texts(self, chat: int) -> list[str]:
        return [
            one.event.text for one in self.stored.values() if one.address == str(chat) and isinstance(one.event, Said)
        ]

    async def post(self, body: bytes, secret: str | None = SECRET) -> int:
        headers = {} if secret is None else {HEADER: secret}
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.url, data=io.BytesIO(body), headers=headers) as response,
        ):
            return response.status


@asynccontextmanager
async def running(service: Service, channel: TelegramChannel) -> AsyncIterator[None]:
    app = Starlette(routes=[webhook_route(channel, SECRET, service.receive)])
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none", log_config=None
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    service.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/telegram"
    try:
        yield
    finally:
        await server.shutdown()


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(retry_s=0.001) as server:
        yield server


@pytest.fixture
async def service(telegram: FakeTelegram) -> AsyncIterator[Service]:
    found, channel = Service(), TelegramChannel(TOKEN, api=telegram.url)
    async with running(found, channel):
        await set_up(channel.bot, Way(found.url, SECRET))
        yield found
    await channel.close()


async def test_what_people_write_arrives_through_the_webhook(telegram, service):
    telegram.say(AN, "xin chào")
    telegram.send_location(AN, 21.85, 106.76)
    await telegram.settled()
    assert [status for _, status in telegram.posted] == [200, 200]
    assert len(service.stored) == 2


async def test_a_pressed_button_stops_waiting_with_the_answer_to_its_own_update(telegram, service):
    bot = TelegramChannel(TOKEN, api=telegram.url)
    telegram.say(AN, "xin chào")
    await telegram.settled()
    await bot.send(str(AN), Message(("Bạn có an toàn không?",), (Button("p1:safe", "An toàn"),)))
    telegram.press(AN, "An toàn")
    await telegram.settled()
    (call,) = telegram.called("answerCallbackQuery")
    assert call.status == 200
    assert "id" not in [*service.stored.values()][-1].press, "it is not to be answered a second time"
    await bot.close()


async def test_a_press_that_was_not_stored_is_not_answered(telegram, service):
    bot = TelegramChannel(TOKEN, api=telegram.url)
    telegram.say(AN, "xin chào")
    await telegram.settled()
    await bot.send(str(AN), Message(("Bạn có an toàn không?",), (Button("p1:safe", "An toàn"),)))
    service.away = 1
    telegram.press(AN, "An toàn")
    await telegram.settled()
    assert [status for _, status in telegram.posted[-2:]] == [503, 200]
    assert len(telegram.called("answerCallbackQuery")) == 1
    await bot.close()


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", "ạ"])
async def test_without_the_secret_nothing_is_stored(service, secret):
    assert await service.post(json.dumps(UPDATE).encode(), secret) == 403
    assert service.received == 0


async def test_a_wrong_secret_is_refused_before_the_body_is_read(service):
    head = f"POST /telegram HTTP/1.1\r\nHost: x\r\n{HEADER}: wrong\r\nContent-Length: 1000000\r\n\r\n"
    host, port = service.url.removeprefix("http://").removesuffix("/telegram").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head.encode())  # and not one byte of the body
    assert b" 403 " in await asyncio.wait_for(reader.readline(), 60)
    writer.close()


def test_an_empty_secret_is_refused_at_the_start():
    with pytest.raises(ValueError, match="secret is empty"):
        webhook_route(TelegramChannel(TOKEN), "", Service().receive)


async def test_an_update_that_comes_twice_is_answered_and_stored_once(telegram, service):
    number = telegram.say(AN, "một")
    await telegram.settled()
    telegram.repeat(number)
    await telegram.settled()
    assert [status for _, status in telegram.posted] == [200, 200]
    assert (service.received, len(service.stored)) == (2, 1)


async def test_while_storage_is_away_telegram_hears_503_and_sends_again_in_order(telegram, service):
    service.away = 2
    telegram.hold()
    for text in ("một", "hai", "ba"):
        telegram.say(AN, text)
    telegram.release()
    await telegram.settled()
    assert [status for _, status in telegram.posted] == [503, 503, 200, 200, 200]
    assert service.texts(AN) == ["một", "hai", "ba"]


async def test_200_comes_only_after_the_commit_and_others_do_not_wait(telegram, service):
    service.gate = asyncio.Event()
    answer = asyncio.create_task(service.post(json.dumps(UPDATE).encode()))
    telegram.say(BINH, "trong lúc đó")
    await telegram.settled()
    assert service.texts(BINH) == ["trong lúc đó"]
    assert not answer.done()
    service.gate.set()
    assert await answer == 200
    assert service.texts(AN) == ["cứu em với"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"update_id": "x"}', b"[" * 100_000])
async def test_a_body_that_cannot_be_read_is_taken_and_counted_without_its_content(service, body, caplog):
    logging.getLogger("nhipcau").addHandler(caplog.handler)
    assert await service.post(body) == 200
    assert await service.post(b"dau vet bi mat") == 200
    logging.getLogger("nhipcau").removeHandler(caplog.handler)
    assert '"count": 2' in caplog.text
    assert "dau vet" not in caplog.text
    assert service.received == 0


async def test_what_asks_nothing_of_us_is_taken_quietly(service, telegram):
    telegram.sends(AN, pinned_message={"message_id": 1})
    await telegram.settled()
    assert [status for _, status in telegram.posted] == [200]
    assert service.received == 0


async def test_a_body_above_one_mebibyte_is_refused(service):
    big = json.dumps({**UPDATE, "padding": "x" * LARGEST_BODY}).encode()
    assert await service.post(big) == 413

    async def without_a_length():
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    async with (
        aiohttp.ClientSession() as http,
        http.post(service.url, data=without_a_length(), headers={HEADER: SECRET}) as response,
    ):
        assert response.status == 413
    assert service.received == 0


async def test_an_unforeseen_fault_is_503_and_says_nothing_of_the_person(service, caplog):
    logging.getLogger("nhipcau").addHandler(caplog.handler)
    service.error = LookupError("dấu vết bí mật")
    assert await service.post(json.dumps(UPDATE).encode()) == 503
    logging.getLogger("nhipcau").removeHandler(caplog.handler)
    assert "LookupError" in caplog.text
    assert "dấu vết" not in caplog.text


async def test_a_get_is_not_the_webhook(service):
    async with aiohttp.ClientSession() as http, http.get(service.url, headers={HEADER: SECRET}) as response:
        assert response.status == 405
