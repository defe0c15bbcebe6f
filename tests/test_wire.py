"""What several doors do alike: texts, JSON, waits, and messages in parts of which some went out."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.base import Inbound, SendError
from bot.channels.wire.decoded import decoded
from bot.channels.wire.receiving import why_not_stored
from bot.channels.wire.split import split
from bot.channels.wire.tidy import bare, tidy
from bot.channels.wire.unfinished import KEPT_S, MOST_KEPT, Unfinished
from bot.channels.wire.waits import LONGEST_WAIT_S, backoff_s, rest, unless
from flows.model import Said


class Phone:
    """Shows parts, but for the one that fails; knows what was shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.failing: dict[str, SendError] = {}
        self.now = 0.0

    async def show(self, part: str) -> str:
        if failure := self.failing.pop(part, None):
            raise failure
        self.shown.append(part)
        return f"id of {part}"


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.mark.parametrize(
    ("came", "is_kept_as"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        (" \x00tôi\u202e \u2066lo\ufeff ", "tôi lo"),
        ("\ud83d", ""),
        ("ba từ này", "ba từ"),
    ],
)
def test_a_text_is_kept_as_it_is_read(came: str, is_kept_as: str) -> None:
    assert tidy(came, 6) == is_kept_as


def test_an_address_loses_what_nobody_typed_and_gains_nothing() -> None:
    assert bare("https://x/\r\u202ea b ") == "https://x/a b "


@given(st.text(max_size=400), st.integers(4, 50))
def test_splitting_loses_no_word_and_no_part_is_too_long(text: str, longest: int) -> None:
    parts = split(text, longest)
    assert all(0 < len(part.encode("utf-16-le", "surrogatepass")) <= 2 * longest for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_a_letter_written_with_separate_accents_is_not_cut() -> None:
    assert split("e\u0302\u0323" * 4, 5) == ("e\u0302\u0323",) * 4


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"ok": true}', {"ok": True}),
        (b'{"text": "b\xe1\xba"}', {"text": "b\ufffd"}),
        (b'\xef\xbb\xbf{"ok": true}', {"ok": True}),
        (b"[]", None),
        (b"", None),
        (b"[" * 100_000, None),
    ],
)
def test_a_damaged_character_does_not_lose_an_answer(raw: bytes, found: object) -> None:
    assert decoded(raw) == found


async def test_a_part_that_went_out_is_not_shown_again(phone: Phone) -> None:
    unfinished = Unfinished(lambda: phone.now)
    phone.failing["hai"] = SendError("again", "network", 1.0)
    with pytest.raises(SendError):
        await unfinished.sent("tất cả", ("một", "hai", "ba"), phone.show)
    sent = await unfinished.sent("tất cả", ("một", "hai", "ba"), phone.show)
    assert phone.shown == ["một", "hai", "ba"]
    assert sent.message_ids == ("id of một", "id of hai", "id of ba")
    await unfinished.sent("tất cả", ("một",), phone.show)
    assert phone.shown[3:] == ["một"], "a message that went out whole may be said again"


@pytest.mark.parametrize(
    ("failure", "later"),
    [(SendError("again", "network"), KEPT_S + 1), (SendError("never", "bad_request"), 0.0)],
    ids=["after a quarter of an hour", "after a failure that stays"],
)
async def test_a_message_begins_anew(phone: Phone, failure: SendError, later: float) -> None:
    unfinished = Unfinished(lambda: phone.now)
    phone.failing["hai"] = failure
    with pytest.raises(SendError):
        await unfinished.sent("tất cả", ("một", "hai"), phone.show)
    phone.now += later
    await unfinished.sent("tất cả", ("một", "hai"), phone.show)
    assert phone.shown == ["một", "một", "hai"]


async def test_only_so_many_halves_are_remembered_and_the_oldest_is_forgotten(phone: Phone) -> None:
    unfinished = Unfinished(lambda: phone.now)
    for number in range(MOST_KEPT + 1):
        phone.failing["hai"] = SendError("again", "network")
        with pytest.raises(SendError):
            await unfinished.sent(str(number), ("một", "hai"), phone.show)
    phone.shown.clear()
    await unfinished.sent("0", ("một", "hai"), phone.show)
    await unfinished.sent(str(MOST_KEPT), ("một", "hai"), phone.show)
    assert phone.shown == ["một", "hai", "hai"]


async def test_of_an_error_only_its_kind_is_told() -> None:
    async def receive(inbound: Inbound) -> None:
        raise RuntimeError(f"about {inbound.event}")

    said = Inbound(channel="web", external_id="1", address="a", event=Said("Nguyễn Thị Bưởi"))
    assert await why_not_stored(receive, said) == "RuntimeError"


async def test_a_wait_grows_to_half_a_minute_and_ends_with_the_service() -> None:
    assert [backoff_s(1.0, failures) for failures in (1, 2, 3, 6, 1000)] == [1, 2, 4, LONGEST_WAIT_S, LONGEST_WAIT_S]
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(1):
        await rest(stop, 1.0, 1000, least_s=3600.0)


async def test_what_is_asked_for_ends_with_the_service() -> None:
    stop, asked = asyncio.Event(), asyncio.Event()

    async def asking() -> str:
        asked.set()
        await asyncio.Event().wait()
        return "never"

    async with asyncio.timeout(1):
        waiting = asyncio.create_task(unless(stop, asking()))
        await asked.wait()
        stop.set()
        assert await waiting is None
        assert await unless(asyncio.Event(), asyncio.sleep(0, "an answer")) == "an answer"
