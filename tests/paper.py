"""One person's conversation kept on paper: decisions applied without a database, for tests that try thousands of turns.

What is kept goes through JSON between two turns, as it does in storage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from bot.book import Book
from bot.channels.base import Message
from bot.decide import decide
from bot.events import Event
from flows.hear.receipt import parse_receipt
from flows.model import CitizenEvent, Conversation, Said
from referral.model import Content, Intake, Referral
from storage.base import Commit, ReceiptView, Snapshot
from storage.envelope import joined

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
T = TypeVar("T")


@dataclass
class Paper:
    """A conversation, the intakes it left, the referrals of each."""

    book: Book
    conversation: Conversation | None = None
    intakes: dict[str, Intake] = field(default_factory=dict)
    receipts: dict[str, str] = field(default_factory=dict)
    referrals: dict[str, Referral] = field(default_factory=dict)
    turns: int = 0
    commit: Commit = field(default_factory=lambda: Commit(at=START))
    message: Message | None = None

    def turn(self, event: CitizenEvent, channel: str = "web") -> Message | None:
        """One turn: decided, decided once more (it must be the same), kept; what is shown."""
        self.turns += 1
        at = START + timedelta(minutes=self.turns)
        happened = Event(f"paper-{self.turns}", at, event, channel, "chat", str(self.turns), str(self.turns))
        snapshot = self._snapshot(event)
        commit = decide(snapshot, happened, self.book)
        assert commit == decide(snapshot, happened, self.book), "the same event was decided differently"
        self._keep(commit)
        self.commit, self.message = commit, _said(commit)
        return self.message

    @property
    def place(self) -> str:
        talk = self.conversation
        return f"{talk.flow}.{talk.step}" if talk and talk.flow else ""

    @property
    def own(self) -> list[Referral]:
        """The referrals of the intake that the conversation stands in now."""
        talk = self.conversation
        return [one for one in self.referrals.values() if talk and one.intake == talk.intake]

    def _snapshot(self, event: CitizenEvent) -> Snapshot:
        talk = _through_json(self.conversation, Conversation) if self.conversation else None
        number = talk.intake if talk else ""
        receipt = self.receipts.get(parse_receipt(event.text) if isinstance(event, Said) else "", "")
        view = ReceiptView(receipt, "tip", START) if receipt else None
        intake = self.intakes.get(number)
        # What was sealed is not there any more when the next turn is decided.
        kept = replace(_through_json(intake, Intake), receipt="", content=Content()) if intake else None
        return Snapshot(talk, kept, tuple(self.own), receipt=view)

    def _keep(self, commit: Commit) -> None:
        if commit.conversation is not None:
            assert commit.expects == (self.conversation.version if self.conversation else 0)
            self.conversation = commit.conversation
        if commit.intake is not None:
            before = self.intakes.get(commit.intake.id)
            said = joined(commit.sealing.parts.values()) if commit.sealing else Content()
            content = joined((before.content, said)) if before else said
            self.intakes[commit.intake.id] = replace(commit.intake, content=content)
            if commit.new_intake:
                self.receipts[commit.intake.receipt] = commit.intake.id
        for one in (*commit.referrals, *(moved for moved, _ in commit.moved)):
            self.referrals[one.id] = one


def _said(commit: Commit) -> Message | None:
    says = [msgspec.convert(row.body, Message) for row in commit.outbox if row.kind == "say"]
    return says[0] if says else None


def _through_json(it: T, kind: type[T]) -> T:
    return msgspec.json.decode(msgspec.json.encode(it), type=kind)
