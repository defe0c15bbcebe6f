"""Somebody leaves, and a stranger picks up the phone: what the stranger sees, and what is never hidden from who comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.book import Book
from flows.decoy import LONGEST, decoy_problems
from flows.model import Decoy
from tests.world import World

SHOP = "Cửa hàng đang nghỉ. Mời bạn quay lại sau."
LEFT = "Đã dừng. Khi nào tiện, bạn chỉ cần nhắn một chữ."
AGAIN = "Thấy câu trả lời lạ thì bạn nhắn thêm lần nữa."


def with_decoy(book: Book, say: str = SHOP) -> Book:
    """The book of an operator who set a decoy."""
    decoy = replace(book.flows.everywhere.decoy, say=say)
    everywhere = replace(book.flows.everywhere, decoy=decoy)
    return replace(book, flows=replace(book.flows, everywhere=everywhere))


@pytest.fixture
async def left(world: World) -> World:
    """A service with a decoy; she told something on Telegram and left by the stop button."""
    world.book = world.receiver._book = with_decoy(world.book)
    world.uses("her", "telegram")
    await world.open("her")
    await world.choose("her", "safe")
    goodbye = await world.choose("her", "stop")
    assert goodbye[-1].texts == (LEFT, AGAIN)
    return world


async def texts(world: World, said: str) -> tuple[str, ...]:
    return tuple(text for message in await world.say("her", said) for text in message.texts)


@pytest.mark.parametrize("said", ["alo", "Ai đấy?", "AI DAY", "số này của ai"])
async def test_a_stranger_sees_a_harmless_sentence_and_no_button(left: World, said: str):
    (shown,) = await left.say("her", said)
    assert (shown.texts, shown.buttons) == ((SHOP,), ())
    talk = await left.conversation("her")
    assert talk is not None
    assert (talk.notes, dict(talk.answers), talk.flow) == ((), {}, "")


async def test_whoever_writes_once_more_is_answered_as_always(left: World):
    assert await texts(left, "alo") == (SHOP,)
    told = await texts(left, "alo")
    assert any("111" in text and "113" in text for text in told)
    assert SHOP not in told


@pytest.mark.parametrize(
    "said",
    [
        "cứu em", "giúp", "sos", "help", "111", "em muốn về nhà", "tôi sợ", "họ giữ giấy tờ của tôi",
        "gặp người thật", "english", "alo cứu em với", "xin chào, tôi cần nói chuyện",
    ],
)  # fmt: skip
async def test_who_says_anything_else_is_never_answered_by_it(left: World, said: str):
    told = " ".join(await texts(left, said))
    assert SHOP not in told
    assert "111" in told


async def test_a_cry_alerts_at_once(left: World):
    await left.say("her", "cứu em với, họ nhốt em")
    assert {one.urgent for one in left.referrals.values()} == {True}


async def test_the_chats_own_button_and_opening_it_again_are_answered_as_always(left: World):
    assert SHOP not in " ".join(text for one in await left.open("her") for text in one.texts)


async def test_it_waits_again_after_the_next_leaving_and_for_nobody_else(left: World):
    await left.say("her", "alo")
    await left.say("her", "alo")
    await left.choose("her", "stop")
    assert await texts(left, "alo") == (SHOP,)
    left.uses("new", "telegram")
    shown = [text for one in await left.say("new", "alo") for text in one.texts]
    assert SHOP not in shown


async def test_without_a_decoy_nothing_is_said_of_it_and_nothing_hidden(world: World):
    world.uses("her", "telegram")
    await world.open("her")
    goodbye = await world.choose("her", "stop")
    assert goodbye[-1].texts == (LEFT,)
    assert any("111" in text for text in await texts(world, "alo"))


@pytest.mark.parametrize(
    ("decoy", "found"),
    [
        (Decoy("Gọi 0912 345 678"), "a number"),
        (Decoy("Chào {name}"), "a brace"),
        (Decoy("Đây là Nhịp Cầu."), "tells what this chat is"),
        (Decoy("x" * (LONGEST + 1)), "characters"),
        (Decoy(SHOP, ("giúp",)), "ask for help"),
        (Decoy(SHOP, ("dừng",)), "ask for help"),
        (Decoy(SHOP, ("họ nhốt tôi",)), "ask for help"),
    ],
)
def test_an_unfit_decoy_is_refused_before_the_start(book: Book, decoy: Decoy, found: str):
    assert [str(one) for one in decoy_problems(decoy, book.flows.lexicon) if found in str(one)]


def test_the_words_that_it_answers_are_those_of_strangers(book: Book):
    decoy = book.flows.everywhere.decoy
    assert decoy.say == "", "an operator sets it, or there is none"
    assert len(decoy.to) > 5
    assert [*decoy_problems(replace(decoy, say=SHOP), book.flows.lexicon)] == []
