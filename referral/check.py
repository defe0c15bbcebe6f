"""Is the book fit to start with? Cross references, dates and lists; then the proof of the promises (proof.py).

`problems` returns everything at once. A warning does not stop the start: a number that the operator has yet to supply, a
date that should be looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import combinations

from referral.book import Clock, Coding, ReferralBook
from referral.codes import ANY_OF, DIMENSIONS, ROUTES, STRENGTHS
from referral.export import column_problems
from referral.model import Office, Problem
from referral.proof import prove
from referral.retain import HOTLINE, KEPT

HOTLINE_MONTHS = timedelta(days=180)
SOURCE_YEAR = timedelta(days=400)

_NEEDED_CLOCKS = (
    "urgent",
    "ordinary",
    "classify",
    "commune_police",
    "first_verification",
    "decision",
    "decision_complex",
)
_ROLES = {"duty", "chief", "admin", "auditor", "statistics"}
_SAYS_NOTHING = ("unsure", "skip")
_CHILD_MAY_BE_ASKED = {"freedom"}


def problems(book: ReferralBook, on: date | None = None) -> list[Problem]:
    """Every problem of the book. `on` is the day for which dates are judged; without it no date is called stale."""
    found = [problem for look in _LOOKS for problem in look(book)]
    if on is not None:
        found.extend(_stale(book, on))
    if all(code in book.means_strength for code in ANY_OF["means"]) and not any(_codings(book)):
        found.extend(prove(book))
    return found


def stops(found: Iterable[Problem]) -> bool:
    """True when nothing may start with these problems: at least one is more than a warning."""
    return any(not problem.warning for problem in found)


# ------------------------------------------------------------------------------------------------------------ sources


def _cited(book: ReferralBook) -> Iterator[tuple[str, str]]:
    """Where a source is named, and which."""
    named: Mapping[str, Iterable[object]] = {
        "levels": book.levels,
        "routing": book.routing,
        "grounds": book.grounds,
        "numbers": book.numbers,
        "articles": book.articles,
        "forms": book.forms,
        "offices": book.offices,
        "indicators": book.indicators.values(),
        "clocks": book.clocks.values(),
        "exports": book.exports.values(),
        "retention": book.retention.values(),
        "agency_periods": book.agency_periods.values(),
        "provinces": book.areas.values(),
    }
    for section, items in named.items():
        for item in items:
            yield f"{section} {getattr(item, 'id', '') or getattr(item, 'code', '')}", getattr(item, "source", "")
    yield "scoring", book.scoring.source
    yield from ((f"hotlines {hotline.number}", hotline.source) for hotline in book.hotlines.values())
    yield from ((f"exports {p.id}, column {c.key}", c.source) for p in book.exports.values() for c in p.columns)
    for instrument in book.instruments:
        yield from ((f"{instrument.id}, question {coding.question}", coding.source) for coding in instrument.codings)
        yield from ((f"{instrument.id}, profile {profile.id}", profile.source) for profile in instrument.profiles)


def _sources(book: ReferralBook) -> Iterator[Problem]:
    for where, id in dict.fromkeys(_cited(book)):
        if id not in book.sources:
            yield Problem(where, f"the source `{id}` is not in sources.yaml", "Add it there, or correct the id.")
    for source in book.sources.values():
        if _day(source.checked_on) is None:
            yield Problem(
                f"sources {source.id}", "`checked_on` is not a date", "Write the day somebody read it: 2026-11-22."
            )
        if source.confidence not in ("H", "M", "L"):
            yield Problem(f"sources {source.id}", "`confidence` is not H, M or L", "Say how it was read.")


# ---------------------------------------------------------------------------------------------------------- screening


def _codings(book: ReferralBook) -> Iterator[Problem]:
    for instrument in book.instruments:
        for coding in instrument.codings:
            where = f"{instrument.id}, question {coding.question}, answer {coding.answer}"
            for id in coding.indicators:
                if id not in book.indicators:
                    yield Problem(where, f"the indicator `{id}` is not known", "Use an id of indicators.yaml.")
            yield from _unknown_is_not_no(where, coding)


def _unknown_is_not_no(where: str, coding: Coding) -> Iterator[Problem]:
    """Not sure and skipped say nothing: they may neither calm nor accuse, only keep a danger or a search open."""
    keeps = coding.sets in ({}, {"danger": "now"}) and coding.adds in ({}, {"signs": ("missing",)})
    if (coding.answer in _SAYS_NOTHING or coding.unknown) and (not keeps or coding.indicators):
        yield Problem(where, "an answer that says nothing is read as something", "Let it set and add no codes.")


def _indicators(book: ReferralBook) -> Iterator[Problem]:
    for indicator in book.indicators.values():
        where = f"indicators {indicator.id}"
        if indicator.dimension not in DIMENSIONS:
            yield Problem(where, f"the dimension `{indicator.dimension}` is not known", f"Use {', '.join(DIMENSIONS)}.")
        for strength in (indicator.adult, indicator.child, indicator.adult_sexual or "none"):
            if strength not in (*STRENGTHS, "none"):
                yield Problem(where, f"the strength `{strength}` is not known", f"Use {', '.join(STRENGTHS)}, none.")
    for code in ANY_OF["means"]:
        if code not in book.means_strength:
            yield Problem(
                "means_strength", f"the means `{code}` has no indicator", "Say which indicator it stands for."
            )
    for code, (id, strength) in book.means_strength.items():
        known = book.indicators.get(id)
        if code not in ANY_OF["means"] or known is None or known.adult != strength or not known.means:
            yield Problem(
                f"means_strength {code}",
                f"`{id}` is not an indicator of means that is {strength} for an adult",
                "Name a known means, its indicator and that indicator's strength.",
            )


def _profiles(book: ReferralBook) -> Iterator[Problem]:
    for instrument in book.instruments:
        asked = {coding.question for coding in instrument.codings}
        telling = {c.question for c in instrument.codings if c.adds.keys() & {"means", "purpose"}}
        for profile in instrument.profiles:
            where = f"{instrument.id}, profile {profile.id}"
            for question in (*profile.asks, *profile.never):
                if question not in asked:
                    yield Problem(where, f"the question `{question}` is not coded", "Code its answers, or remove it.")
            for question in sorted({*profile.asks} & {*profile.never}):
                yield Problem(where, f"`{question}` is both asked and never asked", "Decide for one.")
            if profile.id == "child_self":
                for question in sorted(telling - {*profile.never} - _CHILD_MAY_BE_ASKED):
                    yield Problem(where, f"a child alone could be asked `{question}`", "Put it under `never`.")


# ---------------------------------------------------------------------------------------------------------- directory


def _routes(book: ReferralBook) -> Iterator[Problem]:
    for to in ROUTES:
        if to not in book.route_names:
            yield Problem(f"routes {to}", "the agency has no name", "Name it in directory/routes.yaml.")
    rules = [*((f"routing {r.id}", r.to) for r in book.routing), *((f"grounds {g.id}", g.to) for g in book.grounds)]
    for where, to_all in rules:
        for to in to_all:
            if to not in ROUTES:
                yield Problem(where, f"the route `{to}` is not known", f"Use one of {', '.join(ROUTES)}.")
    for rule in book.numbers:
        for number in rule.show:
            if number not in book.hotlines:
                yield Problem(
                    f"numbers {rule.id}",
                    "it shows a number that is not in directory/hotlines.yaml",
                    "Add or correct it.",
                )


def _offices(book: ReferralBook) -> Iterator[Problem]:
    for office in book.offices:
        where = f"offices {office.id}"
        if office.route not in ROUTES:
            yield Problem(where, f"the route `{office.route}` is not known", f"Use one of {', '.join(ROUTES)}.")
        for code in office.provinces:
            if code not in book.provinces:
                yield Problem(where, f"the province `{code}` is not known", "Use a code of directory/provinces.yaml.")
        if office.valid_from and office.valid_to and office.valid_to < office.valid_from:
            yield Problem(where, "it ends before it begins", "Correct `valid_from` or `valid_to`.")
        if not office.phone:
            yield Problem(where, "it has no telephone number", "To be supplied by the operator.", warning=True)
    lasting = [o for o in book.offices if o.route == "hotline_111" and not o.provinces and o.valid_to is None]
    if not lasting:
        yield Problem("offices", "no national office of hotline_111 without an end", "Enter it: it receives last.")


def _overlaps(book: ReferralBook) -> Iterator[Problem]:
    for one, other in combinations(book.offices, 2):
        if (one.route, one.name) == (other.route, other.name) and _same_place(one, other) and _same_days(one, other):
            yield Problem(
                f"offices {one.id} and {other.id}",
                "the same body is entered twice for the same place and days",
                "End the older entry with `valid_to`, or delete one.",
            )


def _same_place(one: Office, other: Office) -> bool:
    return (not one.provinces and not other.provinces) or bool({*one.provinces} & {*other.provinces})


def _same_days(one: Office, other: Office) -> bool:
    return _begins(one) <= _ends(other) and _begins(other) <= _ends(one)


def _begins(office: Office) -> date:
    return office.valid_from or date.min


def _ends(office: Office) -> date:
    return office.valid_to or date.max


def _hotlines(book: ReferralBook) -> Iterator[Problem]:
    for hotline in book.hotlines.values():
        if _day(hotline.checked_on) is None:
            yield Problem(f"hotlines {hotline.number}", "`checked_on` is not a date", "Write the day it was checked.")
    for code in book.provinces:
        if not (len(code) == 2 and code.isdigit()):
            yield Problem(f"provinces {code}", "the code is not two digits", "Use the code of Decision 19/2025.")


# -------------------------------------------------------------------------------------------------- clocks and exports


def _clocks(book: ReferralBook) -> Iterator[Problem]:
    for id in _NEEDED_CLOCKS:
        if id not in book.clocks:
            yield Problem(f"clocks {id}", "this deadline is missing", "Write it in clocks/clocks.yaml.")
    for clock in book.clocks.values():
        yield from _clock(clock)


def _clock(clock: Clock) -> Iterator[Problem]:
    if sum(length > 0 for length in (clock.seconds, clock.months, clock.working_days)) != 1:
        yield Problem(f"clocks {clock.id}", "it has no length, or two", "Give seconds, months or working_days.")
    steps = [step.after_s for step in clock.ladder]
    if steps != sorted(set(steps)):
        yield Problem(f"clocks {clock.id}", "the ladder does not climb", "Order the steps by `after_s`.")
    if not 0 <= clock.notice_from_s <= clock.notice_to_s < min((*steps, clock.notice_to_s + 1)):
        yield Problem(
            f"clocks {clock.id}", "notices may come after the first rung, or end before they begin",
            "Keep `notice_from_s` <= `notice_to_s` < the first `after_s`.",
        )  # fmt: skip
    if clock.id == "urgent" and clock.notice_to_s:
        yield Problem(
            "clocks urgent", "urgent notices wait", "Leave `notice_from_s` and `notice_to_s` out: danger never waits."
        )


def _retention(book: ReferralBook) -> Iterator[Problem]:
    for id in KEPT:
        if id not in book.retention:
            yield Problem(f"retention {id}", "this period is missing", "Write it in retention/periods.yaml.")
    for rule in book.retention.values():
        where = f"retention {rule.id}"
        if rule.id not in KEPT:
            yield Problem(where, "nothing is kept by this rule", f"Use {', '.join(KEPT)}.")
        elif rule.since != KEPT[rule.id]:
            yield Problem(where, f"it counts from `{rule.since}`", f"Let it count from `{KEPT[rule.id]}`.")
        if rule.agencies != (rule.id == "referred") or rule.agencies == (rule.seconds > 0):
            yield Problem(where, "it has no length, or two", "Give seconds; only `referred` has those of the agencies.")
    agencies = [to for to in ROUTES if to != HOTLINE]
    for to in agencies:
        if to not in book.agency_periods:
            yield Problem(f"agency_periods {to}", "the agency is missing", "Enter it, with empty `days` until it says.")
    for period in book.agency_periods.values():
        if period.id not in agencies or period.days < 0:
            yield Problem(f"agency_periods {period.id}", "no such agency, or less than no days", "Correct it.")
    unset = [period.id for period in book.agency_periods.values() if not period.days]
    if unset:
        remedy = "Ask each how long after closure; until then what it had is kept."
        yield Problem("agency_periods", f"no period of {', '.join(unset)}", remedy, warning=True)


def _exports(book: ReferralBook) -> Iterator[Problem]:
    for plan in book.exports.values():
        for role in sorted({*plan.roles} - _ROLES):
            yield Problem(f"exports {plan.id}", f"the role `{role}` is not known", f"Use {', '.join(sorted(_ROLES))}.")
        yield from column_problems(plan)


# -------------------------------------------------------------------------------------------------------------- dates


def _stale(book: ReferralBook, on: date) -> Iterator[Problem]:
    for hotline in book.hotlines.values():
        if _older(hotline.checked_on, on, HOTLINE_MONTHS):
            yield _again(f"hotlines {hotline.number}", hotline.checked_on)
    for source in book.sources.values():
        if _older(source.checked_on, on, SOURCE_YEAR):
            yield _again(f"sources {source.id}", source.checked_on)
    for office in book.offices:
        if office.valid_to and office.valid_to < on:
            yield Problem(f"offices {office.id}", "its time is over", "Enter who receives now.", warning=True)


def _again(where: str, day: str) -> Problem:
    return Problem(where, f"it was last checked on {day}", "Check it again and write the new day.", warning=True)


def _older(day: str, on: date, limit: timedelta) -> bool:
    checked = _day(day)
    return checked is not None and on - checked > limit


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


_LOOKS = (
    _sources,
    _codings,
    _indicators,
    _profiles,
    _routes,
    _offices,
    _overlaps,
    _hotlines,
    _clocks,
    _retention,
    _exports,
)
