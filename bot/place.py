"""Where something is, from the words of whoever wrote: the lists of understanding and the table of units together. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bot.book import Book
from flows.hear.hear import hear
from flows.hear.normal import normalise
from referral.places.find import Found, communes, find
from referral.places.table import type_of


class Whereabouts(msgspec.Struct, frozen=True):
    """A place as far as the words tell it. Nothing is picked where they leave a choice: then `province` is empty."""

    text: str
    country: str
    province: str = ""
    communes: tuple[str, ...] = ()
    """Codes of what it now may be, the likeliest first."""


def place_of(book: Book, text: str, *, asked: bool = False) -> Whereabouts | None:
    """The place in this text, None where none is named. `asked`: the text answers the question where.

    A known place abroad goes before one here, unless it is part of a name here: Đông Hưng is in Quảng Tây, and
    "Đông Hưng, Thái Bình" is not.
    """
    words = normalise(text).words
    found = find(book.places, words, asked=asked)
    if found is None:
        return _heard(book, text)
    rest = _heard(book, " ".join((*words[: found.start], *words[found.stop :])))
    if rest is not None and rest.country != "VN":
        return rest
    named = _named(book, found)
    if named.province:
        return named
    if rest is None:
        # A province's own name, given as the answer, is that province, whatever commune elsewhere is called the same.
        known = _heard(book, text) if asked else None
        return known if known is not None and known.province in found.provinces else named
    return rest if rest.province in found.provinces else named


def _heard(book: Book, text: str) -> Whereabouts | None:
    place = hear(book.flows.lexicon, text).place
    if place is None:
        return None
    return Whereabouts(place["text"] or "", place["country"] or "", place["province"] or "")


def _named(book: Book, found: Found) -> Whereabouts:
    province = next(iter(found.provinces)) if len(found.provinces) == 1 else ""
    codes = tuple(unit.code for unit in communes(book.places, found))
    return Whereabouts(spoken(book, found), "VN", province, codes)


def spoken(book: Book, found: Found) -> str:
    """The first of the units with what it was or is in, without their types: "Bắc Quang, Hà Giang"."""
    unit = found.units[0]
    names: Sequence[str] = [
        one.name.removeprefix(type_of(one.name)).strip() for one in (unit, *book.places.above(unit))
    ]
    return ", ".join(dict.fromkeys(names))
