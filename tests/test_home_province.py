"""Somebody who is looked for: the offices of where they were last, and of where they are from (procedure-vn.md §2.2, §2.3 H)."""

from __future__ import annotations

import pytest

from bot.book import Book
from bot.place import home_of
from tests.world import World


async def looked_for(world: World, place: str, words: str) -> dict[str, str]:
    """A relative who tells where it was last heard of, and more in words; each office that was told, with its route."""
    await world.open("she")
    for answer in ("safe", "missing", "adult", "week", "in_vn", "normal"):
        await world.choose("she", answer)
    await world.say("she", place)
    while await world.step("she") != "missing.words":
        await world.say("she", "tôi không biết rõ")
    await world.say("she", words)
    while await world.step("she") != "missing.look_over":
        await world.say("she", "bỏ qua")
    await world.choose("she", "send")
    return {one.office: one.to for one in world.referrals.values()}


async def test_the_police_of_the_place_and_of_the_home_both_hear_of_it(world: World):
    told = await looked_for(
        world, "huyện Lộc Bình, Lạng Sơn", "Em ấy 22 tuổi, quê ở huyện Bắc Quang, Hà Giang, tên Mai"
    )
    assert {"police-20", "police-08", "hotline-111"} == set(told)
    intake = next(iter(world.intakes.values()))
    assert (intake.province, intake.facts.home_province) == ("20", "08")


async def test_where_both_are_one_nobody_is_told_twice(world: World):
    told = await looked_for(world, "huyện Lộc Bình, Lạng Sơn", "Em ấy quê ở Lạng Sơn, tên Mai")
    assert {"police-20", "hotline-111"} == set(told)


async def test_what_people_tell_of_themselves_goes_to_no_office_at_home(world: World):
    await world.open("she")
    for answer in ("safe", "support", "no", "yes", "self", "adult", "abroad"):
        await world.choose("she", answer)
    await world.say("she", "huyện Lộc Bình, Lạng Sơn, quê ở huyện Bắc Quang, Hà Giang")
    for _ in range(3):
        if await world.step("she") == "support.needs":
            break
        await world.say("she", "tôi không biết rõ")
    for picked in (("papers", "done"), ("social_affairs", "done"), ("none",), ("send",)):
        await world.choose("she", *picked)
    assert "commune-08" not in {one.office for one in world.referrals.values()}, "a small commune knows everybody"


@pytest.mark.parametrize(
    ("said", "province"),
    [
        ("quê ở huyện Bắc Quang, Hà Giang, giờ ở Lạng Sơn", "08"),
        ("que quan Lang Son", "20"),
        ("em ấy quê Hưng Yên đi làm ở Lạng Sơn", "33"),
        ("cây que ở Lạng Sơn", ""),
        ("em ở Lạng Sơn", ""),
        ("quê", ""),
        ("", ""),
    ],
)
def test_home_is_told_from_place(book: Book, said: str, province: str):
    assert home_of(book, said) == province
