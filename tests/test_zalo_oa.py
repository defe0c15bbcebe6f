"""The Zalo OA adapter held to the fact sheet (channels.md §1.2): signature, events, messages, errors, the webhook."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.channels.base import Button, Ignored, Inbound, Message, SendError
from bot.channels.pace import Pace
from bot.channels.zalo_oa.errors import send_error
from bot.channels.zalo_oa.read import read
from bot.channels.zalo_oa.send import WINDOW_S, ZaloOaChannel
from bot.channels.zalo_oa.shape import LONGEST, bodies
from bot.channels.zalo_oa.signature import is_signed, signature_of
from bot.channels.zalo_oa.webhook import webhook_route
from bot.over_zalo_oa import pace
from flows.model import Chose, CitizenEvent, Empty, Media, Opened, Said, Sent, StaffWrote
from storage.base import StorageAway
from tests.channels.by_zalo_oa import channel_to
from tests.fakes.zalo_oa import FakeZaloOa
from tests.test_malformed_webhooks import Posted

AN, OA = "246845883529197922", "388613280878808645"
VECTOR = (
    b'{"app_id":"360846524940903967","sender":{"id":"246845883529197922"},"user_id_by_app":"552177279717587730",'
    b'"recipient":{"id":"388613280878808645"},"event_name":"user_send_text","message":{"text":"message",'
    b'"msg_id":"96d3cdf3af150460909"},"timestamp":"154390853474"}'
)
APP, KEY = "360846524940903967", "OA_SECRET_KEY"
MAC = "4032d93d704efaaebc4755782e07b903c36cbd6d1f39d49cc939bf67add9b28e"

# ------------------------------------------------------------------------------------------------------- signature


@pytest.mark.parametrize("given", [f"mac={MAC}", MAC, f"MAC={MAC.upper()}", f"  mac={MAC} "])
def test_the_sheets_vector_is_zalos(given: str) -> None:
    assert is_signed(VECTOR, given, APP, KEY)


@pytest.mark.parametrize(
    ("raw", "given", "app", "key"),
    [
        (VECTOR, "", APP, KEY),
        (VECTOR, f"mac={MAC[:-1]}", APP, KEY),
        (VECTOR, f"mac={MAC[:-1]}0", APP, KEY),
        (VECTOR, f"sha256={MAC}", APP, KEY),
        (VECTOR + b" ", f"mac={MAC}", APP, KEY),
        (VECTOR.replace(b'"message"', b'"massage"', 1), f"mac={MAC}", APP, KEY),
        (VECTOR, f"mac={MAC}", "1", KEY),
        (VECTOR, f"mac={MAC}", APP, "APP_SECRET"),
        (b"[]", f"mac={MAC}", APP, KEY),
        (b"", f"mac={MAC}", APP, KEY),
        (b"[" * 100_000, f"mac={MAC}", APP, KEY),
    ],
)
def test_nothing_else_is(raw: bytes, given: str, app: str, key: str) -> None:
    assert not is_signed(raw, given, app, key)


def test_a_timestamp_in_a_header_is_tried_as_well() -> None:
    raw = b'{"app_id":"1"}'
    assert is_signed(raw, signature_of(raw, "1", "99", KEY), "1", KEY, "99")
    assert not is_signed(raw, signature_of(raw, "1", "99", KEY), "1", KEY, "98")


# ---------------------------------------------------------------------------------------------------------- events


def event(name: str, /, **message: Any) -> dict[str, Any]:
    return {
        "app_id": APP, "sender": {"id": AN}, "user_id_by_app": "552177279717587730", "recipient": {"id": OA},
        "event_name": name, "message": {"msg_id": "96d3cdf3af150460909", **message}, "timestamp": "1795000000000",
    }  # fmt: skip


def attached(kind: str, /, text: str = "", **payload: Any) -> dict[str, Any]:
    name = f"user_send_{kind}"
    return event(name, attachments=[{"type": kind, "payload": payload}], **({"text": text} if text else {}))


def echo(**sender: str) -> dict[str, Any]:
    body = event("oa_send_text", text="Chào bạn")
    return {**body, "sender": {"id": OA, **sender}, "recipient": {"id": AN}}


URL = "https://photo-stal-1.zdn.vn/x.jpg"
EVENTS: list[tuple[dict[str, Any], CitizenEvent | Ignored]] = [
    (event("user_send_text", text=" Em bị giữ giấy tờ "), Said("Em bị giữ giấy tờ")),
    (event("user_send_text", text="#p3:yes"), Chose(("yes",), 3)),
    (event("user_send_text", text="#o:acknowledge:r01"), Chose(("o:acknowledge:r01",), None)),
    (event("user_send_text", text="#p3 là gì"), Said("#p3 là gì")),
    (event("user_send_text", text="bắt đầu"), Opened("")),
    (event("user_send_text", text="\u202eab\x00c"), Said("abc")),
    (event("user_send_text", text=""), Empty()),
    (event("user_send_text"), Empty()),
    (event("user_send_something_new"), Empty()),
    (attached("image", "Xe đón", thumbnail=URL, url=URL), Sent(Media("photo", URL, "Xe đón"))),
    (attached("gif", thumbnail=URL, url=URL), Sent(Media("photo", URL))),
    (attached("audio", url=URL), Sent(Media("voice", URL))),
    (attached("video", url=URL, thumbnail=URL, description=""), Sent(Media("video", URL))),
    (attached("file", size="4", name="Nguyen Van A.pdf", checksum="x", type="pdf", url=URL), Sent(Media("document", URL))),
    (attached("sticker", url=URL, id="27a3"), Sent(Media("sticker", "27a3"))),
    (attached("image", thumbnail=URL), Empty()),
    (
        attached("location", "Chợ Bến", coordinates={"latitude": "10.7923119", "longitude": "106.7820651"}),
        Sent(Media("location", "10.79231,106.78207", "Chợ Bến")),
    ),
    (attached("location", coordinates={"latitude": "x", "longitude": "1"}), Empty()),
    (attached("location", coordinates={"latitude": "nan", "longitude": "1"}), Empty()),
    (attached("link", description="Tuyển gấp", url="https://a.example/x"), Said("Tuyển gấp\nhttps://a.example/x")),
    (
        event("user_send_business_card", attachments=[{"type": "link", "payload": {"description": '{"phone":"84900000000"}'}}]),
        Sent(Media("contact", "", "84900000000")),
    ),
    ({**event("user_submit_info"), "info": {"phone": "84900000000"}}, Sent(Media("contact", "", "84900000000"))),
    ({"app_id": APP, "oa_id": OA, "event_name": "follow", "follower": {"id": AN}, "timestamp": "1"}, Opened("")),
    ({"app_id": APP, "oa_id": OA, "event_name": "unfollow", "follower": {"id": AN}}, Ignored("left")),
    (event("user_received_message"), Ignored("nothing was written")),
    (event("user_seen_message"), Ignored("nothing was written")),
    (echo(), Ignored("our own message")),
    (echo(admin_id=""), Ignored("our own message")),
    (echo(admin_id="7788"), StaffWrote()),
    ({**event("user_send_text", text="x"), "recipient": {"id": "1"}}, Ignored("for another account of the same app")),
    ({**event("user_send_text", text="x"), "sender": {}}, Ignored("unreadable")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "expected"), EVENTS, ids=[f"{at}-{body['event_name']}" for at, (body, _) in enumerate(EVENTS)]
)
def test_what_zalo_tells_is_what_they_did(body: dict[str, Any], expected: CitizenEvent | Ignored) -> None:
    found = read(json.dumps(body, ensure_ascii=False).encode(), OA)
    if isinstance(found, Ignored):
        assert found == expected
        return
    (one,) = found
    assert one.event == expected
    assert (one.channel, one.address) == ("zalo_oa", AN)
    assert one.external_id


def test_each_photograph_of_one_event_is_kept_and_has_its_own_id() -> None:
    one = attached("image", "Ba người này", url=URL)
    one["message"]["attachments"] *= 3
    found = read(json.dumps(one).encode(), OA)
    assert isinstance(found, tuple)
    assert [inbound.event for inbound in found] == [
        Sent(Media("photo", URL, "Ba người này")),
        *[Sent(Media("photo", URL))] * 2,
    ]
    assert len({inbound.external_id for inbound in found}) == 3
    assert {inbound.done_at for inbound in found} == {1_795_000_000_000}, "when they did it, by Zalo's clock"


def test_an_event_that_names_no_message_is_known_again_by_its_bytes() -> None:
    first, second = (event("user_send_text", text=text) for text in ("cứu", "cứu với"))
    for one in (first, second):
        del one["message"]["msg_id"]
    ids = [read(json.dumps(one).encode()) for one in (first, second, first)]
    names = [found[0].external_id for found in ids if isinstance(found, tuple)]
    assert names[0] == names[2] != names[1]


def test_somebody_whom_zalo_does_not_name_is_answered_by_two_ids() -> None:
    found = read(json.dumps(event("anonymous_send_text", text="xin chào", conversation_id="c9")).encode(), OA)
    assert isinstance(found, tuple)
    (body,) = bodies(found[0].address, Message(("Chào bạn",)))
    assert body["recipient"] == {"anonymous_id": AN, "conversation_id": "c9"}


# -------------------------------------------------------------------------------------------------------- messages

WAYS = (
    Button("p1:skip", "Bỏ qua", "way", "skip"),
    Button("p1:person", "Gặp người thật", "way", "person"),
    Button("p1:stop", "Dừng và xóa", "way", "stop"),
    Button("p1:danger", "Tôi cần giúp gấp", "danger", "danger"),
)


def asked(*labels: str) -> Message:
    answers = tuple(Button(f"p1:a{at}", label, id=f"a{at}") for at, label in enumerate(labels))
    return Message(("Bạn ở đâu?",), (*answers, *WAYS), typed="Bạn trả lời bằng số, ví dụ 1.")


def titles(message: Message) -> list[str]:
    (body,) = bodies(AN, message)
    return [button["title"] for button in body["message"]["attachment"]["payload"]["buttons"]]


def test_answers_that_fit_are_buttons_and_all_stand_in_the_text_with_their_numbers() -> None:
    (body,) = bodies(AN, asked("Trong nước", "Ở nước ngoài"))
    assert body["recipient"] == {"user_id": AN}
    assert body["message"]["text"] == "Bạn ở đâu?\n\n1. Trong nước\n2. Ở nước ngoài\n\nBạn trả lời bằng số, ví dụ 1."
    first = body["message"]["attachment"]["payload"]["buttons"][0]
    assert first == {"title": "Trong nước", "type": "oa.query.hide", "payload": "#p1:a0"}
    assert titles(asked("Trong nước", "Ở nước ngoài")) == [
        "Trong nước",
        "Ở nước ngoài",
        "Bỏ qua",
        "Gặp người thật",
        "Tôi cần giúp gấp",
    ]


def test_answers_are_buttons_all_or_none_and_urgent_help_always_is() -> None:
    assert titles(asked("A", "B", "C", "D")) == ["A", "B", "C", "D", "Tôi cần giúp gấp"]
    assert titles(asked("A", "B", "C", "D", "E")) == [one.label for one in WAYS]
    assert titles(Message(("Viết ở đây.",), WAYS)) == [one.label for one in WAYS]


def test_a_long_text_comes_in_parts_and_the_buttons_on_the_last() -> None:
    made = bodies(AN, Message(("chữ dài " * 700,), WAYS))
    assert all(len(one["message"]["text"].encode("utf-16-le")) // 2 <= LONGEST for one in made)
    assert [("attachment" in one["message"]) for one in made] == [False, False, True]


CLASSES = {
    "again": [-200, -1, 7],
    "blocked": [-213, -217, -218, -222, -227, -244],
    "held": [-230, -232],
    "misconfigured": [-202, -204, -205, -207, -209, -212, -215, -216, -219, -220, -221, -223, -224, -242, -248],
    "unpaid": [-211, -320, -321],
    "never": [-201, -210, -233, -234],
}


def test_every_number_of_the_sheet_says_what_to_do() -> None:
    assert {
        what: [code for code in codes if send_error(code).what == what] for what, codes in CLASSES.items()
    } == CLASSES
    flood = send_error(-32)
    assert (flood.what, flood.code) == ("again", "flood")
    assert flood.after_s > 0


@pytest.fixture
async def zalo() -> AsyncIterator[FakeZaloOa]:
    async with FakeZaloOa() as server:
        server.say(AN, "xin chào")
        yield server


@pytest.fixture
async def channel(zalo: FakeZaloOa) -> AsyncIterator[ZaloOaChannel]:
    made = channel_to(zalo)
    yield made
    await made.close()


async def failure(channel: ZaloOaChannel, message: Message | None = None) -> SendError:
    with pytest.raises(SendError) as raised:
        await channel.send(AN, message or asked("A"))
    return raised.value


async def test_a_message_is_shown_and_its_id_is_known(zalo: FakeZaloOa, channel: ZaloOaChannel) -> None:
    sent = await channel.send(AN, asked("Trong nước"))
    assert sent.message_ids == (zalo.shown(AN)[0]["message_id"],)
    assert zalo.called("message/cs")[0].token == zalo.access


async def test_buttons_that_zalo_does_not_take_are_left_out(zalo: FakeZaloOa, channel: ZaloOaChannel) -> None:
    zalo.takes_buttons = False
    for _ in range(2):
        await channel.send(AN, asked("Trong nước"))
    assert zalo.buttons(AN) == []
    assert len(zalo.texts(AN)) == 2
    assert len(zalo.called("message/cs")) == 3, "once is enough to know it for a while"


async def test_a_failure_half_way_goes_on_behind_what_was_shown(zalo: FakeZaloOa, channel: ZaloOaChannel) -> None:
    zalo.fault("message/cs", error=-200, skip=1)
    long = Message(("một " * 300 + "\n\n" + "hai " * 300 + "\n\n" + "ba " * 100,))
    assert (await failure(channel, long)).what == "again"
    await channel.send(AN, long)
    assert len(zalo.texts(AN)) == len(set(zalo.texts(AN))) == len(bodies(AN, long))


@pytest.mark.parametrize(
    ("fault", "what"),
    [({"status": 503}, "again"), ({"kind": "drop"}, "again"), ({"error": -32}, "again"), ({"status": 429}, "again"),
     ({"error": -320}, "unpaid"), ({"error": -224}, "misconfigured")],
)  # fmt: skip
async def test_what_goes_wrong_says_what_to_do(
    zalo: FakeZaloOa, channel: ZaloOaChannel, fault: dict[str, Any], what: str
) -> None:
    zalo.fault("message/cs", **fault)
    error = await failure(channel)
    assert error.what == what
    assert AN not in str(error)
    assert "token" not in str(error)


async def test_after_seven_days_zalo_takes_nothing_until_they_write(zalo: FakeZaloOa, channel: ZaloOaChannel) -> None:
    await channel.send(AN, asked("A"))
    zalo.pass_time(WINDOW_S + 1)
    assert (await failure(channel)).what == "held"
    zalo.say(AN, "tôi đây")
    await channel.send(AN, asked("A"))


async def test_zalo_says_what_is_left_of_the_minute(zalo: FakeZaloOa) -> None:
    zalo.per_minute = 3
    told: list[int] = []
    channel = channel_to(zalo)
    channel.api._left = told.append
    for _ in range(3):
        await channel.send(AN, Message(("một",)))
    assert (await failure(channel)).code == "flood"
    await channel.close()
    assert told == [2, 1, 0, 0]


def test_no_minute_holds_more_than_zalo_takes() -> None:
    paced, now, left = pace(), 0.0, 0
    while now < 60.0:
        now = max(now, paced.opens_at(now))
        if now < 60.0:
            paced.took(str(left), now)
            left += 1
    assert isinstance(paced, Pace)
    assert 3500 < left <= 4000


async def test_files_come_from_zalo_and_from_nowhere_else(zalo: FakeZaloOa, channel: ZaloOaChannel) -> None:
    assert await channel.fetch(zalo._file("GIF89a")) == b"GIF89a"
    for foreign in (
        "http://169.254.169.254/latest",
        "https://zdn.vn.evil.example/x",
        "file:///etc/passwd",
        "http://x.zdn.vn/a",
    ):
        with pytest.raises(SendError, match="foreign_address"):
            await channel.fetch(foreign)
    with pytest.raises(SendError, match="file_gone"):
        await channel.fetch(f"{zalo.url}/files/none")


# --------------------------------------------------------------------------------------------------------- webhook


def signed(body: dict[str, Any]) -> tuple[bytes, bytes]:
    raw = json.dumps(body).encode()
    return raw, f"mac={signature_of(raw, APP, body['timestamp'], KEY)}".encode()


async def test_what_cannot_be_stored_is_tried_again_beside_the_platform() -> None:
    away, waited = [True, True, False], []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    class Door(Posted):
        async def _receive(self, inbound: Inbound) -> None:
            if away.pop(0):
                raise StorageAway
            await super()._receive(inbound)

    stored = asyncio.Event()
    channel = ZaloOaChannel(None, None)  # type: ignore[arg-type]  # nothing is sent
    door = Door(lambda receive: webhook_route(channel, APP, KEY, receive, pause=pause), "X-ZEvent-Signature")
    assert await door.post(*signed(event("user_send_text", text="cứu em"))) == 503
    for _ in range(100):
        if door.taken:
            stored.set()
            break
        await asyncio.sleep(0)
    assert stored.is_set()
    assert len(door.taken) == 1
    assert waited == [1.0, 2.0]


async def test_zalo_does_not_wait_for_a_slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.zalo_oa.webhook.ANSWER_WITHIN_S", 0.01)
    gate = asyncio.Event()

    class Slow(Posted):
        async def _receive(self, inbound: Inbound) -> None:
            await gate.wait()
            await super()._receive(inbound)

    channel = ZaloOaChannel(None, None)  # type: ignore[arg-type]  # nothing is sent
    door = Slow(lambda receive: webhook_route(channel, APP, KEY, receive), "X-ZEvent-Signature")
    raw, mac = signed(event("user_send_text", text="cứu em"))
    assert await door.post(raw, mac) == 503, "not stored yet, so Zalo may send it again"
    gate.set()
    assert await door.post(raw, mac) == 200
    assert len(door.taken) == 2, "the first was stored all the same; the second is known by its id"
