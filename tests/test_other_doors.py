"""One person, several doors: the receipt carries a case to whichever of them is open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.book import Book
from bot.channels.base import Message, SendError, Sent
from bot.doors.talk import Screen
from tests.databases import BOTH, database
from tests.world import World

FIRST, SECOND, THIRD = "Bạn cần giấy tờ gì?", "Bạn còn ở chỗ cũ không?", "Mai chúng tôi gặp bạn được không?"
ANSWER = "Em mất hộ chiếu"


@pytest.fixture(params=BOTH)
async def either(request: pytest.FixtureRequest, tmp_path: Path, book: Book) -> AsyncIterator[World]:
    """The same world over each database."""
    async with database(request.param, tmp_path) as made:
        yield World(await made.open(), book)


def texts(shown: list[Message]) -> str:
    return "\n".join(text for message in shown for text in message.texts)


async def leaves_a_report(world: World, channel: str) -> str:
    """Lan asks on this channel for a person who may write to her; somebody of 111 has taken it. Her receipt."""
    world.uses("lan", channel)
    await world.open("lan")
    for choice in ("safe", "person", "leave_word"):
        await world.choose("lan", choice)
    await world.say("lan", "Em muốn hỏi về giấy tờ")
    world.new_effects()  # the report has its name from here on
    await world.officer("hotline_111-1", "acknowledge", "R1")
    return next(one.intake.receipt for one in world.commits if one.intake and one.intake.receipt)


async def writes(world: World, words: str) -> None:
    assert await world.officer("hotline_111-1", "ask", "R1", text=words) == ""


class Blocked:
    """Telegram cannot be reached from here, or can again."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.on, send = True, Screen.send

        async def sending(screen: Screen, address: str, message: Message) -> Sent:
            if self.on and screen.name == "telegram":
                raise SendError("again", "network")
            return await send(screen, address, message)

        patch.setattr(Screen, "send", sending)


@pytest.mark.parametrize(("first", "then"), [("telegram", "web"), ("web", "zalo_bot"), ("zalo_oa", "telegram")])
async def test_the_receipt_shows_state_and_letters_and_takes_the_answer_and_later_letters_come_there(
    either: World, first: str, then: str
) -> None:
    receipt = await leaves_a_report(either, first)
    await writes(either, FIRST)
    assert FIRST in texts(await either.phone("lan"))
    either.uses("lan elsewhere", then)
    back = texts(await either.say("lan elsewhere", receipt))
    assert "đã có người nhận" in back
    assert FIRST in back
    await either.choose("lan elsewhere", "add")
    await either.say("lan elsewhere", ANSWER)
    await writes(either, SECOND)
    assert SECOND in texts(await either.phone("lan elsewhere"))
    assert texts(await either.phone("lan")) == "", "the door she left hears nothing more of it"


async def test_whoever_only_looks_is_not_written_to_there(either: World) -> None:
    receipt = await leaves_a_report(either, "telegram")
    either.uses("lan elsewhere", "web")
    await either.say("lan elsewhere", receipt)
    await writes(either, FIRST)
    assert FIRST in texts(await either.phone("lan"))
    assert texts(await either.phone("lan elsewhere")) == ""


async def test_what_a_blocked_door_held_is_read_at_another_once(either: World, monkeypatch: pytest.MonkeyPatch) -> None:
    receipt = await leaves_a_report(either, "telegram")
    telegram = Blocked(monkeypatch)
    await writes(either, FIRST)
    assert texts(await either.phone("lan")) == ""
    either.uses("lan elsewhere", "web")
    assert FIRST in texts(await either.say("lan elsewhere", receipt))
    telegram.on = False
    await either.wait(timedelta(hours=1))
    assert texts(await either.phone("lan")) == "", "read already; who knows who reads that phone now"


async def test_what_was_not_read_elsewhere_comes_when_the_door_opens(
    either: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await leaves_a_report(either, "telegram")
    telegram = Blocked(monkeypatch)
    await writes(either, FIRST)
    telegram.on = False
    await either.wait(timedelta(hours=1))
    assert FIRST in texts(await either.phone("lan"))


async def test_watched_at_the_other_door_nothing_is_shown_and_nothing_taken_back(
    either: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = await leaves_a_report(either, "telegram")
    telegram = Blocked(monkeypatch)
    await writes(either, FIRST)
    either.uses("lan elsewhere", "web")
    await either.open("lan elsewhere")
    await either.choose("lan elsewhere", "watched")
    assert FIRST not in texts(await either.say("lan elsewhere", receipt))
    telegram.on = False
    await either.wait(timedelta(hours=1))
    assert FIRST in texts(await either.phone("lan"))


async def test_who_blocked_us_reads_it_when_coming_back_with_the_receipt(
    either: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = await leaves_a_report(either, "telegram")
    send = Screen.send

    async def refused(screen: Screen, address: str, message: Message) -> Sent:
        if screen.name == "telegram":
            raise SendError("blocked", "forbidden")
        return await send(screen, address, message)

    with monkeypatch.context() as blocked:
        blocked.setattr(Screen, "send", refused)
        for words in (FIRST, SECOND, THIRD):
            await writes(either, words)
        either.uses("lan elsewhere", "zalo_bot")
        back = texts(await either.say("lan elsewhere", receipt))
    assert all(words in back for words in (FIRST, SECOND, THIRD))
    await either.wait(timedelta(days=1))
    assert texts(await either.phone("lan")) == ""
