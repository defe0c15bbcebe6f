"""Where something is, from the words of whoever wrote: the lists of understanding and the table of units together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from bot.book import Book
from flows.hear.hear import place_in
from flows.hear.normal import fold, normalise
from referral.places.find import Found, communes, find
from referral.places.table import type_of

TOWARDS = frozenset({"sang", "qua"})
"""Before the name of a place these say that somebody goes or is taken there."""
TOWARDS_IF = frozenset({"di", "den", "toi", "ve", "vao", "ra", "len", "xuong", "to"})
"""These too, after a word of taking or of what is yet to come."""
TAKING = frozenset(
    "dua cho ban dan bat du ru lua mang giao gui keo tuyen khau sap se dinh chuan muon tinh hen"
    " sold taken take brought bring going go sent send sell selling moved move".split()
)
TIMES = frozenset({"hom", "toi", "dem", "tuan", "thang", "nam", "vua", "ngay", "bua", "nay", "mai"})
"""Beside these "qua" is yesterday and "sang" is the morning."""
STAYS = frozenset({"o", "tai", "gio", "hien", "dang", "nhung", "tu", "in", "at", "from", "now"})
"""Where one of these stands, what was gone to is over and where somebody is begins."""
HOME = (["que", "o"], ["que", "quan"])
"""Without marks "que" is a stick as well."""
HOME_ENDS = frozenset("gio hien dang nay bi nhung ma di sang lam tu mat nghi va".split())
HOME_STOPS = HOME_ENDS | frozenset(
    "em toi chau minh con o tai xuong len vao ra qua duoc co anh chi hai mot ba may ve tron thoat"
    " i we my she he and but now was".split()
)
"""In a sentence a home ends here: what follows may be where they are."""
FROM_AFTER = frozenset({"am", "m", "is", "are", "come", "comes", "came", "originally", "back", "returned", "escaped"})
HOME_MOST = 10
NAME_MOST = 5
"""Words of a destination at most: a longer one is a sentence that goes on."""


class Whereabouts(msgspec.Struct, frozen=True):
    """A place as far as the words tell it. Nothing is picked where they leave a choice: then `province` is empty.

    `towards`: it is only where somebody is being taken or means to go ("bán sang Trung Quốc"), or comes from, not where they are.
    """

    text: str
    country: str
    province: str = ""
    communes: tuple[str, ...] = ()
    """Codes of what it now may be, the likeliest first."""
    units: tuple[tuple[str, str], ...] = ()
    """Kind and code of each unit of the table that may be meant, old ones first; none for a place abroad."""
    towards: bool = False
    shared: bool = False
    """It is what lies near a point on the map (bot/point.py)."""


@lru_cache(maxsize=4)
def place_of(book: Book, text: str, *, asked: bool = False) -> Whereabouts | None:
    """The place in this text, None where none is named. `asked`: the text answers the question where.

    Where somebody is goes before where they are taken. A known place abroad goes before one here, unless it is part of a
    name here: Đông Hưng is in Quảng Tây, and "Đông Hưng, Thái Bình" is not.
    A turn asks for the same text several times, so the last few answers are at hand; they are forgotten with the next.
    """
    words = normalise(text).words
    but_from = words if asked else without_home(words)
    staying = without_destinations(but_from)
    if len(staying) == len(words):
        return _place(book, text, words, asked=asked)
    here = _place(book, " ".join(staying), staying, asked=asked)
    if here is not None:
        return here
    there = _place(book, " ".join(but_from), but_from, asked=asked)
    there = there or _place(book, text, words, asked=asked)
    return replace(there, towards=True) if there is not None else None


def names_place_here(book: Book, text: str) -> bool:
    """Whether a place in this country is named too, but for where somebody is from."""
    return find(book.places, without_home(normalise(text).words), asked=False) is not None


def names_one_province(book: Book, text: str) -> bool:
    """Whether the places in these words are all in one province, and none is where somebody is from."""
    words = normalise(text).words
    if len(without_home(words)) < len(words):
        return False
    place, padded = place_of(book, text), f" {' '.join(map(fold, words))} "
    named = {code for name, code in _province_names(book) if f" {name} " in padded}
    return place is not None and named <= {place.province}


@lru_cache(maxsize=2)
def _province_names(book: Book) -> tuple[tuple[str, str], ...]:
    """Each province's name without marks, those of before July 2025 as well, with the code of each that it is now."""
    found = (unit for unit in book.places.units.values() if unit.kind in "pP")
    return tuple((fold(short(unit.name)).casefold(), code) for unit in found for code in book.places.province_of(unit))


def without_home(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words but those that say where somebody is from or came back from ("quê Sơn La", "mới về từ Trung Quốc")."""
    at, begins = next(((at, size) for at in range(len(words)) if (size := _says_home(words, at))), (0, 0))
    if not begins:
        return words
    rest = words[at + begins : at + begins + NAME_MOST]
    stop = next((place for place, word in enumerate(rest) if fold(word) in HOME_STOPS), len(rest))
    return (*words[:at], *without_home(words[at + begins + stop :]))


def _says_home(words: Sequence[str], at: int) -> int:
    """How many words at this place say that a home follows."""
    pair = list(words[at : at + 2])
    if words[at] == "quê" and pair != ["quê", "nhà"]:
        return 1
    if words[at] == "từ" and "về" in words[at + 2 : at + 1 + NAME_MOST]:
        return 1
    if [fold(word) for word in pair] == ["ve", "tu"]:
        return 2
    return 2 if pair in HOME or (len(pair) == 2 and pair[0] in FROM_AFTER and pair[1] == "from") else 0


def without_destinations(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words but those that say where somebody is taken or means to go."""
    folded = [fold(word) for word in words]
    kept: list[str] = []
    skip = 0
    for at, word in enumerate(words):
        if _leads_away(folded, at):
            skip = NAME_MOST + 1
        elif skip and folded[at] in STAYS:
            skip = 0
        if skip:
            skip -= 1
        else:
            kept.append(word)
    return tuple(kept)


def _leads_away(folded: Sequence[str], at: int) -> bool:
    word, before, after = folded[at], folded[max(0, at - 2) : at], folded[at + 1 : at + 2]
    if word in TOWARDS:
        return bool(after) and after[0] not in TIMES and not (before and before[-1] in TIMES)
    return word in TOWARDS_IF and not TAKING.isdisjoint(before) and bool(after) and after[0] not in TIMES


def home_of(book: Book, text: str) -> str:
    """The province that the words call somebody's home ("quê ở Hà Giang"); empty where they name none, or more than one."""
    words = normalise(text).words
    at = next((at for at, word in enumerate(words) if word == "quê" or list(words[at : at + 2]) in HOME), -1)
    if at < 0:
        return ""
    told = [
        word for word in words[at + 1 : at + 1 + HOME_MOST] if word not in ("ở", "quán", "tôi", "em", "nó", "của", "là")
    ]
    stop = next((place for place, word in enumerate(told) if fold(word) in HOME_ENDS), len(told))
    place = place_of(book, " ".join(told[:stop]), asked=True)
    return place.province if place is not None else ""


def _place(book: Book, text: str, words: tuple[str, ...], *, asked: bool) -> Whereabouts | None:
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
        return _as_province(book, known, found) if known and known.province in found.provinces else named
    return rest if rest.province in found.provinces else named


def _heard(book: Book, text: str) -> Whereabouts | None:
    place = place_in(book.flows.lexicon, text)
    if place is None:
        return None
    name, country, province = place["text"] or "", place["country"] or "", place["province"] or ""
    if country != "VN" and (begun := _province_beginning_with(book, name, text)):
        name, country, province = begun
    return Whereabouts(name, country, province, units=_province_units(book, name, province))


def _province_beginning_with(book: Book, name: str, text: str) -> tuple[str, str, str] | None:
    """The province in the text that a place abroad is only the beginning of: "o lao cai" is not "ở Lào"."""
    padded, begins = f" {' '.join(map(fold, normalise(text).words))} ", fold(name).casefold() + " "
    for folded, code in _province_names(book):
        if folded.startswith(begins) and folded in padded and f" {begins}" not in padded.replace(folded, ""):
            return short(book.places.units["p", code].name), "VN", code
    return None


def _province_units(book: Book, name: str, province: str) -> tuple[tuple[str, str], ...]:
    """The province of this code, the old one where the name is an old one's; none for a place abroad."""
    if not province or short(book.places.units["p", province].name) == name:
        return (("p", province),) if province else ()
    old = (unit for unit in book.places.units.values() if unit.kind == "P" and province in unit.now)
    return tuple((unit.kind, unit.code) for unit in old if short(unit.name) == name)[:1] or (("p", province),)


def _as_province(book: Book, known: Whereabouts, found: Found) -> Whereabouts:
    """The province of that name among what was found; "Bắc Giang" stays Bắc Giang, though it is Bắc Ninh now."""
    units = [
        (unit.kind, unit.code)
        for unit in found.units
        if unit.kind in "pP" and known.province in book.places.province_of(unit)
    ]
    return replace(known, units=tuple(units[:1]) or known.units)


def _named(book: Book, found: Found) -> Whereabouts:
    province = next(iter(found.provinces)) if len(found.provinces) == 1 else ""
    codes = tuple(unit.code for unit in communes(book.places, found))
    units = tuple((unit.kind, unit.code) for unit in found.units)
    return Whereabouts(spoken(book, found), "VN", province, codes, units)


def spoken(book: Book, found: Found) -> str:
    """The first of the units with what it was or is in, without their types: "Bắc Quang, Hà Giang"."""
    unit = found.units[0]
    return ", ".join(dict.fromkeys(short(one.name) for one in (unit, *book.places.above(unit))))


def short(name: str) -> str:
    """A unit's name without its type."""
    return name.removeprefix(type_of(name)).strip()
