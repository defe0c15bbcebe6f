"""`python -m bot route --json`: coded facts in, level, routes and numbers out (docs/doors.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.book import Book
from bot.doors.lines import BadLine, Line, one_of, only, several, text
from referral.codes import ANY_OF, ONE_OF, ROUTES
from referral.model import Facts
from referral.routing import route
from referral.screening import judge

FIELDS = (
    "id", "kind", "reporter", "danger", "age", "where", "home_province", "stage", "act", "means", "purpose", "signs",
    "needs", "consent", "retaliation",
)  # fmt: skip


def answer(book: Book, line: Line) -> Line:
    """The decision on one line of facts. Raises BadLine."""
    only(line, FIELDS)
    identifier = text(line, "id", required=True)
    facts = facts_of_line(book, line)
    screening = judge(book.referral, facts)
    routing = route(book.referral, facts, screening)
    return {
        "id": identifier,
        "level": screening.level,
        "elements": {"act": screening.act, "means": screening.means, "purpose": screening.purpose},
        "routes": [
            {"to": one.to, "identified": one.identified, "rule": one.rule, "because": one.because, "source": one.source}
            for one in routing.routes
        ],
        "numbers": list(routing.numbers),
        "suggested_articles": list(routing.articles),
        "form": routing.form or None,
    }


def facts_of_line(book: Book, line: Line) -> Facts:
    """The facts of one line. Every field left out is unknown, never no."""
    where = line.get("where")
    if where is None:
        where = {}
    if not isinstance(where, Mapping):
        raise BadLine("where should be an object of kind, country and province")
    only(where, ("kind", "country", "province"), "where.")
    return Facts(
        kind=one_of(line, "kind", ONE_OF["kind"], "tip"),
        reporter=one_of(line, "reporter", ONE_OF["reporter"], "unknown"),
        danger=one_of(line, "danger", ONE_OF["danger"], "unknown"),
        age=one_of(line, "age", ONE_OF["age"], "unknown"),
        where=one_of(where, "kind", ONE_OF["where"], "unknown", "where."),
        country=_country(where),
        province=_province(book, where, "province", "where."),
        home_province=_province(book, line, "home_province"),
        stage=one_of(line, "stage", ONE_OF["stage"], "unknown"),
        act=several(line, "act", ANY_OF["act"]),
        means=several(line, "means", ANY_OF["means"]),
        purpose=several(line, "purpose", ANY_OF["purpose"]),
        signs=several(line, "signs", ANY_OF["signs"]),
        needs=several(line, "needs", ANY_OF["needs"]),
        share=_share(line),
        retaliation=_yes(line, "retaliation"),
    )


def _country(where: Mapping[str, Any]) -> str:
    country = text(where, "country")
    if country and not re.fullmatch(r"[A-Z]{2}", country):
        raise BadLine("where.country should be an ISO 3166-1 code of two capital letters")
    return country


def _province(book: Book, line: Mapping[str, Any], field: str, where: str = "") -> str:
    code = text(line, field)
    if code and code not in book.referral.provinces:
        raise BadLine(f"{where}{field} should be a two-digit code of one of the 34 provinces")
    return code


def _share(line: Line) -> frozenset[str] | None:
    """The agencies agreed to; None when consent was not asked."""
    consent = line.get("consent")
    if consent is None:
        return None
    if not isinstance(consent, Mapping):
        raise BadLine("consent should be an object with share")
    only(consent, ("share",), "consent.")
    share = consent.get("share")
    if share is None:
        return None
    if share in ("all", "none"):
        return frozenset({"all"}) if share == "all" else frozenset()
    if isinstance(share, str):
        raise BadLine(f'consent.share should be "all", "none" or a list of {", ".join(ROUTES)}')
    return several(consent, "share", ROUTES)


def _yes(line: Line, field: str) -> bool:
    value = line.get(field)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise BadLine(f"{field} should be true or false")
    return value
