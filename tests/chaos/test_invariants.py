"""The invariants see what they are there to see: each, on a database that was sound until somebody laid hands on it."""

# ruff: noqa: S608 - harm is done by statements that are put together here, and nobody else's words are in them

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.book import Book
from tests.chaos.invariants import INVARIANTS, losses
from tests.chaos.rehearsal import Rehearsal, rehearsal
from tests.chaos.stories import Story
from tests.chaos.tally import Tally

Harm = str | Callable[[Rehearsal], None]


def a_notice_never_left(it: Rehearsal) -> None:
    phone = next(iter(it.phones.values()))
    it.telegram.calls[:] = [call for call in it.telegram.calls if call.fields.get("chat_id") != str(phone)]


def two_replies_change_places(it: Rehearsal) -> None:
    first, second = [call for call in it.telegram.calls if call.fields.get("chat_id") == PERSON and call.made][:2]
    first.made, second.made = second.made, first.made


def a_reply_never_left(it: Rehearsal) -> None:
    it.telegram.calls.remove(next(call for call in it.telegram.calls if call.fields.get("chat_id") == PERSON))


PERSON = "1500000002"
ONE_UPDATE = "SELECT max(external_id) FROM inbox WHERE channel = 'telegram'"
ONE_INTAKE = "SELECT min(id) FROM intake"
SENT = "SELECT max(o.id) FROM outbox o WHERE o.kind = 'say' AND o.message_ids <> ''"
FIRST_SENT = SENT.replace("max", "min")
HARMS: dict[str, tuple[str, Harm]] = {
    "an answered update is not there": (
        "answered with 200 and not stored",
        f"DELETE FROM inbox WHERE external_id = ({ONE_UPDATE})",
    ),
    "an update is marked and its turn is not there": (
        "answered with 200 and not stored",
        "UPDATE conversation SET version = version - 1",
    ),
    "an intake has no referrals": (
        "intakes without their referrals",
        f"DELETE FROM referral WHERE intake = ({ONE_INTAKE})",
    ),
    "an intake has one referral too few": (
        "intakes without their referrals",
        "DELETE FROM referral WHERE id = (SELECT min(id) FROM referral WHERE office LIKE 'police-%')",
    ),
    "an intake is gone": ("intakes without their referrals", f"DELETE FROM intake WHERE id = ({ONE_INTAKE})"),
    "a notice never left": ("referrals whose notice did not leave", a_notice_never_left),
    "an intake was referred twice": (
        "people referred twice",
        "INSERT INTO referral (id, intake, office, code, created_at) "
        "SELECT 'again', intake, office, code, created_at FROM referral LIMIT 1",
    ),
    "a reply never left": ("replies missing or out of order", a_reply_never_left),
    "two replies change places": ("replies missing or out of order", two_replies_change_places),
    "a later reply left first": (
        "replies missing or out of order",
        f"UPDATE outbox SET message_ids = '[\"1\"]' WHERE id = ({SENT})",
    ),
    "a row says that it left": (
        "marked as sent and not seen",
        f"UPDATE outbox SET message_ids = '[\"99999999\"]' WHERE id = ({FIRST_SENT})",
    ),
    "a row stays": ("left in the outbox", f"UPDATE outbox SET state = 'waiting' WHERE id = ({SENT})"),
    "a row was given up": ("left in the outbox", f"UPDATE outbox SET state = 'dead' WHERE id = ({SENT})"),
}
"""What somebody does to a sound database or to what was seen, and which invariant must see it."""


@pytest.mark.parametrize("harm", HARMS)
async def test_an_invariant_sees_the_harm(harm: str, tmp_path: Path, book: Book, stories: dict[str, Story]) -> None:
    broken, how = HARMS[harm]
    async with rehearsal("sqlite", tmp_path, book, stories) as it:
        await it.hear(await it.open())
        await it.come_to_rest()
        assert losses(*await it.outcome()) == {}
        if isinstance(how, str):
            await it.home.ask(how)
        else:
            how(it)
        assert broken in losses(*await it.outcome())


def test_every_invariant_is_tried() -> None:
    assert {broken for broken, _ in HARMS.values()} == set(INVARIANTS)


def test_the_table_counts_every_loss() -> None:
    tally = Tally()
    tally.faults["killed"] += 2
    tally.lost["left in the outbox"] += 3
    table = tally.table()
    assert "killed" in table
    assert table.splitlines()[-1].split() == ["all", "3"]
