"""Changes as they come: what the stream says, when, to whom, and what it never says."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bot.web.console.access import Desk as Signed
from bot.web.console.live import LOOKS, PING_EVERY, Board, Mark, changes
from bot.web.parts import Site
from storage.accounts import Accounts
from storage.base import Officer, StorageAway
from tests.test_console import Desk, a_cry, a_tip, add_officer, desk, site  # noqa: F401 - fixtures
from tests.world import World

TOKEN = "t" * 43


class Stream:
    """A page that has the list open; each `look` is one of the stream's, without waiting."""

    def __init__(self, desk: Signed) -> None:  # noqa: F811
        self.left = False
        self.desk = desk
        self.told = changes(desk, Board(clock=self._clock), lambda: self.left, self._pause)
        self._at = 0.0

    def _clock(self) -> float:
        self._at += 10.0
        return self._at

    async def _pause(self, seconds: float) -> None:
        """No time passes in a test."""

    async def next(self) -> str:
        return (await anext(self.told)).decode()


async def signed_in(world: World, site: Any, office: str = "hotline-111", role: str = "duty") -> Signed:  # noqa: F811
    officer = await add_officer(world, f"{role}-{office}", office, role)
    await Accounts(world.storage).open_session(
        officer.id, TOKEN, at=world.now, expires_at=world.now.replace(year=world.now.year + 1)
    )
    parts: Site = site.state.parts
    return Signed(officer, TOKEN, parts)


def mark_in(event: str) -> Mark:
    name, _, body = event.partition("\n")
    assert name == "event: mark"
    return msgspec.json.decode(body.removeprefix("data: "), type=Mark)


async def test_a_new_case_and_a_taken_one_are_each_told_once(world: World, site: Any):  # noqa: F811
    stream = Stream(await signed_in(world, site))
    assert "retry:" in await stream.next()
    empty = mark_in(await stream.next())
    assert (empty.waiting, empty.urgent) == (0, 0)
    referral = (await a_cry(world))["hotline-111"]
    new = mark_in(await stream.next())
    assert (new.waiting, new.urgent) == (1, 1)
    taken = stream.desk.officer
    await world.deliverer.drain()
    await world.officer("hotline_111-1", "acknowledge", world._name(referral))
    assert taken.office == referral.office
    after = mark_in(await stream.next())
    assert (after.waiting, len({empty.mark, new.mark, after.mark})) == (0, 3)
    world.now += timedelta(minutes=20)
    assert await stream.next() == ": \n\n"  # nothing changed: only a sign of life


async def test_the_stream_holds_nothing_of_a_case(world: World, site: Any):  # noqa: F811
    referrals = await a_tip(world, "cho ben song co xe la")
    referral = next(one for one in referrals.values() if one.to == "police")
    stream = Stream(await signed_in(world, site, referral.office))
    await stream.next()
    event = await stream.next()
    assert set(json.loads(event.partition("data: ")[2])) == {"mark", "waiting", "urgent"}
    for word in (referral.id, referral.code, referral.intake, "song", "L2"):
        assert word not in event


async def test_overdue_is_a_change_though_nobody_did_anything(world: World, site: Any):  # noqa: F811
    await a_cry(world)
    stream = Stream(await signed_in(world, site))
    await stream.next()
    before = mark_in(await stream.next())
    world.now = world.now.replace(hour=world.now.hour + 1)
    assert mark_in(await stream.next()).mark != before.mark


async def test_a_revoked_officers_stream_ends(world: World, site: Any):  # noqa: F811
    stream = Stream(await signed_in(world, site))
    await stream.next()
    await stream.next()
    await Accounts(world.storage).revoke(stream.desk.officer.id, by="operator", at=world.now)
    heard = [event.decode() async for event in stream.told]
    assert heard[-1] == "event: gone\ndata: {}\n\n"
    assert len(heard) <= PING_EVERY


async def test_a_database_that_is_away_is_said_and_looked_for_again(
    world: World,
    site: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    stream = Stream(await signed_in(world, site))
    await stream.next()
    await stream.next()
    listed = world.storage.list_referrals

    async def away(officer: Officer, **_: Any) -> Any:
        raise StorageAway("gone")

    monkeypatch.setattr(world.storage, "list_referrals", away)
    assert (await stream.next()).startswith("event: away")
    monkeypatch.setattr(world.storage, "list_referrals", listed)
    mark_in(await stream.next())


async def test_a_stream_ends_when_the_service_is_told_to_stop_and_by_itself(world: World, site: Any):  # noqa: F811
    signed = await signed_in(world, site)
    stream = Stream(signed)
    stream.left = True
    assert len([event async for event in stream.told]) == 2
    told = [event async for event in Stream(signed).told]
    assert len(told) <= LOOKS / PING_EVERY + 2


async def test_a_hundred_pages_of_one_office_look_once(world: World, site: Any, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    signed = await signed_in(world, site)
    board, looked = Board(clock=lambda: 1.0), []
    listed = world.storage.list_referrals

    async def counted(officer: Officer, **given: Any) -> Any:
        looked.append(officer.id)
        return await listed(officer, **given)

    monkeypatch.setattr(world.storage, "list_referrals", counted)
    for _ in range(100):
        await board.look(signed)
    assert len(looked) == 1


async def test_the_stream_passes_a_proxy_and_is_kept_by_nobody(world: World, site: Any, desk: Desk):  # noqa: F811
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    object.__setattr__(site.state.parts, "leaving", lambda: True)
    answer = await desk.get("/officers/live")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"] == "no-store"
    assert "event: mark" in answer.text
