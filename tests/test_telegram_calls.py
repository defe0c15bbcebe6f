"""What else is asked of Telegram: clearing a chat, files, the set-up at the start; and what no error and no log may hold."""

import logging
import traceback
from collections.abc import AsyncIterator

import pytest
from telegram.error import TelegramError

from bot.channels.base import Inbound, Message, SendError
from bot.channels.telegram.read import read
from bot.channels.telegram.request import AiohttpRequest
from bot.channels.telegram.send import TelegramChannel
from bot.channels.telegram.set_up import Way, set_up
from flows.model import Sent
from tests.fakes.telegram import TOKEN, FakeTelegram

AN = 7
SECRET = Message(("dấu vết bí mật",))


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        server.say(AN, "/start")
        yield server


@pytest.fixture
async def channel(telegram: FakeTelegram) -> AsyncIterator[TelegramChannel]:
    found = TelegramChannel(TOKEN, api=telegram.url)
    yield found
    await found.close()


def file_sent(telegram: FakeTelegram) -> str:
    inbound = read(telegram.pending[-1])
    assert isinstance(inbound, Inbound)
    assert isinstance(inbound.event, Sent)
    return inbound.event.media.ref


# ----------------------------------------------------------------------------------------------- clearing, fetching


async def test_clearing_the_chat_takes_both_sides_in_hundreds(telegram, channel):
    ids = [(await channel.send(str(AN), Message((f"Câu {i}",)))).message_ids[0] for i in range(101)]
    await channel.clear(str(AN), ("1", *ids, "", "999999"))
    assert telegram.chats[AN] == {}
    assert [len(call.fields["message_ids"]) for call in telegram.called("deleteMessages")] == [100, 3]


async def test_one_message_that_is_too_old_does_not_keep_the_others(telegram, channel):
    old = (await channel.send(str(AN), Message(("Cũ",)))).message_ids
    telegram.pass_time(49 * 3600)
    new = (await channel.send(str(AN), Message(("Mới",)))).message_ids
    await channel.clear(str(AN), (*old, *new))
    assert telegram.texts(AN) == ["Cũ"]


async def test_clearing_says_when_it_must_be_tried_again(telegram, channel):
    telegram.fault("deleteMessages", status=502)
    with pytest.raises(SendError) as caught:
        await channel.clear(str(AN), ("1",))
    assert caught.value.what == "again"


async def test_a_photo_that_was_sent_is_fetched_for_evidence(telegram, channel):
    telegram.send_photo(AN, content=b"\xff\xd8 the large one")
    assert await channel.fetch(file_sent(telegram)) == b"\xff\xd8 the large one"


async def test_a_file_that_is_unknown_or_too_large_is_never_fetched(telegram, channel):
    telegram.send_document(AN, content=b"x" * (20 * 1024 * 1024 + 1))
    for one in (file_sent(telegram), "unknown"):
        with pytest.raises(SendError) as caught:
            await channel.fetch(one)
        assert caught.value.what == "never"


async def test_an_answer_without_end_is_not_read_to_its_end(telegram, channel, monkeypatch):
    monkeypatch.setattr("bot.channels.telegram.request.LARGEST_FILE", 100)
    telegram.send_document(AN, content=b"x" * 101)
    with pytest.raises(SendError) as caught:
        await channel.fetch(file_sent(telegram))
    assert (caught.value.what, caught.value.code) == ("never", "too_large")


# ----------------------------------------------------------------------------------------------------------- set-up


async def test_set_up_for_polling_drops_nothing_and_introduces_the_bot(telegram, channel):
    assert await set_up(channel.bot, Way()) == "nhipcau_test_bot"
    assert telegram.called("deleteWebhook")[0].fields["drop_pending_updates"] == "false"
    assert [c["command"] for c in telegram.profile["commands", ""]] == ["start", "nguoi", "gap", "ngonngu", "stop"]
    assert [c["command"] for c in telegram.profile["commands", "en"]] == [
        "start",
        "person",
        "urgent",
        "language",
        "stop",
    ]
    assert [c["description"] for c in telegram.profile["commands", ""]][2] == "Việc gấp", "anybody may see the menu"
    assert telegram.profile["description", ""].startswith("Đây là hệ thống tự động")
    assert telegram.profile["description", "en"].startswith("This is an automated system")


async def test_set_up_for_a_webhook_gives_the_secret_and_the_kinds(telegram, channel):
    await set_up(channel.bot, Way("https://example.invalid/telegram", "s" * 32))
    fields = telegram.called("setWebhook")[0].fields
    assert (fields["url"], fields["secret_token"]) == ("https://example.invalid/telegram", "s" * 32)
    assert fields["allowed_updates"] == ["message", "edited_message", "callback_query", "my_chat_member"]
    assert "sss" not in repr(Way("https://example.invalid/telegram", "s" * 32))
    with pytest.raises(ValueError, match="16 to 256"):
        await set_up(channel.bot, Way("https://example.invalid/telegram", "short"))


async def test_a_refused_description_does_not_stop_the_start(telegram, channel):
    telegram.fault("setMyDescription", retry_after=300, times=2)
    assert await set_up(channel.bot, Way())
    assert "description" not in {name for name, _ in telegram.profile}


# -------------------------------------------------------------------------------------------------------- no leaks


async def fails(channel: TelegramChannel, message: Message) -> SendError:
    with pytest.raises(SendError) as caught:
        await channel.send(str(AN), message)
    return caught.value


async def test_the_token_and_the_words_reach_no_log_and_no_error(telegram, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("nhipcau", "telegram", "aiohttp", "asyncio"):
        logging.getLogger(name).addHandler(caplog.handler)
    errors: list[str] = []
    for token in (TOKEN, "7654321:AAwrong-token-wrong-token"):
        channel = TelegramChannel(token, api=telegram.url, request=AiohttpRequest(read_timeout=0.2))
        for fault in ({"status": 401}, {"status": 500}, {"kind": "drop"}, {"kind": "hang"}, {"retry_after": 1}):
            telegram.fault("sendMessage", **fault)
            errors.append(_everything(await fails(channel, SECRET)))
        telegram.fault("getMe", status=401, times=int(token == TOKEN))
        with pytest.raises(SendError) as caught:
            await set_up(channel.bot, Way())
        errors.append(_everything(caught.value))
        errors += [repr(channel), str(channel)]
        await channel.close()
    await telegram.stop()
    channel = TelegramChannel(TOKEN, api="http://127.0.0.1:1")
    errors.append(_everything(await fails(channel, SECRET)))
    await channel.close()
    for name in ("nhipcau", "telegram", "aiohttp", "asyncio"):
        logging.getLogger(name).removeHandler(caplog.handler)
    for text in (caplog.text, *errors):
        assert "AAtest" not in text
        assert "AAwrong" not in text
        assert "dấu vết" not in text


@pytest.mark.parametrize("how", [{"kind": "drop"}, {"kind": "hang"}, {"retry_after": 1}, {"status": 302}])
async def test_no_error_of_the_carrier_holds_an_address(telegram, how):
    telegram.fault("getMe", **how)
    carrier = AiohttpRequest(read_timeout=0.1)
    with pytest.raises(TelegramError) as caught:
        await carrier.call(f"{telegram.url}/bot{TOKEN}/getMe", {})
    assert TOKEN not in _everything(caught.value)
    await carrier.shutdown()


def _everything(error: BaseException) -> str:
    """What any log could show of an error: itself and every error it says it came from."""
    return repr(error) + "".join(traceback.format_exception(error))
