"""Agencies and telephone lines by the names people know, in their language with the Vietnamese name beside it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.book import Book
from bot.languages.model import SOURCE
from referral.directory import hotlines_to_show
from referral.model import RouteId


def agency_name(book: Book, route: RouteId, locale: str) -> str:
    """The agency's name; where the language has none for it, the English one."""
    vietnamese, english = book.referral.route_names[route]
    if locale == SOURCE:
        return vietnamese
    language = book.catalogues.languages.get(locale)
    return language.agencies.get(route, english) if language else english


def hotline_lines(book: Book, numbers: Sequence[str], locale: str) -> tuple[str, ...]:
    """One line a number, as `referral.directory.hotlines_to_show` writes it, in the language."""
    language = book.catalogues.languages.get(locale)
    if language is None:
        return hotlines_to_show(book.referral, numbers, locale)
    return hotlines_to_show(book.referral, numbers, locale, language.hotlines, language.paid)
