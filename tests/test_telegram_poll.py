"""Long polling: nothing is acknowledged before it is stored, and one bad moment does not lose or reorder anything."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bot.channels.base import Inbound
from bot.channels.telegram.poll import poll
from bot.channels.telegram.request import AiohttpRequest
from bot.channels.telegram.send import TelegramChannel
from bot.channels.telegram.set_up import Way, set_up_at_last
from flows.model import Said
from storage.base import StorageAway
from tests.fakes.telegram import TOKEN, FakeTelegram

AN, BINH = 7, 8


class Book:
    """What was received, in order; before each, `first` may wait or raise."""

    def __init__(self, first: Callable[[Inbound], Awaitable[None]] | None = None) -> None:
        self.all: list[Inbound] = []
        self.first = first

    async def receive(self, inbound: Inbound) -> None:
        if self.first:
            await self.first(inbound)
        self.all.append(inbound)

    def texts(self, chat: int) -> list[str]:
        return [said(one) for one in self.all if one.address == str(chat)]


def said(inbound: Inbound) -> str:
    return inbound.event.text if isinstance(inbound.event, Said) else repr(inbound.event)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


@asynccontextmanager
async def polling(telegram: FakeTelegram, book: Book) -> AsyncIterator[asyncio.Task[None]]:
    channel = TelegramChannel(TOKEN, api=telegram.url, request=AiohttpRequest(read_timeout=0.3))
    stop = asyncio.Event()
    task = asyncio.create_task(poll(channel, book.receive, stop, first_wait_s=0.001))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)
        await channel.close()


async def test_what_people_write_is_received_once_and_acknowledged(telegram):
    book = Book()
    telegram.say(AN, "trước khi có ai nghe")
    async with polling(telegram, book):
        await telegram.settled()
        telegram.say(AN, "sau đó")
        telegram.send_voice(BINH)
        await telegram.settled()
    assert book.texts(AN) == ["trước khi có ai nghe", "sau đó"]
    assert len(book.all) == 3


async def test_an_update_is_acknowledged_only_after_it_was_stored(telegram):
    stored = asyncio.Event()

    async def slowly(_: Inbound) -> None:
        await stored.wait()

    book = Book(slowly)
    async with polling(telegram, book):
        telegram.say(AN, "một")
        await telegram.until(lambda: len(telegram.called("getUpdates")) == 1)
        telegram.say(BINH, "hai")
        assert [call.fields["offset"] for call in telegram.called("getUpdates")] == [0]
        assert len(telegram.pending) == 2
        stored.set()
        await telegram.settled()
    assert len(book.all) == 2


async def test_one_chat_keeps_its_order_while_others_go_on(telegram):
    gate = asyncio.Event()

    async def an_is_slow(inbound: Inbound) -> None:
        if inbound.address == str(AN):
            await gate.wait()
        elif said(inbound) == "b2":
            gate.set()  # only reached if Bình does not wait for An

    book = Book(an_is_slow)
    telegram.hold()
    for text in ("a1", "a2", "a3"):
        telegram.say(AN, text)
    for text in ("b1", "b2"):
        telegram.say(BINH, text)
    telegram.release()
    async with polling(telegram, book):
        await telegram.settled()
    assert book.texts(AN) == ["a1", "a2", "a3"]
    assert book.texts(BINH) == ["b1", "b2"]


async def test_what_storage_did_not_take_comes_again_and_keeps_its_place(telegram):
    away = {"a2": 3}

    async def sometimes_away(inbound: Inbound) -> None:
        if away.get(said(inbound), 0):
            away[said(inbound)] -= 1
            raise StorageAway

    book = Book(sometimes_away)
    telegram.hold()
    for chat, text in ((AN, "a1"), (AN, "a2"), (BINH, "b1"), (AN, "a3")):
        telegram.say(chat, text)
    telegram.release()
    async with polling(telegram, book):
        await telegram.settled()
    assert book.texts(AN) == ["a1", "a2", "a3"]
    assert book.texts(BINH) == ["b1"]


async def test_a_process_that_ends_before_the_commit_leaves_the_update_to_the_next(telegram):
    async def away(_: Inbound) -> None:
        raise StorageAway

    telegram.say(AN, "cứu em với")
    async with polling(telegram, Book(away)):
        await telegram.until(lambda: len(telegram.called("getUpdates")) > 3)
    assert len(telegram.pending) == 1
    book = Book()
    async with polling(telegram, book):
        await telegram.settled()
    assert book.texts(AN) == ["cứu em với"]


async def test_one_update_that_always_fails_does_not_stop_the_others(telegram, caplog):
    broken = {"on": True}

    async def an_is_broken(inbound: Inbound) -> None:
        if broken["on"] and inbound.address == str(AN):
            raise LookupError("dấu vết bí mật")

    logging.getLogger("nhipcau").addHandler(caplog.handler)
    book = Book(an_is_broken)
    telegram.hold()
    telegram.say(AN, "a1")
    for i in range(250):  # more than Telegram shows at once
        telegram.say(100 + i, "xin chào")
    telegram.say(AN, "a2")
    telegram.release()
    async with polling(telegram, book):
        await telegram.until(lambda: len(book.all) == 250)
        broken["on"] = False
        await telegram.until(lambda: len(book.texts(AN)) == 2)
        await telegram.settled()
    logging.getLogger("nhipcau").removeHandler(caplog.handler)
    assert book.texts(AN) == ["a1", "a2"]
    assert len(book.all) == 252
    assert "LookupError" in caplog.text
    assert "dấu vết" not in caplog.text


async def test_while_storage_is_away_for_all_everything_stays_with_telegram(telegram):
    async def away(_: Inbound) -> None:
        raise StorageAway

    telegram.hold()
    for i in range(150):
        telegram.say(100 + i, "xin chào")
    telegram.release()
    async with polling(telegram, Book(away)):
        await telegram.until(lambda: len(telegram.called("getUpdates")) > 5)
    assert len(telegram.pending) == 150


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502},
        {"status": 500, "times": 4},
        {"retry_after": 1, "times": 0},
        {"kind": "drop"},
        {"kind": "lost"},
        {"status": 401},
        {"status": 409, "description": "Conflict: terminated by other getUpdates request"},
    ],
)
async def test_a_bad_moment_of_the_network_loses_nothing(telegram, fault):
    book = Book()
    telegram.say(AN, "một")
    telegram.fault("getUpdates", **fault)
    telegram.fault("getUpdates", **fault)
    async with polling(telegram, book):
        await telegram.settled()
        telegram.say(AN, "hai")
        await telegram.settled()
    assert book.texts(AN) == ["một", "hai"]


async def test_an_answer_that_got_lost_makes_no_second_delivery_of_what_was_acknowledged(telegram):
    book = Book()
    async with polling(telegram, book):
        telegram.say(AN, "một")
        await telegram.settled()
        telegram.fault("getUpdates", kind="lost")
        telegram.say(AN, "hai")
        await telegram.settled()
        telegram.say(AN, "ba")
        await telegram.settled()
    assert book.texts(AN) == ["một", "hai", "ba"]


async def test_a_webhook_that_is_still_set_is_named_in_the_log(telegram, caplog):
    logging.getLogger("nhipcau").addHandler(caplog.handler)
    telegram.webhook = "http://127.0.0.1:1/"
    telegram.held = True
    async with polling(telegram, Book()):
        await telegram.until(lambda: len(telegram.called("getUpdates")) > 1)
    logging.getLogger("nhipcau").removeHandler(caplog.handler)
    assert "a webhook is set for it" in caplog.text
    assert TOKEN not in caplog.text


async def test_numbers_that_start_anew_after_a_quiet_week_are_received(telegram, monkeypatch):
    monkeypatch.setattr("bot.channels.telegram.poll.LONG_POLL_S", 0)
    book = Book()
    telegram.say(AN, "một")
    async with polling(telegram, book):
        await telegram.settled()
        asked = len(telegram.called("getUpdates"))
        await telegram.until(lambda: len(telegram.called("getUpdates")) > asked + 2)
        message = {"message_id": 90, "chat": {"id": AN, "type": "private"}, "text": "hai"}
        telegram.raw({"update_id": 5, "message": message})
        await telegram.until(lambda: len(book.all) == 2)
    assert book.texts(AN) == ["một", "hai"]


async def test_what_cannot_be_read_is_passed_over_and_counted(telegram, caplog):
    logging.getLogger("nhipcau").addHandler(caplog.handler)
    book = Book()
    telegram.raw({"update_id": 5, "message": {"message_id": "dấu vết", "chat": None}})
    telegram.say(AN, "xin chào")
    async with polling(telegram, book):
        await telegram.settled()
    logging.getLogger("nhipcau").removeHandler(caplog.handler)
    assert book.texts(AN) == ["xin chào"]
    assert "telegram.unreadable" in caplog.text
    assert "dấu vết" not in caplog.text


async def test_stop_ends_a_long_poll_at_once(telegram):
    async with polling(telegram, Book()) as task:
        await telegram.until(lambda: telegram.called("getUpdates"))
        assert not task.done()


async def test_set_up_waits_for_a_network_that_is_away_at_the_start(telegram, caplog):
    logging.getLogger("nhipcau").addHandler(caplog.handler)
    channel = TelegramChannel(TOKEN, api=telegram.url)
    telegram.fault("getMe", status=502, times=2)
    telegram.fault("deleteWebhook", status=401, skip=0)
    assert await set_up_at_last(channel.bot, Way(), asyncio.Event(), first_wait_s=0.001) == "nhipcau_test_bot"
    stop = asyncio.Event()
    stop.set()
    assert await set_up_at_last(channel.bot, Way(), stop) == ""
    await channel.close()
    logging.getLogger("nhipcau").removeHandler(caplog.handler)
    assert "Check NHIPCAU_TELEGRAM_TOKEN" in caplog.text
    assert TOKEN not in caplog.text
