"""Which offices receive for a route and a place on a day, and how the numbers to call are written for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from referral.model import Office, ReferralBook, RouteId

LAST_RESORT: RouteId = "hotline_111"
"""Receives where nobody else is entered: the law lets it take and pass on every report (Decree 162/2025, Articles 4 to 6)."""


def offices_for(book: ReferralBook, route: RouteId, province: str, home_province: str, on: date) -> tuple[Office, ...]:
    """The offices of the province, else of the home province, else the national body, else the 111 line. Never empty.

    `check` makes sure that the 111 line has an office without an end; its last entry is given even on a day outside its
    dates, because nobody may be left without.
    """
    for found in _in_turn(book, route, province, home_province, on):
        if found:
            return found
    return tuple(office for office in book.offices if office.route == LAST_RESORT)[-1:]


def next_offices(book: ReferralBook, office: Office, on: date) -> tuple[Office, ...]:
    """Where a notice climbs to when nobody at this office answers: the national body, else the 111 line. May be empty."""
    wider = [offices_for(book, office.route, "", "", on), offices_for(book, LAST_RESORT, "", "", on)]
    others = (tuple(o for o in found if o.id != office.id) for found in wider)
    return next((found for found in others if found and not (office.route == LAST_RESORT)), ())


def hotlines_to_show(book: ReferralBook, numbers: Sequence[str], locale: str) -> tuple[str, ...]:
    """One line a number: the number, who answers, the hours, the cost if there is one. Unknown numbers are never shown."""
    return tuple(_line(book, number, locale) for number in numbers if number in book.hotlines)


def _in_turn(
    book: ReferralBook, route: RouteId, province: str, home_province: str, on: date
) -> Iterator[tuple[Office, ...]]:
    for place in (province, home_province):
        if place:
            yield _open(book, on, lambda o, place=place: o.route == route and place in o.provinces)  # type: ignore[misc]
    yield _open(book, on, lambda o: o.route == route and not o.provinces)
    yield _open(book, on, lambda o: o.route == LAST_RESORT and not o.provinces)


def _open(book: ReferralBook, on: date, fits: Callable[[Office], bool]) -> tuple[Office, ...]:
    return tuple(office for office in book.offices if fits(office) and is_open(office, on))


def is_open(office: Office, on: date) -> bool:
    """True when the office's entry is valid on this day, its first and last day included."""
    begun = office.valid_from is None or office.valid_from <= on
    return begun and (office.valid_to is None or on <= office.valid_to)


def _line(book: ReferralBook, number: str, locale: str) -> str:
    hotline = book.hotlines[number]
    name = hotline.name if locale == "vi" else hotline.name_en
    paid = "" if hotline.cost == "Miễn phí" else _PAID["vi" if locale == "vi" else "en"]
    return f"{number}: {name}, {hotline.hours}{paid}"


_PAID = {"vi": " (có thể tính phí)", "en": " (may be charged)"}
