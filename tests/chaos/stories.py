"""What people tell under faults, and what each must hear and cause: learnt from one undisturbed telling in this process."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.book import Book
from flows.model import Chose, Opened, Said
from tests.fakes.telegram import FakeTelegram
from tests.world import World, empty_database, new_world

Turn = tuple[str, str]
TOLD: Mapping[str, tuple[Turn, ...]] = {
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


@dataclass(frozen=True, slots=True)
class Story:
    """One kind of person: their turns, the number of the question that each answers, what they hear, who learns of it."""

    turns: tuple[Turn, ...]
    numbers: tuple[int, ...]
    replies: tuple[str, ...]
    offices: tuple[str, ...]


def masked(text: str) -> str:
    """A text without its receipt: every one has another."""
    return re.sub(r"\d{4}( \d{1,4})+(?=[.\n]|$)", "…", text)


async def learn(folder: Path, book: Book) -> dict[str, Story]:
    """Every story as one undisturbed telling leaves it. Raises AssertionError where one does not come to its end."""
    world = await new_world(folder, book, await empty_database(folder))
    try:
        return {name: await _told(world, name, turns) for name, turns in TOLD.items()}
    finally:
        await world.storage.close()


async def _told(world: World, name: str, turns: tuple[Turn, ...]) -> Story:
    told = len(world.commits)
    world.uses(name, "telegram")
    replies, numbers = [], []
    for kind, what in turns:
        numbers.append(world.number(name) or 0)
        event = Chose((what,), numbers[-1]) if kind == "press" else Opened() if what == "/start" else Said(what)
        shown = await world.event(name, event)
        replies += [masked("\n\n".join(message.texts)) for message in shown if message.texts]
    assert await world.step(name) == "", f"{name} does not come to its end"
    offices = sorted(one.office for commit in world.commits[told:] for one in commit.referrals)
    return Story(turns, tuple(numbers), tuple(replies), tuple(offices))


_numbers = itertools.count(1)


def write(telegram: FakeTelegram, chat: int, story: Story) -> list[dict[str, Any]]:
    """Put all turns of this story on their way from this chat, whatever is answered meanwhile; the updates."""
    before = len(telegram.pending)
    for update in _presses(telegram, chat, story):
        telegram.raw(update)
    return telegram.pending[before:]


def _presses(telegram: FakeTelegram, chat: int, story: Story) -> Iterator[dict[str, Any]]:
    """The pressed buttons; what is said goes straight out between them, for the chat to exist."""
    shown: dict[str, Any] = {}
    for (kind, what), number in zip(story.turns, story.numbers, strict=True):
        if kind == "say":
            telegram.say(chat, what)
            # The message under which buttons are pressed; which one it is does not matter to the service.
            shown = {"message_id": next(reversed(telegram.chats[chat])), "chat": {"id": chat, "type": "private"}}
            continue
        one = next(_numbers)
        query = {"id": f"q{one}", "from": {"id": chat, "is_bot": False}, "message": shown, "data": f"p{number}:{what}"}
        yield {"update_id": 4_000_000_000 + one, "callback_query": query}
