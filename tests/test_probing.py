"""Insults, spam, floods, and those who try what the bot gives away: calm, bounded, nothing told, and a cry is always heard.

The dialogues are data (tests/probing/*.yaml). Everybody of a file talks in one world, beside somebody whose report nobody may
learn of.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.book import Book
from bot.channels.base import Message
from flows.check import sentences
from flows.model import Conversation
from flows.walk import NOTES_MOST
from tests.world import World

FOLDER = Path(__file__).parent / "probing"
CRY = "cứu em với, họ nhốt em trong phòng"
STORY = "ở quán Sương Mai đường Bờ Hồ có mấy bé gái bị giữ, anh Trương Văn Kỳ đưa tới, 0912 000 111"
OF_OTHERS = ("Sương Mai", "Bờ Hồ", "Trương Văn Kỳ", "0912 000 111", "police-1", "national")
LINES_MOST, TEXT_MOST = 8, 900
"""Of one answer to a probe: a small phone's two screens."""
TO: dict[str, tuple[str, ...]] = {
    "door": ("safe",),
    "place": ("safe", "tip"),
    "words": ("safe", "information", "question"),
    "who": ("safe", "screening", "yes"),
    "code": ("safe", "receipt"),
    "where": ("danger",),
    "sent": ("safe", "tip", "unsure", "no", "in_vn", "send"),
}
"""The buttons that lead to each question."""


def dialogues(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((FOLDER / name).read_text("utf-8")))


def name_of(one: dict[str, Any]) -> str:
    return f"{one.get('at', 'first')}: {one['say']}"


@pytest.fixture
def ours(book: Book) -> re.Pattern[str]:
    """Every sentence of the book in every language, a placeholder standing for one line or a few."""
    texts = {text for _, text in sentences(book.flows)}
    for locale in book.catalogues.locales:
        texts |= {book.catalogues.translate(locale, context, text) for context, text in sentences(book.flows)}
    patterns = (re.sub(r"\\\{[a-z_]+\\\}", r"[^<>]{0,300}", re.escape(text)) for text in texts)
    return re.compile("|".join(sorted(patterns)))


def words_of(shown: list[Message]) -> list[str]:
    return [text for message in shown for text in message.texts]


def assert_calm(shown: list[Message], ours: re.Pattern[str], named: str) -> None:
    """An answer, bounded, made of the book's own sentences and of nothing of anybody else's."""
    said = words_of(shown)
    assert said, f"{named}: silence"
    assert len(said) <= LINES_MOST, named
    assert sum(map(len, said)) <= TEXT_MOST, named
    assert [text for text in said if not ours.fullmatch(text)] == [], named
    assert [word for word in OF_OTHERS if word in " ".join(said)] == [], named


def told(book: Book, shown: list[Message], talk: Conversation | None) -> set[str]:
    """What an answer holds, in the words of the files."""
    said = set(words_of(shown))
    fixed = book.flows.everywhere.sentences
    names = {
        name
        for name, text in fixed.items()
        if said & {book.catalogues.translate(locale, f"everywhere.{name}", text) for locale in book.catalogues.locales}
    }
    kinds = {"secret"} if "not_told" in names else set()
    kinds |= {"kept"} if names & {"kept_text", "kept_after"} else set()
    kinds |= {"matter"} if any(name.startswith("matter_") for name in names) else set()
    return kinds | ({"danger"} if talk is not None and talk.alerted else set())


async def somebody_elses_report(world: World) -> None:
    await world.say("q", STORY)
    for button in ("safe", "tip", "unsure", "no", "in_vn", "send"):
        await world.choose("q", button)


async def assert_heard(world: World, who: str, named: str) -> None:
    """Whoever tried the bot and then cries for help is helped like everybody."""
    shown = await world.say(who, CRY)
    said = " ".join(words_of(shown))
    talk = await world.conversation(who)
    assert "113" in said, named
    assert "111" in said, named
    assert talk is not None
    assert talk.alerted, named


async def test_whatever_is_tried_first_is_answered_with_the_numbers_and_the_same_doors(
    world: World, ours: re.Pattern[str]
) -> None:
    await somebody_elses_report(world)
    await world.say("polite", "xin chào")
    await world.choose("polite", "safe")
    doors = [button.label for button in world.buttons("polite")]
    for number, one in enumerate(dialogues("first_words.yaml")):
        who, named = f"first{number}", name_of(one)
        shown = await world.say(who, one["say"] * one.get("times", 1))
        said = " ".join(words_of(shown))
        assert "111" in said, named
        assert "113" in said, named
        assert_calm(shown, ours, named)
        talk = await world.conversation(who)
        if talk is not None and talk.flow == "language":  # not known from their words; asked under the numbers
            shown = await world.choose(who, "vi")
            talk = await world.conversation(who)
        kinds = told(world.book, shown, talk)
        if one["told"] == "danger":
            assert kinds - {"matter"} == {"danger"}, (named, kinds)
            continue
        assert kinds == {one["told"]} - {"nothing"}, (named, kinds)
        shown = await world.choose(who, "safe")
        assert talk is not None
        if talk.locale == "vi":
            assert [button.label for button in world.buttons(who)] == doors, named
        await assert_heard(world, who, named)


async def test_whatever_is_tried_in_the_middle_leaves_the_question_standing(
    world: World, ours: re.Pattern[str]
) -> None:
    await somebody_elses_report(world)
    for number, one in enumerate(dialogues("midway.yaml")):
        who, named = f"mid{number}", name_of(one)
        await world.open(who)
        for button in TO[one["at"]]:
            await world.choose(who, button)
        before = await world.conversation(who)
        for _ in range(one.get("often", 1)):
            shown = await world.say(who, one["say"] * one.get("times", 1))
            assert_calm(shown, ours, named)
        talk = await world.conversation(who)
        assert before is not None
        assert talk is not None
        kinds = told(world.book, shown, talk)
        stays = (talk.flow, talk.step) == (before.flow, before.step)
        if one["told"] == "danger":
            assert "danger" in kinds, named
            continue
        assert stays == (one["told"] != "next" or one["at"] == "code"), (named, talk.step)
        assert one["told"] in {*kinds, "next"}, (named, kinds)
        assert len(talk.notes) <= 1, f"{named}: the same words are kept once"
        await assert_heard(world, who, named)


async def test_a_flood_of_different_words_fills_no_disk_and_hides_no_cry(world: World) -> None:
    """A hundred pages are kept, then it is said that no more is; a cry is heard all the same."""
    await world.open("p")
    await world.choose("p", "safe")
    full = world.book.flows.everywhere.sentences["notes_full"]
    page = "lời kể dài " * 900
    pages = [f"{number} {page}" for number in range(NOTES_MOST // len(page) + 2)]
    answers = [words_of(await world.say("p", one)) for one in pages]
    talk = await world.conversation("p")
    assert talk is not None
    assert sum(map(len, talk.notes)) <= NOTES_MOST
    kept = world.book.flows.everywhere.sentences["kept_text"]
    assert full not in answers[0]
    assert kept in answers[0]
    assert full in answers[-1]
    assert kept not in answers[-1]
    await assert_heard(world, "p", "after the flood")


async def test_who_is_watched_is_told_it_without_a_word_about_anything(world: World) -> None:
    await world.open("p")
    for button in ("watched", "go_on"):
        await world.choose("p", button)
    said = words_of(await world.say("p", "ai báo tôi?"))
    assert world.book.flows.everywhere.sentences["not_told_quiet"] in said
    assert not any("tin" in text.split() for text in said)
