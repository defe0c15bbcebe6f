"""Violence at home, a child hurt, self-harm, unpaid wages, fraud, smuggling: the right number, route and one honest sentence.

The texts are data (tests/other_trouble.yaml); all of them talk in one world.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bot.channels.base import Message
from tests.world import World

TEXTS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "other_trouble.yaml").read_text("utf-8"))


def named_in(world: World, shown: list[Message]) -> list[str]:
    """The sentences about other trouble in an answer, by name and in order."""
    name_of = {}
    for name, text in world.book.flows.everywhere.sentences.items():
        if name.startswith("matter_"):
            for locale in world.book.catalogues.locales:
                name_of[world.book.catalogues.translate(locale, f"everywhere.{name}", text)] = name
    return [name_of[text] for message in shown for text in message.texts if text in name_of]


def went_to(world: World, seen: int) -> set[str]:
    return {one.to for commit in world.commits[seen:] for one in commit.referrals}


async def test_other_trouble_gets_its_number_its_route_and_an_honest_sentence(world: World) -> None:
    for number, one in enumerate(TEXTS):
        who, seen = f"p{number}", len(world.commits)
        shown = await world.say(who, one["say"])
        said = " ".join(text for message in shown for text in message.texts)
        assert named_in(world, shown) == one["says"], one["say"]
        assert "111" in said, one["say"]
        assert "113" in said, one["say"]
        talk = await world.conversation(who)
        assert talk is not None
        assert talk.alerted == (one["alarm"] == "yes"), one["say"]
        if not talk.alerted:
            for button in ("safe", "information", "question"):
                await world.choose(who, button)
            await world.say(who, "vậy tôi nên hỏi ở đâu")
        assert set(one["to"]) <= went_to(world, seen), one["say"]
        if one["to"] == ["labour_authority"]:
            assert "police" not in went_to(world, seen), f"{one['say']}: a matter of wages is no emergency"


async def test_what_comes_out_in_the_middle_gets_its_number_once(world: World) -> None:
    await world.open("p")
    for button in ("safe", "tip"):
        await world.choose("p", button)
    assert named_in(world, await world.say("p", "với lại công ty nợ lương tôi 3 tháng")) == ["matter_wages"]
    assert named_in(world, await world.say("p", "họ nợ lương cả xưởng")) == []
    talk = await world.conversation("p")
    assert talk is not None
    assert (talk.flow, talk.step) == ("tip", "place_kind")


async def test_a_beating_told_in_the_middle_of_a_report_opens_the_danger_path_and_names_the_shelter(
    world: World,
) -> None:
    await world.open("p")
    for button in ("safe", "information", "question"):
        await world.choose("p", button)
    seen = len(world.commits)
    shown = await world.say("p", "chồng em đang đánh em, cứu em với")
    assert named_in(world, shown) == ["matter_home"]
    assert {"police", "hotline_111"} <= went_to(world, seen)


async def test_who_is_watched_reads_numbers_and_no_name_of_their_trouble(world: World) -> None:
    await world.open("p")
    for button in ("watched", "go_on"):
        await world.choose("p", button)
    assert named_in(world, await world.say("p", "chồng hay đánh, mẹ chồng chửi")) == ["matter_quiet"]
