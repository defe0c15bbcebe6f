"""Seven days after a last word Zalo takes nothing (channels.md §1.2): asked before, held after, sent when they write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.channels.base import Message, SendError, Sent
from bot.closing import look
from bot.doors.talk import Screen
from bot.window import ASK_AFTER, MARGIN, WINDOWS
from flows.model import StaffWrote
from referral.disclose import allowed, visible
from storage.accounts import Accounts
from storage.base import Officer
from tests.world import START, World

WINDOW = WINDOWS["zalo_oa"]
LETTER = "Bạn cần giấy tờ gì?"
ASKED = "Nếu bạn còn muốn nhận tin ở đây, bạn nhắn lại một chữ. Không cần thì thôi."


async def wants_a_letter(world: World, channel: str = "zalo_oa") -> None:
    """Lan asks for a person, who is to write to her; somebody of 111 has taken it."""
    world.uses("lan", channel)
    await world.open("lan")
    for choice in ("safe", "person", "leave_word"):
        await world.choose("lan", choice)
    await world.say("lan", "Em muốn hỏi về giấy tờ")
    world.new_effects()  # the report has its name from here on
    await world.officer("hotline_111-1", "acknowledge", "R1")


def texts(shown: list[Message]) -> list[str]:
    return [text for message in shown for text in message.texts]


async def letter(world: World) -> list[str]:
    assert await world.officer("hotline_111-1", "ask", "R1", text=LETTER) == ""
    return texts(await world.phone("lan"))


async def test_within_the_window_a_letter_goes_out(world: World) -> None:
    await wants_a_letter(world)
    await world.wait(WINDOW - MARGIN - timedelta(minutes=1))
    assert LETTER in await letter(world)


async def test_after_it_a_letter_is_held_and_comes_with_their_next_word(world: World) -> None:
    await wants_a_letter(world)
    await world.wait(WINDOW - MARGIN)
    assert await letter(world) == []
    await world.wait(timedelta(days=3))
    assert texts(await world.phone("lan")) == [], "looked at each day, and still nobody there"
    shown = texts(await world.say("lan", "em đây"))
    assert LETTER in shown
    assert "111" in " ".join(shown)
    await world.wait(timedelta(days=1))
    assert LETTER in await letter(world), "what follows is not held"


async def test_what_only_zalo_knows_is_held_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await wants_a_letter(world)

    async def refuses(self: Screen, address: str, message: Message) -> Sent:
        raise SendError("held", "zalo_-230")

    with monkeypatch.context() as zalo:
        zalo.setattr(Screen, "send", refuses)
        assert await letter(world) == []
    assert LETTER in texts(await world.say("lan", "em đây"))


async def test_whoever_comes_by_another_door_reads_it_there(world: World) -> None:
    await wants_a_letter(world)
    receipt = next(one.intake.receipt for one in world.commits if one.intake and one.intake.receipt)
    await world.wait(WINDOW)
    assert await letter(world) == []
    world.uses("lan on the web", "web")
    assert any(LETTER in text for text in texts(await world.say("lan on the web", receipt)))


async def test_whoever_stops_is_written_to_no_more(world: World) -> None:
    await wants_a_letter(world)
    await world.wait(WINDOW)
    await letter(world)
    assert LETTER not in texts(await world.choose("lan", "stop"))
    assert LETTER not in texts(await world.say("lan", "em đây"))


async def test_a_colleague_in_zalos_window_opens_none(world: World) -> None:
    await wants_a_letter(world)
    await world.wait(WINDOW)
    await world.event("lan", StaffWrote())
    assert await letter(world) == []


@pytest.mark.parametrize("channel", ["web", "telegram", "zalo_bot"])
async def test_elsewhere_nothing_ends(world: World, channel: str) -> None:
    await wants_a_letter(world, channel)
    await world.wait(timedelta(days=30))
    assert LETTER in await letter(world)


async def test_they_are_asked_for_a_word_once_by_daylight_before_it_closes(world: World) -> None:
    await wants_a_letter(world)
    for hours in range(24 * 8):
        await look(world.storage, world.receiver, START + timedelta(hours=hours))
        await world.wait(
            START + timedelta(hours=hours) - world.now if START + timedelta(hours=hours) > world.now else timedelta()
        )
        said = texts(await world.phone("lan"))
        if said:
            break
    assert said == [ASKED]
    assert ASK_AFTER <= timedelta(hours=hours) < WINDOW - MARGIN
    assert 8 <= (START + timedelta(hours=hours + 7)).hour < 20
    for more in range(20):
        await look(world.storage, world.receiver, world.now + timedelta(hours=more))
    assert texts(await world.phone("lan")) == [], "once for each time they were heard"


@pytest.mark.parametrize("what", ["quiet", "closed", "not agreed", "night"])
async def test_who_is_not_asked(world: World, what: str) -> None:
    if what == "not agreed":
        world.uses("lan", "zalo_oa")
        await world.open("lan")
        for choice in ("safe", "tip", "karaoke", "done", "no", "in_vn", "send"):
            await world.choose("lan", choice)
        assert world.referrals
    else:
        await wants_a_letter(world)
    if what == "quiet":
        await world.choose("lan", "stop")
    if what == "closed":
        await world.officer("hotline_111-1", "close", "R1", outcome="supported")
    await world.wait(ASK_AFTER + timedelta(hours=12 if what == "night" else 2))
    await look(world.storage, world.receiver, world.now)
    await world.deliverer.drain()
    assert ASKED not in texts(await world.phone("lan"))


async def test_the_officer_is_told_until_when(world: World) -> None:
    await wants_a_letter(world)
    officer = Officer("hotline_111-1", "Cán bộ", "hotline-111", "hotline_111", "chief")
    await Accounts(world.storage).add(officer, "code", world.now, by="operator", at=world.now)
    number = next(number for number, name in world._names.items() if name == "R1")
    case = await world.storage.open_case(number, officer, world.now, visible, allowed)
    assert case is not None
    assert case.heard_at == START.astimezone(UTC) == datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
