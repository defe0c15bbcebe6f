"""Load, decide, one commit. The only writer of conversations, intakes and referrals; never sends.

A platform is answered only after `receive` has returned: then the turn is on disk, with everything that must follow from it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import msgspec
from msgspec.structs import replace

from bot import log
from bot.book import Book
from bot.channels.base import Inbound, Message
from bot.decide import KEPT_HERE, LATER, decide, fetches
from bot.events import ClockDue, Event, OfficerDid, WindowCloses, fresh
from bot.limits import RateLimits, TooFast
from bot.officer import press_referral
from flows.files import why_not_kept
from flows.hear.choice import way
from flows.hear.hear import hear
from flows.hear.receipt import parse_receipt
from flows.model import Chose, CitizenEvent, Conversation, Empty, Said, Sent, Woke
from referral.model import Referral
from storage.base import (
    Address,
    AlreadyHandled,
    AuditEntry,
    Commit,
    OutboxRow,
    Snapshot,
    StaleConversation,
    Storage,
    StorageAway,
)
from storage.chance import Chance

TRIES = 8
"""Two turns of one conversation at once: the later one is decided again on what the earlier left. More tries than taps."""
JOIN = re.compile(r"^\s*/?(?:canbo|officer)\s+([A-Za-z0-9-]{8,64})\s*$", re.IGNORECASE)
"""How an officer joins on a phone: the word and the one-time code. Without a code that is open, it is a citizen's text."""
_seed = Chance(16)
SAFE_ACTION = "decide.failed"
NEVER_REFUSED = frozenset({"danger", "person", "stop"})
"""Ways that are heard however much came before them."""


class Refusal(Exception):
    """An officer's action was not allowed; the sentence is for the officer."""


class Clock(Protocol):
    """What time it is: the one place where receive learns it."""

    def __call__(self) -> datetime: ...


def utc_now() -> datetime:
    """The wall clock, UTC."""
    return datetime.now(UTC)


def random_seed() -> str:
    """A seed that nobody can guess (128 bits)."""
    return _seed().hex()


class Receiver:
    """Turns what happened into committed decisions. One per process; safe to call from any number of tasks."""

    def __init__(
        self,
        storage: Storage,
        book: Book,
        *,
        now: Clock = utc_now,
        seed: Callable[[], str] = random_seed,
        wake: Callable[[], None] = lambda: None,
        committed: Callable[[Commit], None] = lambda commit: None,
        limits: RateLimits | None = None,
    ) -> None:
        self.limits = limits or RateLimits()
        self._storage = storage
        self._book = book
        self._now = now
        self._seed = seed
        self.wake = wake
        self.heard: Callable[[str], None] = lambda channel: None
        self._committed = committed
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}

    async def citizen(self, inbound: Inbound, *, spared: bool = False) -> None:
        """Commit one thing that a person did. A repeat is nothing; raises StorageAway when nothing could be stored.

        What comes faster than anybody types is not taken: TooFast from a page, which can say so; on other channels the
        person is told once a minute. A cry for help is always taken, and so is what came with one (`spared`).
        """
        self.heard(inbound.channel)
        event = Event(
            seed=self._seed(), at=self._now(), what=inbound.event, channel=inbound.channel, address=inbound.address,
            external_id=inbound.external_id, message_id=inbound.message_id, language=inbound.language, press=inbound.press,
            codes_closed=isinstance(inbound.event, Said) and not self.limits.codes_open(inbound.network),
            network=inbound.network, done_at=inbound.done_at, left_after=inbound.left_after,
        )  # fmt: skip
        key = f"{inbound.channel}:{inbound.address}"
        mark = self.limits.mark(key)
        is_slow = self.limits.take("address", mark) and self.limits.take("turns")
        if not (is_slow or spared or self.is_cry(inbound.event)):
            self.limits.refused("turn")
            if inbound.channel in KEPT_HERE:
                raise TooFast
            if self.limits.take("told", mark):
                await self._tell_too_fast(event)
            return
        await self._in_turn(key, event)

    def is_cry(self, what: CitizenEvent) -> bool:
        """Whether this may be somebody in danger, or somebody who wants a person or to be gone."""
        match what:
            case Chose(ids, _):
                return not NEVER_REFUSED.isdisjoint(ids)
            case Said(text):
                return way(text) in NEVER_REFUSED or _heard_danger(self._book, text)
            case Sent(media):
                return bool(media.caption) and _heard_danger(self._book, media.caption)
            case Empty():
                return True  # perhaps a child's words that the platform held back (channels.md §0.1)
        return False

    async def _in_turn(self, key: str, event: Event) -> None:
        """One turn of a person after the other."""
        lock, waiting = self._turns.get(key, (asyncio.Lock(), 0))
        self._turns[key] = (lock, waiting + 1)
        try:
            async with lock:
                await self._commit_turn(event)
        finally:
            lock, waiting = self._turns[key]
            if waiting == 1:
                del self._turns[key]
            else:
                self._turns[key] = (lock, waiting - 1)

    async def officer(self, did: OfficerDid) -> Referral:
        """Commit an officer's action from their page; the referral as it is now. Raises Refusal or StorageAway."""
        event = Event(seed=self._seed(), at=self._now(), what=did)
        for _ in range(TRIES):
            snapshot = await self._named(did)
            commit = decide(snapshot, event, self._book)
            if not commit.moved:
                raise Refusal(commit.audit[0].detail.get("because", "") if commit.audit else "")
            try:
                await self._storage.commit(commit)
            except StaleConversation:
                continue
            self._after(commit)
            return commit.moved[0][0]
        raise StorageAway("a referral changed faster than it could be decided on; try again")

    async def _named(self, did: OfficerDid) -> Snapshot:
        """The referral that the officer's action names, and the one to link it with."""
        snapshot = await self._storage.load_referral(did.referral)
        if not did.other:
            return snapshot
        return replace(snapshot, other=(await self._storage.load_referral(did.other)).referral)

    async def clock(self, referral: str, rung: int) -> None:
        """A rung of a referral's ladder came due. Harmless when the referral has moved on."""
        event = Event(seed=self._seed(), at=self._now(), what=ClockDue(referral, rung))
        for _ in range(TRIES):
            commit = decide(await self._storage.load_referral(referral), event, self._book)
            try:
                await self._storage.commit(commit)
            except StaleConversation:
                continue
            self._after(commit)
            return
        raise StorageAway("a referral changed faster than its ladder could be climbed; try again")

    async def window_closes(self, referral: str, heard_at: datetime) -> None:
        """The person of a referral can be reached for a little while only: they may be asked for a word."""
        event = Event(seed=self._seed(), at=self._now(), what=WindowCloses(referral, heard_at))
        commit = decide(await self._storage.load_referral(referral), event, self._book)
        if commit.outbox:
            await self._storage.commit(commit)
            self._after(commit)

    async def abandoned(self, conversation: str, version: int = 0) -> None:
        """A conversation was left alone for a day: its draft goes, what was submitted stays.

        `version` is the one that was found so; with another they wrote again, or another process was here.
        """
        snapshot, _ = await self._storage.load_conversation(conversation)
        if snapshot.conversation is None or (version and version != snapshot.conversation.version):
            return
        event = Event(seed=self._seed(), at=self._now(), what=Woke("abandoned"), channel=snapshot.conversation.channel)
        commit = decide(snapshot, event, self._book)
        try:
            await self._storage.commit(commit)
        except StaleConversation:
            # They wrote again in this very moment: the draft is theirs and stays.
            return
        self._after(commit)

    def _after(self, commit: Commit) -> None:
        """A commit is on disk: whoever delivers may look, whoever watches (the talk door) is told."""
        self._committed(commit)
        self.wake()

    async def _commit_turn(self, event: Event) -> None:
        """Decide and commit; where that fails for no reason that passes, say less until something can be stored."""
        ways = iter((self._decided, self._safely, self._briefly))
        way = next(ways)
        for _ in range(TRIES):
            commit = await way(event)
            try:
                await self._storage.commit(commit)
            except AlreadyHandled:
                return
            except StaleConversation:
                continue
            except StorageAway:
                raise
            except Exception as error:
                self._tell_failure("commit.failed", event, error)
                shorter = next(ways, None)
                if shorter is None:
                    raise
                way = shorter
                continue
            self._after(commit)
            return
        raise StorageAway("a conversation changed faster than it could be decided on; send again")

    async def _decided(self, event: Event) -> Commit:
        """The decision; where deciding fails for any reason, the safe sentence to the person and an error id to us."""
        snapshot = await self._known(event)
        if snapshot is None:
            return await self._briefly(event)
        try:
            return decide(snapshot, event, self._book)
        except Exception as error:
            number = self._tell_failure(SAFE_ACTION, event, error)
            return safe_commit(snapshot, event, self._book, number)

    async def _safely(self, event: Event) -> Commit:
        """The safe sentence, and what they wrote kept."""
        snapshot = await self._known(event)
        if snapshot is None:
            return await self._briefly(event)
        return safe_commit(snapshot, event, self._book, fresh(event, "error"))

    async def _briefly(self, event: Event) -> Commit:
        """The safe sentence and nothing else."""
        return last_words(event, self._book, fresh(event, "error"))

    async def _known(self, event: Event) -> Snapshot | None:
        """What is stored of this person, or None where it cannot be read. Raises StorageAway."""
        try:
            return await self._load(event)
        except StorageAway:
            raise
        except Exception as error:
            self._tell_failure("load.failed", event, error)
            return None

    def _tell_failure(self, what: str, event: Event, error: Exception) -> str:
        """Log the type of the failure and the place in our code, never what it was about; the error's number."""
        number = fresh(event, "error")
        log.warn(what, error=number, what=type(error).__name__, where=log.place(error))
        return number

    async def _load(self, event: Event) -> Snapshot:
        invite = receipt = referral = ""
        if isinstance(event.what, Said):
            joins = JOIN.match(event.what.text)
            invite = joins[1] if joins else ""
            receipt = "" if event.codes_closed else parse_receipt(event.what.text)
        elif isinstance(event.what, Chose):
            referral = press_referral(event.what)
        snapshot = await self._storage.load(
            Address(event.channel, event.address), invite=invite, receipt=receipt, referral=referral,
            left_after=event.left_after,
        )  # fmt: skip
        if receipt and snapshot.receipt is None:
            self.limits.wrong_code(event.network)
        return snapshot

    async def _tell_too_fast(self, event: Event) -> None:
        """Say that this was not kept, in the language of the conversation. Raises StorageAway."""
        snapshot = await self._known(event)
        talk = snapshot.conversation if snapshot else None
        try:
            await self._storage.commit(too_fast(event, self._book, talk.locale if talk else ""))
        except AlreadyHandled:
            return
        self.wake()


def safe_commit(snapshot: Snapshot, event: Event, book: Book, number: str) -> Commit:
    """What is stored when deciding failed: the numbers for the person, an alarm with the error's number for the staff.

    The conversation keeps all that was said, this message too, and begins anew at the next one: a fault in one step cannot
    hold somebody in it for ever, and nothing that they wrote is lost.
    """
    before = snapshot.conversation or Conversation(id=fresh(event, "conversation"), channel=event.channel)
    text = book.flows.everywhere.sentences["safe_sentence"]
    message = Message((book.catalogues.translate(before.locale, "everywhere.safe_sentence", text),), press=event.press)
    said = (event.what.text,) if isinstance(event.what, Said) else ()
    media = (event.what.media,) if isinstance(event.what, Sent) else ()
    talk = replace(
        before,
        version=before.version + 1,
        flow="",
        step="",
        trail=(),
        picked=(),
        notes=(*before.notes, *said, *(one.caption for one in media if one.caption)),
        media=(*before.media, *media),
        last_at=event.at,
    )
    alarm = {"error": number}
    return Commit(
        at=event.at, channel=event.channel, external_id=event.external_id, message_id=event.message_id,
        address=Address(event.channel, event.address) if event.address else None,
        conversation=talk, expects=before.version,
        outbox=(
            OutboxRow(
                fresh(event, "say"), "say", f"c:{before.id}", 0, event.at, msgspec.to_builtins(message), before.id,
                sender=before.channel,
            ),
            OutboxRow(f"alarm/{number}", "alarm", f"alarm:{number}", 1, event.at, alarm),
            *fetches(book, event, before),
        ),
        audit=(AuditEntry("service", SAFE_ACTION, number, event.at, {"conversation": before.id}),),
    )  # fmt: skip


def takes_file(talk: Conversation | None, inbound: Inbound) -> bool:
    """Whether the turn of a file that came here itself will keep it; its bytes need not be stored otherwise."""
    return isinstance(inbound.event, Sent) and not why_not_kept(inbound.event.media, talk.media if talk else ())


def too_fast(event: Event, book: Book, locale: str) -> Commit:
    """What somebody is told of whom more came than is taken: that it was not kept, and whom to call. Nothing else changes."""
    locale = locale or (event.language if event.language in book.catalogues.locales else "vi")
    text = book.catalogues.translate(locale, "everywhere.too_fast", book.flows.everywhere.sentences["too_fast"])
    body = {"to": {"channel": event.channel, "external": event.address}, **msgspec.to_builtins(Message((text,)))}
    return Commit(
        at=event.at, channel=event.channel, external_id=event.external_id,
        outbox=(OutboxRow(fresh(event, "say"), "say", "", LATER, event.at, body, sender=event.channel),),
    )  # fmt: skip


def last_words(event: Event, book: Book, number: str) -> Commit:
    """The safe sentence to an address whose conversation cannot be read: nothing of it is touched, the update is marked."""
    message = Message((book.flows.everywhere.sentences["safe_sentence"],), press=event.press)
    body = {"to": {"channel": event.channel, "external": event.address}, **msgspec.to_builtins(message)}
    return Commit(
        at=event.at, channel=event.channel, external_id=event.external_id,
        outbox=(
            OutboxRow(fresh(event, "say"), "say", "", 0, event.at, body, sender=event.channel),
            OutboxRow(f"alarm/{number}", "alarm", f"alarm:{number}", 1, event.at, {"error": number}),
        ),
        audit=(AuditEntry("service", "load.failed", number, event.at),),
    )  # fmt: skip


def _heard_danger(book: Book, text: str) -> bool:
    heard = hear(book.flows.lexicon, text)
    return heard.urgent or heard.alarmed
