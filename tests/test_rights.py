"""What people may have done with their own data: at once what can be, with the law's deadlines what somebody must look at."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.book import Book
from bot.channels.base import Message
from referral.clocks import due_at
from referral.disclose import consent_stands
from storage.requested import Requests
from tests.test_console import Desk, add_officer, desk, site
from tests.test_retention import GONE, LIVE, Inside, close, inside, tip
from tests.world import START, World

__all__ = ["desk", "inside", "site"]


def code(world: World) -> str:
    return next(one.intake.receipt for one in world.commits if one.new_intake and one.intake)


async def asks(world: World, who: str, *choices: str) -> str:
    """Somebody with the code asks for something; the last that they are shown."""
    await world.say(who, "dữ liệu của tôi")
    shown: list[Message] = await world.say(who, code(world))
    for choice in choices:
        shown = await world.choose(who, choice)
    return "\n".join(text for message in shown for text in message.texts)


async def test_a_report_that_nobody_has_is_gone_in_the_same_moment_from_any_channel(
    world: World, inside: Inside
) -> None:
    await tip(world, "p")
    world.uses("q", "telegram")
    assert "Đã xóa" in await asks(world, "q", "erase", "yes")
    assert (inside.one(LIVE), inside.one(GONE)) == (0, 1)
    assert inside("SELECT rule FROM erasure") == [("right_erase",)]
    assert inside.one("SELECT COUNT(*) FROM erased") == 1
    assert (
        inside.one("SELECT COUNT(*) FROM outbox WHERE referral <> '' AND finished = 1 AND sealed_body IS NOT NULL") == 0
    )
    # What they tell from now on is a report of its own, with nothing of the old one.
    await tip(world, "p", "một việc khác hẳn")
    assert (inside.one(LIVE), inside.one(GONE)) == (1, 1)


@pytest.mark.parametrize("does", ["acknowledge", "accept"])
async def test_what_an_office_has_is_not_erased_and_nobody_is_told_that_it_was(
    does: str, world: World, inside: Inside
) -> None:
    name = await tip(world, "p")
    assert not await world.officer("police-1", does, name)
    said = await asks(world, "p", "erase", "yes")
    assert "Đã xóa" not in said
    assert "Công an: đã nhận tin và đang giữ" in said
    assert (inside.one(LIVE), inside.one(GONE)) == (1, 0)
    assert world.referrals[name].state in ("acknowledged", "accepted")


async def test_consent_that_is_taken_back_counts_for_the_report_from_whatever_channel_it_came(
    world: World,
) -> None:
    name = await tip(world, "p")
    await close(world, name)
    world.uses("q", "telegram")
    await asks(world, "q", "withdraw")
    refusals = [one for commit in world.commits for one in commit.consents if not one.given]
    assert [one.to for one in refusals] == ["none"]
    assert not consent_stands("police", refusals)
    assert world.commits[-1].request is not None or world.commits[-2].request is not None


async def test_the_refusal_is_stored_with_the_report(world: World, inside: Inside) -> None:
    await tip(world, "p")
    world.uses("q", "telegram")
    await asks(world, "q", "withdraw")
    assert inside("SELECT c.route, c.given FROM consent c JOIN intake i ON i.id = c.intake") == [("none", 0)]


@pytest.mark.parametrize(
    ("choice", "clock", "days"),
    [
        ("see", "right_view", 10),
        ("restrict", "right_withdraw", 15),
        ("withdraw", "right_withdraw", 15),
        ("erase", "right_erase", 20),
    ],
)
async def test_every_request_has_the_deadlines_of_the_law(
    choice: str, clock: str, days: int, world: World, book: Book
) -> None:
    await close(world, await tip(world, "p"))
    await asks(world, "p", choice, *(["yes"] if choice == "erase" else []))
    ((request, cases),) = await Requests(world.storage).open()
    assert request.done_by == START + timedelta(days=days) == due_at(book.referral.clocks[clock], START)
    assert request.answer_by == due_at(book.referral.clocks["right_answer"], START)
    assert cases == [world.referrals["R1"].code]


async def test_the_staff_are_told_until_it_is_answered_and_the_person_reads_how_it_ended(
    world: World, inside: Inside
) -> None:
    await close(world, await tip(world, "p"))
    await asks(world, "p", "see")
    waits = "SELECT COUNT(*) FROM outbox WHERE key LIKE 'right/%' AND finished = 0"
    assert inside.one(waits) == 2  # the first was sent at once
    ((request, _),) = await Requests(world.storage).open()
    assert await Requests(world.storage).answer(request.id, "answered", "hotline-1", world.now)
    assert inside.one(waits) == 1
    assert await Requests(world.storage).answer(request.id, "done", "hotline-1", world.now)
    assert inside.one(waits) == 0
    assert not await Requests(world.storage).answer(request.id, "kept", "hotline-1", world.now)
    assert await Requests(world.storage).open() == []
    shown = await world.say("p", code(world))
    assert "Yêu cầu xem: đã làm xong" in shown[0].texts[0]
    assert inside("SELECT action FROM audit WHERE actor = 'hotline-1'") == [("right.answered",), ("right.done",)]


async def test_the_hotline_answers_on_its_page_and_another_office_does_not_see_it(
    world: World,
    desk: Desk,
) -> None:
    await close(world, await tip(world, "p"))
    await asks(world, "p", "erase", "yes")
    ((request, _),) = await Requests(world.storage).open()
    await add_officer(world, "police-20", "police-20", "chief")
    await desk.sign_in("police-20")
    assert (await desk.get("/officers/requests")).status_code == 404
    await add_officer(world, "hotline", "hotline-111")
    await desk.sign_in("hotline")
    page = (await desk.get("/officers/requests")).text
    assert request.code in page
    assert "13/12/2026" in page
    assert world.referrals["R1"].code in page
    assert (await desk.post("/officers/requests", request=request.id, how="nonsense")).status_code == 404
    assert (await desk.post("/officers/requests", request=request.id, how="kept")).status_code == 303
    assert request.code not in (await desk.get("/officers/requests")).text
    shown = await world.say("p", code(world))
    assert "nơi nhận phải giữ theo quy định" in shown[0].texts[0]
