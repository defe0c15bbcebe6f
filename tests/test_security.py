"""docs/security.md answers every requirement of ASVS 5.0 up to level 2, and no *yes* is without a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.demo import DemoInProduction, add_demo_officers, refuse_demo_officers
from storage.accounts import Accounts
from tests.world import World

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
ANSWERS = {"yes", "partly", "not yet", "operator", "n/a"}
ROW = re.compile(r"^\| ([\d., V]+) \| ([^|]+) \| ([^|]+) \| ([^|]*) ?\|$", re.MULTILINE)
ROWS = [tuple(cell.strip() for cell in found) for found in ROW.findall(PAGE)]

LEVEL_2 = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4, "3.4": 6,
    "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3, "6.1": 3, "6.2": 11,
    "6.3": 3, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 3, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2,
    "8.2": 3, "8.3": 1, "8.4": 1, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 3, "11.5": 1, "11.6": 1, "12.1": 3, "12.2": 2,
    "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
}  # fmt: skip
"""How many requirements of levels 1 and 2 each section has; in each they come before those of level 3. V9, V10, V17: n/a."""


def answered() -> list[str]:
    return [one for numbers, *_ in ROWS for one in numbers.split(", ")]


def test_every_requirement_is_answered_once() -> None:
    wanted = {f"{section}.{one}" for section, count in LEVEL_2.items() for one in range(1, count + 1)}
    assert wanted - set(answered()) == set()
    assert len(answered()) == len(set(answered()))


@pytest.mark.parametrize(("numbers", "answer", "what", "test"), ROWS, ids=[row[0] for row in ROWS])
def test_an_answer_says_what_and_a_yes_names_its_test(numbers: str, answer: str, what: str, test: str) -> None:
    assert answer in ANSWERS
    assert what
    named = re.findall(r"`(tests/\w+\.py)(?:::(\w+))?`", test)
    assert named or answer != "yes"
    for path, function in named:
        text = (ROOT / path).read_text("utf-8")
        assert f"def {function or 'test_'}" in text, f"{path} has no {function}"


def test_all_rows_are_read() -> None:
    assert len(ROWS) == len(re.findall(r"^\| (?:\d+\.\d+\.\d+|V9)", PAGE, re.MULTILINE))


async def test_production_does_not_start_with_demo_officers(world: World) -> None:
    accounts, book = Accounts(world.storage), world.book.referral
    await refuse_demo_officers(accounts, book)  # nobody is there
    await add_demo_officers(accounts, book, world.now)
    with pytest.raises(DemoInProduction):
        await refuse_demo_officers(accounts, book)
