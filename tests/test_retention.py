"""A year of people who write, told in days: what is kept, what goes, and that nothing unread ever does.

The clock is the test's; storage, turns, delivery and the sweep are the service's own.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.book import Book
from bot.retention import LIST_NAME, ErasedList, listed, sweep, sweep_rows
from bot.schedule import plan
from referral.book import AgencyPeriod, ReferralBook
from referral.retain import due_at, rule_for
from storage.audit import Audit
from tests.databases import BOTH, database
from tests.desk import Desk, empty
from tests.world import START, World, words_of

DAY = timedelta(days=1)
MARKER = "chimcanhcut"


def with_periods(book: Book, **days: int) -> ReferralBook:
    """The book where these agencies have said how long."""
    periods = dict(book.referral.agency_periods)
    periods.update({route: AgencyPeriod(route, count, "pdpl_art14") for route, count in days.items()})
    return dataclasses.replace(book.referral, agency_periods=periods)


async def night(world: World, rules: ReferralBook) -> dict[str, int]:
    """A day goes by, drafts that were left alone go, and in the night the sweep."""
    await world.wait(DAY)
    return dict(await sweep(world.storage, rules, world.now))


async def tip(world: World, who: str, words: str = f"biển số xe {MARKER}") -> str:
    """Somebody tells of a thing they saw, in the fewest taps; the name of its referral."""
    before = set(world.referrals)
    await world.open(who)
    for choice in ("safe", "tip", "unsure", "unsure", "in_vn", "send", "add"):
        await world.choose(who, choice)
    await world.say(who, words)
    await world.choose(who, "done")
    return next(iter(set(world.referrals) - before))


async def question(world: World, who: str) -> str:
    """Somebody asks a question that the hotline answers; the name of its referral."""
    before = set(world.referrals)
    await world.open(who)
    await world.choose(who, "person")
    await world.choose(who, "leave_word")
    await world.say(who, f"cho hỏi giấy tờ {MARKER}")
    return next(iter(set(world.referrals) - before))


async def close(world: World, name: str) -> None:
    route = world.referrals[name].to
    assert not await world.officer(f"{route}-1", "accept", name)
    assert not await world.officer(f"{route}-1", "close", name, outcome="advised")


class Inside:
    """Looks into the database file behind the service's back."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._file)) as database:
            return database.execute(sql).fetchall()

    def one(self, sql: str) -> int:
        return int(self(sql)[0][0])


@pytest.fixture
def inside(world: World, tmp_path: Path) -> Inside:
    return Inside(tmp_path / "world.db")


LIVE = "SELECT COUNT(*) FROM intake WHERE erased_at IS NULL"
GONE = (
    "SELECT COUNT(*) FROM intake WHERE erased_at IS NOT NULL AND length(sealed_content) = 0 "
    "AND length(sealed_answers) = 0 AND receipt IS NULL AND conversation = ''"
)


# ------------------------------------------------------------------------------------------------------------- a year


async def test_a_year_goes_by_and_only_what_was_read_and_ended_has_gone(
    world: World, book: Book, inside: Inside
) -> None:
    """Every day a passer-by, every 7th a tip (every other one is taken and closed that day), every 10th a question.

    The police said 100 days. After day 364: of the closed tips those of days 0, 14, … 252 are gone (19), and those of days 266 …
    364 stay (8); all 26 that nobody opened stay, the first for a year now. Of 37 questions the 34 answered until day 330
    are gone. A passer-by's draft goes in the second night, and 30 days later the address: those of days 333 … 364 are left (32).
    """
    rules, done = with_periods(book, police=100), Counter[str]()
    for day in range(365):
        await world.open(f"passer-{day}")
        if day % 7 == 0:
            name = await tip(world, f"tip-{day}")
            if day % 14 == 0:
                await close(world, name)
        if day % 10 == 0:
            await close(world, await question(world, f"question-{day}"))
        done.update(await night(world, rules))

    assert inside.one(GONE) == done["reports"] == 19 + 34
    assert inside.one(LIVE) == 8 + 26 + 3
    unread = "SELECT COUNT(*) FROM referral r JOIN intake i ON i.id = r.intake WHERE r.delivered_at IS NULL"
    assert inside.one(f"{unread} AND i.erased_at IS NULL") == inside.one(unread) == 26
    # 32 passers-by, and 37 who are needed for a report.
    assert inside.one("SELECT COUNT(*) FROM conversation") == inside.one("SELECT COUNT(*) FROM address") == 32 + 37
    assert done["addresses"] == done["conversations"] == 365 + 53 + 37 - 69
    # Each has its certificate, in the database and in the audit, and they add up.
    certified = Counter[str]()
    for rule, counts in inside("SELECT rule, counts FROM erasure"):
        assert rule in book.referral.retention
        certified.update(json.loads(counts))
    assert certified == done
    assert inside.one("SELECT COUNT(*) FROM erasure") == inside.one(
        "SELECT COUNT(*) FROM audit WHERE action = 'data.erased'"
    )
    # The figures of the year are still there: coded, and they lead to nobody.
    assert inside("SELECT kind, COUNT(*) FROM intake GROUP BY kind ORDER BY kind") == [("info", 37), ("tip", 53)]
    assert inside.one("SELECT COUNT(*) FROM intake WHERE facts = '' OR conversation <> '' AND erased_at > 0") == 0


async def test_what_nobody_opened_can_still_be_read_after_a_year(world: World, book: Book) -> None:
    name = await tip(world, "p")
    await world.wait(366 * DAY)
    assert "reports" not in await sweep(world.storage, with_periods(book, police=1), world.now)
    found = await world.storage.load_referral(world.referrals[name].id)
    assert found.intake is not None
    assert MARKER in str((await words_of(world.storage, found.intake.id)).texts)


# ---------------------------------------------------------------------------------------------------- when it may not


async def test_a_report_is_kept_while_its_agency_has_not_said_how_long(world: World, book: Book) -> None:
    await close(world, await tip(world, "p"))
    await world.wait(1000 * DAY)
    assert "reports" not in await sweep(world.storage, book.referral, world.now)


async def test_what_was_added_after_the_closing_keeps_all_of_it_until_somebody_has_read_it(
    world: World, book: Book, inside: Inside
) -> None:
    rules = with_periods(book, police=10)
    await close(world, await tip(world, "p"))
    await world.wait(9 * DAY)
    receipt = next(one.intake.receipt for one in world.commits if one.new_intake and one.intake)
    await world.say("q", receipt)
    await world.choose("q", "add")
    await world.say("q", "tối nay xe lại đến")
    await world.wait(100 * DAY)
    assert "reports" not in await sweep(world.storage, rules, world.now)
    await close(world, "R2")
    await world.wait(9 * DAY)
    assert "reports" not in await sweep(world.storage, rules, world.now)
    await world.wait(DAY)
    assert (await sweep(world.storage, rules, world.now))["reports"] == 1
    assert inside.one(GONE) == 1


async def test_only_an_end_that_somebody_has_read_lets_a_report_go(world: World, book: Book) -> None:
    """The table of what may go, over all states that two referrals of one report can be in."""
    await tip(world, "p")
    one = replace(world.referrals["R1"], closed_at=START, delivered_at=START)
    ended = {"closed", "returned", "transferred", "withdrawn"}
    states = {*ended, "proposed", "sent", "delivered", "acknowledged", "accepted"}
    rules = with_periods(book, police=1)
    for first in states:
        for second in states:
            both = [replace(one, state=first), replace(one, state=second)]
            may = ({first, second} <= ended and "closed" in (first, second)) or first == second == "withdrawn"
            assert bool(rule_for("tip", both)) == may, (first, second)
            assert (due_at(rules, "tip", START, both) is not None) == may, (first, second)
            assert due_at(rules, "tip", START + DAY, both) is None
    assert rule_for("tip", []) == ""
    assert rule_for("tip", [replace(one, state="closed", to="hotline_111")]) == "tip_not_forwarded"
    assert rule_for("info", [replace(one, state="closed", to="hotline_111")]) == "information_only"


async def test_two_sweeps_at_once_erase_each_thing_once(world: World, book: Book, inside: Inside) -> None:
    rules = with_periods(book, police=1)
    for number in range(5):
        await close(world, await tip(world, f"p{number}"))
    await world.wait(3 * DAY)
    found = await asyncio.gather(*(sweep(world.storage, rules, world.now) for _ in range(3)))
    assert sum(one.get("reports", 0) for one in found) == inside.one(GONE) == 5


# ---------------------------------------------------------------------------------------------------------- who runs it


async def test_the_night_is_in_the_outbox_once_whoever_plans_it(world: World, inside: Inside) -> None:
    assert [row.due_at.hour for row in sweep_rows(START)] == [19, 19]
    for minutes in range(0, 1440 * 3, 60):
        await plan(world.storage, START + timedelta(minutes=minutes))
    nights = inside("SELECT key FROM outbox WHERE kind = 'erase' ORDER BY key")
    assert nights == [(f"erase/2026-11-{day}",) for day in (22, 23, 24, 25, 26)]


# ------------------------------------------------------------------------------------------------ backups and the list


async def test_the_list_says_what_was_erased_and_mends_itself(world: World, book: Book, tmp_path: Path) -> None:
    file, rules = tmp_path / LIST_NAME, with_periods(book, police=1)
    kept = ErasedList(world.storage, file)
    assert await kept.keep_up(world.now) == 0
    for number in range(3):
        await close(world, await tip(world, f"p{number}"))
    await world.wait(40 * DAY)
    await sweep(world.storage, rules, world.now)
    assert await kept.keep_up(world.now) == 6  # three reports, three conversations
    assert await kept.keep_up(world.now) == 0
    whole = {one.id for one in listed(file)}
    file.write_bytes(file.read_bytes()[:-30])  # the disk was full in the middle of a line
    assert {one.id for one in listed(file)} < whole
    assert await ErasedList(world.storage, file).keep_up(world.now) == 1
    assert {one.id for one in listed(file)} == whole


@pytest.mark.parametrize("kind", BOTH)
async def test_a_restored_backup_is_swept_of_what_was_erased_since(
    kind: str, tmp_path: Path, book: Book, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk, rules = Desk(tmp_path, monkeypatch, capsys), with_periods(book, police=1)
    async with database("sqlite", tmp_path) as made, empty(kind, tmp_path) as target:
        world = World(await made.open(), book)
        gone, stays = await tip(world, "p"), await tip(world, "q")
        await close(world, gone)
        await world.wait(2 * DAY)
        await desk.back_up(made.place)
        await world.wait(40 * DAY)
        await sweep(world.storage, rules, world.now)
        await ErasedList(world.storage, desk.home / LIST_NAME).keep_up(world.now)
        status, said = await desk.restore(target.place)
        assert status == 0, said
        assert (await target.ask(LIVE))[0][0] == 2
        status, said = await desk.run(target.place, "restore", "--release")
        assert (status, "2 reports and chats erased again" in said) == (0, True), said
        assert (await target.ask(LIVE))[0][0] == (await target.ask(GONE))[0][0] == 1
        assert (await target.ask("SELECT COUNT(*) FROM conversation"))[0][0] == 1
        assert (await target.ask("SELECT COUNT(*) FROM address"))[0][0] == 1
        restored = await target.open()
        still = await restored.load_referral(world.referrals[stays].id)
        assert still.intake is not None
        assert MARKER in str((await words_of(restored, still.intake.id)).texts)
        assert (await target.ask("SELECT COUNT(DISTINCT intake) FROM intake_part"))[0][0] == 1


async def test_the_audit_holds_when_its_details_about_a_report_have_gone(
    world: World, book: Book, inside: Inside
) -> None:
    audit, rules = Audit(world.storage), with_periods(book, police=1)
    await close(world, await tip(world, "p"))
    await world.wait(3 * DAY)
    await audit.link(world.now)
    told = "SELECT COUNT(*) FROM audit WHERE detail <> '' AND subject IN (SELECT id FROM intake UNION SELECT id FROM referral)"
    assert inside.one(told) > 3
    done = await sweep(world.storage, rules, world.now)
    assert done["audit details"] > 3
    assert inside.one(told) == 0
    assert not (await audit.verify(world.now)).broken
