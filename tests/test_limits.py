"""Floods: what is held back, what is told of it, and what is never held back."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from pathlib import Path
from typing import Any

import pytest

from bot import limits as the_limits
from bot.channels.base import Inbound
from bot.limits import RATES, Rate, RateLimits, network_of
from bot.settings import BadSetting, Settings, read_settings
from flows.model import Chose, Said
from storage.base import Address
from tests.world import World

PROXIES = Settings(Path()).proxies
FAST = "Tin đến dồn dập quá"
NUMBERS = ("111", "113")
SOME_AGAIN = 100
"""Turns that find that another was stored in their moment, and load once more."""
_numbers = itertools.count()


class Hand:
    """A steady clock that moves when told."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def limits(world: World, hand: Hand) -> RateLimits:
    """The limits of this world, whose clock stands still."""
    world.receiver.limits = RateLimits(hand)
    return world.receiver.limits


# ----------------------------------------------------------------------------------------------------------- buckets


def test_so_much_at_once_and_then_so_much_a_second(hand: Hand):
    one = RateLimits(hand, {"turn": Rate(3, 0.5)})
    assert [one.take("turn", "a") for _ in range(4)] == [True, True, True, False]
    assert one.take("turn", "b")
    hand.at += 1.9
    assert not one.take("turn", "a")
    hand.at += 0.2
    assert one.take("turn", "a")
    assert not one.take("turn", "a")


def test_who_was_refused_often_waits_no_longer_for_it(hand: Hand):
    one = RateLimits(hand, {"turn": Rate(3, 1)})
    for _ in range(1000):
        one.take("turn", "a")
        one.use("turn", "a")
    hand.at += 1.1
    assert one.take("turn", "a")


def test_memory_is_bounded_and_holds_no_address(hand: Hand):
    one = RateLimits(hand, {"turn": Rate(3, 1)}, most=100)
    for number in range(10_000):
        one.take("turn", f"telegram:90000{number}")
    (kept,) = one._full_at.values()
    assert len(kept) == 100
    assert all(len(mark) == 8 and b"90000" not in mark for mark in kept)
    assert RateLimits(hand).mark("a") != RateLimits(hand).mark("a"), "marks of another start must not be comparable"


def test_a_turn_costs_less_than_five_microseconds():
    one, count = RateLimits(), 20_000
    marks = [f"telegram:{number}" for number in range(count)]
    best = min(_spent(one, marks) for _ in range(3))
    assert best / count < 5e-6, f"{best / count * 1e6:.1f} µs"


def _spent(one: RateLimits, whom: list[str]) -> float:
    before = time.thread_time()
    for address in whom:
        one.take("address", one.mark(address))
        one.take("turns")
    return time.thread_time() - before


# ---------------------------------------------------------------------------------------------------------- networks


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("203.0.114.7", "", "cb0072"),
        ("203.0.114.250", "", "cb0072"),
        ("2402:800:6314:1::5", "", "240208006314"),
        ("::ffff:203.0.114.7", "", "cb0072"),
        # Nobody but our proxies speaks for others.
        ("203.0.114.7", "198.51.101.1", "cb0072"),
        ("127.0.0.1", "198.51.101.1", "c63365"),
        # What the client itself had written there stands on the left, and is not believed.
        ("127.0.0.1", "8.8.8.8, 198.51.101.1", "c63365"),
        ("127.0.0.1", "198.51.101.1, 127.0.0.1", "c63365"),
        # A proxy that nobody named: the whole country must not count as one.
        ("10.0.0.3", "198.51.101.1", ""),
        ("127.0.0.1", "", ""),
        ("127.0.0.1", "unknown", ""),
        ("", "", ""),
    ],
)
def test_a_request_comes_from_a_network_only_ours_speak_for(peer: str, forwarded: str, network: str):
    assert network_of(peer, forwarded, PROXIES) == network


def test_proxies_are_a_setting():
    settings = read_settings({"NHIPCAU_PROXIES": "10.0.0.0/8, 2001:db8::1"})
    assert network_of("10.2.3.4", "198.51.101.1", settings.proxies) == "c63365"
    with pytest.raises(BadSetting, match="NHIPCAU_PROXIES is `nginx`"):
        read_settings({"NHIPCAU_PROXIES": "nginx"})


# ----------------------------------------------------------------------------------------------- one chat that floods


async def flood(world: World, who: str, count: int, text: str = "xin chào") -> list[str]:
    """So many messages of one person in a moment; all that they were told."""
    shown = []
    for _ in range(count):
        shown += [text for message in await world.say(who, text) for text in message.texts]
    return shown


async def test_a_chat_that_floods_is_told_once_and_a_minute_later_it_is_heard(
    world: World, hand: Hand, limits: RateLimits
):
    world.uses("a", "telegram")
    await flood(world, "a", int(RATES["address"].burst))
    told = await flood(world, "a", 100)
    assert [FAST in text for text in told] == [True]
    assert all(number in told[0] for number in NUMBERS)
    count = len(world.commits)
    hand.at += 61
    assert FAST not in " ".join(await flood(world, "a", 5))
    assert len(world.commits) == count + 5


async def test_others_are_heard_meanwhile(world: World, limits: RateLimits):
    world.uses("a", "telegram")
    world.uses("b", "telegram")
    await flood(world, "a", int(RATES["address"].burst) + 20)
    assert "an toàn" in " ".join(await flood(world, "b", 1))


@pytest.mark.parametrize("cry", ["cứu em với", "cuu toi voi ho nhot toi", "help me please"])
async def test_words_of_danger_are_heard_in_any_flood(world: World, limits: RateLimits, cry: str):
    world.uses("a", "telegram")
    await flood(world, "a", int(RATES["address"].burst) + 20)
    said = " ".join(await flood(world, "a", 1, cry))
    assert all(number in said for number in NUMBERS)
    assert FAST not in said
    assert [one.level for one in world.intakes.values()] == ["L4"]


@pytest.mark.parametrize("way", ["danger", "person", "stop"])
async def test_the_ways_to_help_and_out_are_heard_in_any_flood(world: World, limits: RateLimits, way: str):
    world.uses("a", "telegram")
    await flood(world, "a", int(RATES["address"].burst) + 20)
    assert await world.event("a", Chose((way,), None))
    assert (await world.step("a")).partition(".")[0] in {way, ""}


async def test_when_everybody_floods_at_once_a_cry_is_heard(world: World, hand: Hand):
    world.receiver.limits = RateLimits(hand, {**RATES, "turns": Rate(10, 1)})
    for number in range(40):
        world.uses(f"p{number}", "telegram")
        await world.open(f"p{number}")
    world.uses("b", "telegram")
    said = " ".join(await flood(world, "b", 1, "cứu em với"))
    assert "113" in said
    assert FAST not in said


async def test_a_cry_among_a_thousand_messages_waits_for_none_of_them(world: World, limits: RateLimits):
    """A hundred chats that send as fast as they can, and one person: hers is among the first that are sent."""
    for one in range(10):
        world.uses(f"p{one}", "telegram")
    world.uses("her", "telegram")
    noise = [Inbound("telegram", f"n{n}", f"chat-of-p{n % 10}", Said("xin chào")) for n in range(300)]
    await asyncio.gather(
        *(world.receiver.citizen(one) for one in noise),
        world.receiver.citizen(Inbound("telegram", "h1", "chat-of-her", Said("cứu em với"))),
    )
    rows = await world.storage.claim(world.now, 5, "telegram")
    assert rows[0].address == Address("telegram", "chat-of-her")


# ---------------------------------------------------------------------------------------------------------- receipts


async def receipt_of(world: World) -> str:
    """The code of a report that somebody left."""
    await world.open("owner")
    await world.say("owner", "cứu em với")
    return next(one.receipt for one in world.intakes.values())


async def guess(world: World, who: str, code: str, network: str) -> str:
    """Somebody types a code from this network; where they are led."""
    mark = world.receiver.limits.mark(network)
    await world.receiver.citizen(Inbound("web", f"{who}/{next(_numbers)}", f"chat-of-{who}", Said(code), network=mark))
    return await world.step(who)


async def test_five_thousand_guesses_find_nothing_cost_little_and_keep_nobody_out(
    world: World, limits: RateLimits, monkeypatch: pytest.MonkeyPatch
):
    code = await receipt_of(world)
    looked_up = loaded = 0
    load = type(world.storage).load

    async def counted(self: Any, address: Address, **codes: Any) -> Any:
        nonlocal looked_up, loaded
        loaded += 1
        looked_up += bool(codes.get("receipt"))
        return await load(self, address, **codes)

    monkeypatch.setattr(type(world.storage), "load", counted)
    await world.open("bystander")
    guesses = [
        Inbound("web", f"g{n}", f"chat-of-g{n}", Said(f"{n:016}"), network=limits.mark(f"{n % 20}"))
        for n in range(5000)
    ]
    for at in range(0, 5000, 250):
        # Somebody who writes meanwhile sits behind the same network as some who guess.
        word = Inbound("web", f"word-{at}", "chat-of-bystander", Said(f"tôi kể {at}"), network=limits.mark("0"))
        await asyncio.gather(*(world.receiver.citizen(one) for one in (*guesses[at : at + 250], word)))
    allowed = 20 * (RATES["codes"].burst + 1)
    assert looked_up <= allowed, f"{looked_up} of 5000 guesses were tried"
    assert loaded <= 5000 + 20 + SOME_AGAIN, "a guess costs no more than anybody's word"
    assert len(world.intakes) == 1
    told = await world.conversation("bystander")
    assert told is not None
    assert len(told.notes) == 20, "whoever writes meanwhile is heard each time"
    assert await guess(world, "owner-elsewhere", code, "her own") == "receipt.after"


async def test_wrong_codes_of_one_network_close_it_for_a_while_and_not_for_ever(
    world: World, hand: Hand, limits: RateLimits
):
    code = await receipt_of(world)
    for number in range(int(RATES["codes"].burst)):
        limits.wrong_code(limits.mark("theirs"))
        assert number < 1000
    assert await guess(world, "owner2", code, "theirs") == "hello.safety"
    talk = await world.conversation("owner2")
    assert talk is not None
    assert talk.notes == ()
    said = [text for body in await world.storage.says(talk.id) for text in body["texts"]]
    assert any("Đã thử nhiều mã chưa đúng" in text for text in said), said
    hand.at += 31
    assert await guess(world, "owner2", code, "theirs") == "receipt.after"


def test_in_a_flood_of_wrong_codes_each_network_may_try_less(hand: Hand):
    one = RateLimits(hand)
    for number in range(int(RATES["codes_in_all"].burst) + 1):
        one.wrong_code(one.mark(f"n{number}"))
    for _ in range(int(RATES["codes_in_flood"].burst)):
        assert one.codes_open(one.mark("quiet"))
        one.wrong_code(one.mark("quiet"))
    assert not one.codes_open(one.mark("quiet"))
    assert one.codes_open(b""), "where nobody knows the network, the five tries an hour of each address remain"


# --------------------------------------------------------------------------------------------------- what is told of it


async def test_what_was_refused_is_counted_once_a_minute_by_kind(hand: Hand, leak_guard: Any):
    one = RateLimits(hand)
    for _ in range(1000):
        one.refused("invite")
    hand.at += 60
    one.refused("invite")
    lines = dict.fromkeys(line for line in leak_guard.getvalue().splitlines() if "refused" in line)
    assert [re.findall(r'"count": (\d+)', line) for line in lines] == [["1"], ["1000"]]


def test_every_secret_is_compared_in_constant_time():
    """Whatever is checked against a secret goes through compare_digest, argon2, or a keyed hash looked up in an index."""
    found = []
    for path in Path(the_limits.__file__).parent.rglob("*.py"):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if re.search(
                r"(secret|token|password|csrf|code)\w*(\.value)?\s*[!=]=\s*(?!again)[a-z_]+(?!\w*\()",
                line.partition("#")[0],
            ):
                found.append(f"{path.name}:{number}: {line.strip()}")
    assert found == [], found
