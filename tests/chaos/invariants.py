"""What must be true after any fault, over what the database holds and what the platform saw. Knows of no fault.

Each invariant answers with what is wrong, a line each, by ids and codes only; nothing wrong is an empty list.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.chaos.stories import masked

Ask = Callable[[str], Awaitable[list[tuple[Any, ...]]]]

TOLD_NOTHING = ("proposed", "withdrawn")
"""States of a referral of which no office is told: no consent yet, or taken back before anybody had it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who wrote: what they must have heard, in order, and the offices that must know (None: anything may be)."""

    chat: int
    replies: tuple[str, ...] | None = None
    offices: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """One message that the platform took, and so shows."""

    chat: int
    message_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the platform saw: updates answered with 200, messages in the order of their coming; and who is who.

    `phones`: office → chat of its officer. `people`: id of the address in the database → person.
    """

    acknowledged: frozenset[str]
    shown: tuple[Shown, ...]
    phones: Mapping[str, int]
    people: Mapping[str, Person]


@dataclass(frozen=True, slots=True)
class Referral:
    id: str
    intake: str
    office: str
    code: str
    state: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the outbox; `ids` are the messages that it says it left."""

    id: int
    key: str
    kind: str
    lane: str
    urgent: bool
    state: str
    due_at: int
    attempts: int
    ids: tuple[int, ...]
    address: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database holds, read when the service is at rest. `now`: UTC milliseconds."""

    now: int
    inbox: Mapping[str, str]
    versions: Mapping[str, int]
    addresses: Mapping[str, str]
    intakes: Mapping[str, str]
    received: tuple[str, ...]
    referrals: tuple[Referral, ...]
    outbox: tuple[Row, ...]


async def read(ask: Ask, now: int) -> Stored:
    """Read everything that the invariants need. `now`: UTC milliseconds."""
    talks = await ask("SELECT id, version, address FROM conversation")
    return Stored(
        now,
        dict(await ask("SELECT external_id, conversation FROM inbox WHERE channel = 'telegram'")),
        {one: version for one, version, _ in talks},
        {one: address or "" for one, _, address in talks},
        dict(await ask("SELECT id, conversation FROM intake")),
        tuple(one for (one,) in await ask("SELECT subject FROM audit WHERE action = 'intake.received'")),
        tuple(Referral(*row) for row in await ask("SELECT id, intake, office, code, state FROM referral")),
        tuple([_row(*row) for row in await ask(_OUTBOX)]),
    )


_OUTBOX = (
    "SELECT o.id, o.key, o.kind, o.lane, o.priority, o.state, o.due_at, o.attempts, o.message_ids, c.address "
    "FROM outbox o LEFT JOIN conversation c ON c.id = o.conversation ORDER BY o.id"
)


def _row(
    id: int, key: str, kind: str, lane: str, priority: int, state: str, due_at: int, attempts: int, ids: str, address: str
) -> Row:  # fmt: skip
    left = tuple(int(one) for one in json.loads(ids or "[]"))
    return Row(id, key, kind, lane, priority == 0, state, due_at, attempts, left, address or "")


# ---------------------------------------------------------------------------------------------------------- invariants


def answered_is_stored(stored: Stored, seen: Seen) -> list[str]:
    """Every update answered with 200 is in the database, and its conversation has moved by it."""
    lost = [f"update {one} was answered and is not stored" for one in sorted(seen.acknowledged - stored.inbox.keys())]
    heard = Counter(conversation for conversation in stored.inbox.values() if conversation)
    half = [
        f"conversation {one} heard {count} turns and stands at version {stored.versions.get(one)}"
        for one, count in heard.items()
        if stored.versions.get(one, 0) < count
    ]
    return lost + half


def intakes_have_referrals(stored: Stored, seen: Seen) -> list[str]:
    """Every intake has its referrals, every one received is there, everybody whose story ends in one has one."""
    offices: dict[str, list[str]] = defaultdict(list)
    for one in stored.referrals:
        offices[one.intake].append(one.office)
    wrong = [f"intake {one} was received and is gone" for one in set(stored.received) - stored.intakes.keys()]
    wrong += [f"intake {one} is there and was not received" for one in stored.intakes.keys() - set(stored.received)]
    wrong += [f"intake {one} was referred to nobody" for one in stored.intakes if one not in offices]
    for where, person in seen.people.items():
        if person.offices is None:
            continue
        theirs = {office for intake in _intakes_of(stored, where) for office in offices[intake]}
        if missing := set(person.offices) - theirs:
            wrong.append(f"chat {person.chat} should be referred to {', '.join(sorted(missing))}")
    return wrong


def notices_left(stored: Stored, seen: Seen) -> list[str]:
    """Of every referral a notice has come to the phone of its office, where there is one."""
    told: dict[int, list[str]] = defaultdict(list)
    for message in seen.shown:
        told[message.chat].append(message.text)
    phones = {chat: "\n".join(told[chat]) for chat in seen.phones.values()}
    return [
        f"referral {one.code} was not told to {one.office}"
        for one in stored.referrals
        if one.office in seen.phones and one.state not in TOLD_NOTHING
        if f"· {one.code}\n" not in phones[seen.phones[one.office]]
    ]


def nobody_referred_twice(stored: Stored, seen: Seen) -> list[str]:
    """No intake is referred twice to one office, and whoever told one story has left one intake."""
    counts = Counter((one.intake, one.office) for one in stored.referrals)
    twice = [f"intake {one} was referred {n} times to {office}" for (one, office), n in counts.items() if n > 1]
    for where, person in seen.people.items():
        if person.offices is not None and len(_intakes_of(stored, where)) > 1:
            twice.append(f"chat {person.chat} has left several intakes")
    return twice


def heard_in_order(stored: Stored, seen: Seen) -> list[str]:
    """Everybody hears every reply in order (what came twice in a row counts once); a lane leaves as it was written."""
    heard: dict[int, list[str]] = defaultdict(list)
    for message in seen.shown:
        heard[message.chat].append(masked(message.text))
    wrong = [
        f"chat {person.chat} heard {len(heard[person.chat])} messages, another sequence than its {len(person.replies)} replies"
        for person in seen.people.values()
        if person.replies is not None and [one for one, _ in itertools.groupby(heard[person.chat])] != [*person.replies]
    ]
    last: dict[tuple[str, bool], int] = {}
    for row in stored.outbox:
        if row.ids and row.lane:
            if min(row.ids) < last.get((row.lane, row.urgent), 0):
                wrong.append(f"outbox row {row.id} left before an earlier one of its lane")
            last[row.lane, row.urgent] = max(row.ids)
    return wrong


def sent_is_seen(stored: Stored, seen: Seen) -> list[str]:
    """What the outbox holds to be sent is on the person's screen."""
    chats = {
        person.chat: {m.message_id for m in seen.shown if m.chat == person.chat} for person in seen.people.values()
    }
    return [
        f"outbox row {row.id} is marked as sent and was not seen"
        for row in stored.outbox
        if row.kind == "say" and row.address in seen.people
        if not set(row.ids) <= chats[seen.people[row.address].chat]
    ]


def outbox_drains(stored: Stored, _: Seen) -> list[str]:
    """Nothing that is due stays, nothing was given up."""
    return [
        f"outbox row {row.id} ({row.kind}) is {row.state} after {row.attempts} attempts"
        for row in stored.outbox
        if row.state == "dead" or (row.state == "waiting" and (row.attempts or row.due_at <= stored.now))
    ]


INVARIANTS: Mapping[str, Callable[[Stored, Seen], list[str]]] = {
    "answered with 200 and not stored": answered_is_stored,
    "intakes without their referrals": intakes_have_referrals,
    "referrals whose notice did not leave": notices_left,
    "people referred twice": nobody_referred_twice,
    "replies missing or out of order": heard_in_order,
    "marked as sent and not seen": sent_is_seen,
    "left in the outbox": outbox_drains,
}
"""Every invariant, by the name of what breaks it."""


def losses(stored: Stored, seen: Seen) -> dict[str, list[str]]:
    """What is wrong, by the invariant that it breaks; empty where nothing is."""
    found = {name: holds(stored, seen) for name, holds in INVARIANTS.items()}
    return {name: wrong for name, wrong in found.items() if wrong}


def repeats(seen: Seen) -> int:
    """How many replies came more than once: allowed, and counted."""
    chats = Counter(message.chat for message in seen.shown)
    known = [person for person in seen.people.values() if person.replies is not None]
    return sum(max(0, chats[person.chat] - len(person.replies or ())) for person in known)


def _intakes_of(stored: Stored, address: str) -> list[str]:
    return [intake for intake, talk in stored.intakes.items() if stored.addresses.get(talk) == address]
