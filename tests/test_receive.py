"""A turn is stored whole or not at all, whatever breaks and whenever; and nobody who writes is met with silence."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.channels.base import Inbound
from bot.events import OfficerDid
from bot.receive import TRIES, Receiver, Refusal
from flows.model import Chose, CitizenEvent, Opened, Said
from storage.base import Address, Commit, Officer, StaleConversation, Storage, StorageAway
from storage.open import open_storage
from tests.breaking import MOMENTS, Moment, breaking, refusing, times
from tests.world import KEY, SAID, World

CRY = "cứu em với, họ nhốt em trong phòng không cho ra"
TABLES = ("inbox", "address", "conversation", "intake", "referral", "consent", "outbox", "audit")
_numbers = itertools.count(10_001)


@pytest.fixture
def counts(tmp_path: Path) -> Callable[[], dict[str, int]]:
    """How many rows stand in each table."""

    def count() -> dict[str, int]:
        with closing(sqlite3.connect(f"file:{tmp_path / 'world.db'}?mode=ro", uri=True)) as database:
            return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES}  # noqa: S608

    return count


def inbound(who: str, event: CitizenEvent) -> Inbound:
    number = str(next(_numbers))
    SAID.add(f"chat-of-{who}")
    if isinstance(event, Said):
        SAID.add(event.text)
    return Inbound("telegram", number, f"chat-of-{who}", event, message_id=number)


def receiver(world: World, storage: Storage) -> Receiver:
    """Another process over the same database: it shares no lock with the others."""
    return Receiver(storage, world.book, now=lambda: world.now)


async def notes(world: World, who: str) -> tuple[str, ...]:
    talk = (await world.storage.load(Address("telegram", f"chat-of-{who}"))).conversation
    assert talk is not None
    return talk.notes


@pytest.fixture
def logged() -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """The lines that the service logged of one event."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger("nhipcau").addHandler(handler)
    yield lambda event: [line for line in map(json.loads, written.getvalue().splitlines()) if line["event"] == event]
    logging.getLogger("nhipcau").removeHandler(handler)


# -------------------------------------------------------------------------------------------------------- whole or not


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_turn_that_is_broken_off_is_whole_or_not_there(world: World, counts: Any, moment: Moment) -> None:
    await receiver(world, world.storage).citizen(inbound("undisturbed", Said(CRY)))
    one_turn = counts()
    assert one_turn["referral"] > 1
    assert one_turn["intake"] == 1
    ends = set()
    for at in itertools.count(1):
        who, before = f"p{at}", counts()
        storage, broken = breaking(world.storage, at, moment)
        update = inbound(who, Said(CRY))
        try:
            await asyncio.ensure_future(receiver(world, storage).citizen(update))
        except (StorageAway, asyncio.CancelledError):
            pass
        if not broken.broke:
            break
        added = {name: count - before[name] for name, count in counts().items()}
        assert added in (one_turn, dict.fromkeys(TABLES, 0)), f"half a turn at {broken.calls[-1]}, {moment}"
        ends.add(added["inbox"])
        await receiver(world, world.storage).citizen(update)  # the platform heard no 200 and sends it again
        assert {name: count - before[name] for name, count in counts().items()} == one_turn
    assert at >= 3, "it was never broken off"
    assert 0 in ends


async def test_the_same_update_twice_at_once_has_one_effect(world: World, counts: Any) -> None:
    update = inbound("lan", Said(CRY))
    one, other = (receiver(world, world.storage) for _ in range(2))
    await asyncio.gather(one.citizen(update), other.citizen(update), one.citizen(update))
    assert (counts()["inbox"], counts()["intake"], counts()["conversation"]) == (1, 1, 1)


async def test_of_two_messages_at_once_the_later_is_decided_on_what_the_earlier_left(world: World) -> None:
    await receiver(world, world.storage).citizen(inbound("lan", Opened()))
    said = ["họ đi xe trắng", "lúc trời tối", "ở sau chợ", "có ba người", "tôi đứng xa"]
    # Two processes take turns, so neither sees what the other is about to store.
    processes = itertools.cycle([receiver(world, world.storage), receiver(world, world.storage)])
    await asyncio.gather(*(next(processes).citizen(inbound("lan", Said(text))) for text in said))
    assert sorted(await notes(world, "lan")) == sorted(said)


async def test_a_newcomer_who_writes_twice_at_once_is_one_person(world: World, counts: Any) -> None:
    one, other = (receiver(world, world.storage) for _ in range(2))
    await asyncio.gather(one.citizen(inbound("lan", Said("xin chào"))), other.citizen(inbound("lan", Said("tôi đây"))))
    assert counts()["conversation"] == 1
    assert counts()["inbox"] == 2


async def test_a_conversation_that_never_stands_still_is_sent_again(world: World, counts: Any) -> None:
    before = counts()
    storage = refusing(world.storage, commit=StaleConversation)
    with pytest.raises(StorageAway):
        await receiver(world, storage).citizen(inbound("lan", Said(CRY)))
    assert counts() == before
    storage = refusing(world.storage, commit=times(TRIES - 1, StaleConversation))
    await receiver(world, storage).citizen(inbound("lan", Said(CRY)))
    assert counts()["intake"] == 1


async def test_a_receiver_forgets_whom_it_has_served(world: World) -> None:
    one = receiver(world, refusing(world.storage, commit=times(1, lambda: StorageAway("once"))))
    with pytest.raises(StorageAway):
        await one.citizen(inbound("lan", Said("một")))
    await asyncio.gather(*(one.citizen(inbound("lan", Said("hai"))) for _ in range(3)))
    assert one._turns == {}


async def test_what_follows_is_told_only_of_what_is_stored(world: World) -> None:
    told: list[Commit] = []
    bells: list[str] = []
    storage = refusing(world.storage, commit=times(1, lambda: StorageAway("once")))
    one = Receiver(storage, world.book, now=lambda: world.now, wake=lambda: bells.append("!"), committed=told.append)
    update = inbound("lan", Opened())
    with pytest.raises(StorageAway):
        await one.citizen(update)
    assert (told, bells) == ([], [])
    await one.citizen(update)
    await one.citizen(update)
    assert (len(told), bells) == (1, ["!"])


async def test_whoever_comes_sees_the_numbers_before_others_questions_and_danger_goes_first(world: World) -> None:
    told: list[Commit] = []
    one = Receiver(world.storage, world.book, now=lambda: world.now, committed=told.append)
    for event in (Opened(), Chose(("safe",), 1), Said(CRY), Said("ở Lạng Sơn")):
        await one.citizen(inbound("lan", event))
    said = [row.priority for commit in told for row in commit.outbox if row.kind == "say"]
    assert said == [1, 2, 0, 0]


# ------------------------------------------------------------------------------------------------------- never silence


@contextmanager
def deciding_fails() -> Iterator[None]:
    def fails(*_: Any) -> Commit:
        raise RuntimeError(f"about to say what they wrote: {CRY}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.receive.decide", fails)
        yield


async def test_when_deciding_fails_they_are_told_whom_to_call_and_nothing_is_lost(world: World, logged: Any) -> None:
    office = next(one.id for one in world.book.referral.offices if one.route == "hotline_111")
    await world.joins("officer", office)
    world.uses("lan", "telegram")
    await world.open("lan")
    await world.choose("lan", "safe")
    with deciding_fails():
        (shown,) = await world.say("lan", CRY)
        photo = await world.send("lan", "photo", "ảnh chụp căn phòng đó")
    assert "111" in shown.texts[0]
    assert "113" in shown.texts[0]
    assert photo[0].texts == shown.texts

    failed = logged("decide.failed")
    assert [line["what"] for line in failed] == ["RuntimeError", "RuntimeError"]
    alarms = await world.phone("officer")
    assert len(alarms) == 2
    for line, alarm in zip(failed, alarms, strict=True):
        assert line["error"] in alarm.texts[0]
        assert CRY not in alarm.texts[0]

    kept = await world.conversation("lan")
    assert kept is not None
    assert kept.notes == (CRY, "ảnh chụp căn phòng đó")
    assert [one.kind for one in kept.media] == ["photo"]
    again = await world.say("lan", "còn ai ở đó không")
    assert any(message.buttons for message in again), "the next message is answered as ever"
    assert (await world.conversation("lan") or kept).notes[:2] == kept.notes


async def test_somebody_new_is_not_met_with_silence_either(world: World) -> None:
    with deciding_fails():
        (shown,) = await world.say("lan", CRY)
    assert "111" in shown.texts[0]
    await world.say("lan", "xin chào")
    assert CRY in (await world.conversation("lan")).notes  # type: ignore[union-attr]


async def test_a_record_that_cannot_be_read_is_no_reason_to_be_silent(
    tmp_path: Path, world: World, logged: Any
) -> None:
    world.uses("lan", "telegram")
    await world.open("lan")
    await world.storage.close()
    with closing(sqlite3.connect(tmp_path / "world.db")) as database:
        database.execute("UPDATE conversation SET sealed_state = zeroblob(length(sealed_state))")
        database.commit()
    later = World(await open_storage(tmp_path / "world.db", KEY), world.book)
    try:
        update = inbound("lan", Said(CRY))
        await receiver(later, later.storage).citizen(update)
        await receiver(later, later.storage).citizen(update)
        await later.deliverer.drain()
        (shown,) = later.screens["telegram"].take("chat-of-lan")
        assert "111" in shown.texts[0]
        assert "113" in shown.texts[0]
        assert [line["what"] for line in logged("load.failed")] == ["StorageUnfit", "StorageUnfit"]
    finally:
        await later.storage.close()


async def test_a_turn_that_cannot_be_stored_is_answered_with_less_until_it_can(
    world: World, counts: Any, logged: Any
) -> None:
    await receiver(world, refusing(world.storage, commit=times(1, _unforeseen))).citizen(inbound("lan", Said(CRY)))
    assert await notes(world, "lan") == (CRY,), "the safe sentence, and what they wrote is kept"

    await receiver(world, refusing(world.storage, commit=times(2, _unforeseen))).citizen(inbound("mai", Said(CRY)))
    assert (await world.storage.load(Address("telegram", "chat-of-mai"))).conversation is None
    await world.deliverer.drain()
    for who in ("lan", "mai"):
        (shown,) = world.screens["telegram"].take(f"chat-of-{who}")
        assert "111" in shown.texts[0]

    before = counts()
    with pytest.raises(ValueError, match="unforeseen"):
        await receiver(world, refusing(world.storage, commit=times(3, _unforeseen))).citizen(inbound("hoa", Said(CRY)))
    assert counts() == before, "nothing could be stored, so the platform must send it again"
    assert len(logged("commit.failed")) == 6


def _unforeseen() -> Exception:
    return ValueError("unforeseen")


# ------------------------------------------------------------------------------------------------- officers and clocks


async def referral_of(world: World) -> tuple[str, Officer]:
    world.uses("lan", "telegram")
    await world.say("lan", CRY)
    one = next(one for one in world.referrals.values() if one.to == "police")
    assert one.state == "proposed"
    return one.id, Officer("officer-1", "Cán bộ", one.office, "police", "duty")


async def test_of_two_officers_who_take_it_at_once_one_is_told_it_is_taken(world: World) -> None:
    referral, officer = await referral_of(world)
    one, other = (receiver(world, world.storage) for _ in range(2))
    dids = [OfficerDid(officer, "acknowledge", referral), OfficerDid(officer, "acknowledge", referral)]
    ends = await asyncio.gather(one.officer(dids[0]), other.officer(dids[1]), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["Referral", "Refusal"]
    with pytest.raises(Refusal):
        await one.officer(OfficerDid(Officer("x", "x", "another-office", "police", "duty"), "accept", referral))


async def test_a_referral_that_never_stands_still_is_tried_again(world: World) -> None:
    referral, officer = await referral_of(world)
    stale = receiver(world, refusing(world.storage, commit=StaleConversation))
    with pytest.raises(StorageAway):
        await stale.officer(OfficerDid(officer, "acknowledge", referral))
    with pytest.raises(StorageAway):
        await stale.clock(referral, 0)
    assert (await world.storage.load_referral(referral)).referral.state != "acknowledged"  # type: ignore[union-attr]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_rung_that_is_broken_off_is_climbed_once(world: World, counts: Any, moment: Moment) -> None:
    referral, _ = await referral_of(world)
    before = counts()
    await receiver(world, world.storage).clock(referral, 0)
    one_rung = {name: count - before[name] for name, count in counts().items()}
    assert one_rung["outbox"] > 0
    for at in range(1, 3):
        await receiver(world, world.storage).clock(referral, at)
        storage, broken = breaking(world.storage, at, moment)
        settled = counts()
        try:
            await asyncio.ensure_future(receiver(world, storage).clock(referral, at))
        except (StorageAway, asyncio.CancelledError):
            assert broken.broke
        assert counts()["outbox"] == settled["outbox"], "the same rung again makes no second notice"
        assert counts()["referral"] == settled["referral"]


async def test_a_draft_is_not_erased_in_the_moment_its_owner_writes_again(world: World) -> None:
    world.uses("lan", "telegram")
    await world.open("lan")
    talk = await world.conversation("lan")
    assert talk is not None
    await receiver(world, refusing(world.storage, commit=times(1, StaleConversation))).abandoned(talk.id)
    assert (await world.conversation("lan")) == talk
    await receiver(world, world.storage).abandoned(talk.id)
    assert (await world.conversation("lan")).flow == ""  # type: ignore[union-attr]
    await receiver(world, world.storage).abandoned("nobody")


async def test_a_citizens_code_word_reaches_nothing(world: World, counts: Any) -> None:
    world.uses("lan", "telegram")
    for text in ("/canbo 0123456789abcdef", "canbo 00000000", "/officer aaaaaaaaaaaaaaaa"):
        await world.say("lan", text)
    referral, _ = await referral_of(world)
    await world.event("lan", Chose((f"o:acknowledge:{referral}",)))
    assert (await world.storage.load_referral(referral)).referral.state in {"proposed", "sent"}  # type: ignore[union-attr]
    assert (await world.snapshot("lan")).officer is None
