"""Which offices receive for a route and a place on a day, and how the numbers to call are written for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from referral.book import ReferralBook
from referral.model import Office, RouteId

LAST_RESORT: RouteId = "hotline_111"
"""Receives where nobody else is entered: it takes and passes on every report (Decree 162/2025, Articles 4 to 6)."""


def offices_for(book: ReferralBook, route: RouteId, province: str, home_province: str, on: date) -> tuple[Office, ...]:
    """The offices of the province, else of the home province, else the national body, else the 111 line. Never empty.

    `check` makes sure that the 111 line has an office without an end; its last entry is given even on a day outside its
    dates, because nobody may be left without.
    """
    for found in _in_turn(book, route, province, home_province, on):
        if found:
            return found
    return tuple(office for office in book.offices if office.route == LAST_RESORT)[-1:]


def home_offices(book: ReferralBook, route: RouteId, province: str, home_province: str, on: date) -> tuple[Office, ...]:
    """The offices of the home province, where it is another than that of the place and has its own; else none."""
    if home_province in ("", province):
        return ()
    return _receiving(book, route, home_province, on)


def next_offices(book: ReferralBook, office: Office, on: date) -> tuple[Office, ...]:
    """Where a notice climbs to when nobody at this office answers: the national body, then the 111 line, then none."""
    wider = (*_receiving(book, office.route, "", on), *_receiving(book, LAST_RESORT, "", on))
    return tuple(other for other in wider if other.id != office.id)[:1]


def hotlines_to_show(
    book: ReferralBook, numbers: Sequence[str], locale: str, names: Mapping[str, str] = {}, paid: str = ""
) -> tuple[str, ...]:
    """One line a number: the number, who answers, the hours, a warning of cost; only numbers of the book.

    `names` and `paid`: a third language's words, where it has them.
    """
    return tuple(
        _line(book, number, locale, names.get(number, ""), paid) for number in numbers if number in book.hotlines
    )


def _in_turn(
    book: ReferralBook, route: RouteId, province: str, home_province: str, on: date
) -> Iterator[tuple[Office, ...]]:
    for place in (province, home_province):
        if place:
            yield _receiving(book, route, place, on)
    yield _receiving(book, route, "", on)
    yield _receiving(book, LAST_RESORT, "", on)


def _receiving(book: ReferralBook, route: RouteId, province: str, on: date) -> tuple[Office, ...]:
    """The offices of a province, or (no province) those of the whole country, that are open on this day."""
    return tuple(
        office
        for office in book.offices
        if office.route == route
        and (province in office.provinces if province else not office.provinces)
        and is_open(office, on)
    )


def is_open(office: Office, on: date) -> bool:
    """True when the office's entry is valid on this day, its first and last day included."""
    begun = office.valid_from is None or office.valid_from <= on
    return begun and (office.valid_to is None or on <= office.valid_to)


def _line(book: ReferralBook, number: str, locale: str, name: str, paid: str) -> str:
    hotline = book.hotlines[number]
    name = name or (hotline.name if locale == "vi" else hotline.name_en)
    paid = "" if hotline.cost == "Miễn phí" else paid or _PAID["vi" if locale == "vi" else "en"]
    return f"{number}: {name}, {hotline.hours}{paid}"


_PAID = {"vi": " (có thể tính phí)", "en": " (may be charged)"}
