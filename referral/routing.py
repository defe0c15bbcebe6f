"""Where an intake goes and which numbers are shown: every rule that holds counts, the first is the reason given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec.structs import replace

from referral.book import ReferralBook, RoutingRule, SuggestionRule
from referral.codes import ALL_ROUTES
from referral.model import Facts, Route, RouteId, Routing, Screening
from referral.when import Seen, holds


def route(book: ReferralBook, facts: Facts, screening: Screening) -> Routing:
    """Routes with reason and source, numbers in order of urgency, and suggestions for staff (never for a citizen)."""
    return _routed(book, seen_of(facts, screening))


# A turn asks for the same facts several times, so the last few answers are at hand; they are forgotten with the next.
@lru_cache(maxsize=4)
def _routed(book: ReferralBook, seen: Seen) -> Routing:
    return Routing(
        routes=_routes(book, seen),
        numbers=_numbers(book, seen),
        articles=_suggested(book.articles, seen),
        form=next(iter(_suggested(book.forms, seen)), ""),
    )


def seen_of(facts: Facts, screening: Screening) -> Seen:
    """What routing rules may look at."""
    present = {"act": screening.act, "means": screening.means, "purpose": screening.purpose}
    return Seen(facts, frozenset(name for name, there in present.items() if there), screening.level)


def consented(facts: Facts, to: RouteId) -> bool:
    """True when the person agreed that this very agency learns who they are, or agreed to every agency."""
    return facts.share is not None and (to in facts.share or ALL_ROUTES in facts.share)


def _routes(book: ReferralBook, seen: Seen) -> tuple[Route, ...]:
    held = _held(book.routing, seen)
    at_home = {to for rule in held if rule.home_too for to in rule.to}
    found = (_route(book, seen, to, rule) for to, rule in _chosen(held).items())
    return tuple(replace(one, home_too=True) if one.to in at_home else one for one in found)


def _held(rules: Sequence[RoutingRule], seen: Seen) -> list[RoutingRule]:
    held = [rule for rule in rules if not rule.otherwise and holds(rule.when, seen)]
    return held or [rule for rule in rules if rule.otherwise and holds(rule.when, seen)]


def _chosen(held: Sequence[RoutingRule]) -> Mapping[RouteId, RoutingRule]:
    chosen: dict[RouteId, RoutingRule] = {}
    for rule in held:
        for to in rule.to:
            chosen.setdefault(to, rule)
    return chosen


def _route(book: ReferralBook, seen: Seen, to: RouteId, rule: RoutingRule) -> Route:
    agreed = consented(seen.facts, to)
    ground = "" if agreed else _ground(book, seen, to)
    return Route(to, agreed or bool(ground), rule.id, rule.because, rule.source, ground)


def _ground(book: ReferralBook, seen: Seen, to: RouteId) -> str:
    return next((rule.id for rule in book.grounds if to in rule.to and holds(rule.when, seen)), "")


def _numbers(book: ReferralBook, seen: Seen) -> tuple[str, ...]:
    held = sorted((rule for rule in book.numbers if holds(rule.when, seen)), key=lambda rule: rule.order)
    return tuple(dict.fromkeys(number for rule in held for number in rule.show))


def _suggested(rules: Sequence[SuggestionRule], seen: Seen) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.suggest for rule in rules if holds(rule.when, seen)))
