"""The units that somebody's words about a place may mean, as they are shown to be confirmed, and what was confirmed. Pure.

Old names first: people know the districts and provinces of before July 2025. A unit is written with kind and code as in
referral/places/units.tsv (`c06529`, `D188`, `P02`), a place abroad with its country (`KH`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from bot.book import Book
from bot.place import Whereabouts, place_of, short
from bot.point import around, has_left, last_point
from flows.conditions import values_of
from flows.model import SKIPPED, Choice, Conversation, Step, fitting
from flows.place import not_slot, unit_slot
from referral.places.table import Unit

MOST = 6
"""So many at most are shown: of a name that is in more places nobody finds theirs, and the words say more."""
PLACE_TEXT_MAX = 500
"""Code points looked through for a place: nobody writes the address of a place further down."""
DANGER = "danger_place"
"""The one place that may also be told before it was asked for."""
_UNIT = re.compile(r"([cCDpP])([0-9]+)", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


class Candidate(Struct, frozen=True):
    """One unit that may be meant: its id, its name as people know it, and as it is now where that is another."""

    id: str
    name: str
    now: str = ""


class Where(Struct, frozen=True):
    """Where a confirmed unit is: a province of this country, or another country."""

    province: str = ""
    country: str = "VN"


def offered(book: Book, slot: str, talk: Conversation) -> tuple[Choice, ...]:
    """The units to be confirmed for this answer, as choices. None on the screen of somebody who is watched (screening.md §6)."""
    return tuple(Choice(one.id, fitting(one.name)) for one in candidates(book, slot, talk))


def candidates(book: Book, slot: str, talk: Conversation) -> tuple[Candidate, ...]:
    """What the words of this answer may mean; none where it was confirmed already, or where they could mean too much."""
    if talk.quiet or unit_slot(slot) in talk.answers:
        return ()
    place = understood(book, slot, talk)
    not_meant = set(values_of(talk.answers, not_slot(slot)))
    return tuple(one for one in candidates_of(book, place) if one.id not in not_meant) if place is not None else ()


def understood(book: Book, slot: str, talk: Conversation) -> Whereabouts | None:
    """The place that an answer tells, in words or as a point on the map; None where it tells none."""
    for text, is_asked in _texts(slot, talk):
        place = place_of(book, text[:PLACE_TEXT_MAX], asked=is_asked)
        # Where somebody is to be taken is no answer to where they are, unless that was asked.
        if place is not None and (is_asked or not place.towards):
            return place
    return shared(book, slot, talk)


def shared(book: Book, slot: str, talk: Conversation) -> Whereabouts | None:
    """What is near the point that was sent as this answer; in danger also near one that came without being asked for."""
    point, given = last_point(talk), values_of(talk.answers, slot)
    if point is None or "abroad" in values_of(talk.answers, "danger_where"):
        return None
    is_answer = not {point.kind, point.caption}.isdisjoint(given) or (slot == DANGER and talk.alerted)
    return around(book, point.ref) if is_answer else None


def candidates_of(book: Book, place: Whereabouts) -> tuple[Candidate, ...]:
    """The units that a place may be; none where they are more than anybody looks through."""
    found = tuple(_of(book, place))
    return found if len(found) <= MOST else ()


def _texts(slot: str, talk: Conversation) -> Iterator[tuple[str, bool]]:
    """The words that may hold it, the surest first."""
    given = values_of(talk.answers, slot)
    yield from ((text, True) for text in given if text != SKIPPED)
    # The question for a number and the place shows no place; any other has shown the one of the first words already.
    is_unseen = not given or "call_ok" in values_of(talk.answers, "danger_call")
    if slot == DANGER and is_unseen and SKIPPED not in given:
        yield from ((text, False) for text in values_of(talk.answers, "story"))


def _of(book: Book, place: Whereabouts) -> Iterator[Candidate]:
    if not place.units:
        yield Candidate(place.country, _abroad(book, place))
    seen: set[str] = set()
    present = {code for kind, code in place.units if kind == "c"}
    for kind, code in place.units:
        unit = book.places.units[kind, code]
        # A town that has become the commune of the same name is not offered beside it.
        candidate = Candidate(f"{kind}{code}", *_names(book, unit))
        if not (kind == "C" and present & set(unit.now[:1])) and candidate.name not in seen:
            seen.add(candidate.name)
            yield candidate


def _abroad(book: Book, place: Whereabouts) -> str:
    country = _country(book, place.country)
    return place.text if country in place.text else f"{place.text}, {country}"


def _country(book: Book, code: str) -> str:
    """A country as the conversations name it, else by the place there that people name."""
    named = {one.id: one.label for one in book.flows.flows["screening"].steps["country"].choices}
    known = (one.text for one in book.flows.lexicon.places.values() if one.country == code)
    return named.get(code) or next(known, code)


def _names(book: Book, unit: Unit) -> tuple[str, str]:
    """As people know it ("Xã Tân Bắc, Quang Bình, Hà Giang") and as it is now ("Xã Tân Trịnh, Tuyên Quang")."""
    known = ", ".join((_typed(unit), *(short(one.name) for one in book.places.above(unit))))
    if not unit.is_old:
        return known, ""
    provinces = ", ".join(short(book.places.units["p", code].name) for code in sorted(book.places.province_of(unit)))
    is_same = provinces in (short(one.name) for one in (*book.places.above(unit), unit))
    if unit.kind in "DP":
        return known, "" if is_same else provinces
    return known, ", ".join((book.places.commune(unit.now[0]).name, provinces)) if unit.now else provinces


def _typed(unit: Unit) -> str:
    return short(unit.name) if unit.kind in "pP" else unit.name


# ------------------------------------------------------------------------------------------------------------- showing


def shown(book: Book, step: Step, talk: Conversation) -> str:
    """The sentence above the question: what was understood, in the language of the conversation; empty where nothing was."""
    found = candidates(book, step.place, talk) if step.place else ()
    if not found:
        return ""
    place = understood(book, step.place, talk)
    if place is not None and place.shared:
        return _said(book, talk.locale, "place_near")
    if len(found) > 1:
        return _said(book, talk.locale, "place_many")
    name = "place_one" if step.ask == "choice" else "place_told"
    return _said(book, talk.locale, name, unit=full(book, found[0], talk.locale))


def full(book: Book, found: Candidate, locale: str) -> str:
    """A unit as it is now, with what it was: "Xã Tân Trịnh, Tuyên Quang (trước đây: Xã Tân Bắc, Quang Bình, Hà Giang)".

    Of what was divided it says only in which province it is now: "Huyện Đồng Văn, Hà Giang (nay thuộc Tuyên Quang)".
    """
    if not found.now:
        return found.name
    name = "place_before" if found.id.startswith("C") else "place_within"
    return _said(book, locale, name, unit=found.now, before=found.name)


def _said(book: Book, locale: str, name: str, **values: str) -> str:
    text = book.catalogues.translate(locale, f"everywhere.{name}", book.flows.everywhere.sentences[name])
    for place, value in values.items():
        text = text.replace(f"{{{place}}}", value)
    return text


# ----------------------------------------------------------------------------------------------------------- confirmed


def confirmed(book: Book, talk: Conversation, slot: str) -> Where | None:
    """Where the unit is that the person confirmed for this answer; None where they confirmed none, or have left it since."""
    said = talk.answers.get(unit_slot(slot))
    unit = unit_of(book, said) if isinstance(said, str) else None
    if unit is not None and not ("location" in values_of(talk.answers, slot) and has_left(book, talk, unit)):
        provinces = book.places.province_of(unit)
        return Where(next(iter(provinces)) if len(provinces) == 1 else "")
    return Where("", said) if isinstance(said, str) and _COUNTRY.fullmatch(said) else None


def unit_of(book: Book, said: str) -> Unit | None:
    """The unit of this id, None where it is the id of none."""
    found = _UNIT.fullmatch(said)
    return book.places.units.get((found[1], found[2])) if found else None


def written(book: Book, said: str) -> str:
    """What was confirmed, for officers: the unit by its old and its new name. Empty where nothing was."""
    unit = unit_of(book, said)
    if unit is not None:
        return full(book, Candidate(said, *_names(book, unit)), "vi")
    return _country(book, said) if _COUNTRY.fullmatch(said) else ""
