"""Which offices may open which parts of what a person submits: decided with the turn, before anything is sealed. Pure.

Whoever has the matter now, and whoever it climbs to by itself when nobody answers or an office gives it back: an officer
who is reached must be able to read. An office that it is transferred to by hand is granted by who opens it
(`storage.cases.open_case`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from msgspec.structs import replace

from bot.book import Book
from bot.events import Event
from bot.intake import said_in
from bot.officer import LAST
from bot.referring import OPEN
from flows.model import Conversation
from referral.directory import next_offices
from referral.disclose import parts_for, parts_of
from referral.model import Consent, Content, Intake, Office, Referral, is_left
from referral.routing import consented
from storage.base import Sealing


class Words:
    """What a draft says in words, now and a turn ago: looked for when it is first asked for, and once."""

    def __init__(self, book: Book, before: Conversation, draft: Conversation) -> None:
        self._book = book
        self._before = before
        self._draft = draft

    @cached_property
    def now(self) -> Content:
        return said_in(self._book, self._draft)

    def are_more_for(self, intake: Intake) -> bool:
        """Whether the draft says more than the turn before did to this intake."""
        if self._before.intake != intake.id:
            return self.now != Content()
        return self._has_changed and self.now != said_in(self._book, self._before)

    @property
    def _has_changed(self) -> bool:
        return any(getattr(self._draft, name) != getattr(self._before, name) for name in ("answers", "notes", "media"))


def sealing_of(
    book: Book, event: Event, words: Words, intake: Intake, referrals: Iterable[Referral],
    consents: Sequence[Consent],
) -> Sealing:  # fmt: skip
    """The draft's words in their parts, and who may open what of this intake."""
    holders: dict[str, frozenset[str]] = {}
    agreed = {one.to for one in consents if one.given}
    for one in reached(book, event, referrals):
        identified = one.identified or one.to in agreed or consented(intake.facts, one.to)
        parts = frozenset(parts_for(intake.kind, identified=identified))
        holders[one.office] = holders.get(one.office, frozenset()) | parts
    named = tuple((office, tuple(sorted(parts))) for office, parts in holders.items() if parts)
    return Sealing(parts_of(words.now), named)


def reached(book: Book, event: Event, referrals: Iterable[Referral]) -> Iterator[Referral]:
    """The referrals that are somebody's, and each as it would be at every office that it can climb to."""
    offices = {one.id: one for one in book.referral.offices}
    last = tuple(one for one in book.referral.offices if one.route in LAST and not one.provinces)
    for referral in referrals:
        if referral.state not in OPEN and not is_left(referral):
            continue
        yield referral
        for office in (*_above(book, event, offices[referral.office]), *last):
            same = office.route == referral.to
            yield replace(referral, to=office.route, office=office.id, identified=referral.identified and same)


def _above(book: Book, event: Event, office: Office) -> Iterator[Office]:
    """The ladder from this office up, each once."""
    seen, here = {office.id}, office
    while above := next(
        (one for one in next_offices(book.referral, here, event.at.date()) if one.id not in seen), None
    ):
        seen.add(above.id)
        yield above
        here = above
