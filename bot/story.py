"""What the first words already answer, to be shown back: nothing of it is an answer until the person says so. Pure.

Only questions about the matter itself: place, time, whether it goes on, a child, numbers and accounts. The screener's questions
are never filled from a story (screening.md §7 and §8: they are asked, one by one, of whoever agreed to it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from msgspec.structs import replace

from bot.book import Book
from bot.candidates import candidates_of, full
from bot.place import place_of
from flows.conditions import values_of
from flows.hear.clues import clues, legible
from flows.hear.dates import when
from flows.hear.hear import hear
from flows.hear.normal import normalise
from flows.model import Answer, Conversation
from flows.place import unit_slot
from referral.clocks import VIET_NAM

TEXT_MAX = 2000
"""Code points of the first words that are looked through."""
MOST_CLUES = 8
ENOUGH = 2
PLACES = frozenset({"tip_place", "missing_place"})
Told = Mapping[str, Mapping[str, Answer]]
"""Each answer that was understood, by its name: with the place comes the unit."""

_GOES_ON = ("vẫn đang", "còn đang", "hiện đang", "vẫn còn", "đến giờ vẫn", "hiện vẫn", "is still", "are still")
_ENDED = ("không còn nữa", "đã dọn đi", "đã bỏ đi", "đã chuyển đi", "đã đóng cửa", "đã nghỉ rồi")
_AGES = {True: "child", False: "adult", None: ""}
_SINCE = {"now": "today", "today": "today", "week": "week", "month": "month", "older": "longer"}


def told(book: Book, talk: Conversation, at: datetime) -> Told:
    """What the first words answer of the questions of this flow. Nothing on the screen of somebody who is watched."""
    text = "\n".join((*values_of(talk.answers, "story"), *talk.notes))[:TEXT_MAX]
    if talk.quiet or not text or talk.flow not in _READERS:
        return {}
    found = _READERS[talk.flow](book, text, at.astimezone(VIET_NAM).date())
    understood = {slot: answers for slot, answers in found if slot not in talk.answers or slot in talk.told}
    # To look over one answer is no less than to give it; but a place leads to those who can help there.
    return understood if len(understood) >= ENOUGH or PLACES & set(understood) else {}


def shown(talk: Conversation, understood: Told) -> Conversation:
    """The conversation as if all of it were answered: what the list is made from."""
    return replace(talk, answers={slot: answer for one in understood.values() for slot, answer in one.items()})


Found = Iterator[tuple[str, Mapping[str, Answer]]]


def _of_a_tip(book: Book, text: str, today: date) -> Found:
    yield from _place(book, text, "tip_place")
    yield from _given(
        tip_when=when(text, today),
        tip_ongoing=_ongoing(text),
        # That somebody grown up is named says nothing of the others there.
        tip_child="yes" if hear(book.flows.lexicon, text).child else "",
        tip_clues=", ".join(legible(*one) for one in clues(text)[:MOST_CLUES]),
    )


def _of_somebody_missing(book: Book, text: str, today: date) -> Found:
    yield from _place(book, text, "missing_place")
    yield from _given(
        missing_who=_AGES[hear(book.flows.lexicon, text).child],
        missing_since=_SINCE.get(when(text, today), ""),
    )


def _given(**answers: str) -> Found:
    return ((slot, {slot: answer}) for slot, answer in answers.items() if answer)


def _ongoing(text: str) -> str:
    words = f" {' '.join(normalise(text).words)} "
    said = {name for name, listed in (("yes", _GOES_ON), ("no", _ENDED)) if any(f" {one} " in words for one in listed)}
    return said.pop() if len(said) == 1 else ""


def _place(book: Book, text: str, slot: str) -> Found:
    """The place that stands in the words, by its name; with its unit where they leave no choice."""
    place = place_of(book, text)
    if place is None or place.towards:
        return
    found = candidates_of(book, place)
    if len(found) == 1:
        yield slot, {slot: full(book, found[0], "vi"), unit_slot(slot): found[0].id}
    elif place.province:
        yield slot, {slot: place.text}


_READERS = {"tip": _of_a_tip, "missing": _of_somebody_missing}
