"""The Zalo Bot Platform's adapter against the fact sheet (channels.md §1.1): events in, texts out, what goes wrong."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bot.channels.base import Button, Ignored, Inbound, Message, SendError
from bot.channels.wire.numbered import numbered
from bot.channels.wire.receiving import LARGEST_BODY
from bot.channels.zalo_bot.poll import poll
from bot.channels.zalo_bot.read import read
from bot.channels.zalo_bot.send import LONGEST, ZaloBotChannel
from bot.channels.zalo_bot.set_up import Way, set_up
from bot.channels.zalo_bot.webhook import HEADER, webhook_route
from flows.model import Chose, Empty, Media, Opened, Said, Sent
from storage.base import StorageAway
from tests.fakes.zalo_bot import TOKEN, FakeZaloBot
from tests.world import SAID

AN = "6ede9afa66b88fe6d6a9"
SECRET = "a-secret-of-32-signs-for-the-test"


def event(name: str, **content: Any) -> dict[str, Any]:
    """A live event of a private chat, flat."""
    who = {"from": {"id": AN, "display_name": "Ted", "is_bot": False}, "chat": {"id": AN, "chat_type": "PRIVATE"}}
    return {
        "event_name": name,
        "message": {"message_id": "2d758cb5e222177a4e35", "date": 1750316131602, **who, **content},
    }


def heard(body: Any) -> Any:
    found = read(json.dumps(body).encode())
    return found.event if isinstance(found, Inbound) else found


# ----------------------------------------------------------------------------------------------------------- reading

PHOTO = "https://photo-stal-1.zdn.vn/x.jpg"
UNSUPPORTED = "message.unsupported.received"


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        (event("message.text.received", text="Xin chào"), Said("Xin chào")),
        ({"ok": True, "result": event("message.text.received", text="Xin chào")}, Said("Xin chào")),
        (event("message.text.received", text="bắt đầu"), Opened("")),
        (event("message.text.received", text="/stop"), Chose(("stop",))),
        (event("message.text.received", text="a\u202eb\x00"), Said("ab")),
        (event("message.image.received", photo_url=PHOTO, caption="Xe"), Sent(Media("photo", PHOTO, "Xe"))),
        (event("message.image.received", photo=PHOTO), Sent(Media("photo", PHOTO))),
        (event("message.voice.received", voice_url="https://f2.zdn.vn/a.aac"), Sent(Media("voice", "https://f2.zdn.vn/a.aac"))),
        (event("message.sticker.received", sticker="23300", url="u"), Sent(Media("sticker", "23300"))),
        (event("message.link.received", text="https://a.vn"), Said("https://a.vn")),
        (event("message.some_new_kind.received", photo_url=PHOTO), Sent(Media("photo", PHOTO))),
        (event("message.reaction.received"), Ignored("an event that is no message")),
        ({"event_name": "oa.follow"}, Ignored("an event that is no message")),
        ({"event_name": UNSUPPORTED, "message": {"from": {"id": AN, "is_bot": True}}}, Ignored("written by a bot")),
        (event("message.text.received", text="x", chat={"id": "g1", "chat_type": "GROUP"}), Ignored("not a private chat")),
    ],
)  # fmt: skip
def test_an_event_is_read_as_what_the_person_did(body: Any, meant: Any) -> None:
    assert heard(body) == meant


@pytest.mark.parametrize(
    "body",
    [
        event(UNSUPPORTED),
        {"event_name": UNSUPPORTED},
        {"event_name": UNSUPPORTED, "message": None},
        {"ok": True, "result": {"event_name": UNSUPPORTED}},
        event("message.some_new_kind.received"),
        event("message.text.received", text=" \u202e "),
        event("message.image.received"),
        {"event_name": "message.text.received"},
        {"event_name": None, "message": event("")["message"]},
    ],
)
def test_an_event_without_content_is_a_person(body: Any) -> None:
    """A child's or a disabled person's message arrives without what was written, perhaps without a chat (channels.md §0.1)."""
    assert heard(body) == Empty()


def test_an_event_says_where_to_answer_and_what_it_is_called_and_when_it_was() -> None:
    found = read(json.dumps(event("message.text.received", text="x")).encode())
    assert isinstance(found, Inbound)
    assert found.done_at == 1_750_316_131_602
    assert (found.channel, found.external_id, found.address) == ("zalo_bot", "2d758cb5e222177a4e35", AN)
    without_chat = event(UNSUPPORTED)
    del without_chat["message"]["chat"]
    found = read(json.dumps(without_chat).encode())
    assert isinstance(found, Inbound)
    assert found.address == AN, "in a private chat the sender's id is the chat's"


# ------------------------------------------------------------------------------------------------------- the webhook


class Kept:
    """What was stored, and how often it was tried."""

    def __init__(self) -> None:
        self.events: list[Inbound] = []
        self.away = 0
        self.tell: Callable[[], None] = lambda: None

    async def receive(self, inbound: Inbound) -> None:
        if self.away:
            self.away -= 1
            raise StorageAway
        self.events.append(inbound)
        self.tell()


@pytest.fixture
def kept() -> Kept:
    return Kept()


class Clock:
    now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(kept: Kept, clock: Clock) -> TestClient:
    route = webhook_route(ZaloBotChannel(TOKEN), SECRET, kept.receive, clock=clock)
    return TestClient(Starlette(routes=[route]), raise_server_exceptions=False)


def posted(door: TestClient, body: Any, secret: str | None = SECRET) -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return int(door.post("/zalo-bot", content=raw, headers={HEADER: secret} if secret is not None else {}).status_code)


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x"])
def test_without_the_secret_nothing_is_stored(door: TestClient, kept: Kept, secret: str | None) -> None:
    assert posted(door, event("message.text.received", text="cứu em với"), secret) == 403
    assert kept.events == []


def test_an_empty_body_is_zalos_probe(door: TestClient, kept: Kept) -> None:
    assert posted(door, b"", None) == 200
    assert posted(door, b"", SECRET) == 200
    assert kept.events == []


def test_200_means_stored_and_503_means_come_again(door: TestClient, kept: Kept) -> None:
    kept.away = 1
    body = event("message.text.received", text="cứu em với")
    assert [posted(door, body), posted(door, body)] == [503, 200]
    assert [one.event for one in kept.events] == [Said("cứu em với")]


def test_two_children_whom_nobody_names_are_two_and_a_repeat_is_one(door: TestClient, kept: Kept, clock: Clock) -> None:
    nameless = {"event_name": UNSUPPORTED}
    posted(door, nameless)
    posted(door, nameless)
    clock.now += 120
    posted(door, nameless)
    first, again, other = (one.external_id for one in kept.events)
    assert first == again != other, "the inbox keeps one of each"
    assert {one.address for one in kept.events} == {""}


def test_what_cannot_be_read_is_counted_without_its_content(door: TestClient, kept: Kept, caplog: Any) -> None:
    logging.getLogger("nhipcau").addHandler(caplog.handler)
    assert [posted(door, body) for body in (b"{", b"dau vet bi mat", b"[]", b"[" * 100_000)] == [200] * 4
    logging.getLogger("nhipcau").removeHandler(caplog.handler)
    assert '"count": 4' in caplog.text
    assert "dau vet" not in caplog.text
    assert kept.events == []


def test_a_body_above_one_mebibyte_is_refused(door: TestClient, kept: Kept) -> None:
    assert posted(door, b" " * (LARGEST_BODY + 1)) == 413
    assert kept.events == []


# ---------------------------------------------------------------------------------------------------------- sending


@pytest.fixture
async def zalo() -> AsyncIterator[FakeZaloBot]:
    async with FakeZaloBot() as server:
        yield server


@pytest.fixture
async def channel(zalo: FakeZaloBot) -> AsyncIterator[ZaloBotChannel]:
    one = ZaloBotChannel(TOKEN, api=zalo.url)
    yield one
    await one.close()


QUESTION = Message(
    ("Bạn có an toàn không?",),
    (
        Button("p1:yes", "Có", id="yes"),
        Button("p1:no", "Không", id="no"),
        Button("p1:stop", "Dừng và xóa", "way", id="stop"),
    ),
    typed="Bạn trả lời bằng số, ví dụ 1.\nHoặc nhắn: Dừng và xóa.",
)


def test_a_question_reads_well_aloud() -> None:
    assert numbered(QUESTION) == (
        "Bạn có an toàn không?\n\n1. Có\n2. Không\n\nBạn trả lời bằng số, ví dụ 1.\nHoặc nhắn: Dừng và xóa."
    )
    notice = Message(("KHẨN · Mức L4",), (Button("o:acknowledge:r", "Tôi nhận", "officer"),), link="https://x/r")
    assert numbered(notice) == "KHẨN · Mức L4\n\nhttps://x/r"


async def test_a_message_leaves_as_one_plain_text(zalo: FakeZaloBot, channel: ZaloBotChannel) -> None:
    zalo.say(AN, "x")
    sent = await channel.send(AN, QUESTION)
    (call,) = zalo.called("sendMessage")
    assert call.fields == {"chat_id": AN, "text": numbered(QUESTION)}, "no markup, whatever somebody wrote"
    assert sent.message_ids == (zalo.shown(AN)[0]["message_id"],)


async def test_a_long_text_goes_in_parts_and_a_failed_part_alone_again(
    zalo: FakeZaloBot, channel: ZaloBotChannel
) -> None:
    zalo.say(AN, "x")
    long = Message(("một hai ba " * 500,))
    zalo.fault("sendMessage", status=500, skip=1)
    with pytest.raises(SendError):
        await channel.send(AN, long)
    sent = await channel.send(AN, long)
    assert [len(text) <= LONGEST for text in zalo.texts(AN)] == [True, True, True]
    assert " ".join(" ".join(zalo.texts(AN)).split()) == " ".join(long.texts[0].split())
    assert len(sent.message_ids) == 3


@pytest.mark.parametrize(
    ("fault", "what", "code"),
    [
        ({"status": 429, "description": "Quota exceeded"}, "again", "flood"),
        ({"status": 401, "description": "Unauthorized"}, "misconfigured", "token"),
        ({"status": 400, "description": "Bad Request"}, "never", "bad_request"),
        ({"status": 403, "description": "Internal server error"}, "again", "answer_403"),
        ({"status": 404, "description": "Not Found"}, "again", "answer_404"),
        ({"status": 500}, "again", "answer_500"),
        ({"status": 500, "in_a_200": True}, "again", "answer_500"),
        ({"kind": "drop"}, "again", "network"),
    ],
)
async def test_an_error_says_what_to_do_next_and_nothing_else(
    zalo: FakeZaloBot, channel: ZaloBotChannel, fault: dict[str, Any], what: str, code: str
) -> None:
    SAID.add("điều không ai được đọc")
    zalo.say(AN, "x")
    zalo.fault("sendMessage", **fault)
    with pytest.raises(SendError) as raised:
        await channel.send(AN, Message(("điều không ai được đọc",)))
    assert (raised.value.what, raised.value.code) == (what, code)
    assert TOKEN not in repr(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None, "no cause: it holds the address"


async def test_a_quota_that_is_used_up_is_asked_less_and_less_often(zalo: FakeZaloBot, channel: ZaloBotChannel) -> None:
    zalo.say(AN, "x")
    zalo.use_up()
    waits = []
    for _ in range(8):
        with pytest.raises(SendError) as raised:
            await channel.send(AN, QUESTION)
        waits.append(raised.value.after_s)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
    zalo.use_up(left=2)
    await channel.send(AN, QUESTION)
    zalo.use_up()
    with pytest.raises(SendError) as raised:
        await channel.send(AN, QUESTION)
    assert raised.value.after_s == 5


async def test_nobody_is_written_to_where_zalo_named_nobody(zalo: FakeZaloBot, channel: ZaloBotChannel) -> None:
    with pytest.raises(SendError, match="no_chat"):
        await channel.send("", QUESTION)
    assert zalo.called("sendMessage") == []


@pytest.mark.parametrize(
    "address",
    ["http://169.254.169.254/latest", "https://example.org/a.jpg", "https://zdn.vn.example.org/a", "file:///etc/passwd", "x", "",
     "http://photo-stal-1.zdn.vn/a.jpg", "https://[bad", "https://a\\b.zdn.vn/a.jpg"],
)  # fmt: skip
async def test_files_are_fetched_from_zalo_and_nowhere_else(channel: ZaloBotChannel, address: str) -> None:
    with pytest.raises(SendError, match="foreign_address"):
        await channel.fetch(address)


async def test_a_file_is_fetched_while_it_is_there(zalo: FakeZaloBot, channel: ZaloBotChannel) -> None:
    zalo.send_photo(AN)
    found = read(zalo.pending[0])
    assert isinstance(found, Inbound)
    assert isinstance(found.event, Sent)
    assert await channel.fetch(found.event.media.ref) == b"\xff\xd8photo"
    zalo.forget_files()
    with pytest.raises(SendError, match="file_gone"):
        await channel.fetch(found.event.media.ref)


# ---------------------------------------------------------------------------------------------------------- polling


async def polled(zalo: FakeZaloBot, channel: ZaloBotChannel, kept: Kept, count: int, asks: int = 0) -> None:
    """Poll until so much is kept, and so often was asked."""
    stop = asyncio.Event()
    kept.tell = zalo._changed
    task = asyncio.create_task(poll(channel, kept.receive, stop, first_wait_s=0.001))
    await zalo.until(lambda: len(kept.events) >= count and len(zalo.calls) >= asks)
    stop.set()
    await task


async def test_what_getupdates_says_again_is_taken_once(channel: ZaloBotChannel, zalo: FakeZaloBot, kept: Kept) -> None:
    zalo.replays = True
    zalo.say(AN, "một")
    zalo.say(AN, "hai")
    await polled(zalo, channel, kept, 2, asks=6)
    assert [one.event for one in kept.events] == [Said("một"), Said("hai")]


async def test_what_could_not_be_stored_is_not_asked_for_again_but_kept(
    channel: ZaloBotChannel, zalo: FakeZaloBot, kept: Kept
) -> None:
    """Nobody knows whether it would come again: there is no acknowledgement."""
    kept.away = 3
    zalo.say(AN, "một")
    zalo.say(AN, "hai")
    await polled(zalo, channel, kept, 2)
    assert [one.event for one in kept.events] == [Said("một"), Said("hai")]


async def test_nobody_wrote_is_no_failure(channel: ZaloBotChannel, zalo: FakeZaloBot, kept: Kept, caplog: Any) -> None:
    logging.getLogger("nhipcau").addHandler(caplog.handler)
    zalo.fault("getUpdates", status=408, description="Request timeout", times=5)
    zalo.say(AN, "một")
    await polled(zalo, channel, kept, 1)
    logging.getLogger("nhipcau").removeHandler(caplog.handler)
    assert "zalo_bot.away" not in caplog.text


async def test_the_way_of_events_is_told_at_the_start(zalo: FakeZaloBot, channel: ZaloBotChannel) -> None:
    assert await set_up(channel.api, Way("https://here/zalo-bot", SECRET)) == "BASIC"
    assert zalo.webhook == "https://here/zalo-bot"
    with pytest.raises(SendError, match="webhook_set"):
        await channel.api.call("getUpdates", {"timeout": 0})
    zalo.fault("deleteWebhook", status=404, description="Not Found")
    await set_up(channel.api, Way())
    await set_up(channel.api, Way())
    assert zalo.webhook == ""
    with pytest.raises(ValueError, match="16 to 256"):
        await set_up(channel.api, Way("https://here/zalo-bot", "short"))
