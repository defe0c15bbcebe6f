"""What a person is told of where their report went, and later of how far it is, in plain words. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bot.book import Book
from bot.names import agency_name
from bot.rights import request_lines
from referral.model import Referral, State
from storage.base import ReceiptView

SENTENCE: dict[State, str] = {
    "proposed": "status_waiting",
    "sent": "status_waiting",
    "delivered": "status_waiting",
    "acknowledged": "status_taken",
    "accepted": "status_taken",
    "returned": "status_elsewhere",
    "transferred": "status_elsewhere",
    "closed": "status_closed",
    "withdrawn": "status_closed",
}
"""A citizen is told where it stands, never an outcome: outcomes are for the agency to tell."""


ASKED_SHOWN = 3
"""How many of the officers' latest messages are shown: one screen of a small phone."""


def status_lines(book: Book, receipt: ReceiptView | None, locale: str) -> str:
    """One line an agency, one sentence when it went to nobody; then the latest that officers wrote."""
    if receipt is None:
        return ""
    lines = dict.fromkeys(
        f"– {agency_name(book, route, locale)}: {_sentence(book, SENTENCE[state], locale)}"
        for route, state in receipt.states
    )
    lines = lines or {_sentence(book, "status_nobody", locale): None}
    lines |= dict.fromkeys(request_lines(book, receipt.requests, locale))
    if receipt.asked:
        lines |= dict.fromkeys((_sentence(book, "officer_wrote_before", locale), *receipt.asked[-ASKED_SHOWN:]))
    return "\n".join(lines)


def sent_to(book: Book, referrals: Iterable[Referral], locale: str) -> str:
    """The agencies that really have it, by the names people know; where another office stands in, that one is named."""
    routes = {office.id: office.route for office in book.referral.offices}
    told = {routes.get(one.office, one.to) for one in referrals if one.state != "withdrawn"}
    names = [agency_name(book, route, locale) for route in book.referral.route_names if route in told]
    return ", ".join(names) or _sentence(book, "sent_to_nobody", locale)


def _sentence(book: Book, name: str, locale: str) -> str:
    return book.catalogues.translate(locale, f"everywhere.{name}", book.flows.everywhere.sentences[name])
