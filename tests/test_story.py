"""What the first words already answer is shown back; nothing of it is an answer before the person has said so."""

from __future__ import annotations

from datetime import date

import pytest

from bot.labels import coded_answers
from flows.hear.dates import when
from tests.world import World

STORY = (
    "Tháng trước tôi thấy trên Facebook nhóm tuyển người của xã Tân Bắc, Quang Bình, Hà Giang, "
    "nhận cả các em 15 tuổi, hứa 30 triệu, Zalo 0987 654 321"
)
TODAY = date(2026, 11, 23)


async def told(world: World, door: str = "tip", safe: str = "safe", story: str = STORY) -> list[str]:
    """Somebody wrote it all at once and took a door; what is shown then."""
    await world.say("he", story)
    await world.choose("he", safe)
    if safe == "watched":
        await world.choose("he", "go_on")
    return [text for message in await world.choose("he", door) for text in message.texts]


async def answers(world: World) -> dict[str, object]:
    talk = await world.conversation("he")
    return dict(talk.answers) if talk else {}


async def test_nothing_is_an_answer_before_it_was_confirmed(world: World):
    shown = await told(world)
    assert "0987 654 321" in "\n".join(shown)
    assert not {"tip_place", "tip_when", "tip_child", "tip_clues"} & set(await answers(world))
    await world.choose("he", "none")
    assert not {"tip_place", "tip_when", "tip_child", "tip_clues"} & set(await answers(world))
    assert await world.step("he") == "tip.place_kind"


async def test_what_was_confirmed_leads_and_officers_see_where_it_is_from(world: World):
    await told(world)
    await world.choose("he", "all")
    for answer in ("online", "done", "no", "in_vn", "send"):
        await world.choose("he", answer)
    intake = next(iter(world.intakes.values()))
    assert (intake.province, intake.facts.age) == ("08", "under_16")
    coded = dict(coded_answers(world.book, intake.answers))
    assert coded["Nơi này theo"] == "người nhắn đã xác nhận"
    assert "tip_heard" in intake.answers


async def test_what_was_refused_stays_in_the_words_only(world: World):
    await told(world)
    await world.choose("he", "none")
    for answer in ("online", "done", "no", "in_vn", "send"):
        await world.choose("he", answer)
    intake = next(iter(world.intakes.values()))
    assert (intake.province, intake.facts.age) == ("", "unknown")
    assert intake.content.texts["story"] == STORY


async def test_who_is_watched_is_shown_no_list(world: World):
    shown = await told(world, safe="watched")
    assert await world.step("he") == "tip.place_kind"
    assert "0987" not in "\n".join(shown)


async def test_the_screener_is_never_filled_from_a_story(world: World):
    await told(
        world, "screening", story="Em 20 tuổi, trước đây em ở xã Tân Bắc, Quang Bình, Hà Giang, em muốn hỏi thêm"
    )
    await world.choose("he", "yes")
    assert await world.step("he") == "screening.who"
    assert not {"who", "age", "place_stage", "province"} & set(await answers(world))


async def test_one_answer_alone_is_simply_asked(world: World):
    await told(world, story="Tháng trước tôi thấy nhóm Facebook tuyển người, hứa 30 triệu một tháng")
    assert await world.step("he") == "tip.place_kind"


@pytest.mark.parametrize(
    ("said", "span"),
    [
        ("hôm nay tôi thấy", "today"), ("hom nay toi thay", "today"), ("ngay bây giờ", "now"), ("tối qua", "week"),
        ("toi qua do choi", ""), ("hom qua", "week"), ("20/11", "week"), ("ngày 1 tháng 11", "month"), ("24/12", "older"),
        ("31/02", ""), ("5/9/2026", "older"), ("23/11/2026", "today"), ("2 tuần trước", "month"), ("3 năm trước", "older"),
        ("cách đây 4 ngày rồi", "week"), ("tối qua và tháng trước", ""), ("24/7", ""), ("lương 5 triệu", ""), ("", ""),
    ],
)  # fmt: skip
def test_when_it_was(said: str, span: str):
    assert when(said, TODAY) == span


@pytest.mark.parametrize(
    ("said", "span"),
    [("từ tháng trước có xe đến", ""), ("từ tháng trước có xe đến, hôm qua cũng vậy", "week"), ("tháng trước tôi thấy", "older"),
     ("kể từ tuần trước", ""), ("từ 3 tháng trước", "")],
)  # fmt: skip
def test_since_when_is_not_when_it_was_seen(said: str, span: str):
    assert when(said, TODAY, since=False) == span
    assert when("mất liên lạc từ tháng trước", TODAY) == "older"
