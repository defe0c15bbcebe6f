"""What the first words already answer, to be shown back: nothing of it is an answer until the person says so. Pure.

Only questions about the matter itself: who it is about, how old they are, place, time, whether it goes on, a child, numbers and
accounts, the help that is asked for. What tells of an act, of means or a purpose is never filled from a story (screening.md §7
and §8): it is asked, question by question, of whoever agreed to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime

from msgspec.structs import replace

from bot.book import Book
from bot.candidates import candidates_of, full
from bot.place import names_one_province, names_place_here, place_of, short
from flows.conditions import values_of
from flows.hear.clues import clues, legible
from flows.hear.dates import when
from flows.hear.hear import hear
from flows.hear.normal import normalise
from flows.hear.told import Told as ToldPlainly
from flows.hear.told import told as told_plainly
from flows.model import SKIPPED, Answer, Conversation
from flows.place import unit_slot
from referral.clocks import VIET_NAM

TEXT_MAX = 2000
"""Code points of the first words that are looked through."""
MOST_CLUES = 8
ENOUGH = 2
WORTH_ALONE = frozenset({"tip_place", "missing_place", "support_place", "needs", "who", "age"})
"""To look over one answer is no less than to give it; but a place leads to those who can help there, help is one of many, and who
told of a child of fourteen is not asked how old it is as if nobody had read it."""
Told = Mapping[str, Mapping[str, Answer]]
"""Each answer that was understood, by its name: with the place comes the unit."""

_GOES_ON = ("vẫn đang", "còn đang", "hiện đang", "vẫn còn", "đến giờ vẫn", "hiện vẫn", "is still", "are still")
_ENDED = ("không còn nữa", "đã dọn đi", "đã bỏ đi", "đã chuyển đi", "đã đóng cửa", "đã nghỉ rồi")
_GROWN, _YOUNG = 18, 16
_OTHERS = frozenset({"relative", "acquaintance", "seen"})
_NOBODY = "bare"
"""An age beside which nobody stands: theirs, where somebody tells of themselves and no other age is told."""
_EITHER = "young"
"""Whose age it is where "cháu 14 tuổi" may be the writer or a child of theirs."""
_SINCE = {"now": "today", "today": "today", "week": "week", "month": "month", "older": "longer"}


def told(book: Book, talk: Conversation, at: datetime) -> Told:
    """What the first words answer of the questions of this flow. Nothing on the screen of somebody who is watched."""
    text = "\n".join((*values_of(talk.answers, "story"), *talk.notes))[:TEXT_MAX]
    if talk.quiet or not text or talk.flow not in _READERS:
        return {}
    found = _READERS[talk.flow](book, text, at.astimezone(VIET_NAM).date())
    found_else = ((slot, answers) for slot, answers in found if slot not in _said_in_danger(talk))
    is_open = {slot: answers for slot, answers in found_else if slot not in talk.answers or slot in talk.told}
    understood = {slot: answers for slot, answers in is_open.items() if _is_offered(book, talk.flow, slot, answers)}
    return understood if len(understood) >= ENOUGH or WORTH_ALONE & set(understood) else {}


def _said_in_danger(talk: Conversation) -> frozenset[str]:
    """Questions that an answer given in danger leaves nothing to understand of: it counts more than the first words."""
    where = set(values_of(talk.answers, "danger_where")) - {SKIPPED}
    if not where:
        return frozenset()
    return frozenset({"place_stage", "province", "province_text"} | (set() if "abroad" in where else {"country"}))


def _is_offered(book: Book, flow: str, slot: str, answers: Mapping[str, Answer]) -> bool:
    """Whether this flow has the question with such an answer: the help after return asks about nobody who was only seen."""
    step = next((one for one in book.flows.flows[flow].steps.values() if one.remember == slot), None)
    if step is None or not step.choices or step.ask not in ("choice", "many"):
        return step is not None
    return set(values_of(answers, slot)) <= {choice.id for choice in step.choices}


def shown(talk: Conversation, understood: Told) -> Conversation:
    """The conversation as if all of it were answered: what the list is made from, one line each."""
    return replace(talk, answers={slot: one[slot] for slot, one in understood.items()})


Found = Iterator[tuple[str, Mapping[str, Answer]]]


def _of_a_tip(book: Book, text: str, today: date) -> Found:
    yield from _place(book, text, "tip_place")
    yield from _given(
        tip_when=when(text, today, since=False),
        tip_ongoing=_ongoing(text),
        # That somebody grown up is named says nothing of the others there.
        tip_child="yes" if hear(book.flows.lexicon, text).child else "",
        tip_clues=", ".join(legible(*one) for one in clues(text)[:MOST_CLUES]),
    )


def _of_somebody_missing(book: Book, text: str, today: date) -> Found:
    yield from _place(book, text, "missing_place")
    age = _age(_told(book, text), "other", _OTHERS)
    is_child = age in ("under_16", "16_17") or (not age and hear(book.flows.lexicon, text).child)
    yield from _given(
        missing_who="child" if is_child else age,
        missing_since=_SINCE.get(when(text, today), ""),
    )


def _of_support(book: Book, text: str, today: date) -> Found:
    yield from _of_a_person(book, text)
    yield from _given(support_returned=_one(_told(book, text), "support_returned"))
    yield from _place(book, text, "support_place", abroad=False)


def _of_the_screener(book: Book, text: str, today: date) -> Found:
    """Whoever is asked about signs is asked all of them; only who, how old, where they are and the help come from the story."""
    yield from _of_a_person(book, text)
    stage = _one(_told(book, text), "place_stage")
    place = None if stage or "place_stage" in _told(book, text).answers else place_of(book, text)
    country = place.country if place is not None and not place.towards and place.country != "VN" else ""
    listed = _choices(book, "country")
    yield from _given(place_stage=stage or ("abroad" if country else ""), country=country if country in listed else "")
    if stage in ("", "out") and not country:
        yield from _province(book, text)


def _province(book: Book, text: str) -> Found:
    """The province where it is. A child that may be writing alone is asked for none, so none is taken (screening.md §7)."""
    found, place = _told(book, text), place_of(book, text)
    who = _one(found, "who")
    if who not in _OTHERS and _age(found, who, {who}) != "adult":
        return
    if place is None or place.towards or not place.province or not names_one_province(book, text):
        return
    unit = f"p{place.province}"
    if unit in _choices(book, "province"):
        yield "province", {"province": unit}
        return
    name = short(book.places.units["p", place.province].name)
    slot = "province_text"
    yield slot, {slot: name, unit_slot(slot): unit, "province": "other_province"}


def _choices(book: Book, step: str) -> frozenset[str]:
    return frozenset(choice.id for choice in book.flows.flows["screening"].steps[step].choices)


def _of_a_person(book: Book, text: str) -> Found:
    found = _told(book, text)
    who = _one(found, "who")
    yield from _given(who=who, age=_age(found, who, {who}), needs=found.answers.get("needs", ()))


def _told(book: Book, text: str) -> ToldPlainly:
    return told_plainly(book.flows.told, text, hear(book.flows.lexicon, text).lang)


def _one(found: ToldPlainly, question: str) -> str:
    """The answer, where the words give only one."""
    answers = found.answers.get(question, ())
    return answers[0] if len(answers) == 1 else ""


def _age(found: ToldPlainly, who: str, whose: Collection[str]) -> str:
    """The age of who it is about, by the screener's groups; empty where it is not told, or more than one is."""
    if who == "self" and [holder for holder, _ in found.ages] == [_NOBODY]:
        return _age_group(found.ages[0][1])
    counted = {_EITHER, *whose} | (set() if who in ("", "self") else {"other"})
    groups = {_age_group(age) for holder, age in found.ages if holder in counted}
    return groups.pop() if len(groups) == 1 else ""


def _age_group(age: int) -> str:
    return "under_16" if age < _YOUNG else "16_17" if age < _GROWN else "adult"


def _given(**answers: Answer) -> Found:
    return ((slot, {slot: answer}) for slot, answer in answers.items() if answer)


def _ongoing(text: str) -> str:
    words = f" {' '.join(normalise(text).words)} "
    said = {name for name, listed in (("yes", _GOES_ON), ("no", _ENDED)) if any(f" {one} " in words for one in listed)}
    return said.pop() if len(said) == 1 else ""


def _place(book: Book, text: str, slot: str, *, abroad: bool = True) -> Found:
    """The place that stands in the words, by its name; with its unit where they leave no choice. Not `abroad`: only here."""
    place = place_of(book, text)
    if place is None or place.towards or not (abroad or place.country == "VN"):
        return
    if place.country != "VN" and names_place_here(book, text):
        return  # one here and one abroad: which is meant is for the person to say
    found = candidates_of(book, place)
    if len(found) == 1:
        yield slot, {slot: full(book, found[0], "vi"), unit_slot(slot): found[0].id}
    elif place.province:
        yield slot, {slot: place.text}


_READERS = {
    "tip": _of_a_tip,
    "missing": _of_somebody_missing,
    "support": _of_support,
    "screening": _of_the_screener,
}
