"""What must leave leaves: in its order, as often as needed, past whatever breaks, and without holding up anybody else."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from bot.channels.base import Inbound, Message, SendError
from bot.channels.pace import Pace
from bot.deliver import Deliverer
from bot.perform import PARK_AFTER
from bot.sender import AT_ONCE
from flows.model import CitizenEvent, Media, Said
from flows.model import Sent as Photo
from referral.model import Consent, Referral, State
from storage.base import Address, Commit, OutboxRow, StorageAway
from tests.breaking import MOMENTS, Moment, breaking, refusing, times
from tests.delivery import Platform, deliverer, queue, row, running, states
from tests.world import World

CRY = "cứu em với, họ nhốt em trong phòng không cho ra"


@pytest.fixture
def platform() -> Platform:
    return Platform()


# ---------------------------------------------------------------------------------------------------------------- order


async def test_what_is_urgent_goes_first_and_one_lane_keeps_its_order(world: World, platform: Platform) -> None:
    await queue(
        world, row("an", "1", lane="c:an"), row("an", "2", lane="c:an"), row("an", "3", lane="c:an"),
        row("officer", "new", priority=1), row("officer", "urgent", priority=0), row("later", after_s=60),
    )  # fmt: skip
    await deliverer(world, platform).drain()
    assert platform.texts("an") == ["1", "2", "3"]
    assert platform.texts("officer") == ["urgent", "new"]
    assert platform.texts("later") == []


async def test_an_urgent_notice_waits_for_one_batch_and_not_for_a_thousand_replies(
    world: World, platform: Platform
) -> None:
    await queue(world, *(row(f"p{number}") for number in range(1000)))
    one = deliverer(world, platform)
    await one.once()
    await queue(world, row("officer", "KHẨN", priority=0))
    await one.once()
    assert platform.sent.index(("officer", "KHẨN")) == AT_ONCE


# ------------------------------------------------------------------------------------------------------- what goes wrong


async def test_a_crash_between_sending_and_marking_sends_twice_and_never_not(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    (key,) = await queue(world, row("an"))
    storage, broken = breaking(world.storage, 2, "cancelled before")
    with pytest.raises(asyncio.CancelledError):
        await deliverer(world, platform, storage=storage).once()
    assert broken.calls == ["exchange", "exchange"]
    assert await deliverer(world, platform).once() == 0, "it is held until whoever claimed it is surely gone"
    assert await world.storage.give_back(world.now) == 1
    await deliverer(world, platform).drain()
    assert platform.texts("an") == ["an", "an"]
    assert states(tmp_path)[key] == ("done", "")


async def test_one_who_blocked_us_is_unreachable(world: World, platform: Platform, tmp_path: Path) -> None:
    world.uses("lan", "telegram")
    await world.receiver.citizen(Inbound("telegram", "u1", "chat-of-lan", Said("xin chào")))
    platform.errors["chat-of-lan"] = [SendError("blocked", "forbidden")]
    await deliverer(world, platform).drain()
    assert ("dead", "forbidden") in states(tmp_path).values()
    with closing(sqlite3.connect(tmp_path / "world.db")) as database:
        assert database.execute("SELECT unreachable FROM address").fetchall() == [(1,)]


async def test_a_row_that_fails_is_tried_again_ever_less_often(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    (key,) = await queue(world, row("an"))
    waits = [2, 5, 15, 60, 300, 300]
    platform.errors["an"] = [SendError("again", "network") for _ in waits]
    one = deliverer(world, platform)
    for wait in waits:
        assert await one.once() == 1
        world.now += timedelta(seconds=wait - 0.01)
        assert await one.once() == 0, f"not before {wait} s"
        world.now += timedelta(seconds=0.01)
    await one.drain()
    assert (platform.texts("an"), states(tmp_path)[key][0]) == (["an"], "done")


async def test_a_refusal_for_speed_holds_back_everything_to_that_platform_for_the_time_it_named(
    world: World, platform: Platform
) -> None:
    zalo = Platform("zalo_bot")
    platform.errors["an"] = [SendError("again", "flood", 30.0)]
    await queue(world, row("an"))
    one = deliverer(world, platform, zalo, paces={"telegram": Pace(per_second=1000, per_address_s=0.0)})
    await one.drain()
    await queue(world, row("binh"), row("chi", channel="zalo_bot"))
    await one.drain()
    assert (platform.sent, zalo.texts("chi")) == ([], ["chi"])
    world.now += timedelta(seconds=30.1)
    await one.drain()
    assert {to for to, _ in platform.sent} == {"an", "binh"}


async def test_what_can_never_be_sent_is_given_up_and_what_needs_an_operator_waits(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    keys = await queue(world, row("an"), row("binh"), row("chi", channel="zalo_bot"))
    platform.errors = {
        "an": [SendError("never", "bad_request")],
        "binh": [SendError("misconfigured", "token"), SendError("misconfigured", "token")],
    }
    await deliverer(world, platform).drain()
    found = states(tmp_path)
    assert [found[key] for key in keys] == [("dead", "bad_request"), ("waiting", "token"), ("waiting", "channel_off")]
    world.now += timedelta(hours=1)
    zalo = Platform("zalo_bot")
    await deliverer(world, platform, zalo).drain()
    world.now += timedelta(hours=1)
    await deliverer(world, platform, zalo).drain()
    assert (platform.texts("binh"), zalo.texts("chi")) == (["binh"], ["chi"])


async def test_a_kind_that_nobody_performs_stops_no_other(world: World, platform: Platform, tmp_path: Path) -> None:
    strange = [lambda world: OutboxRow("strange/1", "telepathy", "", 0, world.now, {})]
    broken = [lambda world: OutboxRow("wake/1", "wake", "", 0, world.now, {"referral": "x", "rung": "not a number"})]
    await queue(world, *strange, *broken, row("an"))
    await deliverer(world, platform).drain()
    assert platform.texts("an") == ["an"]
    assert states(tmp_path)["strange/1"] == ("waiting", "failed")
    assert states(tmp_path)["wake/1"] == ("waiting", "failed")


async def test_a_row_that_cannot_be_opened_is_given_up_and_the_staff_are_told(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    office = next(one.id for one in world.book.referral.offices if one.route == "hotline_111")
    await world.joins("officer", office)
    bad, _ = await queue(world, row("an", lane="c:an"), row("binh"))
    with closing(sqlite3.connect(tmp_path / "world.db")) as database:
        database.execute("UPDATE outbox SET sealed_body = zeroblob(40) WHERE key = ?", (bad,))
        database.commit()
    await queue(world, row("an", "2", lane="c:an"))
    await deliverer(world, platform).drain()
    assert (platform.texts("an"), platform.texts("binh")) == (["2"], ["binh"])
    assert states(tmp_path)[bad] == ("dead", "damaged")
    (alarm,) = platform.texts("chat-of-officer")
    assert "không gửi đi được" in alarm


async def test_what_fails_for_ever_is_set_aside_told_of_and_tried_again_by_an_operator(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    await world.joins("officer", "hotline-111")
    (key,) = await queue(world, row("an", lane="c:an"))
    platform.errors["an"] = [ValueError("a fault of ours") for _ in range(PARK_AFTER)]
    one = deliverer(world, platform)
    await drained_for(world, one, timedelta(hours=2))
    await queue(world, row("an", "2", lane="c:an"))
    await one.drain()
    assert states(tmp_path)[key] == ("dead", "parked")
    assert platform.texts("an") == ["2"], "what came after it must not wait for it"
    assert ["không gửi đi được" in text for text in platform.texts("chat-of-officer")] == [True]

    (parked,) = await world.storage.parked()
    assert (parked.kind, parked.attempts) == ("say", PARK_AFTER)
    assert await world.storage.try_again([parked.id, 99_999], world.now) == 1
    await one.drain()
    assert platform.texts("an") == ["2", "an"]
    assert await world.storage.parked() == ()
    assert await world.storage.try_again([parked.id], world.now) == 0


async def test_what_is_urgent_is_tried_for_ever_every_five_minutes_at_the_least(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    (key,) = await queue(world, row("an", priority=0))
    platform.errors["an"] = [ValueError("a fault of ours") for _ in range(400)]
    one = deliverer(world, platform)
    await drained_for(world, one, timedelta(hours=24))
    assert states(tmp_path)[key][0] == "waiting"
    tries = 400 - len(platform.errors["an"])
    assert tries >= 24 * 12 - 2
    platform.errors["an"].clear()
    world.now += timedelta(seconds=300)
    await one.drain()
    assert platform.texts("an") == ["an"]


async def test_a_platform_that_is_away_for_days_sets_nothing_aside(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    (key,) = await queue(world, row("an"))
    platform.errors["an"] = [SendError("again", "network") for _ in range(700)]
    await drained_for(world, deliverer(world, platform), timedelta(hours=50))
    assert states(tmp_path)[key] == ("waiting", "network")


async def test_what_a_platform_does_not_take_for_a_day_while_it_takes_others_is_set_aside(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    (key,) = await queue(world, row("an"))
    platform.errors["an"] = [SendError("again", "network") for _ in range(700)]
    one = deliverer(world, platform)
    for _ in range(27 * 12):
        await queue(world, row("binh"))
        await drained_for(world, one, timedelta(minutes=5))
    assert states(tmp_path)[key] == ("dead", "parked")
    assert len(platform.texts("binh")) == 27 * 12


async def drained_for(world: World, one: Deliverer, time: timedelta) -> None:
    """Deliver whatever comes due while this time passes."""
    end = world.now + time
    for _ in range(2000):
        await one.drain()
        due = await world.storage.next_due()
        if due is None or due > end:
            break
        world.now = max(world.now, due)
    world.now = end


async def test_an_end_that_cannot_be_written_costs_no_other_its_own(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    keys = await queue(world, row("an"), row("binh"), row("chi"))
    errors = iter([None, ValueError("unforeseen")])
    storage = refusing(
        world.storage, exchange=lambda: next(errors, None), finish=times(1, lambda: ValueError("unforeseen"))
    )
    await deliverer(world, platform, storage=storage).once()
    assert sorted(states(tmp_path)[key][0] for key in keys) == ["done", "done", "waiting"]


# ------------------------------------------------------------------------------------------------------------- the loop


async def test_a_platform_that_hangs_holds_up_only_its_own_rows(
    world: World, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.sender.HANGS_S", 0.01)
    monkeypatch.setattr("bot.deliver.BUSY_S", 0.02)
    many = [f"p{number}" for number in range(2 * AT_ONCE + 1)]
    platform.hangs = dict.fromkeys(many, asyncio.Event())
    zalo = Platform("zalo_bot")
    await queue(world, *(row(one) for one in many), row("chi", channel="zalo_bot", priority=3))
    async with running(deliverer(world, platform, zalo)):
        await zalo.until(1)
        assert platform.sent == []
        platform.hangs[many[0]].set()
        await platform.until(len(many))
    assert zalo.texts("chi") == ["chi"]


async def test_a_stuck_row_holds_up_only_its_own_lane(world: World, platform: Platform) -> None:
    platform.hangs = {"an": asyncio.Event()}
    await queue(world, row("an", "1", lane="c:an"), row("an", "2", lane="c:an"), row("binh", lane="c:binh"))
    async with running(deliverer(world, platform)):
        await platform.until(1)
        assert platform.sent == [("binh", "binh")]
        platform.hangs["an"].set()
        await platform.until(3)
    assert platform.texts("an") == ["1", "2"]


async def test_the_loop_outlives_a_database_that_is_away_and_a_fault_of_its_own(
    world: World, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.deliver.BUSY_S", 0.01)
    await queue(world, row("an"), row("binh"))
    away, claims = StorageAway("locked"), None
    errors = iter([away, ValueError("unforeseen"), away, claims, away, away])
    marked = asyncio.Event()

    def error() -> Exception | None:
        try:
            return next(errors)
        except StopIteration:
            marked.set()
            return None

    storage = refusing(world.storage, exchange=error)
    async with running(deliverer(world, platform, storage=storage)):
        await asyncio.wait_for(marked.wait(), 60)
    assert sorted(platform.sent) == [("an", "an"), ("binh", "binh")], "and nobody is written to twice"


async def test_what_is_under_way_is_finished_before_the_end(world: World, platform: Platform, tmp_path: Path) -> None:
    platform.hangs = {"an": asyncio.Event()}
    (key,) = await queue(world, row("an"))
    stop = asyncio.Event()
    task = asyncio.create_task(deliverer(world, platform).run(stop))
    await asyncio.wait_for(platform.entered.wait(), 60)
    stop.set()
    platform.hangs["an"].set()
    await asyncio.wait_for(task, 60)
    assert states(tmp_path)[key] == ("done", "")


# ---------------------------------------------------------------------------------------------------------- referrals


async def an_urgent_referral(world: World) -> tuple[str, list[str]]:
    """Somebody calls for help; the office of 111 has two officers with phones. The referral's id, and the phones."""
    office = next(one.id for one in world.book.referral.offices if one.route == "hotline_111")
    await world.joins("first", office)
    await world.joins("second", office, role="chief")
    await world.receiver.citizen(Inbound("telegram", "cry", "chat-of-lan", Said(CRY)))
    one = next(one for one in world.referrals.values() if one.to == "hotline_111")
    return one.id, ["chat-of-first", "chat-of-second"]


async def state_of(world: World, referral: str) -> str:
    found = (await world.storage.load_referral(referral)).referral
    assert found is not None
    return found.state


@pytest.mark.parametrize("moment", MOMENTS)
async def test_wherever_delivering_breaks_off_every_officer_is_told(
    world: World, platform: Platform, tmp_path: Path, moment: Moment
) -> None:
    referral, phones = await an_urgent_referral(world)
    for at in itertools.count(1):
        storage, broken = breaking(world.storage, at, moment)
        try:
            await asyncio.ensure_future(deliverer(world, platform, storage=storage).drain())
        except (StorageAway, asyncio.CancelledError):
            pass
        await asyncio.sleep(0)
        await world.storage.give_back(world.now)
        world.now += timedelta(seconds=2)  # the first wait of what failed
        if not broken.broke or await state_of(world, referral) == "delivered":
            break
    world.now += timedelta(seconds=10)
    await deliverer(world, platform).drain()
    assert await state_of(world, referral) == "delivered"
    for phone in phones:
        notices = [text for text in platform.texts(phone) if text.startswith("KHẨN")]
        assert len(set(notices)) == 1
    kinds = {state for key, (state, _) in states(tmp_path).items() if "/urgent/" not in key}
    assert kinds == {"done"}


@pytest.mark.parametrize("at", range(1, 6))
@pytest.mark.parametrize("moment", MOMENTS)
async def test_one_break_at_any_call_costs_no_notice(world: World, platform: Platform, moment: Moment, at: int) -> None:
    referral, phones = await an_urgent_referral(world)
    storage, broken = breaking(world.storage, at, moment)
    try:
        await asyncio.ensure_future(deliverer(world, platform, storage=storage).once())
    except (StorageAway, asyncio.CancelledError):
        pass
    assert broken.broke
    await asyncio.sleep(0)
    await world.storage.give_back(world.now)
    world.now += timedelta(seconds=2)
    await deliverer(world, platform).drain()
    assert await state_of(world, referral) == "delivered"
    assert all(any(text.startswith("KHẨN") for text in platform.texts(phone)) for phone in phones)


async def test_a_locked_database_delays_an_urgent_notice_by_seconds_not_by_a_lease(
    world: World, platform: Platform
) -> None:
    referral, _ = await an_urgent_referral(world)
    storage = refusing(world.storage, hand_over=times(10, lambda: StorageAway("locked")))
    await deliverer(world, platform, storage=storage).once()
    world.now += timedelta(seconds=2)
    await deliverer(world, platform).drain()
    assert await state_of(world, referral) == "delivered"


async def test_nobody_is_told_of_what_was_withdrawn_meanwhile(world: World, platform: Platform, tmp_path: Path) -> None:
    referral, phones = await an_urgent_referral(world)
    found = (await world.storage.load_referral(referral)).referral
    assert found is not None
    await world.storage.commit(Commit(at=world.now, moved=((replace(found, state="withdrawn"), "proposed"),)))
    await deliverer(world, platform).drain()
    assert states(tmp_path)[f"referral/{referral}/notice/1"] == ("cancelled", "withdrawn")
    assert not any(text.startswith("KHẨN") for phone in phones for text in platform.texts(phone))


async def test_consent_taken_back_before_sending_is_heard(world: World, platform: Platform, tmp_path: Path) -> None:
    referral, phones = await an_urgent_referral(world)
    found = (await world.storage.load_referral(referral)).referral
    assert found is not None
    identified = replace(found, identified=True, ground="")
    talk = (await world.storage.load(Address("telegram", "chat-of-lan"))).conversation
    assert talk is not None
    no = Consent("hotline_111", False, "screening.consent/1/vi", world.now, "telegram")
    moved: tuple[tuple[Referral, State], ...] = ((identified, "proposed"),)
    await world.storage.commit(
        Commit(at=world.now, conversation=talk, expects=talk.version, moved=moved, consents=(no,))
    )
    await deliverer(world, platform).drain()
    assert states(tmp_path)[f"referral/{referral}/notice/1"] == ("cancelled", "withdrawn")
    assert await state_of(world, referral) == "proposed"
    assert not any(text.startswith("KHẨN") for phone in phones for text in platform.texts(phone))


async def test_a_notice_holds_level_area_code_and_link_and_nothing_else(world: World, platform: Platform) -> None:
    referral, phones = await an_urgent_referral(world)
    await deliverer(world, platform).drain()
    found = (await world.storage.load_referral(referral)).referral
    assert found is not None
    (notice,) = [text for text in platform.texts(phones[0]) if text.startswith("KHẨN")]
    assert notice == f"KHẨN · Mức L4 · chưa rõ tỉnh · {found.code}\nhttp://here/officers/r/{referral}"


async def an_ordinary_referral(world: World, who: str = "lan") -> str:
    """Somebody tells of something seen, in taps only; the referral to the police, who have three phones."""
    await world.open(who)
    for pressed in ("safe", "tip", "unsure"):
        await world.choose(who, pressed)
    for _ in range(2):
        await world.say(who, "bỏ qua")
    await world.choose(who, "send")
    return list(world.referrals.values())[-1].id


async def told_after_s(world: World, platform: Platform, phones: list[str]) -> dict[str, int]:
    """By phone, after how many seconds a notice of something new came, looking every ten for half an hour."""
    one, found = deliverer(world, platform), {}
    for after in range(0, 1800, 10):
        await one.drain()
        for phone in phones:
            if phone not in found and any(text.startswith("Tin mới") for text in platform.texts(phone)):
                found[phone] = after
        world.now += timedelta(seconds=10)
    return found


async def test_the_moment_of_an_ordinary_notice_points_at_nobody(world: World, platform: Platform) -> None:
    await world.joins("hoa", "police-national")
    ordinary, found = world.book.referral.clocks["ordinary"], []
    for who in ("lan", "mai", "thu"):
        await an_ordinary_referral(world, who)
        found.append((await told_after_s(world, platform, ["chat-of-hoa"]))["chat-of-hoa"])
        platform.sent.clear()
    assert all(ordinary.notice_from_s <= one <= ordinary.notice_to_s + 10 for one in found), found
    assert len(set(found)) > 1, "a wait that is always the same hides nothing"
    assert ordinary.notice_to_s < ordinary.ladder[0].after_s


async def test_whoever_waits_for_a_person_is_not_made_to_wait_for_that(world: World, platform: Platform) -> None:
    await world.joins("hoa", "hotline-111")
    await world.open("lan")
    for pressed in ("safe", "person", "leave_word"):
        await world.choose("lan", pressed)
    await world.say("lan", "Em muốn hỏi")
    assert (await told_after_s(world, platform, ["chat-of-hoa"])) == {}, "the world's own deliverer told them at once"
    shown = [text for message in world._seen.get("hoa", []) for text in message.texts]
    shown += [text for message in await world.phone("hoa") for text in message.texts]
    assert any(text.startswith("Tin mới") for text in shown)


async def test_what_was_taken_back_while_its_notice_waited_is_not_told(world: World, platform: Platform) -> None:
    await world.joins("hoa", "police-national")
    await an_ordinary_referral(world)
    (number,) = world.referrals
    assert await world.officer("police-1", "acknowledge", number) == ""
    assert (
        await world.officer("police-1", "return", number, reason=next(iter(world.book.referral.return_reasons))) == ""
    )
    assert await told_after_s(world, platform, ["chat-of-hoa"]) == {}


# --------------------------------------------------------------------------------------------------------- other kinds


async def test_clearing_takes_the_messages_of_both_sides(world: World, platform: Platform) -> None:
    for number, event in enumerate((Said("xin chào"), Said("an toàn"), Said("dừng"))):
        await world.receiver.citizen(Inbound("telegram", f"u{number}", "chat-of-lan", event, message_id=f"c{number}"))
        await deliverer(world, platform).drain()
    ((address, ids),) = platform.cleared
    assert address == "chat-of-lan"
    assert {"m1", "m2", "c0", "c1", "c2"} <= set(ids)


class Keeping(Platform):
    """A platform that keeps what people send for a while."""

    async def fetch(self, ref: str) -> bytes:
        return f"content of {ref}".encode()


async def test_a_file_is_brought_in_while_the_platform_has_it(world: World) -> None:
    platform = Keeping()
    did: tuple[CitizenEvent, ...] = (
        Said("xin chào"),
        Photo(Media("photo", "ref-1")),
        Photo(Media("location", "21,105")),
    )
    for number, event in enumerate(did):
        await world.receiver.citizen(Inbound("telegram", f"u{number}", "chat-of-lan", event))
    await deliverer(world, platform).drain()
    assert await world.storage.read_file("ref-1") == b"content of ref-1"
    assert await world.storage.read_file("21,105") is None


async def test_a_row_for_nobody_is_given_up(world: World, platform: Platform, tmp_path: Path) -> None:
    nobody = [
        lambda world: OutboxRow("say/1", "say", "", 2, world.now, msgspec.to_builtins(Message(("x",)))),
        lambda world: OutboxRow("clear/1", "clear", "", 2, world.now, {}),
        lambda world: OutboxRow(
            "notice/1", "notice", "", 2, world.now, {"officer": "gone", "message": {"texts": ["x"]}}
        ),
    ]
    await queue(world, *nobody)
    await deliverer(world, platform).drain()
    assert {states(tmp_path)[key] for key in ("say/1", "clear/1")} == {("dead", "no_address")}
    assert states(tmp_path)["notice/1"] == ("dead", "no_phone")
