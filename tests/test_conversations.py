"""Golden dialogues: given these lines, the bot says this. `pytest tests/test_conversations.py --update` writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.book import Book
from tests.dialogue import FOLDER, files, load, play, write
from tests.world import World


@pytest.mark.parametrize("path", files(), ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_the_bot_says(path: Path, world: World, request: pytest.FixtureRequest) -> None:
    script = load(path)
    played = await play(world, script)
    if request.config.getoption("--update"):
        write(path, script, played)
        return
    for number, (expected, said) in enumerate(zip(script["talk"], played.talk, strict=True), 1):
        assert said == expected, f"{path.relative_to(FOLDER)}, line {number}: {expected['they']}"
    assert played.after == script["after"]


def test_every_final_step_of_every_flow_is_reached(book: Book) -> None:
    finals = {f"{flow.id}.{step.id}" for flow in book.flows.flows.values() for step in flow.steps.values() if step.end}
    reached = {line.get("ends") for path in files() for line in load(path)["talk"]}
    assert finals - reached == set()


def test_every_flow_has_a_dialogue(book: Book) -> None:
    assert set(book.flows.flows) - {path.parent.name for path in files()} == set()
