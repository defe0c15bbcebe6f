"""`python -m bot talk --json`: whole conversations with time, through the real path and a temporary database (docs/doors.md).

Nothing is stood in for but the platforms: events go through receive, decide and one commit, timers and notices through the
outbox. The clock only moves where a line says so, and every id comes from a counter, so the same lines give the same answers.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.book import Book
from bot.channels.base import Ignored, Inbound, Limits, Message, Sent
from bot.deliver import Deliverer, Work
from bot.doors.lines import BadLine, Line, one_of, only, text
from bot.events import OfficerDid
from bot.receive import Receiver, Refusal
from bot.schedule import ABANDONED_AFTER
from flows.model import Chose, CitizenEvent, Empty, Media, Opened, Said
from flows.model import Sent as SentMedia
from referral.codes import ACTIONS
from referral.model import Referral
from referral.notice import notice
from storage.base import Address, Commit, Officer, Storage

START = datetime(2026, 1, 1, tzinfo=UTC)
"""Where the clock stands until a line moves it."""
CHANNELS = ("web", "telegram", "zalo_bot", "zalo_oa")
MEDIA = ("photo", "voice", "video", "document", "location", "contact", "sticker", "empty")
FIELDS = ("at", "who", "channel", "say", "choose", "send", "officer", "do", "referral", "reason", "outcome")
OFFICER_ACTIONS = (*(action for action in ACTIONS if action != "withdraw"), "ask")


@dataclass
class Screen:
    """A channel that keeps what it was given to show, by address."""

    name: str
    shown: dict[str, list[Message]] = field(default_factory=dict)
    limits: Limits = field(default_factory=lambda: Limits(4000, 100, True, True))

    def read(self, raw: bytes, headers: Mapping[str, str]) -> Inbound | Ignored:
        return Ignored("the talk door hands events over itself")

    async def send(self, address: str, message: Message) -> Sent:
        self.shown.setdefault(address, []).append(message)
        return Sent()

    async def clear(self, address: str, message_ids: tuple[str, ...]) -> None:
        self.shown.pop(address, None)

    async def close(self) -> None:
        return

    def take(self, address: str) -> list[Message]:
        """What is new for this address."""
        return self.shown.pop(address, [])


class Talk:
    """One run of the door over one storage."""

    def __init__(self, storage: Storage, book: Book) -> None:
        self.now = START
        self._book = book
        self._storage = storage
        self._count = itertools.count(1)
        self._screens = {name: Screen(name) for name in CHANNELS}
        self._channel_of: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._committed: list[Commit] = []
        self._receiver = Receiver(
            storage,
            book,
            now=lambda: self.now,
            seed=lambda: f"talk-{next(self._count)}",
            committed=self._committed.append,
        )
        work = Work(storage, book, self._receiver, self._screens, "", lambda: self.now)
        self._deliverer = Deliverer(work)

    async def answer(self, line: Line) -> Line:
        """Play one line and say everything that came of it. Raises BadLine."""
        only(line, FIELDS)
        line = {name: value for name, value in line.items() if value is not None}
        if "at" in line:
            await self._move_clock(_at(line))
        if "officer" in line:
            await self._officer(line)
        elif "who" in line:
            await self._citizen(line)
        elif "at" not in line:
            raise BadLine("a line should have who, officer or at")
        await self._deliverer.drain()
        return await self._report(text(line, "who"))

    async def _move_clock(self, at: datetime) -> None:
        """Move to `at`, letting every timer on the way go off at its own time."""
        if at < self.now:
            raise BadLine("at should not be earlier than the line before")
        for _ in range(10_000):
            due = await self._storage.next_due()
            if due is None or due > at:
                break
            self.now = max(self.now, due)
            await self._deliverer.drain()
        self.now = at
        for conversation, version in await self._storage.abandoned(at - ABANDONED_AFTER, 1000):
            await self._receiver.abandoned(conversation, version)

    async def _citizen(self, line: Line) -> None:
        who = text(line, "who", required=True)
        if not who:
            raise BadLine("who should not be empty")
        channel = one_of(line, "channel", CHANNELS, self._channel_of.get(who, "web"))
        self._channel_of[who] = channel
        number = str(next(self._count))
        event = _event(line)
        self._screens[channel].take(who)
        await self._receiver.citizen(Inbound(channel, number, who, event, message_id=number))

    async def _officer(self, line: Line) -> None:
        referral = await self._find(text(line, "referral", required=True))
        officer = _demo_officer(self._book, text(line, "officer", required=True), referral)
        do = one_of(line, "do", OFFICER_ACTIONS, "acknowledge")
        did = OfficerDid(
            officer,
            do,
            referral.id,
            reason=text(line, "reason"),
            outcome=text(line, "outcome"),
            text=text(line, "say"),
        )
        try:
            await self._receiver.officer(did)
        except Refusal as refusal:
            raise BadLine(f"do: {refusal}") from None

    async def _find(self, name: str) -> Referral:
        number = next((number for number, known in self._names.items() if known == name), "")
        referral = (await self._storage.load_referral(number)).referral if number else None
        if referral is None:
            raise BadLine(
                f"referral should be one of {', '.join(self._names.values()) or 'R1, R2, … once there are any'}"
            )
        return referral

    async def _report(self, who: str) -> Line:
        who = who or self._spoken_to()
        channel = self._channel_of.get(who, "web")
        snapshot = await self._storage.load(Address(channel, who))
        talk = snapshot.conversation
        return {
            "who": who or None,
            "bot": [_shown(message) for message in self._screens[channel].take(who)] if who else [],
            "did": self._did(),
            "step": f"{talk.flow}.{talk.step}" if talk and talk.flow else None,
            "flow": talk.flow if talk and talk.flow else None,
            "receipt": talk.receipt or None if talk else None,
        }

    def _spoken_to(self) -> str:
        """Somebody to whom something was said without their doing (an officer wrote), or empty."""
        waiting = (who for screen in self._screens.values() for who in screen.shown)
        return next(waiting, "")

    def _did(self) -> list[Line]:
        """What was decided since the last line that reaches beyond the chat: agencies told, referrals moved, chats cleared."""
        commits, self._committed[:] = list(self._committed), []
        return [done for commit in commits for done in self._effects(commit)]

    def _effects(self, commit: Commit) -> list[Line]:
        effects: list[Line] = [self._told(one) for one in commit.referrals]
        for one, before in commit.moved:
            if one.state == before:
                continue
            effects.append({"effect": "referral_moved", "referral": self._name(one), "to": one.to, "state": one.state})
        again = [row for row in commit.outbox if row.kind == "notify_agency" and row.body.get("again")]
        effects += [
            {"effect": "alert_officer", "referral": self._names.get(row.referral, ""), "role": row.body["to"]}
            for row in again
        ]
        if any(row.kind == "clear" for row in commit.outbox):
            effects.append({"effect": "clear_chat"})
        if any(entry.action == "draft.erased" for entry in commit.audit):
            effects.append({"effect": "erase"})
        return effects

    def _told(self, referral: Referral) -> Line:
        name = self._name(referral)
        text_of_notice = notice(referral, f"/officers/r/{name}", "vi", self._book.referral.provinces)
        told: Line = {"effect": "notify_agency", "to": referral.to, "referral": name, "notice": text_of_notice}
        return {**told, "office": referral.office, "identified": referral.identified, "urgent": referral.urgent}

    def _name(self, referral: Referral) -> str:
        """R1, R2, … in the order in which referrals were made."""
        return self._names.setdefault(referral.id, f"R{len(self._names) + 1}")


def _event(line: Line) -> CitizenEvent:
    given = [name for name in ("say", "choose", "send") if name in line]
    if len(given) != 1:
        raise BadLine("a line with who should have exactly one of say, choose, send")
    if given == ["say"]:
        said = text(line, "say", required=True)
        return Opened(said.removeprefix("/start").strip()) if said.startswith("/start") else Said(said)
    if given == ["choose"]:
        ids = text(line, "choose", required=True).replace(",", " ").split()
        if not ids:
            raise BadLine("choose should be a choice's id or number")
        return Chose(tuple(ids))
    kind = one_of(line, "send", MEDIA, "empty")
    return Empty() if kind == "empty" else SentMedia(Media(kind, ref=f"talk/{kind}"))


def _at(line: Line) -> datetime:
    try:
        at = datetime.fromisoformat(text(line, "at", required=True))
    except ValueError:
        raise BadLine("at should be a time like 2026-11-23T08:00:00+07:00") from None
    if at.tzinfo is None:
        raise BadLine("at should say its time zone, like +07:00")
    return at.astimezone(UTC)


def _demo_officer(book: Book, name: str, referral: Referral) -> Officer:
    route = name.rpartition("-")[0]
    if route not in book.referral.route_names:
        raise BadLine("officer should be <route id>-<n>, like police-1")
    return Officer(name, name, referral.office if route == referral.to else "", route, "duty")


def _shown(message: Message) -> Line:
    choices = [{"id": button.id, "label": button.label} for button in message.buttons]
    return {"text": "\n".join(message.texts), "choices": choices, "quiet": message.quiet}
