"""A door that fails for long is said and told of once; one that nobody uses at night is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot import standing
from bot.book import Book
from bot.channels.base import Inbound, SendError
from bot.channels.telegram.poll import poll
from bot.channels.telegram.request import AiohttpRequest
from bot.channels.telegram.send import TelegramChannel
from bot.channels.telegram.set_up import Way, set_up_at_last
from bot.commands import doors
from bot.deliver import Deliverer, Work
from bot.doors_table import every_door, line_of
from bot.keys import open_with_key
from bot.receive import utc_now
from bot.settings import BadSetting, Secret, Settings, read_settings
from bot.standing import Standings
from storage.base import StorageUnfit
from storage.seal import Sealer
from tests.databases import BOTH, database
from tests.delivery import Platform, queue, row
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.test_signin import Desks, desks  # noqa: F401 - a fixture
from tests.world import World

MINUTE = timedelta(minutes=1)
AFTER = 10 * MINUTE
SETTINGS = Settings(home=Path("nowhere"), telegram_token=Secret("1:abc"))


@pytest.fixture(params=BOTH)
async def either(request: pytest.FixtureRequest, tmp_path: Path, book: Book) -> AsyncIterator[World]:
    async with database(request.param, tmp_path) as made:
        yield World(await made.open(), book)


def watching(world: World) -> Standings:
    """What one process finds out."""
    return Standings(world.storage, ("web", "telegram"), AFTER, lambda: world.now)


async def fails(world: World, minutes: int, *watches: Standings, part: str = "receive") -> None:
    """Telegram fails each minute for so long, seen by the first."""
    for _ in range(minutes):
        watches[0].told("telegram", part, "network")
        for each in watches:
            await each.look()
        world.now += MINUTE


async def alarms(world: World) -> int:
    claimed = await world.storage.claim(world.now, 50)
    return len([one for one in claimed if one.row.kind == "alarm"])


async def test_ten_minutes_of_failures_are_said_by_every_process_and_told_once(either: World) -> None:
    one, other = watching(either), watching(either)
    await fails(either, 10, one, other)
    assert (one.problem(), other.problem()) == ("", "")
    await fails(either, 5, one, other)
    assert "telegram is down for 15 min (receive network)" in other.problem()
    assert await alarms(either) == 1


async def test_a_failure_and_then_silence_is_not_down(either: World) -> None:
    one = watching(either)
    await fails(either, 1, one)
    either.now += 9 * MINUTE
    await one.look()
    assert one.problem() == ""
    either.now += timedelta(hours=9)
    await one.look()
    assert one.problem() == ""
    assert await alarms(either) == 0


async def test_what_works_between_two_failures_begins_anew(either: World) -> None:
    one = watching(either)
    await fails(either, 8, one)
    one.received("telegram")
    await fails(either, 8, one)
    assert one.problem() == ""


async def test_it_is_open_again_with_the_first_thing_that_works_and_told_anew_the_next_time(either: World) -> None:
    one = watching(either)
    await fails(either, 15, one, part="send")
    one.sent("telegram", "")
    await one.look()
    assert one.problem() == ""
    await fails(either, 15, one, part="send")
    assert one.problem() != ""
    assert await alarms(either) == 2


async def test_that_sending_works_does_not_hide_that_nothing_comes_in(either: World) -> None:
    one = watching(either)
    for _ in range(15):
        one.sent("telegram", "")
        await fails(either, 1, one)
    assert "receive network" in one.problem()


async def test_the_table_says_how_each_stands(either: World) -> None:
    one = watching(either)
    one.received("telegram")
    await fails(either, 15, one, part="send")
    await queue(either, row("a"), row("b"))
    table = {each.name: each for each in await every_door(either.storage, SETTINGS, either.now)}
    telegram = table["telegram"]
    assert telegram.is_on
    assert telegram.waiting == 2
    assert telegram.down_since is not None
    assert "ERROR: down since" in line_of(telegram)
    assert not table["zalo_oa"].is_on
    assert line_of(table["zalo_oa"]).split("\t")[1] == "off"
    assert line_of(table["web"]).split("\t")[1] == "on"


async def test_what_deliverers_meet_counts_and_what_lies_with_one_person_does_not(world: World) -> None:
    noted: list[tuple[str, str]] = []
    platform = Platform()
    platform.errors = {
        "a": [SendError("again", "network", 1.0)], "b": [SendError("blocked", "forbidden")], "d": [SendError("never", "x")],
    }  # fmt: skip
    work = Work(
        world.storage, world.book, world.receiver, {"telegram": platform}, "", lambda: world.now,
        steady=lambda: world.now.timestamp(), told=lambda channel, code: noted.append((channel, code)),
    )  # fmt: skip
    await queue(world, row("a"), row("b"), row("c"), row("d"))
    await Deliverer(work).once()
    assert sorted(noted) == [("telegram", ""), ("telegram", "network")]


async def test_whoever_polls_says_what_fails_and_what_works() -> None:
    async with FakeTelegram() as telegram:
        telegram.fault("getUpdates", status=502, description="Bad Gateway")
        telegram.fault("getMe", status=502, description="Bad Gateway")
        channel = TelegramChannel(TOKEN, api=telegram.url, request=AiohttpRequest(read_timeout=0.3))
        stop, codes = asyncio.Event(), list[str]()
        await set_up_at_last(channel.bot, Way(), stop, first_wait_s=0.001, told=codes.append)
        assert [bool(code) for code in codes] == [True, False]
        codes.clear()
        task = asyncio.create_task(poll(channel, _nothing, stop, first_wait_s=0.001, told=codes.append))
        telegram.say(7, "xin chào")
        await telegram.settled()
        stop.set()
        await asyncio.wait_for(task, 60)
        await channel.close()
    assert codes[0] != ""
    assert "" in codes


async def _nothing(inbound: Inbound) -> None:
    return


async def test_the_command_prints_it_and_ends_with_1_where_one_is_down(tmp_path: Path, book: Book) -> None:
    settings = Settings(home=tmp_path, database=str(tmp_path / "doors.db"), telegram_token=Secret("1:abc"))
    storage = await open_with_key(settings.home, settings.database, settings.key_at)
    world = World(storage, book, now=utc_now() - 12 * MINUTE)
    printed, works = await doors(settings)
    assert works
    assert len(printed.splitlines()) == 4
    await fails(world, 12, watching(world))
    await storage.close()
    printed, works = await doors(settings)
    assert not works
    assert "ERROR: down since" in printed


async def test_the_staff_of_111_read_which_door_and_since_when(world: World) -> None:
    await world.joins("hoa", "hotline-111")
    one = watching(world)
    started: datetime = world.now
    await fails(world, 15, one)
    told = "\n".join(text for message in await world.phone("hoa") for text in message.texts)
    assert "Kênh Telegram không gửi hoặc nhận được tin từ" in told
    assert started.strftime("%d/%m/%Y") in told


def test_minutes_are_minutes() -> None:
    assert read_settings({"NHIPCAU_DOWN_MINUTES": "3"}).down_minutes == 3
    for wrong in ("0", "ten", "-1", "99999"):
        with pytest.raises(BadSetting, match="NHIPCAU_DOWN_MINUTES"):
            read_settings({"NHIPCAU_DOWN_MINUTES": wrong})


async def test_a_record_that_cannot_be_read_ends_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    one, stop = watching(world), asyncio.Event()

    async def unreadable() -> None:
        stop.set()
        raise StorageUnfit("sealed with another key")

    monkeypatch.setattr(standing, "LOOK_S", 0.0)
    monkeypatch.setattr(one, "look", unreadable)
    await asyncio.wait_for(one.run(stop), 10)


async def test_after_the_service_key_changed_it_begins_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    one = watching(world)
    await fails(world, 1, one)
    monkeypatch.setattr(world.storage, "sealer", Sealer(b"n" * 32))
    table = await every_door(world.storage, SETTINGS, world.now)
    assert [each.failing for each in table] == ["", "", "", ""]
    await fails(world, 15, watching(world))
    assert any(each.down_since for each in await every_door(world.storage, SETTINGS, world.now))


# ------------------------------------------------------------------------------------------------------- on the page


async def test_an_administrator_sees_every_door_and_which_is_down(desks: Desks) -> None:  # noqa: F811
    admin, chief = await desks.signed_in("an", "admin"), await desks.signed_in("chi", "chief")
    world = desks.world
    one = watching(world)
    for _ in range(15):
        one.told("web", "receive", "network")
        await one.look()
        world.now += MINUTE
    text = (await admin.get("/officers/staff")).text
    assert "Các cửa người dân nhắn vào" in text
    assert "○ hỏng" in text
    assert "đang tắt" in text
    assert "Các cửa người dân nhắn vào" not in (await chief.get("/officers/staff")).text
