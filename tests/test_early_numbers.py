"""A number that was typed before its question can have been read answers nothing; what the person sees says so."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.channels.wire.moment import moment
from flows.early import READ_MS
from flows.model import CitizenEvent, Conversation, Media, Said, Sent
from storage.base import Address
from tests.world import World

HELLO_MS = 1_795_000_000_000
EARLY = "Số vừa rồi được gửi trước khi câu này hiện ra nên chưa được tính."


class Talk:
    """Somebody on the Zalo bot, where every answer is typed; times are milliseconds after their first word."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.uses("An", "zalo_bot")

    async def say(self, text: str, ms: int | None) -> str:
        return await self.does(Said(text), ms)

    async def does(self, event: CitizenEvent, ms: int | None) -> str:
        """What they are told then. `ms` is None where the platform does not say when it was."""
        inbound = replace(self.world._inbound("An", event), done_at=0 if ms is None else HELLO_MS + ms)
        await self.world.receiver.citizen(inbound)
        return " ".join(text for message in await self.world._after("An") for text in message.texts)

    async def stands(self) -> Conversation:
        found = await self.world.storage.load(Address("zalo_bot", self.world.external("An")))
        assert found.conversation is not None
        return found.conversation


@pytest.fixture
def talk(world: World) -> Talk:
    return Talk(world)


async def begun(talk: Talk) -> None:
    """The first question stands, and five seconds later it is answered: they are safe."""
    await talk.say("xin chào", 0)
    await talk.say("1", 5_000)
    assert (await talk.stands()).answers["safety"] == "safe"


async def test_a_number_that_comes_twice_answers_one_question(talk: Talk) -> None:
    await begun(talk)
    before = await talk.stands()
    told = await talk.say("1", 5_300)
    assert told.startswith(EARLY)
    assert "Bạn cần gì lúc này?" in told
    assert (await talk.stands()).answers == before.answers
    assert (await talk.stands()).step == before.step


@pytest.mark.parametrize(("number", "ms"), [("3", 5_000 + READ_MS - 1), ("2.", 4_000), ("1 2", 5_000)])
async def test_any_number_typed_before_the_question_can_be_read_is_early(talk: Talk, number: str, ms: int) -> None:
    await begun(talk)
    assert (await talk.say(number, ms)).startswith(EARLY)


@pytest.mark.parametrize("ms", [5_000 + READ_MS, 60_000, None], ids=["after two seconds", "later", "nobody knows when"])
async def test_a_number_typed_after_it_counts(talk: Talk, ms: int | None) -> None:
    await begun(talk)
    before = await talk.stands()
    assert EARLY not in await talk.say("2", ms)
    assert (await talk.stands()).step != before.step


async def test_words_count_however_quick_they_come(talk: Talk) -> None:
    await begun(talk)
    before = await talk.stands()
    assert EARLY not in await talk.say("Tôi thấy việc đáng ngờ", 5_100)
    assert (await talk.stands()).step != before.step


async def test_whatever_the_platforms_clock_says_the_next_number_counts(talk: Talk) -> None:
    await begun(talk)
    before = await talk.stands()
    assert (await talk.say("2", 5_000)).startswith(EARLY)
    assert EARLY not in await talk.say("2", 5_000)
    assert (await talk.stands()).step != before.step


async def test_a_question_that_stood_already_is_answered_at_once(talk: Talk) -> None:
    await talk.say("xin chào", 0)
    assert "Đã nhận ảnh." in await talk.does(Sent(Media("photo", "a-photo")), 10_000)
    assert EARLY not in await talk.say("1", 10_200)
    assert (await talk.stands()).answers["safety"] == "safe"


@pytest.mark.parametrize(
    ("given", "is_at"),
    [(HELLO_MS, HELLO_MS), (str(HELLO_MS), HELLO_MS), (1_795_000_000, 0), ("9" * 40, 0), ("²" * 13, 0), (-HELLO_MS, 0),
     (True, 0), (None, 0), (1.795e12, 0)],
)  # fmt: skip
def test_only_milliseconds_are_a_moment(given: object, is_at: int) -> None:
    assert moment(given) == is_at
