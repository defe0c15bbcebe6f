"""A small world to talk in: the real path from a channel's event to the commit and back, a clock that only moves when told.

Storage is real (a fresh SQLite file), ids come from a counter, and every word that a citizen sends is remembered in `SAID`, so
that the leak guard of conftest.py can look for it where it must never be.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bot.book import Book
from bot.channels.base import Button, Inbound, Message
from bot.deliver import Deliverer, Work
from bot.doors.talk import Screen
from bot.events import OfficerDid
from bot.receive import Receiver, Refusal
from bot.schedule import ABANDONED_AFTER
from flows.model import Chose, CitizenEvent, Conversation, Empty, Media, Opened, Said, Sent
from referral.model import Content, Intake, Referral
from referral.notice import notice
from storage import sealing
from storage.accounts import Accounts
from storage.base import NO_KEYS, Address, Commit, Officer, Opener, Snapshot
from storage.envelope import joined
from storage.open import open_storage
from storage.store import DatabaseStorage

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""A Monday, 8 in the morning in Viet Nam."""
PLACE = "21.85000,106.76000"
"""Where everybody is who sends a location: in the town of Lạng Sơn, as the small platforms of tests/fakes say it too."""
CHANNELS = ("web", "telegram", "zalo_bot", "zalo_oa")
KEY = bytes(range(32))

SAID: set[str] = set()
"""Everything that citizens of this test wrote, were called or sent."""


async def words_of(storage: DatabaseStorage, intake: str, opener: Opener = NO_KEYS) -> Content:
    """What was said for a report, to whoever holds these keys; to anybody where there was no escrow to seal to."""

    def work() -> Any:
        unsealed = yield from sealing.unseal(intake, opener, storage.sealer)
        return (yield from sealing.read_content(intake, sealing.PARTS, unsealed))[0]

    return await storage.read(work)


async def empty_database(folder: Path) -> Path:
    """A migrated database that each test copies: migrating it anew would take longer than the test."""
    path = folder / "empty.db"
    storage = await open_storage(path, KEY)
    await storage.close()
    return path


@dataclass(repr=False)
class World:
    """One service, its citizens and its officers.

    Without a repr: asyncio writes one of a finished fixture's result twice a test, and a book's takes 0.1 s.
    """

    storage: DatabaseStorage
    book: Book
    now: datetime = START
    commits: list[Commit] = field(default_factory=list)
    screens: dict[str, Screen] = field(default_factory=lambda: {name: Screen(name) for name in CHANNELS})

    def __post_init__(self) -> None:
        self._count = itertools.count(1)
        self._channel_of: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._seen: dict[str, list[Message]] = {}
        self._last: Inbound | None = None
        self._reported = 0
        self.receiver = Receiver(
            self.storage,
            self.book,
            now=lambda: self.now,
            seed=lambda: f"world-{next(self._count)}",
            committed=self.commits.append,
        )
        self.deliverer = Deliverer(Work(self.storage, self.book, self.receiver, self.screens, "", lambda: self.now))

    # ------------------------------------------------------------------------------------------------------- citizens

    def uses(self, who: str, channel: str) -> None:
        """This person writes on this channel from now on (web, where nothing is said)."""
        self._channel_of[who] = channel

    async def open(self, who: str, payload: str = "") -> list[Message]:
        return await self.event(who, Opened(payload))

    async def say(self, who: str, text: str) -> list[Message]:
        return await self.event(who, Said(text))

    async def choose(self, who: str, *ids: str) -> list[Message]:
        """Press the button of the question that stands now; its number comes with it, as platforms send it."""
        return await self.event(who, Chose(ids, self.number(who)))

    async def press(self, who: str, id: str, back: int = 0) -> list[Message]:
        """Press a button of an older message: `back` messages with buttons ago."""
        button = next(one for one in self.buttons(who, back) if one.id == id)
        return await self.event(who, Chose((id,), int(button.data.partition(":")[0].removeprefix("p"))))

    async def send(self, who: str, kind: str, caption: str = "") -> list[Message]:
        ref = PLACE if kind == "location" else f"file-of-{who}-{kind}"
        return await self.event(who, Sent(Media(kind, ref, caption)))

    async def empty(self, who: str) -> list[Message]:
        return await self.event(who, Empty())

    async def again(self) -> list[Message]:
        """The platform sends the last update once more."""
        assert self._last is not None
        await self.receiver.citizen(self._last)
        return await self._after(self._who(self._last))

    async def together(self, who: str, *events: CitizenEvent) -> list[Message]:
        """Several things of one person in the same moment."""
        await asyncio.gather(*(self.receiver.citizen(self._inbound(who, event)) for event in events))
        return await self._after(who)

    async def event(self, who: str, event: CitizenEvent) -> list[Message]:
        """Anything that a person does; what is shown to them then."""
        self._last = self._inbound(who, event)
        await self.receiver.citizen(self._last)
        return await self._after(who)

    def _inbound(self, who: str, event: CitizenEvent) -> Inbound:
        _remember(who, event)
        number = str(next(self._count))
        return Inbound(self.channel(who), number, self.external(who), event, message_id=number)

    async def _after(self, who: str) -> list[Message]:
        await self.deliverer.drain()
        shown = self.screens[self.channel(who)].take(self.external(who))
        self._seen.setdefault(who, []).extend(shown)
        return shown

    def external(self, who: str) -> str:
        """The platform's id of this person."""
        return _external(who)

    def channel(self, who: str) -> str:
        return self._channel_of.get(who, "web")

    def _who(self, inbound: Inbound) -> str:
        return inbound.address.removeprefix("chat-of-")

    def buttons(self, who: str, back: int = 0) -> tuple[Button, ...]:
        """What can be pressed on this person's screen, `back` messages with buttons ago."""
        shown = [message.buttons for message in self._seen.get(who, []) if message.buttons]
        return shown[-1 - back] if len(shown) > back else ()

    def number(self, who: str) -> int | None:
        buttons = self.buttons(who)
        return int(buttons[0].data.partition(":")[0].removeprefix("p")) if buttons else None

    # ----------------------------------------------------------------------------------------------------------- time

    async def wait(self, time: timedelta) -> None:
        """Let time pass; every timer on the way goes off at its own moment."""
        end = self.now + time
        for _ in range(10_000):
            due = await self.storage.next_due()
            if due is None or due > end:
                break
            self.now = max(self.now, due)
            await self.deliverer.drain()
        self.now = end
        for conversation, version in await self.storage.abandoned(end - ABANDONED_AFTER, 1000):
            await self.receiver.abandoned(conversation, version)
        await self.deliverer.drain()

    # ------------------------------------------------------------------------------------------------------- officers

    async def officer(
        self, name: str, do: str, referral: str, reason: str = "", outcome: str = "", text: str = ""
    ) -> str:
        """`police-1` acts on `R1` from the officers' page; the sentence of a refusal, or empty."""
        one = (await self.storage.load_referral(self._number(referral))).referral
        assert one is not None
        route, _, office = name.rpartition("-")[0].partition("@")
        officer = Officer(name, name, office or one.office, route, "duty")
        did = OfficerDid(officer, do, one.id, reason=reason, outcome=outcome, text=text)
        try:
            await self.receiver.officer(did)
        except Refusal as refusal:
            return str(refusal)
        finally:
            await self.deliverer.drain()
        return ""

    async def joins(self, who: str, office: str, role: str = "duty") -> list[Message]:
        """Somebody becomes an officer of this office with a one-time code sent from their Telegram."""
        found = next(one for one in self.book.referral.offices if one.id == office)
        code = f"code{next(self._count):08d}"
        officer = Officer(f"{office}-{who}", who, office, found.route, role)
        await Accounts(self.storage).add(officer, code, self.now + timedelta(days=7), by="operator", at=self.now)
        self.uses(who, "telegram")
        return await self.event(who, Said(f"/canbo {code}"))

    async def phone(self, who: str) -> list[Message]:
        """What has come to this phone meanwhile."""
        return await self._after(who)

    # ---------------------------------------------------------------------------------------------------- what it left

    async def snapshot(self, who: str) -> Snapshot:
        return await self.storage.load(Address(self.channel(who), self.external(who)))

    async def conversation(self, who: str) -> Conversation | None:
        return (await self.snapshot(who)).conversation

    async def step(self, who: str) -> str:
        talk = await self.conversation(who)
        return f"{talk.flow}.{talk.step}" if talk and talk.flow else ""

    @property
    def intakes(self) -> dict[str, Intake]:
        """Every intake as it was last written, with all the words that were sealed for it."""
        found: dict[str, Intake] = {}
        for one in self.commits:
            if one.intake is not None:
                before = [found[one.intake.id].content] if one.intake.id in found else []
                said = one.sealing.parts.values() if one.sealing else ()
                found[one.intake.id] = replace(one.intake, content=joined((*before, *said)))
        return found

    @property
    def referrals(self) -> dict[str, Referral]:
        """Every referral by its name (R1, R2, …), as the decisions left it."""
        found: dict[str, Referral] = {}
        for commit in self.commits:
            for one in (*commit.referrals, *(moved for moved, _ in commit.moved)):
                found[self._name(one)] = one
        return found

    def new_effects(self) -> list[str]:
        """What was decided since the last time somebody asked that reaches beyond the chat, in words."""
        new, self._reported = self.commits[self._reported :], len(self.commits)
        return [effect for commit in new for effect in self._effects(commit)]

    def _effects(self, commit: Commit) -> list[str]:
        effects = [f"{self._name(one)}: {_told(one, self.book)}" for one in commit.referrals]
        for one, before in commit.moved:
            changed = f"{before} → {one.state}" if before != one.state else _still(commit, one)
            effects.append(f"{self._name(one)} ({one.to}): {changed}")
        for row in commit.outbox:
            if row.kind == "notify_agency" and row.body.get("again"):
                effects.append(f"{self._names.get(row.referral, '?')}: {row.body['to']} is told again")
        effects += [_AUDITED[entry.action] for entry in commit.audit if entry.action in _AUDITED]
        if any(row.kind == "clear" for row in commit.outbox):
            effects.append("the chat is cleared")
        return effects

    def _name(self, referral: Referral) -> str:
        return self._names.setdefault(referral.id, f"R{len(self._names) + 1}")

    def _number(self, name: str) -> str:
        return next(number for number, known in self._names.items() if known == name)


FAILED = "DECIDING FAILED"
_AUDITED = {"draft.erased": "the draft is erased", "decide.failed": FAILED, "referral.refused": "refused"}


def _still(commit: Commit, referral: Referral) -> str:
    """What was done to a referral that stays where it is."""
    if any(entry.action == "referral.located" and entry.subject == referral.id for entry in commit.audit):
        return "learns where it is"
    asked = any(entry.action == "referral.asked" for entry in commit.audit)
    return "an officer writes to the person" if asked else "is raised to urgent"


def _told(referral: Referral, book: Book) -> str:
    identified = "who it is" if referral.identified else "not who it is"
    urgent = ", urgent" if referral.urgent else ""
    text = notice(referral, "", "vi", book.referral.provinces)
    return f"{referral.to} ({referral.office}) learns of it, {identified}{urgent} | {' '.join(text.split())}"


def _external(who: str) -> str:
    return f"chat-of-{who}"


def _remember(who: str, event: CitizenEvent) -> None:
    SAID.add(_external(who))
    match event:
        case Said(text):
            SAID.add(text)
        case Sent(media):
            SAID.update({media.ref, media.caption})
        case _:
            pass


def leaked(log: str) -> list[str]:
    """Whatever a citizen said that stands in this log: whole texts, and any three words of them in a row."""
    told = " ".join(log.split())
    return sorted(piece for said in SAID for piece in _pieces(said) if piece in told)


def _pieces(said: str) -> set[str]:
    words = said.split()
    runs = {" ".join(words[at : at + 3]) for at in range(min(len(words), 2000) - 2)}
    numbers = set(re.findall(r"\d{6,}", said))
    return {piece for piece in (*runs, *numbers, " ".join(words)) if len(piece) >= 8}


async def new_world(folder: Path, book: Book, empty: Path) -> World:
    """A world of its own in this folder. The caller closes `world.storage`."""
    path = folder / "world.db"
    shutil.copyfile(empty, path)
    return World(await open_storage(path, KEY), book)
