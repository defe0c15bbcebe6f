"""Where it is often comes after the cry for help: the offices that have the matter learn it, and that of the place gets it."""

from __future__ import annotations

from referral.model import Referral
from tests.world import World

CRY = "cứu em với, họ nhốt em trong phòng"
LANG_SON = "20"


async def cried(world: World) -> None:
    """Somebody in danger wrote, and has told so far that it is in the country and how they can be reached."""
    await world.say("her", CRY)
    await world.choose("her", "here")
    await world.choose("her", "call_ok")


async def stored(world: World) -> dict[str, Referral]:
    """Every referral as it stands in storage, by its office."""
    found = [(await world.storage.load_referral(one.id)).referral for one in world.referrals.values()]
    return {one.office: one for one in found if one is not None}


async def test_those_who_have_it_learn_the_place_and_the_office_there_gets_it(world: World):
    await world.joins("lan", "police-national")
    await cried(world)
    before = await stored(world)
    assert "police-20" not in before
    assert {one.province for one in before.values()} == {""}
    assert ["chưa rõ tỉnh" in one.texts[0] for one in await world.phone("lan")] == [True]

    await world.say("her", "Cầu Kỳ Cùng, Lạng Sơn")
    after = await stored(world)
    assert after["police-20"].urgent
    assert {one.province for one in after.values()} == {LANG_SON}
    told = await world.phone("lan")
    assert ["Lạng Sơn" in one.texts[0] for one in told] == [True], "one notice, with the place in it"
    assert "Kỳ Cùng" not in told[0].texts[0]


async def test_a_place_that_was_known_is_not_forgotten(world: World):
    await cried(world)
    await world.say("her", "Lạng Sơn")
    await world.choose("her", "tell")
    await world.say("her", "họ khóa cửa")
    assert {one.province for one in (await stored(world)).values()} == {LANG_SON}


async def test_who_ended_the_matter_before_is_left_as_it_was(world: World):
    await cried(world)
    name = next(name for name, one in world.referrals.items() if one.office == "police-national")
    await world.officer("police-1", "acknowledge", name)
    await world.officer("police-1", "close", name, outcome="found_safe")
    await world.say("her", "Lạng Sơn")
    after = await stored(world)
    assert (after["police-national"].state, after["police-national"].province) == ("closed", "")
    assert after["hotline-111"].province == LANG_SON


async def test_a_place_written_where_a_button_was_asked_for_counts_too(world: World):
    await world.say("her", CRY)
    await world.say("her", "tôi không biết, gần chợ Kỳ Lừa ở Lạng Sơn")
    after = await stored(world)
    assert after["police-20"].urgent
    assert {one.province for one in after.values()} == {LANG_SON}
