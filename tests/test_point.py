"""A place shared as a point on the map: near which communes it is, what that decides, and what officers are told of it."""

from __future__ import annotations

import pytest

from bot.book import Book
from bot.labels import coded_answers
from bot.point import described, near
from bot.web.console.access import HANDLING
from flows.model import Media, Moved, Sent
from referral.model import Intake
from tests.test_console import Desk, add_officer
from tests.test_console import desk as desk
from tests.test_console import site as site
from tests.world import World

LOC_BINH, BAVET, AT_SEA, HA_NOI = "21.76680,106.90800", "11.06000,106.15000", "14.00000,112.00000", "21.02850,105.85420"


async def shares(world: World, who: str, point: str, caption: str = "") -> str:
    shown = await world.event(who, Sent(Media("location", point, caption)))
    return "\n".join(text for message in shown for text in message.texts)


async def at_the_place(world: World, who: str = "he") -> None:
    await world.open(who)
    for answer in ("safe", "tip", "house", "done", "no", "in_vn", "more"):
        await world.choose(who, answer)


async def sent_off(world: World, who: str = "he") -> Intake:
    while await world.step(who) != "tip.look_over":
        await world.say(who, "bỏ qua")
    await world.choose(who, "send")
    return next(iter(world.intakes.values()))


def rests_on(world: World, intake: Intake) -> str:
    return dict(coded_answers(world.book, intake.answers)).get("Nơi này theo", "")


async def in_danger(world: World, where: str) -> None:
    await world.say("her", "cứu em với, họ nhốt em trong phòng")
    await world.choose("her", where)
    await world.choose("her", "text_only")


async def test_a_point_is_shown_as_what_lies_near_and_confirmed_like_a_name(world: World):
    await at_the_place(world)
    assert "gần" in await shares(world, "he", LOC_BINH)
    assert await world.step("he") == "tip.place_sure"
    await world.choose("he", "c06529")
    intake = await sent_off(world)
    assert (intake.province, rests_on(world, intake)) == ("20", "người nhắn đã xác nhận")
    assert intake.content.texts["tip_place_unit"] == "Xã Lộc Bình, Lạng Sơn"


async def test_a_point_that_was_not_confirmed_leads_to_the_province_and_officers_see_it(world: World):
    await at_the_place(world)
    await shares(world, "he", LOC_BINH, "Quán Sao Mai, 12 Lê Lợi")
    intake = await sent_off(world)
    assert (intake.province, rests_on(world, intake)) == ("20", "vị trí đã gửi, người nhắn chưa xác nhận")


async def test_a_point_far_from_every_commune_asks_and_decides_nothing(world: World):
    await at_the_place(world)
    await shares(world, "he", AT_SEA)
    assert await world.step("he") == "tip.when"
    assert (await sent_off(world)).province == ""


async def test_a_point_in_danger_leads_at_once_and_adds_no_question(world: World):
    await in_danger(world, "here")
    assert "gần" in await shares(world, "her", LOC_BINH)
    assert await world.step("her") == "danger.ahead"
    assert "police-20" in {one.office for one in world.referrals.values()}


async def test_of_somebody_abroad_a_point_near_the_border_is_none_of_ours(world: World):
    await in_danger(world, "abroad")
    shown = await shares(world, "her", BAVET)
    intake = next(iter(world.intakes.values()))
    assert "gần" not in shown
    assert (intake.facts.home_province, intake.province) == ("", "")


async def test_a_place_shown_live_takes_the_confirmation_along_no_farther_than_it_holds(world: World):
    await in_danger(world, "here")
    await shares(world, "her", LOC_BINH)
    await world.choose("her", "c06529")
    await world.event("her", Moved(Media("location", HA_NOI)))
    intake = next(iter(world.intakes.values()))
    assert (intake.province, rests_on(world, intake)) == ("01", "vị trí đã gửi, người nhắn chưa xác nhận")


@pytest.mark.parametrize("ref", ["", "file-7", "nan,nan", "21.7", "1e999,0"])
def test_what_is_no_point_is_near_nothing(book: Book, ref: str):
    assert near(book.places, ref) == ()


def test_officers_read_how_far_the_middle_is(book: Book):
    unit, km = next(described(book, LOC_BINH))
    assert (unit, float(km.replace(",", ".")) < 1) == ("Xã Lộc Bình, Lạng Sơn", True)


async def test_officers_see_what_lies_near_and_that_it_is_no_border(world: World, desk: Desk):
    await at_the_place(world)
    await shares(world, "he", LOC_BINH)
    await sent_off(world)
    one = next(iter(world.referrals.values()))
    await add_officer(world, "an", one.office)
    await desk.sign_in("an")
    page = (await desk.get(f"/officers/r/{one.id}?mo={HANDLING}")).text
    assert f"{LOC_BINH}: gần Xã Lộc Bình, Lạng Sơn (khoảng 0,1 km)" in page
    assert "không có ranh giới" in page
