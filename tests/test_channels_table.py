"""Every golden dialogue through every channel's bytes: what is asked, answered, kept and told is the same as in its file."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.book import Book
from tests.channels import by_zalo_bot
from tests.channels.by_telegram import TelegramDoor
from tests.channels.by_zalo_bot import ZaloBotDoor
from tests.channels.by_zalo_oa import ZaloOaDoor
from tests.channels.driver import Door, NotThere, Served, served
from tests.dialogue import FOLDER, files, load, play

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOORS: dict[str, Callable[[], Door]] = {"telegram": TelegramDoor, "zalo_bot": ZaloBotDoor, "zalo_oa": ZaloOaDoor}

IMPOSSIBLE: dict[str, set[str]] = {
    "telegram": {"person/staff_answer_in_their_window"},
    "zalo_bot": {
        # places, videos and files come without their content there, and nothing can be pressed twice
        "danger/abroad", "danger/again", "hello/a_button_of_an_old_message", "hello/a_double_tap", "hello/an_old_danger_button",
        "person/staff_answer_in_their_window", "hello/media_where_a_button_was_expected", "tip/a_double_tap_on_send",
        "tip/media_are_answers",
    },
    "zalo_oa": set(),
}  # fmt: skip
"""Files of which some line cannot be done on that platform, by channel: their number must not grow unnoticed."""

SAID_HERE = {"zalo_bot": by_zalo_bot.SAID_HERE, "zalo_oa": by_zalo_bot.SAID_HERE}
TYPED_AT_ONCE = {"zalo_bot", "zalo_oa"}

KEPT_OTHERWISE = {
    "hello/html_sql_and_hidden_characters": "platforms' texts are rid of hidden characters on arrival",
    "hello/ten_thousand_characters": "platforms' texts are shorter",
    "hello/nothing_answered_for_three_days": "a number that answers nothing is kept as what they wrote",
}
"""Files after which something else is kept than from the page. What is said is the same."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors() -> AsyncIterator[dict[str, Served]]:
    """Every channel, started once."""
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(served(door())) for name, door in DOORS.items()}


@pytest.mark.parametrize("path", files(), ids=lambda path: f"{path.parent.name}/{path.stem}")
@pytest.mark.parametrize("channel", DOORS)
async def test_the_same_is_said_there(
    channel: str, path: Path, doors: dict[str, Served], book: Book, empty_database: Path, tmp_path: Path
) -> None:
    name = f"{path.parent.name}/{path.stem}"
    shutil.copyfile(empty_database, tmp_path / "world.db")
    async with doors[channel].world(book, tmp_path / "world.db") as world:
        script = {**load(path), "channel": channel}
        try:
            played = await play(world, script)
        except NotThere:
            assert name in IMPOSSIBLE[channel]
            return
    assert name not in IMPOSSIBLE[channel], "it can be played now: take it off the list"
    for number, (said, expected) in enumerate(zip(played.talk, script["talk"], strict=True), 1):
        if not is_typed_later(said, expected):
            there = as_said_there(channel, expected)
            assert in_any_order(channel, said) == in_any_order(channel, there), (
                f"{path.relative_to(FOLDER)}, line {number} by {channel}: {expected['they']}"
            )
    if name not in KEPT_OTHERWISE:
        assert in_any_order(channel, played.after) == in_any_order(channel, script["after"])


def as_said_there(channel: str, expected: dict[str, Any]) -> dict[str, Any]:
    """The line of the file with what is said otherwise on this channel."""
    here = SAID_HERE.get(channel, {})
    if "bot" not in expected or not here:
        return expected
    return {**expected, "bot": [bubble for one in expected["bot"] for bubble in here.get(one, [one])]}


def in_any_order(channel: str, value: Any) -> Any:
    """Several answers that are typed at once are kept in the order of the list, not in that in which they were ticked."""
    if channel not in TYPED_AT_ONCE:
        return value
    if isinstance(value, dict):
        return {key: in_any_order(channel, one) for key, one in value.items()}
    if isinstance(value, list):
        found = [in_any_order(channel, one) for one in value]
        return sorted(found) if all(isinstance(one, str) and one.isidentifier() for one in found) else found
    if isinstance(value, str) and value.startswith("– "):
        return [sorted(line.split(": ")[-1].split(", ")) for line in value.splitlines()]
    return value


def is_typed_later(said: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Where several answers may be given and there is no button, one is not ticked but typed with the others at the end."""
    return "bot" not in said and any("[✓" in bubble for bubble in expected.get("bot", ()))
