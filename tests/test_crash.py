"""`kill -9` at any moment of 200 conversations: no answered turn is lost, no referral is made twice, every reply leaves."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.book import Book
from flows.model import Chose, Opened, Said
from storage.base import Address
from storage.turns import address_id
from tests.fakes.telegram import FakeTelegram
from tests.service import Service
from tests.world import World

PEOPLE = 200
KILLS = 6
SEED = 1147
FIRST = 1_500_000_000
OFFICER = 1_400_000_000
OFFICE_ROUTE = "hotline_111"
TURNS_WITHIN_S = 40.0
REST_WITHIN_S = 20.0

CODE = re.compile(r" · ([2-9A-Z]{6})\n")

Turn = tuple[str, str]
STORIES: Mapping[str, tuple[Turn, ...]] = {
    "tip": (
        ("say", "/start"), ("press", "safe"), ("press", "tip"), ("press", "karaoke"), ("press", "done"), ("press", "no"),
        ("press", "in_vn"), ("press", "send"), ("press", "done"),
    ),
    "child": (
        ("say", "/start"), ("press", "safe"), ("press", "screening"), ("press", "yes"), ("press", "self"),
        ("press", "under_16"), ("press", "in_vn"), ("press", "partly"), ("press", "chat"), ("press", "done"),
    ),
    "danger": (
        ("say", "cứu em với, họ nhốt em trong phòng"), ("press", "here"), ("press", "text_only"),
        ("say", "nhà trọ sau bến xe, Lạng Sơn"), ("press", "done"),
    ),
    "question": (("say", "/start"), ("press", "safe"), ("press", "information"), ("press", "rights"), ("press", "done")),
}  # fmt: skip
"""What four kinds of people do, each to the end of their conversation. Pressed buttons carry their question's number."""


def story_of(chat: int) -> str:
    return list(STORIES)[chat % len(STORIES)]


def masked(text: str) -> str:
    """A text without its receipt: every one has another."""
    return re.sub(r"\d{4}( \d{1,4})+(?=[.\n]|$)", "…", text)


# ----------------------------------------------------------------------------------------------- how it should come out


class Expected:
    """What one undisturbed telling of each story leaves, told in this process: the replies, the offices told."""

    def __init__(self) -> None:
        self.replies: dict[str, list[str]] = {}
        self.numbers: dict[str, list[int]] = {}
        self.offices: dict[str, list[str]] = {}

    async def learn(self, world: World) -> None:
        for name, turns in STORIES.items():
            told = len(world.commits)
            world.uses(name, "telegram")
            replies, numbers = [], []
            for kind, what in turns:
                numbers.append(world.number(name) or 0)
                event = Chose((what,), numbers[-1]) if kind == "press" else Opened() if what == "/start" else Said(what)
                shown = await world.event(name, event)
                replies += [masked("\n\n".join(message.texts)) for message in shown if message.texts]
            assert await world.step(name) == "", f"{name} does not come to its end"
            self.replies[name], self.numbers[name] = replies, numbers
            self.offices[name] = sorted(one.office for commit in world.commits[told:] for one in commit.referrals)


@pytest.fixture
async def expected(world: World) -> Expected:
    found = Expected()
    await found.learn(world)
    return found


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(retry_s=0.05) as server:
        yield server


# -------------------------------------------------------------------------------------------------------------- the test


async def test_killed_at_random_moments_nothing_is_lost_and_nobody_referred_twice(
    telegram: FakeTelegram, tmp_path: Path, expected: Expected, book: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - repeatable moments, no secret
    chats = range(FIRST, FIRST + PEOPLE)
    service = Service(tmp_path / "home").with_telegram(telegram, webhook=True)
    began = time.monotonic()
    async with service:
        office = next(one.id for one in book.referral.offices if one.route == OFFICE_ROUTE)
        telegram.say(OFFICER, f"/canbo {await service.invite(office)}")
        await telegram.until(lambda: telegram.texts(OFFICER))
        turns = await everybody_writes(telegram, chats, expected)
        in_turns = sorted(chance.sample(range(20, turns - 20), KILLS - 1))
        for count in in_turns:
            await telegram.until(partial(has_answered, telegram, count), TURNS_WITHIN_S)
            await kill_and_start(telegram, service, chance.random() * 0.02)
        await telegram.until(lambda: not telegram.pending, TURNS_WITHIN_S)
        await kill_and_start(telegram, service, 0.0)  # everything was answered, and much has not left yet
        await service.at_rest(REST_WITHIN_S)

    lost = lost_turns(telegram, service)
    silent = [chat for chat in chats if heard(telegram, chat) != expected.replies[story_of(chat)]]
    wrong = [chat for chat in chats if referred(service, chat) != expected.offices[story_of(chat)]]
    codes = {code for (code,) in service.rows("SELECT code FROM referral WHERE office = ?", office)}
    untold = codes - {code for text in telegram.texts(OFFICER) for code in CODE.findall(text)}
    repeats = sent(telegram, chats) - sum(len(expected.replies[story_of(chat)]) for chat in chats)
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what this test is asked for
            f"\n{KILLS} kills, {turns} turns of {PEOPLE} conversations: {len(lost)} turns lost, {len(silent)} with a reply "
            f"missing or out of order, {len(wrong)} wrongly referred, {len(untold)} of {len(codes)} notices missing, "
            f"{repeats} replies sent twice, {time.monotonic() - began:.0f} s"
        )
    assert lost == set()
    assert silent == [], [heard(telegram, silent[0]), expected.replies[story_of(silent[0])]]
    assert wrong == []
    assert codes
    assert untold == set()
    assert service.count("SELECT count(*) FROM outbox WHERE state = 'dead'") == 0
    twice = "SELECT count(*) FROM (SELECT intake, office FROM referral GROUP BY intake, office HAVING count(*) > 1)"
    assert service.count(twice) == 0


async def everybody_writes(telegram: FakeTelegram, chats: range, expected: Expected) -> int:
    """Put everything that everybody does on its way; how many turns that is."""
    await telegram.until(lambda: telegram.webhook)
    telegram.hold()
    numbers = itertools.count(1)
    for chat in chats:
        shown: dict[str, Any] = {}
        for (kind, what), prompt in zip(STORIES[story_of(chat)], expected.numbers[story_of(chat)], strict=True):
            if kind == "say":
                telegram.say(chat, what)
                # The message under which buttons are pressed; which one it is does not matter to the service.
                shown = {"message_id": next(reversed(telegram.chats[chat])), "chat": {"id": chat, "type": "private"}}
            else:
                query = {"id": f"q{next(numbers)}", "from": {"id": chat, "is_bot": False}, "message": shown}
                number = 4_000_000_000 + next(numbers)
                telegram.raw({"update_id": number, "callback_query": {**query, "data": f"p{prompt}:{what}"}})
    telegram.release()
    return len(telegram.pending)


async def kill_and_start(telegram: FakeTelegram, service: Service, after_s: float) -> None:
    await asyncio.sleep(after_s)  # so that the kill does not always fall on the moment of an answer
    service.kill()
    telegram.hold()
    await asyncio.to_thread(service.start)
    telegram.release()


# -------------------------------------------------------------------------------------------------------- what came of it


def has_answered(telegram: FakeTelegram, count: int) -> bool:
    return sum(status == 200 for _, status in telegram.posted) >= count


def lost_turns(telegram: FakeTelegram, service: Service) -> set[str]:
    """Updates that were answered with 200 and are not in the inbox, or are there and were never sent."""
    told = {str(number) for number, status in telegram.posted if status == 200}
    stored = {number for (number,) in service.rows("SELECT external_id FROM inbox WHERE channel = 'telegram'")}
    return told ^ stored


def heard(telegram: FakeTelegram, chat: int) -> list[str]:
    """What this person was sent, in order; what came twice after a crash once."""
    mine = [c for c in telegram.called("sendMessage") if int(c.fields["chat_id"]) == chat and c.status == 200]
    return [text for text, _ in itertools.groupby(masked(call.fields["text"]) for call in mine)]


def sent(telegram: FakeTelegram, chats: range) -> int:
    calls = telegram.called("sendMessage")
    return sum(call.status == 200 and int(call.fields["chat_id"]) in chats for call in calls)


def referred(service: Service, chat: int) -> list[str]:
    """The offices to which this person's one intake was referred; several intakes would show as repeated offices."""
    where = address_id(Address("telegram", str(chat)), service.sealer)
    rows = service.rows(
        "SELECT i.id, r.office FROM intake i JOIN conversation c ON c.id = i.conversation "
        "LEFT JOIN referral r ON r.intake = i.id WHERE c.address = ?", where,
    )  # fmt: skip
    intakes = Counter(intake for intake, _ in rows)
    return sorted(office for _, office in rows) if len(intakes) <= 1 else ["more than one intake"]
