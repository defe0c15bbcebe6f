"""A platform's cap is kept, and under it what is urgent leaves first, everybody in their order, and nobody never."""

from __future__ import annotations

import itertools
import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.book import Book
from bot.channels.base import Channel, Message, SendError
from bot.channels.pace import Pace
from bot.deliver import Deliverer, Work
from bot.sender import SHARE, target
from storage.base import Address, Claimed, Commit, OutboxRow
from tests.delivery import Driven, Platform, queue, row
from tests.world import START, World, new_world

SLOT_S = 1 / 28
"""The even distance of 30 a second, of which two may leave at once."""

# ------------------------------------------------------------------------------------------------------------ the pace


def leave(pace: Pace, count: int, now: float = 0.0) -> list[float]:
    """When so many messages to people of their own leave, each as soon as it may."""
    left = []
    for number in range(count):
        now = pace.ready_at(f"chat {number}", now)
        pace.took(f"chat {number}", now)
        left.append(now)
    return left


def most_in(seconds: float, times: Sequence[float]) -> int:
    """The most that left within any such stretch of time."""
    return max((sum(at <= other < at + seconds - 1e-9 for other in times) for at in times), default=0)


def test_never_more_than_thirty_in_any_second() -> None:
    left = leave(Pace(), 300)
    assert most_in(1.0, left) <= 30
    assert left[-1] < 11.0


def test_one_chat_waits_a_second_and_the_others_do_not() -> None:
    pace = Pace()
    pace.took("an", 100.0)
    assert pace.ready_at("an", 100.0) == 101.0
    assert not pace.spaced("an", 100.9)
    assert pace.ready_at("binh", 100.0) < 100.1
    assert pace.spaced("binh", 100.0)
    assert pace.ready_at("an", 200.0) == 200.0


def test_after_a_429_nobody_goes_before_its_wait_is_over() -> None:
    pace = Pace()
    pace.hold(130.0)
    pace.hold(110.0)
    assert pace.ready_at("an", 100.0) == 130.0
    assert pace.ready_at("an", 131.0) == 131.0


def test_an_urgent_message_waits_milliseconds_behind_a_burst() -> None:
    pace = Pace()
    now = leave(pace, 100)[-1]
    assert pace.ready_at("urgent", now) - now < 0.05


def test_the_pace_forgets_addresses_that_need_no_wait() -> None:
    pace = Pace(per_second=1e6)
    for number in range(25_000):
        pace.took(str(number), float(number))
    assert len(pace._addresses) <= 10_001


def test_a_minute_has_its_own_bound() -> None:
    left = leave(Pace(per_second=100, per_address_s=0.0, burst=50, per_minute=40), 130)
    assert most_in(60.0, left) == 40
    assert [round(left[number]) for number in (0, 39, 40, 80, 120)] == [0, 0, 60, 120, 180]


def test_what_the_platform_says_is_left_of_its_minute_is_obeyed() -> None:
    pace = Pace(per_second=1000, per_address_s=0.0)
    pace.left(3, 10.0)
    left = leave(pace, 5, 10.0)
    assert [at < 11 for at in left] == [True, True, True, False, False]
    assert left[3] == 70.0, "a minute after it was first heard of, at the latest"


def test_answers_that_overtake_each_other_promise_nothing_and_a_new_minute_is_known_by_its_many() -> None:
    pace = Pace(per_second=1000, per_address_s=0.0)
    pace.left(1, 10.0)
    pace.took("an", 10.0)
    pace.left(2, 10.1)  # an older answer
    assert pace.opens_at(10.2) == 70.0
    pace.left(3990, 25.0)
    assert pace.opens_at(25.0) == 25.0


@pytest.mark.parametrize("wrong", [{"burst": 0}, {"per_second": 2.0}, {"per_minute": 0}])
def test_a_pace_that_says_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Pace(**wrong)


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.integers(0, 3)), max_size=80), st.integers(1, 30), st.integers(1, 40))
def test_no_schedule_goes_over_any_bound(asked: list[tuple[float, int]], burst: int, per_minute: int) -> None:
    """Messages are asked for after any pauses, to four addresses."""
    pace = Pace(per_second=31.0, burst=burst, per_minute=per_minute)
    now = 0.0
    left: list[float] = []
    to: dict[int, list[float]] = {}
    for pause, address in asked:
        now = pace.ready_at(str(address), now + pause)
        pace.took(str(address), now)
        left.append(now)
        to.setdefault(address, []).append(now)
    assert most_in(1.0, left) <= 31
    assert most_in(60.0, left) <= per_minute
    assert all(later - earlier >= 1.0 - 1e-9 for times in to.values() for earlier, later in itertools.pairwise(times))


@given(st.lists(st.tuples(st.floats(0.0, 2.0), st.integers(0, 60)), max_size=60))
def test_no_more_leave_than_the_platform_said_were_left(said: list[tuple[float, int]]) -> None:
    """Before each message the platform says what is left, too little or too much; the least of a minute counts."""
    pace = Pace(per_second=1000, per_address_s=0.0)
    now, ends, least = 0.0, float("-inf"), 0
    for pause, calls in said:
        now += pause
        if now >= ends:
            ends, least = now + 60.0, calls
        if calls <= least + 50:
            least = min(least, calls)
        else:
            ends, least = now + 60.0, calls
        pace.left(calls, now)
        at = pace.opens_at(now)
        assert (at < ends) == (least > 0)
        now = at
        pace.took("an", now)
        if now < ends:
            least -= 1


# ------------------------------------------------------------------------------------------------ who goes, and when


@pytest.fixture
def driven(world: World) -> Driven:
    return Driven(world)


def sends(world: World, driven: Driven, *platforms: Platform, **paces: Pace) -> Deliverer:
    """Somebody who delivers under a clock that is driven."""
    for one in platforms:
        one.clock = driven.steady
    channels: Mapping[str, Channel] = {one.name: one for one in platforms}
    work = Work(
        world.storage, world.book, world.receiver, channels, "", lambda: world.now, None, paces, driven.steady, driven.wait
    )  # fmt: skip
    made = Deliverer(work)
    world.receiver.wake = made.wake
    return made


def later(world: World, one: Deliverer, *rows: Any) -> Any:
    """Put these in the outbox, and say so."""

    async def act() -> None:
        await queue(world, *rows)
        one.wake()

    return act


async def test_what_is_urgent_takes_the_next_place_before_thousands(world: World, driven: Driven) -> None:
    platform = Platform()
    one = sends(world, driven, platform, telegram=Pace())
    await queue(world, *(row(f"p{number}", lane=f"c:{number}") for number in range(3000)))
    urgent = [row("officer", "KHẨN", lane="o:1", priority=0), row("lan", "113", lane="c:lan", priority=0)]
    driven.at(5.0, later(world, one, *urgent))
    driven.at(5.5, later(world, one, row("chief", "mới", lane="o:2", priority=1)))
    await driven.play(one, 8)
    left = dict(zip(platform.sent, platform.times, strict=True))
    assert left["officer", "KHẨN"] - 5.0 <= SLOT_S
    assert left["lan", "113"] - 5.0 <= 2 * SLOT_S
    assert left["chief", "mới"] - 5.5 <= SLOT_S
    assert [to for to, _ in platform.sent if to[0] == "p"] == [f"p{number}" for number in range(len(platform.sent) - 3)]
    assert len(platform.sent) >= 8 * 28


async def test_an_address_keeps_its_order_and_its_second_and_the_others_use_its_time(
    world: World, driven: Driven
) -> None:
    platform = Platform()
    one = sends(world, driven, platform, telegram=Pace())
    people = [f"p{number}" for number in range(60)]
    await queue(world, *(row(who, f"{number}", lane=f"c:{who}") for number in range(5) for who in people))
    await driven.play(one, 300 / 28 + 1.5)
    assert len(platform.sent) == 300
    for who in people:
        times = [at for (to, _), at in zip(platform.sent, platform.times, strict=True) if to == who]
        assert platform.texts(who) == ["0", "1", "2", "3", "4"]
        assert all(then - before >= 1 - 1e-6 for before, then in itertools.pairwise(times))


async def test_a_class_that_alone_fills_the_cap_leaves_one_place_of_sixteen_to_the_others(
    world: World, driven: Driven
) -> None:
    platform = Platform()
    one = sends(world, driven, platform, telegram=Pace())
    await queue(world, *(row(f"r{number}") for number in range(1000)))
    await queue(world, *(row(f"i{number}", priority=3) for number in range(10)))
    await driven.play(one, 10)
    kinds = "".join(to[0] for to, _ in platform.sent)
    assert kinds.startswith("r" * 15 + "i" + "r" * 15 + "i")
    assert kinds.count("i") == 10
    assert "ii" not in kinds


async def test_a_429_stops_that_bot_alone_and_for_the_time_it_named(world: World, driven: Driven) -> None:
    telegram, zalo, web = Platform(), Platform("zalo_bot"), Platform("web")
    one = sends(world, driven, telegram, zalo, web, telegram=Pace(), zalo_bot=Pace())
    for name in ("telegram", "zalo_bot", "web"):
        await queue(world, *(row(f"p{number}", channel=name) for number in range(400)))
    telegram.errors["p28"] = [SendError("again", "flood", 30.0)]
    driven.at(5.0, later(world, one, row("officer", priority=0)))
    await driven.play(one, 50)
    assert (len(web.sent), len(zalo.sent)) == (400, 400)
    assert web.times[-1] < 1
    assert zalo.times[-1] < 400 / 28 + 0.1
    stopped_at = telegram.times[27]
    assert telegram.times[28] - stopped_at >= 30.0
    assert telegram.times[28] - stopped_at < 30.2
    assert telegram.sent[28] == ("officer", "officer"), "and what is urgent is the first again"
    assert len(telegram.sent) == 401


async def test_about_a_second_is_claimed_and_nothing_is_written_back_for_the_pace(
    world: World, driven: Driven, tmp_path: Path
) -> None:
    platform = Platform()
    one = sends(world, driven, platform, telegram=Pace())
    await queue(world, *(row(f"p{number}") for number in range(500)))
    claimed: list[int] = []

    async def look() -> None:
        claimed.extend(ask(tmp_path, "SELECT count(*) FROM outbox WHERE claimed_until > 0"))

    for second in range(1, 15):
        driven.at(float(second), look)
    await driven.play(one, 20)
    assert max(claimed) <= 32
    assert ask(tmp_path, "SELECT DISTINCT attempts FROM outbox") == [1]
    assert len(platform.sent) == 500


async def test_rows_written_by_the_release_before_keep_to_the_pace_as_well(world: World, driven: Driven) -> None:
    platform = Platform()
    one = sends(world, driven, platform, telegram=Pace())
    body = msgspec.to_builtins(Message(("x",)))
    rows = tuple(
        OutboxRow(f"old/{n}", "say", "", 2, world.now, {"to": {"channel": "telegram", "external": f"p{n}"}, **body})
        for n in range(100)
    )
    await world.storage.commit(Commit(at=world.now, outbox=rows))
    await driven.play(one, 6)
    assert len(platform.sent) == 100
    assert most_in(1.0, platform.times) <= 30


def ask(folder: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{folder / 'world.db'}?mode=ro", uri=True)) as database:
        return [first for (first,) in database.execute(sql)]


# --------------------------------------------------------------------------------------------------- any schedule at all

Queued = tuple[float, int, int]
"""When, for which address, of which class."""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(20, 70))
async def test_whatever_comes_when_the_order_and_the_cap_hold(
    tmp_path_factory: pytest.TempPathFactory, book: Book, empty_database: Path, seed: int, count: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    world = await new_world(tmp_path_factory.mktemp("any"), book, empty_database)
    try:
        await _hold(world, chance, count)
    finally:
        await world.storage.close()


async def _hold(world: World, chance: random.Random, count: int) -> None:
    driven, platform = Driven(world), Platform()
    one = sends(world, driven, platform, telegram=Pace(per_second=10))
    came: dict[str, Queued] = {}
    for number in range(count):
        at, who, priority = chance.random() * 3, chance.randrange(15), chance.choice((0, 1, 2, 2, 2, 3))
        came[str(number)] = (at, who, priority)
        driven.at(at, later(world, one, row(f"p{who}", str(number), lane=f"c:{who}", priority=priority)))
    await driven.play(one, 3 + count / 8 + count)  # in the worst case all are for one address
    left = {text: at for (_, text), at in zip(platform.sent, platform.times, strict=True)}
    assert sorted(left) == sorted(came), "everything leaves, and once"
    assert most_in(1.0, list(left.values())) <= 10
    _in_order(came, left)
    _strict(came, left)


def _in_order(came: Mapping[str, Queued], left: Mapping[str, float]) -> None:
    """Of two for one address the earlier leaves first, unless the later is urgent and the earlier is not."""
    for first, then in itertools.permutations(came, 2):
        (at, who, priority), (then_at, then_who, then_priority) = came[first], came[then]
        if who != then_who or at >= then_at:
            continue
        assert abs(left[first] - left[then]) >= 1 - 1e-6
        if then_priority != 0 or priority == 0:
            assert left[first] < left[then]


def _strict(came: Mapping[str, Queued], left: Mapping[str, float]) -> None:
    """Whoever could have left instead was not more urgent, but for one place of sixteen, and never instead of danger."""
    passed = 0
    for text, at in sorted(left.items(), key=lambda one: one[1]):
        waiting = [other for other in came if _could_leave(other, at, came, left)]
        better = [other for other in waiting if came[other][2] < came[text][2]]
        assert not [other for other in better if came[other][2] == 0]
        if better:
            assert passed >= SHARE - 1
            passed = 0
        elif came[text][2] != 0:
            passed += 1


def _could_leave(one: str, at: float, came: Mapping[str, Queued], left: Mapping[str, float]) -> bool:
    """Whether a row waited at this moment, was the first of its lane, and its address had had its second of rest."""
    came_at, who, _ = came[one]
    lane = [other for other in came if came[other][1] == who and other != one]
    rested = all(left[other] <= at - 1 - 1e-6 or left[other] > at for other in lane)
    first = all(left[other] <= at or left[other] > left[one] for other in lane)
    return came_at < at - 1e-6 and left[one] > at and rested and first


def test_the_address_of_a_row_is_what_its_body_names() -> None:
    named = OutboxRow("k", "say", "", 2, START, {"to": {"channel": "web", "external": "x"}})
    assert target(Claimed(1, named, Address("telegram", "y"), 1)) == Address("web", "x")
    assert target(Claimed(1, OutboxRow("k", "say", "", 2, START, {}), Address("telegram", "y"), 1)) == Address(
        "telegram", "y"
    )
