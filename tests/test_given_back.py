"""What an office gives back leaves its list and stands in the next one's; what everybody gives back stays where it was last."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from referral.model import Referral, is_left
from referral.retain import rule_for
from storage.base import Officer
from storage.migrate import LATEST, migrate
from storage.rows import to_ms
from storage.seal import Sealer
from tests.test_console import Desk, a_tip, add_officer, browser
from tests.test_console import site as site
from tests.world import KEY, START, World

REASON = "not_our_matter"
WORDS = "cho ben song co xe la"


@pytest.fixture
async def everywhere(world: World) -> Officer:
    """An administrator, whose list has the cases of all offices."""
    return await add_officer(world, "quan-tri", "hotline-111", "admin")


async def lists(world: World, officer: Officer) -> tuple[set[str], set[str]]:
    """The ids in the officer's open list, and in the list of what is over."""
    opened, over = [await world.storage.list_referrals(officer, closed=closed) for closed in (False, True)]
    return {one.id for one in opened}, {one.id for one in over}


def held(world: World) -> dict[str, Referral]:
    return {name: one for name, one in world.referrals.items() if one.state not in ("returned", "withdrawn", "closed")}


async def everybody_gives_back(world: World) -> Referral:
    """Office after office; the last that had it."""
    last = ""
    for _ in range(20):
        if not (waits := held(world)):
            return world.referrals[last]
        last = next(iter(waits))
        await world.wait(timedelta(seconds=1))
        assert await world.officer(f"{last}-1", "return", last, reason=REASON) == ""
    raise AssertionError("it goes round in a circle")


async def test_a_case_that_was_given_back_is_in_the_next_offices_list_and_no_longer_in_the_first(
    world: World, everywhere: Officer
) -> None:
    await a_tip(world)
    name, first = next(iter(world.referrals.items()))
    giver = await add_officer(world, "an", first.office)
    assert (await lists(world, giver))[0] == {first.id}
    await world.officer("an-1", "return", name, reason=REASON)
    passed = next(one for one in world.referrals.values() if one.rule == "returned")
    receiver = await add_officer(world, "ba", passed.office)
    assert await lists(world, giver) == (set(), {first.id})
    assert passed.id in (await lists(world, receiver))[0]
    opened, over = await lists(world, everywhere)
    assert (passed.id in opened, first.id in opened, first.id in over) == (True, False, True)


async def test_what_everybody_gave_back_stays_in_one_open_list_and_the_alarm_is_raised_each_time(
    world: World, everywhere: Officer, tmp_path: Path
) -> None:
    await a_tip(world)
    left = await everybody_gives_back(world)
    holder = await add_officer(world, "an", left.office)
    assert (await lists(world, holder))[0] == {left.id}
    opened, over = await lists(world, everywhere)
    assert opened == {left.id}
    assert over == {one.id for one in world.referrals.values()} - {left.id}
    assert len(alarms(tmp_path)) == 1
    name = next(name for name, one in world.referrals.items() if one.id == left.id)
    assert await world.officer("an-1", "acknowledge", name) == ""
    assert await world.officer("an-1", "return", name, reason=REASON) == ""
    assert len(alarms(tmp_path)) == 2, "somebody took it and gave it back: it is with nobody once more"


def alarms(folder: Path) -> list[Any]:
    with closing(sqlite3.connect(folder / "world.db")) as database:
        return database.execute("SELECT key FROM outbox WHERE kind = 'alarm' AND key LIKE 'nobody/%'").fetchall()


async def test_whoever_it_is_left_with_reads_it_and_takes_it_and_then_it_is_over_by_its_closing(
    world: World, site: Any
) -> None:
    await a_tip(world)
    left = await everybody_gives_back(world)
    holder = await add_officer(world, "an", left.office)
    async with browser(site) as client:
        desk = Desk(client, world)
        await desk.sign_in("an")
        path = f"/officers/r/{left.id}"
        assert "Mọi nơi đã trả lại, chưa ai giữ" in (await desk.get("/officers/")).text
        assert WORDS in (await desk.get(f"{path}?mo=thay")).text
        assert 'value="return"' not in (await desk.get(path)).text
        assert (await desk.post(path, do="return", sure="1", reason=REASON)).status_code == 409
        assert (await desk.post(path, do="classify", reason="crime_news")).status_code == 409
        assert (await desk.post(path, do="acknowledge")).status_code == 303
        assert "chưa ai giữ" not in (await desk.get("/officers/")).text
        assert (await desk.post(path, do="close", sure="1", outcome="supported")).status_code == 303
    assert await lists(world, holder) == (set(), {left.id})


async def test_it_can_be_handed_to_an_office_that_had_it(world: World, site: Any) -> None:
    first = next(iter((await a_tip(world)).values()))
    left = await everybody_gives_back(world)
    holder = await add_officer(world, "an", left.office)
    async with browser(site) as client:
        desk = Desk(client, world)
        await desk.sign_in("an")
        answer = await desk.post(
            f"/officers/r/{left.id}", do="transfer", sure="1", office=first.office, reason="not_our_area"
        )
        assert answer.status_code == 303
    assert await lists(world, holder) == (set(), {left.id})
    assert [one.office for one in held(world).values() if one.state != "transferred"] == [first.office]


async def test_what_a_person_adds_then_reaches_who_gave_it_back_last(world: World) -> None:
    await a_tip(world)
    left = await everybody_gives_back(world)
    receipt = next(one.intake.receipt for one in world.commits if one.new_intake and one.intake)
    await world.open("khac")
    await world.say("khac", receipt)
    await world.choose("khac", "add")
    await world.say("khac", "xe quay lai")
    await world.choose("khac", "done")
    assert [one.office for one in held(world).values()] == [left.office]


async def test_what_is_left_with_somebody_is_kept_though_another_office_has_closed_it(world: World) -> None:
    await a_tip(world)
    one = next(iter(world.referrals.values()))
    over = replace(one, state="closed", closed_at=START, delivered_at=START)
    assert rule_for("tip", [over, replace(over, state="returned")])
    assert rule_for("tip", [over, replace(over, state="returned", closed_at=None)]) == ""


async def test_a_database_of_the_release_before_is_put_in_order(
    world: World, everywhere: Officer, tmp_path: Path
) -> None:
    """There what was given back stood as open for ever, with the time of its return."""
    await a_tip(world)
    left = await everybody_gives_back(world)
    await a_tip(world, who="be")
    assert await world.officer("an-1", "return", next(iter(held(world))), reason=REASON) == ""
    going_on = {one.id for one in held(world).values()}
    file = tmp_path / "world.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE referral SET ended = 0, closed_at = COALESCE(closed_at, ?)", (to_ms(world.now),))
        database.execute("ALTER TABLE conversation DROP COLUMN left_at")  # of a later release
        database.execute("UPDATE alembic_version SET version_num = '0015'")
    assert len((await lists(world, everywhere))[0]) == len(world.referrals)
    assert migrate(file, Sealer(KEY)) == ("0015", LATEST)
    opened, over = await lists(world, everywhere)
    assert opened == {left.id, *going_on}
    assert over == {one.id for one in world.referrals.values()} - opened
    found = (await world.storage.load_referral(left.id)).referral
    assert found is not None
    assert is_left(found)
