"""From answers to signs: what was answered in codes, and what the codes add up to.

Nothing here decides that someone is a victim; only an authority does (Law 53/2024, Articles 27 to 33). A level says how
soon a trained person should look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache

from msgspec.structs import replace

from referral.book import Coding, Indicator, Instrument, LevelRule, ReferralBook
from referral.codes import ALL_ROUTES, DIMENSIONS, ELEMENTS, ROUTES, SEVERITY
from referral.model import Facts, Level, Reason, Screening
from referral.when import Seen, facts_in, holds

Answers = Mapping[str, str | tuple[str, ...]]

_PROVINCE = re.compile(r"p(\d\d)")
_COUNTRY = re.compile(r"[A-Z]{2}")
_NOT_ASKED = frozenset({"skip", "unsure"})
_ANY = "*"
_ALWAYS = (_ANY, _ANY)


# ------------------------------------------------------------------------------------------------------------ facts


def facts_of(instruments: Sequence[Instrument], kind: str, answers: Answers) -> Facts:
    """The facts behind these answers. `kind` is the intake's. Answers that no instrument codes add nothing."""
    codings = _codings(tuple(instruments), answers)
    facts = Facts(
        kind=kind,
        unknown=len({coding.question for coding in codings if coding.unknown}),
        indicators=_distinct(indicator for coding in codings for indicator in coding.indicators),
        share=_share(answers),
        country=_country(answers),
    )
    return _placed(_coded(facts, codings), answers)


def _codings(instruments: tuple[Instrument, ...], answers: Answers) -> list[Coding]:
    """The codings of the answers given, in the order of the files: where two set one fact, the later may count."""
    known = _by_answer(instruments)
    found = {
        at: coding
        for question in answers
        for answer in _picked(answers, question)
        for at, coding in known.get((question, answer), ())
        if _fits(coding, answers)
    }
    return [found[at] for at in sorted(found)]


@cache
def _by_answer(instruments: tuple[Instrument, ...]) -> Mapping[tuple[str, str], Sequence[tuple[int, Coding]]]:
    """Where each answer's codings stand, so that a turn looks at those of its own answers only."""
    found: dict[tuple[str, str], list[tuple[int, Coding]]] = {}
    for at, coding in enumerate(coding for instrument in instruments for coding in instrument.codings):
        found.setdefault((coding.question, coding.answer), []).append((at, coding))
    return found


def _fits(coding: Coding, answers: Answers) -> bool:
    return all(not set(accepted).isdisjoint(_picked(answers, question)) for question, accepted in coding.also.items())


def _picked(answers: Answers, question: str) -> tuple[str, ...]:
    answer = answers.get(question, ())
    return (answer,) if isinstance(answer, str) else answer


def _coded(facts: Facts, codings: Sequence[Coding]) -> Facts:
    added: dict[str, list[str]] = {}
    values: dict[str, list[str]] = {}
    for coding in codings:
        for name, codes in coding.adds.items():
            added.setdefault(name, []).extend(codes)
        for name, value in coding.sets.items():
            values.setdefault(name, []).append(value)
    changes: dict[str, object] = {name: frozenset(codes) for name, codes in added.items() if name != "share"}
    changes |= {name: _settled(name, said) for name, said in values.items() if name != "kind"}
    return replace(facts, **changes)


def _settled(name: str, values: Sequence[str]) -> str | bool:
    """One code out of several answers: the gravest danger, any yes, else the last that was said."""
    if name == "danger":
        return max(values, key=SEVERITY.index)
    if name in ("retaliation", "held_now"):
        return "yes" in values
    return values[-1]


def _share(answers: Answers) -> frozenset[str] | None:
    """The agencies agreed to. A skipped question is one that was not answered, so nothing is known: None."""
    picked = _picked(answers, "consent")
    if not picked or _NOT_ASKED & set(picked):
        return None
    return frozenset(picked) & {*ROUTES, ALL_ROUTES}


def _country(answers: Answers) -> str:
    return next((text for text in _picked(answers, "country") if _COUNTRY.fullmatch(text)), "")


def _placed(facts: Facts, answers: Answers) -> Facts:
    """The province chosen is where the person is, or, for somebody abroad, where home is."""
    code = next((match[1] for text in _picked(answers, "province") if (match := _PROVINCE.fullmatch(text))), "")
    if facts.where == "abroad":
        return replace(facts, home_province=code)
    return replace(facts, province=code)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


# ------------------------------------------------------------------------------------------------------------ level


@lru_cache(maxsize=4)
def judge(book: ReferralBook, facts: Facts) -> Screening:
    """Elements, level, reasons, and the ILO dimensions for the reviewer. An unsure age is read as a child's.

    A turn asks for the same facts several times, so the last few answers are at hand; they are forgotten with the next.
    """
    seen = _seen(book, facts)
    strengths = seen.strengths or {}
    held = [rule for rule in book.levels if holds(rule.when, seen)]
    dimensions = _dimensions(book, strengths)
    return Screening(
        level=_gravest(held),
        act="act" in seen.elements,
        means="means" in seen.elements,
        purpose="purpose" in seen.elements,
        reasons=_reasons(book, held, strengths),
        dimensions=dimensions,
        classification=_classification(facts, seen.elements, dimensions),
        provisional=_provisional(book, facts, strengths),
    )


def level_of(book: ReferralBook, facts: Facts) -> Level:
    """The level that `judge` would give, and nothing else."""
    seen = _seen(book, facts)
    return _gravest([rule for rule in book.levels if holds(rule.when, seen)])


def is_danger(book: ReferralBook, facts: Facts) -> bool:
    """True where the level is L4. Asked in every turn, so that only the rules of that level are looked at."""
    seen = _seen(book, facts)
    return any(holds(rule.when, seen) for rule in _gravest_rules(book.levels))


def may_tell_of_danger(book: ReferralBook, before: Answers, after: Answers) -> bool:
    """False where nothing that differs between these answers can make the level L4, or keep it from being that.

    Most answers cannot, and to look at this costs a tenth of what judging does.
    """
    telling = _telling(book.instruments, book.levels)
    for question in before.keys() | after.keys():
        if before.get(question) != after.get(question):
            either = (*_picked(before, question), *_picked(after, question))
            if (question, _ANY) in telling or any((question, answer) in telling for answer in either):
                return True
    return _ALWAYS in telling


@cache
def _telling(instruments: tuple[Instrument, ...], levels: tuple[LevelRule, ...]) -> frozenset[tuple[str, str]]:
    """Questions and answers whose codings set or add a fact that the rules of L4 look at; `_ANY` for all of a question's.

    The kind of an intake comes from no answer: where a rule looks at it, every turn is judged.
    """
    looked_at = frozenset().union(*(facts_in(rule.when) for rule in _gravest_rules(levels)))
    found: set[tuple[str, str]] = set()
    for coding in (coding for instrument in instruments for coding in instrument.codings):
        told = {*coding.sets, *coding.adds, "indicators" * bool(coding.indicators), "unknown" * coding.unknown}
        if not looked_at.isdisjoint(told):
            found.add((coding.question, coding.answer))
            found.update((question, answer) for question, answers in coding.also.items() for answer in answers)
    plain = {"province": ("province", "home_province"), "country": ("country",), "consent": ("share",)}
    found.update((question, _ANY) for question, names in plain.items() if not looked_at.isdisjoint(names))
    return frozenset(found | {_ALWAYS} if "kind" in looked_at else found)


@cache
def _gravest_rules(levels: tuple[LevelRule, ...]) -> tuple[LevelRule, ...]:
    return tuple(rule for rule in levels if rule.level == "L4")


def _seen(book: ReferralBook, facts: Facts) -> Seen:
    strengths = strengths_of(book, facts)
    return Seen(facts, _elements(book, facts, strengths), strengths=strengths)


def _gravest(held: Sequence[LevelRule]) -> Level:
    return max((rule.level for rule in held), default="L0")


def strengths_of(book: ReferralBook, facts: Facts) -> dict[str, tuple[str, str]]:
    """Each indicator that was answered, or that a coded means stands for, with its dimension and strength."""
    coded = (book.means_strength[code][0] for code in sorted(facts.means) if code in book.means_strength)
    ids = dict.fromkeys((*facts.indicators, *coded))
    sexual = "sexual_exploitation" in facts.purpose
    known = (book.indicators[id] for id in ids if id in book.indicators)
    return {i.id: (i.dimension, strength_for(i, adult=facts.age == "adult", sexual=sexual)) for i in known}


def strength_for(indicator: Indicator, *, adult: bool, sexual: bool) -> str:
    """The strength in this person's set; where the sexual set's is not known, the labour set's stands in."""
    labour = indicator.adult if adult else indicator.child
    own = (indicator.adult_sexual if adult else indicator.child_sexual) if sexual else ""
    return own or labour


def _elements(book: ReferralBook, facts: Facts, strengths: Mapping[str, tuple[str, str]]) -> frozenset[str]:
    means = [strength for id, (_, strength) in strengths.items() if book.indicators[id].means]
    enough = (
        means.count("strong") >= book.scoring.means_strong
        or means.count("strong") + means.count("medium") >= book.scoring.means_medium
    )
    present = {"act": bool(facts.act), "means": enough, "purpose": bool(facts.purpose)}
    return frozenset(name for name in ELEMENTS if present[name])


def _dimensions(book: ReferralBook, strengths: Mapping[str, tuple[str, str]]) -> dict[str, bool]:
    points = dict.fromkeys(DIMENSIONS, 0)
    for dimension, strength in strengths.values():
        points[dimension] += book.scoring.points.get(strength, 0)
    return {dimension: points[dimension] >= book.scoring.threshold for dimension in DIMENSIONS}


def _classification(facts: Facts, elements: frozenset[str], dimensions: Mapping[str, bool]) -> str:
    """The ILO/EC combination (2009), for the officer only. Under 18 or unsure: an act and exploitation are enough."""
    exploited = dimensions["EX"]
    if facts.age != "adult" and "act" in elements and exploited:
        return "trafficking_child"
    recruited = dimensions["DR"] or dimensions["CR"] or dimensions["AV"]
    coerced = dimensions["CD"] or dimensions["VD"]
    if exploited and recruited and coerced:
        return "trafficking_forced_labour"
    if exploited and dimensions["DR"]:
        return "deceived_and_exploited"
    return "exploited_not_trafficked" if exploited else "not_enough_seen"


def _provisional(book: ReferralBook, facts: Facts, strengths: Mapping[str, tuple[str, str]]) -> bool:
    """True where a strength stands in for one that is not known, or the indicator is our own addition."""
    sexual = "sexual_exploitation" in facts.purpose
    column = "adult_sexual" if facts.age == "adult" else "child_sexual"
    return any(
        book.indicators[id].provisional or (sexual and not getattr(book.indicators[id], column)) for id in strengths
    )


def _reasons(
    book: ReferralBook, held: Sequence[LevelRule], strengths: Mapping[str, tuple[str, str]]
) -> tuple[Reason, ...]:
    rules = [Reason(rule.id, rule.because, rule.source) for rule in sorted(held, key=lambda r: r.level, reverse=True)]
    signs = [Reason(id, book.indicators[id].text_vi, book.indicators[id].source) for id in strengths]
    return (*rules, *signs)
