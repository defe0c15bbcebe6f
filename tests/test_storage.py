"""What Storage promises on every database, told as stories; then what only SQLite has. PostgreSQL's own: test_postgres.py."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from msgspec.structs import replace

from flows.model import Conversation, Media
from referral.disclose import visible
from referral.model import Consent, Content, Facts, Intake, Reason, Referral, Screening
from storage.accounts import Accounts
from storage.base import (
    Address,
    AlreadyHandled,
    AuditEntry,
    Commit,
    Done,
    Officer,
    OutboxRow,
    StaleConversation,
    Storage,
    StorageAway,
)
from storage.connections import NotTaken
from storage.open import open_storage
from storage.sqlite import SqliteStorage
from storage.store import DatabaseStorage
from tests.databases import BOTH, KEY, Database, asked, database

NOW = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
MARKER = "chimcanhcut"
LAN = Address("telegram", "77700042")
DUTY = Officer("police-1", "Trực ban", "ls-police", "police", "duty")
OTHER = Officer("border-1", "Trực đồn", "ls-border", "border_guard", "duty")

Opened = Callable[[], Awaitable[DatabaseStorage]]
OpenedHere = Callable[[], Awaitable[SqliteStorage]]


@pytest.fixture(params=BOTH)
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """The one database of a test, of every kind that promises to be a Storage."""
    async with database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def opened(home: Database) -> Opened:
    """Open it (again); whatever is still open is closed at the test's end."""
    return home.open


@pytest.fixture
async def storage(opened: Opened) -> DatabaseStorage:
    return await opened()


@pytest.fixture
async def opened_here(tmp_path: Path) -> AsyncIterator[OpenedHere]:
    """The same with SQLite only."""
    async with database("sqlite", tmp_path) as made:

        async def open_it() -> SqliteStorage:
            storage = await made.open()
            assert isinstance(storage, SqliteStorage)
            return storage

        yield open_it


# ------------------------------------------------------------------------------------------------------------ in hand


def said(key: str, lane: str = "c:lan", *, priority: int = 2, due: datetime = NOW, **more: Any) -> OutboxRow:
    body = more.pop("body", {"texts": [f"{key} {MARKER}"]})
    return OutboxRow(key, more.pop("kind", "say"), lane, priority, due, body, **{"conversation": "lan", **more})


def turn(external_id: str, *, expects: int = 0, **more: Any) -> Commit:
    talk = more.pop("conversation", Conversation("lan", channel="telegram", flow="tip", step=f"s{expects}"))
    return Commit(
        at=NOW, channel="telegram", external_id=external_id, address=LAN, conversation=talk, expects=expects, **more
    )


def intake(name: str = "in-1", **more: Any) -> Intake:
    made = Intake(
        id=name, conversation="lan", kind="self", level="L3", urgent=False,
        facts=Facts(kind="self", act=frozenset({"sold"}), share=frozenset({"police"}), indicators=("a1",)),
        screening=Screening("L3", True, True, False, (Reason("r", "vì sao", "law"),), {"deceptive": True}),
        channel="telegram", locale="vi", province="LS", created_at=NOW, updated_at=NOW,
        content=Content({"tip.what": MARKER}, (f"note {MARKER}",), (("photo", "ref", ""),)),
        answers={"tip.act": ("sold", "unsure"), "tip.where": "border"}, receipt="70551234", articles=("151",),
    )  # fmt: skip
    return replace(made, **more)


def referral(name: str = "ref-1", **more: Any) -> Referral:
    made = Referral(
        id=name, intake="in-1", code="LS-0042", to="police", office="ls-police", identified=True, rule="r1",
        because="vì sao", source="law", ground="", level="L3", urgent=False, province="LS", state="proposed",
        created_at=NOW, due_at=NOW + timedelta(hours=4),
    )  # fmt: skip
    return replace(made, **more)


async def reported(storage: Storage, *referrals: Referral, **more: Any) -> None:
    """Lan's first turn leaves an intake and its referrals."""
    talk = Conversation("lan", channel="telegram", flow="screening", intake="in-1")
    made = {"intake": intake(), "new_intake": True, "referrals": referrals or (referral(),), **more}
    await storage.commit(turn("u1", conversation=talk, **made))


async def joined(storage: DatabaseStorage, *officers: Officer) -> None:
    """Officers whose telephone is bound: police-1 is reached at telegram 9001, and so on."""
    accounts = Accounts(storage)
    for number, officer in enumerate(officers, 9001):
        await accounts.add(officer, f"code{number}", NOW + timedelta(days=7), by="operator", at=NOW)
        phone = Address("telegram", str(number))
        found = (await storage.load(phone, invite=f"code{number}")).invite
        assert found is not None
        await storage.commit(Commit(at=NOW, address=phone, join=(found.hash, found.officer)))


async def counted(storage: DatabaseStorage, table: str) -> int:
    return (await asked(storage, f"SELECT count(*) FROM {table}"))[0][0]  # noqa: S608 - a table's name from this file


# ------------------------------------------------------------------------------------------------------------- turns


async def test_somebody_new_is_nobody_until_their_first_turn_is_stored(storage: Storage) -> None:
    assert (await storage.load(LAN)).conversation is None
    talk = Conversation(
        "lan", channel="telegram", answers={"a": "yes", "b": ("x", "y")}, media=(Media("photo", "r"),), quiet=True,
        trail=("tip.a",), heard=("danger",), started_at=NOW,
    )  # fmt: skip
    await storage.commit(turn("u1", conversation=talk))
    assert (await storage.load(LAN)).conversation == replace(talk, version=1)


async def test_a_conversation_is_the_same_after_a_restart(opened: Opened) -> None:
    first = await opened()
    await reported(first)
    kept = await first.load(LAN)
    await first.close()
    assert await (await opened()).load(LAN) == kept
    assert kept.conversation is not None
    assert kept.conversation.intake == "in-1"
    assert kept.intake == intake(receipt="", revision=1)
    assert kept.referrals == (referral(),)


async def test_a_repeated_update_changes_nothing(storage: Storage) -> None:
    await storage.commit(turn("u1", outbox=(said("k1"),)))
    with pytest.raises(AlreadyHandled):
        await storage.commit(turn("u1", expects=1, outbox=(said("k2"),)))
    snapshot = await storage.load(LAN)
    assert snapshot.conversation is not None
    assert snapshot.conversation.version == 1
    assert [one.row.key for one in await storage.claim(NOW, 9)] == ["k1"]


async def test_of_two_who_decided_on_the_same_version_one_must_decide_again(storage: Storage) -> None:
    await storage.commit(turn("u1"))
    results = await asyncio.gather(
        storage.commit(turn("u2", expects=1, outbox=(said("k2"),))),
        storage.commit(turn("u3", expects=1, outbox=(said("k3"),))),
        return_exceptions=True,
    )
    assert {type(one) for one in results} == {type(None), StaleConversation}
    won, lost = ("2", "3") if results[0] is None else ("3", "2")
    assert [one.row.key for one in await storage.claim(NOW, 9)] == [f"k{won}"]
    # The loser's update was not marked: decided again, it is stored.
    await storage.commit(turn(f"u{lost}", expects=2, outbox=(said(f"k{lost}"),)))


async def test_a_newcomer_who_writes_twice_at_once_has_one_conversation(storage: Storage) -> None:
    results = await asyncio.gather(
        storage.commit(turn("u1", conversation=Conversation("lan"))),
        storage.commit(turn("u2", conversation=Conversation("lan-again"))),
        return_exceptions=True,
    )
    assert {type(one) for one in results} == {type(None), StaleConversation}
    lost = "lan-again" if results[0] is None else "lan"
    assert (await storage.load_conversation(lost))[0].conversation is None


async def test_a_stale_snapshot_is_dropped_and_read_again(opened: Opened) -> None:
    ours, another = await opened(), await opened()
    await ours.commit(turn("u1"))
    assert (await ours.load(LAN)).conversation is not None
    await another.commit(turn("u2", expects=1))
    with pytest.raises(StaleConversation):
        await ours.commit(turn("u3", expects=1))
    again = (await ours.load(LAN)).conversation
    assert again is not None
    assert again.version == 2


async def test_two_conversations_that_add_to_one_intake_do_not_overwrite_each_other(storage: Storage) -> None:
    await reported(storage)
    read = (await storage.load(LAN)).intake
    assert read is not None
    minh = Commit(
        at=NOW, channel="web", external_id="w1", address=Address("web", "minh"), intake=replace(read, updated_at=NOW),
        conversation=Conversation("minh", channel="web", intake="in-1"),
    )  # fmt: skip
    await storage.commit(minh)
    lan = turn("u2", expects=1, conversation=Conversation("lan", intake="in-1"), intake=read)
    with pytest.raises(StaleConversation):
        await storage.commit(lan)
    fresh = (await storage.load(LAN)).intake
    assert fresh is not None
    assert fresh.revision == 2


async def test_a_referral_moved_by_two_officers_is_moved_once(storage: Storage) -> None:
    await reported(storage, referral(state="delivered"))
    taken = replace(referral(), state="acknowledged", acknowledged_at=NOW, officer="police-1")
    await storage.commit(Commit(at=NOW, moved=((taken, "delivered"),)))
    with pytest.raises(StaleConversation):
        await storage.commit(Commit(at=NOW, moved=((replace(taken, officer="police-2"), "delivered"),)))
    assert (await storage.load_referral("ref-1")).referral == taken
    # Lan's snapshot shows it too, although it was kept.
    assert (await storage.load(LAN)).referrals == (taken,)


async def test_a_receipt_leads_to_its_intake_however_it_is_typed(storage: Storage) -> None:
    await reported(storage)
    view = (await storage.load(Address("web", "somebody"), receipt="7055 1234")).receipt
    assert view is not None
    assert (view.intake, view.kind, view.states) == ("in-1", "self", (("police", "proposed"),))
    assert (await storage.load(LAN, receipt="7055 1235")).receipt is None


async def test_an_officers_question_finds_the_person_by_pseudonym(storage: Storage) -> None:
    await reported(storage)
    snapshot = await storage.load_referral("ref-1")
    assert snapshot.conversation is not None
    assert snapshot.intake is not None
    assert (await storage.load_conversation(snapshot.conversation.id))[1] == LAN


async def test_a_timer_that_comes_with_no_address_is_seen_at_the_next_load(storage: Storage) -> None:
    await storage.commit(turn("u1"))
    assert (await storage.load(LAN)).conversation is not None
    await storage.commit(Commit(at=NOW, conversation=Conversation("lan", step="woken"), expects=1))
    snapshot = await storage.load(LAN)
    assert snapshot.conversation is not None
    assert snapshot.conversation.step == "woken"


async def test_stop_leaves_where_a_person_stands_and_nothing_they_said(opened: Opened) -> None:
    storage = await opened()
    talk = Conversation(
        "lan", step="end", locale="en", answers={"a": "b"}, notes=("n",), media=(Media("photo"),), heard=("h",)
    )
    await storage.commit(turn("u1", conversation=talk, outbox=(said("k1"),)))
    (claimed,) = await storage.claim(NOW, 9)
    await storage.finish([Done(claimed.id, "done", NOW, message_ids=("501",))])
    await storage.commit(turn("u2", expects=1, conversation=talk, erase=True, outbox=(said("bye"),)))
    snapshot = await storage.load(LAN)
    assert snapshot.conversation == Conversation("lan", version=2, step="end", locale="en")
    assert [one["texts"] for one in await storage.says("lan")] == [[f"bye {MARKER}"]]
    assert await asked(storage, "SELECT sealed_body IS NULL FROM outbox ORDER BY id") == [(1,), (0,)]
    # What was shown can still be deleted from their telephone.
    assert list(await storage.shown("lan", NOW)) == ["501"]


async def test_an_abandoned_draft_is_found_once_its_day_is_over(storage: Storage) -> None:
    await storage.commit(turn("u1"))
    day = NOW + timedelta(hours=24)
    assert list(await storage.abandoned(NOW, 10)) == []
    assert list(await storage.abandoned(day, 10)) == [("lan", 1)]
    await storage.commit(Commit(at=day, conversation=Conversation("lan"), expects=1, erase=True))
    assert list(await storage.abandoned(day + timedelta(days=9), 10)) == []


# ------------------------------------------------------------------------------------------------------------- outbox


async def order(storage: Storage, *rows: OutboxRow, at: datetime = NOW, limit: int = 99) -> list[str]:
    await storage.finish((), rows)
    return [one.row.key for one in await storage.claim(at, limit)]


async def test_a_row_comes_back_opened_with_the_persons_address(storage: Storage) -> None:
    await storage.commit(turn("u1", outbox=(said("k1", body={"texts": ["Chào bạn"], "n": 1}),)))
    (claimed,) = await storage.claim(NOW, 10)
    assert claimed.row == said("k1", body={"texts": ["Chào bạn"], "n": 1})
    assert (claimed.address, claimed.attempts) == (LAN, 1)


async def test_the_same_key_makes_no_second_row(storage: Storage) -> None:
    assert await order(storage, said("export/weekly/2026-W47", body={"n": 1})) == ["export/weekly/2026-W47"]
    assert await order(storage, said("export/weekly/2026-W47", body={"n": 2})) == []


async def test_danger_goes_before_everything_and_then_by_time(storage: Storage) -> None:
    early, late = NOW - timedelta(seconds=9), NOW
    rows = (
        said("reply late", "a", priority=2, due=late),
        said("reply early", "b", priority=2, due=early),
        said("timer", "c", priority=3, due=early),
        said("notice", "d", priority=1, due=late),
        said("danger", "e", priority=0, due=late),
        said("tomorrow", "f", priority=0, due=NOW + timedelta(days=1)),
    )
    assert await order(storage, *rows) == ["danger", "notice", "reply early", "reply late", "timer"]


async def test_one_who_is_in_danger_is_not_behind_ten_thousand_replies(storage: Storage) -> None:
    replies = tuple(said(f"r{n}", f"c:{n}") for n in range(2_000))
    assert (await order(storage, *replies, said("danger", "c:x", priority=0), limit=1)) == ["danger"]


async def test_a_lane_keeps_its_order_and_holds_back_nobody_else(storage: Storage) -> None:
    assert await order(storage, said("1", "a"), said("2", "a"), said("1b", "b")) == ["1", "1b"]
    first, _ = (1, 2)
    again = NOW + timedelta(seconds=9)
    # 1 is stuck: 2 waits behind it, in their own lane only.
    await storage.finish([Done(first, "later", NOW, "429", again_at=again)])
    assert await order(storage, said("2b", "c")) == ["2b"]
    assert [one.row.key for one in await storage.claim(again, 9)] == ["1"]
    await storage.finish([Done(first, "done", again)])
    assert [one.row.key for one in await storage.claim(again, 9)] == ["2"]


async def test_within_a_lane_danger_overtakes_what_is_not_on_its_way(storage: Storage) -> None:
    assert await order(storage, said("1", "a"), said("2", "a")) == ["1"]
    # 1 is on its way: even danger waits for it, or the two might arrive in the wrong order.
    assert await order(storage, said("danger", "a", priority=0)) == []
    await storage.finish([Done(1, "done", NOW)])
    assert [one.row.key for one in await storage.claim(NOW, 9)] == ["danger"]


async def test_danger_that_must_be_tried_again_is_not_overtaken_in_its_lane(storage: Storage) -> None:
    again = NOW + timedelta(seconds=3)
    assert await order(storage, said("1", "a"), said("danger", "a", priority=0), said("b", "b")) == ["danger", "b"]
    await storage.finish([Done(2, "later", NOW, "429", again_at=again)])
    assert await storage.claim(NOW, 9) == []
    assert [one.row.key for one in await storage.claim(again, 9)] == ["danger"]


async def test_a_timer_in_a_lane_holds_nobody_back(storage: Storage) -> None:
    timer = said("timer", "a", priority=3, due=NOW + timedelta(hours=24))
    assert await order(storage, timer, said("reply", "a")) == ["reply"]


async def test_rows_without_a_lane_are_independent(storage: Storage) -> None:
    assert await order(storage, said("1", ""), said("2", "")) == ["1", "2"]


async def test_what_a_crash_left_claimed_is_handed_out_again(opened: Opened) -> None:
    before = await opened()
    assert await order(before, said("1", "a"), said("2", "a")) == ["1"]
    await before.close()
    after = await opened()
    assert await after.claim(NOW + timedelta(seconds=9), 9) == []
    (again,) = await after.claim(NOW + timedelta(seconds=10), 9)
    assert (again.row.key, again.attempts) == ("1", 2)


async def test_a_row_that_ended_stays_ended(opened: Opened) -> None:
    storage = await opened()
    assert await order(storage, said("1")) == ["1"]
    await storage.finish([Done(1, "done", NOW, message_ids=("7",))])
    await storage.finish([Done(1, "dead", NOW, "late")])
    await storage.finish([Done(1, "later", NOW, again_at=NOW)])
    assert await storage.claim(NOW + timedelta(days=1), 9) == []
    assert await asked(storage, "SELECT state FROM outbox") == [("done",)]
    assert await asked(storage, "SELECT action, subject, detail FROM audit") == [("say.sent", "lan", '{"row":"1"}')]


async def test_a_cancelled_row_is_not_sent(storage: Storage) -> None:
    await storage.commit(turn("u1", outbox=(said("1"), said("2", "b"))))
    await storage.commit(turn("u2", expects=1, cancel=("1", "unknown")))
    assert [one.row.key for one in await storage.claim(NOW, 9)] == ["2"]


async def test_the_next_look_is_when_the_first_of_a_lane_can_go(storage: Storage) -> None:
    assert await storage.next_due() is None
    soon, later = NOW + timedelta(seconds=5), NOW + timedelta(seconds=8)
    await storage.finish((), (said("1", "a"), said("2", "a"), said("timer", "b", due=later)))
    assert await storage.next_due() == NOW
    await storage.claim(NOW, 9)
    # 2 is due, but behind 1, which is held for 10 s: looking now would find nothing, for ever.
    assert await storage.next_due() == later
    # Nor can danger go while 1 is on its way.
    await storage.finish((), (said("danger", "a", priority=0),))
    assert await storage.next_due() == later
    await storage.finish([Done(1, "later", NOW, again_at=soon)])
    assert await storage.next_due() == NOW
    assert [one.row.key for one in await storage.claim(NOW, 9)] == ["danger"]
    await storage.finish([Done(4, "done", NOW)])
    assert await storage.next_due() == soon


async def test_a_finished_row_brings_its_followers_in_the_same_commit(opened: Opened) -> None:
    storage = await opened()
    await joined(storage, DUTY)
    await reported(
        storage,
        referral(state="sent"),
        outbox=(said("hand", "r:1", kind="notify_agency", conversation="", referral="ref-1"),),
    )
    (hand,) = await storage.claim(NOW, 9)
    note = OutboxRow("hand/police-1", "notice", "o:police-1", 1, NOW, {"officer": "police-1"}, referral="ref-1")
    await storage.finish([Done(hand.id, "done", NOW)], [note])
    assert (await storage.load(LAN)).referrals == (referral(state="sent"),)
    (notice,) = await storage.claim(NOW, 9)
    assert notice.address == Address("telegram", "9001")
    await storage.finish([Done(notice.id, "done", NOW, delivered=True)])
    assert (await storage.load(LAN)).referrals == (referral(state="delivered", delivered_at=NOW),)


async def test_an_officer_who_blocked_us_is_reached_nowhere(opened: Opened) -> None:
    storage = await opened()
    await joined(storage, DUTY)
    assert [(d.officer, d.address, d.blocked) for d in await storage.doors_of("ls-police")] == [
        (DUTY, Address("telegram", "9001"), False)
    ]
    await order(storage, OutboxRow("n", "notice", "o", 1, NOW, {"officer": "police-1"}))
    await storage.finish([Done(1, "dead", NOW, "403", blocked=True)])
    assert [d.blocked for d in await storage.doors_of("ls-police")] == [True]


async def test_a_person_who_blocked_us_and_writes_again_is_reached_again(opened: Opened) -> None:
    storage = await opened()
    await storage.commit(turn("u1", outbox=(said("1"),)))
    await storage.claim(NOW, 9)
    await storage.finish([Done(1, "dead", NOW, "403", blocked=True)])
    assert await asked(storage, "SELECT unreachable FROM address") == [(1,)]
    await storage.commit(turn("u2", expects=1))
    assert await asked(storage, "SELECT unreachable FROM address") == [(0,)]
    await storage.commit(turn("u3", expects=2, blocked=True))
    assert await asked(storage, "SELECT unreachable FROM address") == [(1,)]


async def test_one_who_starts_anew_after_blocking_us_is_reached_again(opened: Opened) -> None:
    storage = await opened()
    await storage.commit(turn("u1", erase=True, blocked=True))
    await storage.commit(turn("u2", conversation=Conversation("lan-anew")))
    assert await asked(storage, "SELECT conversation, unreachable FROM address") == [("lan-anew", 0)]


async def test_the_page_shows_what_was_said_since_the_person_was_last_heard(storage: Storage) -> None:
    await storage.commit(turn("u1", outbox=(said("1"),)))
    await storage.commit(turn("u2", expects=1, outbox=(said("2a"), said("2b"))))
    # An officer asks: nothing was heard from the person, so it stands beside the answer to their last message.
    await storage.commit(Commit(at=NOW, outbox=(said("question"),)))
    await storage.claim(NOW, 9)
    await storage.finish([Done(2, "done", NOW)], [said("follow")])
    texts = [one["texts"][0].split()[0] for one in await storage.says("lan")]
    assert texts == ["2a", "2b", "question", "follow"]


async def test_clearing_knows_what_both_sides_wrote_since_then(storage: Storage) -> None:
    await storage.commit(turn("u1", message_id="100", outbox=(said("1"),)))
    await storage.claim(NOW, 9)
    await storage.finish([Done(1, "done", NOW, message_ids=("101", "102"))])
    assert list(await storage.shown("lan", NOW - timedelta(hours=48))) == ["101", "102", "100"]
    assert list(await storage.shown("lan", NOW + timedelta(seconds=1))) == []


# ----------------------------------------------------------------------------------------------------------- officers


async def test_a_code_binds_one_phone_once(opened: Opened) -> None:
    storage = await opened()
    await joined(storage, DUTY)
    phone = Address("telegram", "9001")
    assert (await storage.load(phone)).officer == DUTY
    assert (await storage.load(LAN, invite="CODE-9001")).invite is None
    await Accounts(storage).invite("police-1", "second", NOW + timedelta(days=1), by="operator", at=NOW)
    found = (await storage.load(LAN, invite="second")).invite
    assert found is not None
    await storage.commit(Commit(at=NOW, address=LAN, join=(found.hash, found.officer)))
    with pytest.raises(StaleConversation):
        await storage.commit(Commit(at=NOW, address=phone, join=(found.hash, found.officer)))
    assert (await storage.load(LAN)).officer == DUTY
    assert (await storage.load(phone)).officer is None


async def test_a_code_that_is_out_of_time_binds_nobody(opened: Opened) -> None:
    storage = await opened()
    await Accounts(storage).add(DUTY, "code", NOW, by="operator", at=NOW)
    found = (await storage.load(LAN, invite="code")).invite
    assert found is not None
    late = Commit(at=NOW + timedelta(seconds=1), address=LAN, join=(found.hash, found.officer))
    with pytest.raises(StaleConversation):
        await storage.commit(late)
    assert (await storage.load(LAN)).officer is None


async def test_looking_leaves_a_trace_in_the_same_breath(opened: Opened) -> None:
    storage = await opened()
    await joined(storage, DUTY, OTHER)
    await reported(storage, audit=(AuditEntry("service", "intake.received", "in-1", NOW, {"kind": "self"}),))
    case = await storage.open_case("ref-1", DUTY, NOW, visible)
    assert case is not None
    assert case.intake == replace(intake(receipt="", revision=1), content=Content())
    assert [(one.action, one.actor) for one in case.timeline] == [
        ("intake.received", "service"),
        ("case.opened", "police-1"),
    ]
    assert await storage.open_case("ref-1", OTHER, NOW, visible) is None
    assert await storage.open_case("unknown", DUTY, NOW, visible) is None
    opened_by = await asked(storage, "SELECT actor FROM audit WHERE action = 'case.opened'")
    assert opened_by == [("police-1",)]


async def test_a_revoked_officer_opens_and_lists_nothing(opened: Opened) -> None:
    storage = await opened()
    await joined(storage, DUTY)
    await reported(storage)
    assert await storage.list_referrals(DUTY) == (referral(),)
    await Accounts(storage).revoke("police-1", by="operator", at=NOW)
    assert await storage.list_referrals(DUTY) == ()
    assert await storage.open_case("ref-1", DUTY, NOW, visible) is None
    assert (await storage.load(Address("telegram", "9001"))).officer is None


@pytest.mark.parametrize(
    ("identified", "kind", "share", "agreed", "reads"),
    [
        (True, "self", frozenset(), ("police", True), True),
        (True, "self", frozenset(), ("none", False), False),
        (False, "self", frozenset(), None, False),
        (False, "self", frozenset({"police"}), ("police", True), True),
        (False, "self", None, None, False),
        (False, "tip", None, None, True),
        (False, "tip", frozenset(), None, True),
        (False, "tip", None, ("none", False), True),
    ],
)
async def test_an_agency_reads_a_persons_words_only_where_it_may(
    opened: Opened, identified: bool, kind: str, share: Any, agreed: Any, reads: bool
) -> None:
    storage = await opened()
    await joined(storage, DUTY)
    consents = (Consent(agreed[0], agreed[1], "screening/1/vi", NOW, "telegram"),) if agreed else ()
    found = intake(kind=kind, facts=Facts(kind=kind, share=share))
    await reported(storage, referral(identified=identified), intake=found, consents=consents)
    case = await storage.open_case("ref-1", DUTY, NOW, visible)
    assert case is not None
    assert case.consents == consents
    assert (MARKER in repr(case)) is reads


async def test_the_list_begins_with_what_is_urgent_then_what_nobody_took(opened: Opened) -> None:
    storage = await opened()
    await joined(storage, DUTY, replace(OTHER, role="admin"))
    early = NOW - timedelta(days=3)
    await reported(
        storage,
        referral("taken", state="acknowledged", acknowledged_at=NOW, created_at=early),
        referral("new"),
        referral("old", created_at=early),
        referral("urgent", urgent=True),
        referral("closed before", state="closed", closed_at=NOW, created_at=early),
        referral("closed", state="closed", closed_at=NOW),
        referral("elsewhere", office="ls-social"),
    )
    assert [one.id for one in await storage.list_referrals(DUTY)] == ["urgent", "old", "new", "taken"]
    assert [one.id for one in await storage.list_referrals(DUTY, closed=True)] == ["closed", "closed before"]
    assert [one.id for one in await storage.list_referrals(DUTY, limit=1)] == ["urgent"]
    assert "elsewhere" in [one.id for one in await storage.list_referrals(replace(OTHER, role="admin"))]


async def test_a_referral_is_handed_over_once_and_only_while_it_stands(storage: Storage) -> None:
    asked_once = (Consent("police", True, "screening/1/vi", NOW, "telegram"),)
    await reported(storage, referral(), referral("ref-2", to="legal_aid"), consents=asked_once)
    assert (await storage.load(LAN)).referrals[0].state == "proposed"
    sent = await storage.hand_over("ref-1", NOW)
    assert sent == referral(state="sent", sent_at=NOW)
    assert await storage.hand_over("ref-1", NOW) is None
    assert (await storage.load(LAN)).referrals[0] == sent
    await storage.commit(Commit(at=NOW, moved=((referral("ref-2", to="legal_aid", state="withdrawn"), "proposed"),)))
    assert await storage.hand_over("ref-2", NOW) is None
    assert await storage.hand_over("unknown", NOW) is None


async def test_consent_taken_back_is_read_at_the_moment_of_sending(storage: Storage) -> None:
    yes, no = (Consent("police", given, "screening/1/vi", NOW, "telegram") for given in (True, False))
    by_law = referral("by-law", ground="life_in_danger")
    await reported(storage, referral(), by_law, consents=(yes,))
    talk = Conversation("lan", intake="in-1")
    await storage.commit(turn("u2", expects=1, conversation=talk, consents=(no,)))
    assert await storage.hand_over("ref-1", NOW) is None
    assert await storage.hand_over("by-law", NOW) is not None


async def test_the_week_holds_what_was_received_stored_and_notified(opened: Opened) -> None:
    storage = await opened()
    await joined(storage, DUTY)
    received = (AuditEntry("service", "intake.received", "in-1", NOW),)
    note = OutboxRow("n", "notice", "o:police-1", 1, NOW, {"officer": "police-1"}, referral="ref-1")
    await reported(storage, referral(), referral("ref-2"), audit=received, outbox=(note,))
    (claimed,) = await storage.claim(NOW, 9)
    await storage.finish([Done(claimed.id, "done", NOW)])
    week = await storage.period(NOW, NOW + timedelta(days=7))
    assert week.intakes == (intake(receipt="", revision=1, content=Content(), answers={}),)
    assert [one.id for one in week.referrals] == ["ref-1", "ref-2"]
    assert (week.received, week.notified) == (("in-1",), ("ref-1",))
    assert (await storage.period(NOW - timedelta(days=7), NOW)).intakes == ()


async def test_an_export_is_recorded_once(opened: Opened) -> None:
    storage = await opened()
    assert await storage.record_export("export/weekly/2026-W47", "ab", {"received": 3}, NOW)
    assert not await storage.record_export("export/weekly/2026-W47", "cd", {"received": 4}, NOW)
    assert await asked(storage, "SELECT sha256, counts FROM export_run") == [("ab", '{"received":3}')]


async def test_the_audit_can_only_grow(home: Database) -> None:
    storage = await home.open()
    await storage.commit(turn("u1", audit=(AuditEntry("service", "x", "lan", NOW),)))
    for sql in ("UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="append-only"):
            await home.ask(sql)


# ------------------------------------------------------------------------------------------------ when things go wrong


async def test_four_hundred_at_once_of_whom_many_give_up_leave_nothing_half_done(opened: Opened) -> None:
    storage = await opened()
    dice = random.Random(7)  # noqa: S311 - repeatable, nothing secret

    async def someone(n: int) -> None:
        address = Address("telegram", str(n))
        row = said(f"k{n}", f"c:{n}", conversation=f"c{n}")
        await storage.commit(
            Commit(NOW, "telegram", f"u{n}", address, conversation=Conversation(f"c{n}"), outbox=(row,))
        )

    tasks = [asyncio.create_task(someone(n)) for n in range(400)]
    for task in dice.sample(tasks, 120):
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in ended} == {type(None), asyncio.CancelledError}
    await storage.commit(turn("last", outbox=(said("last"),)))
    await storage.close()  # what was asked for and given up is finished first
    storage = await opened()
    stored = await counted(storage, "inbox")
    assert stored == await counted(storage, "outbox") == await counted(storage, "conversation")
    assert stored >= sum(one is None for one in ended) + 1


async def test_what_a_cancelled_officer_did_is_seen_by_the_person_all_the_same(opened_here: OpenedHere) -> None:
    storage = await opened_here()
    await reported(storage, referral(state="delivered"))
    assert (await storage.load(LAN)).referrals == (referral(state="delivered"),)
    taken = referral(state="acknowledged", acknowledged_at=NOW)
    acting = asyncio.create_task(storage.commit(Commit(at=NOW, moved=((taken, "delivered"),))))
    await asyncio.sleep(0)  # it waits for the writer,
    await asyncio.sleep(0)  # and the writer has taken it
    acting.cancel()
    await asyncio.gather(acting, return_exceptions=True)
    await storage.commit(Commit(at=NOW))
    assert acting.cancelled()
    assert (await storage.load(LAN)).referrals == (taken,)


async def test_those_who_wait_together_are_committed_together(opened_here: OpenedHere) -> None:
    storage = await opened_here()
    begun: list[str] = []
    await storage._writer._connection.set_trace_callback(begun.append)
    people = [Address("telegram", str(n)) for n in range(50)]
    await asyncio.gather(
        *(
            storage.commit(Commit(NOW, "telegram", one.external, one, conversation=Conversation(one.external)))
            for one in people
        )
    )
    assert begun.count("BEGIN IMMEDIATE") <= 2
    assert begun.count("COMMIT") == begun.count("BEGIN IMMEDIATE")


async def test_a_locked_database_is_away_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "nhipcau.db"
    await (await open_storage(path, KEY)).close()
    async with opened_with(path, busy_ms=1) as storage:
        await storage.commit(turn("u1"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageAway, match="SQLITE_BUSY"):
            await storage.commit(turn("u2", expects=1))
        other.execute("ROLLBACK")
        other.close()
        await storage.commit(turn("u2", expects=1))


async def test_a_full_disk_is_away_for_all_who_waited_and_leaves_no_half_turn(opened_here: OpenedHere) -> None:
    storage = await opened_here()
    await storage.commit(turn("u1"))
    visit = storage._writer._connection.visit
    (pages,) = await visit(lambda database: database.execute("PRAGMA page_count").fetchone())
    await visit(lambda database: database.execute(f"PRAGMA max_page_count={pages + 2}").fetchone())
    big = {"texts": ["x" * 50_000]}
    both = await asyncio.gather(
        storage.commit(turn("u2", expects=1, outbox=(said("k2", body=big),))),
        storage.commit(Commit(NOW, audit=(AuditEntry("a", "b", "c", NOW),))),
        return_exceptions=True,
    )
    assert [type(one) for one in both] == [StorageAway, StorageAway]
    assert await counted(storage, "inbox") == 1
    assert await counted(storage, "audit") == 0
    await visit(lambda database: database.execute("PRAGMA max_page_count=1000000").fetchone())
    await storage.commit(turn("u2", expects=1, outbox=(said("k2", body=big),)))


async def test_a_statement_that_fails_leaves_no_transaction_open(home: Database) -> None:
    storage = await home.open()
    await home.ask("ALTER TABLE outbox RENAME TO gone")
    with pytest.raises(StorageAway):
        await storage.commit(turn("u1", outbox=(said("k1"),)))
    await home.ask("ALTER TABLE gone RENAME TO outbox")
    await storage.commit(turn("u1", outbox=(said("k1"),)))
    assert await counted(storage, "outbox") == 1


async def test_a_closed_storage_is_away(opened: Opened) -> None:
    storage = await opened()
    await storage.close()
    with pytest.raises(StorageAway):
        await storage.commit(turn("u1"))
    with pytest.raises(StorageAway):
        await storage.load(LAN)


async def test_a_fault_in_one_turn_is_its_own(opened: Opened) -> None:
    storage = await opened()
    orphan = Commit(NOW, "telegram", "bad", referrals=(referral(intake="nowhere"),))
    bad, good = await asyncio.gather(storage.commit(orphan), storage.commit(turn("u1")), return_exceptions=True)
    assert isinstance(bad, sqlite3.IntegrityError | NotTaken)
    assert good is None
    assert await asked(storage, "SELECT external_id FROM inbox") == [("u1",)]


def opened_with(path: Path, **options: Any) -> Any:
    from contextlib import asynccontextmanager

    from storage.seal import Sealer

    @asynccontextmanager
    async def opening() -> AsyncIterator[SqliteStorage]:
        storage = await SqliteStorage.open(path, Sealer(KEY), **options)
        try:
            yield storage
        finally:
            await storage.close()

    return opening()


async def test_the_snapshots_kept_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "nhipcau.db"
    await (await open_storage(path, KEY)).close()
    async with opened_with(path, most_snapshots=5) as storage:
        for n in range(20):
            await storage.commit(Commit(NOW, "web", str(n), Address("web", str(n)), conversation=Conversation(str(n))))
        assert len(storage._snapshots) == 5
        snapshot = await storage.load(Address("web", "0"))
        assert snapshot.conversation == Conversation("0", version=1)


# ------------------------------------------------------------------------------------------------ secrecy and speed


def files_in(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.is_file()]


async def test_nothing_that_a_person_said_or_is_can_be_read_in_the_files(
    opened_here: OpenedHere, tmp_path: Path
) -> None:
    storage = await opened_here()
    talk = Conversation("lan", intake="in-1", answers={"a": MARKER}, notes=(MARKER,), heard=(MARKER,))
    await storage.commit(
        turn("u1", conversation=talk, intake=intake(), new_intake=True, referrals=(referral(),), outbox=(said("k"),))
    )
    files = files_in(tmp_path)
    assert {one.name for one in files} >= {"nhipcau.db", "nhipcau.db-wal"}
    everything = b"".join(one.read_bytes() for one in files)
    assert b"LS-0042" in everything  # what may be read is there, so the search does look where the rows are
    for hidden in (MARKER, LAN.external, "70551234"):
        assert hidden.encode() not in everything
        assert hidden.encode("utf-16-le") not in everything
    assert all(one.stat().st_mode & 0o077 == 0 for one in files)


async def test_the_log_stays_short_however_much_is_written(
    opened_here: OpenedHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sqlite.MOST_PAGES", 10)
    storage = await opened_here()
    for number in range(60):
        await storage.commit(turn(f"u{number}", expects=number))
        await storage._keeper.bring_in()
    assert (tmp_path / "nhipcau.db-wal").stat().st_size < 50 * 4096


def test_the_version_of_aiosqlite_is_the_one_whose_thread_we_visit() -> None:
    assert aiosqlite.__version__ == "0.22.1"
