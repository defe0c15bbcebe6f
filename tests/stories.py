"""What four kinds of people do from the first word to the last, over Telegram; and what each of them is to be sent."""

from __future__ import annotations

import itertools
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from flows.model import Chose, Opened, Said
from storage.base import Address
from storage.seal import Sealer
from storage.turns import address_id
from tests import postgres
from tests.fakes.telegram import FakeTelegram
from tests.world import World

CODE = re.compile(r" · ([2-9A-Z]{6})\n")
"""A referral's code in a notice."""

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
"""Pressed buttons carry their question's number."""


def story_of(chat: int) -> str:
    return list(STORIES)[chat % len(STORIES)]


def masked(text: str) -> str:
    """A text without its receipt: every one has another."""
    return re.sub(r"\d{4}( \d{1,4})+(?=[.\n]|$)", "…", text)


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


def everybody_writes(telegram: FakeTelegram, chats: Iterable[int], expected: Expected) -> int:
    """Put everything that everybody does on its way; how many turns that is."""
    telegram.hold()
    for chat in chats:
        shown: dict[str, Any] = {}
        for (kind, what), prompt in zip(STORIES[story_of(chat)], expected.numbers[story_of(chat)], strict=True):
            if kind == "say":
                telegram.say(chat, what)
                # The message under which buttons are pressed; which one it is does not matter to the service.
                shown = {"message_id": next(reversed(telegram.chats[chat])), "chat": {"id": chat, "type": "private"}}
            else:
                telegram._pressed(chat, shown, f"p{prompt}:{what}")
    telegram.release()
    return len(telegram.pending)


def heard(telegram: FakeTelegram, chat: int) -> list[str]:
    """What this person was sent, in order; what came twice after a crash once."""
    mine = [c for c in telegram.called("sendMessage") if int(c.fields["chat_id"]) == chat and c.status == 200]
    return [text for text, _ in itertools.groupby(masked(call.fields["text"]) for call in mine)]


async def at_rest(dsn: str) -> bool:
    """Whether nothing in the outbox is due any more."""
    soon = int(time.time() * 1000) + 1000
    due = f"SELECT 1 FROM outbox WHERE finished = 0 AND (attempts > 0 OR due_at <= {soon}) LIMIT 1"  # noqa: S608 - a number
    return not await postgres.ask(dsn, due)


async def everything_arrived(
    dsn: str, telegram: FakeTelegram, chats: Iterable[int], expected: Expected, key: bytes, phone: tuple[int, str]
) -> None:
    """Every reply in order, every referral once, every notice of the office on its phone; nothing given up."""
    silent = [chat for chat in chats if heard(telegram, chat) != expected.replies[story_of(chat)]]
    assert silent == [], [heard(telegram, silent[0]), expected.replies[story_of(silent[0])]]
    sealer, offices = Sealer(key), await _referred(dsn)
    where = {chat: address_id(Address("telegram", str(chat)), sealer) for chat in chats}
    assert [chat for chat in chats if sorted(offices[where[chat]]) != expected.offices[story_of(chat)]] == []
    officer, office = phone
    referrals = await postgres.ask(dsn, "SELECT office, code FROM referral")
    codes = {code for of, code in referrals if of == office}
    assert codes
    assert {code for text in telegram.texts(officer) for code in CODE.findall(text)} == codes
    assert await postgres.ask(dsn, "SELECT kind, code FROM outbox WHERE state = 'dead'") == []


async def _referred(dsn: str) -> dict[str, list[str]]:
    """By address, the offices to which the person was referred; what was made twice is there twice."""
    found: dict[str, list[str]] = defaultdict(list)
    rows = await postgres.ask(
        dsn,
        "SELECT c.address, r.office FROM intake i JOIN conversation c ON c.id = i.conversation "
        "JOIN referral r ON r.intake = i.id WHERE c.address IS NOT NULL",
    )
    for where, office in rows:
        found[str(where)].append(str(office))
    return found
