"""Does a rule's test hold for these facts? Each test is made into a function once; one maker a kind of test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter

from msgspec import Struct

from referral.book import When
from referral.model import Facts, Level


class Seen(Struct, frozen=True):
    """What a test may look at: the facts, the elements of the law, the level, and the indicators by id.

    `strengths` maps each indicator that was seen to its dimension and strength for this person. `level` is empty while
    the level itself is being decided.
    """

    facts: Facts
    elements: frozenset[str] = frozenset()
    level: Level | None = None
    strengths: Mapping[str, tuple[str, str]] | None = None


Test = Callable[[Seen], bool]


def holds(when: When, seen: Seen) -> bool:
    """True when the test holds. Unknown never counts as no: a test for `none` holds only if somebody said so."""
    return _made(when)(seen)


_OF_STRENGTH = frozenset({"indicators", "means", "age", "purpose"})
_OF_LEAF: Mapping[str, frozenset[str]] = {
    "act": frozenset({"act"}),
    "purpose": frozenset({"purpose"}),
    "means": _OF_STRENGTH,
    "elements": _OF_STRENGTH | {"act"},
    "unknown": frozenset({"unknown"}),
}


def facts_in(when: When) -> frozenset[str]:
    """The facts that a test looks at, also through elements and strengths. Of one that asks for the level: none."""
    if when.op in ("is", "has"):
        return frozenset({when.name})
    if when.op in ("element", "count"):
        return _OF_LEAF.get(when.name, _OF_STRENGTH)
    return frozenset[str]().union(*map(facts_in, when.parts))


@cache
def _made(when: When) -> Test:
    """The test as a function: walking its tree for every rule of every turn would cost ten times as much."""
    return _MAKERS[when.op](when)


def _all(when: When) -> Test:
    parts = tuple(map(_made, when.parts))

    def test(seen: Seen) -> bool:
        for part in parts:
            if not part(seen):
                return False
        return True

    return test


def _any(when: When) -> Test:
    parts = tuple(map(_made, when.parts))

    def test(seen: Seen) -> bool:
        for part in parts:
            if part(seen):
                return True
        return False

    return test


def _not(when: When) -> Test:
    part = _made(when.parts[0])
    return lambda seen: not part(seen)


def _is(when: When) -> Test:
    """The code of a fact that holds one; yes and no for those that are true or false."""
    said, values = attrgetter(when.name), frozenset(when.values)
    if isinstance(getattr(Facts(), when.name), bool):
        return lambda seen: ("yes" if said(seen.facts) else "no") in values
    return lambda seen: said(seen.facts) in values


def _has(when: When) -> Test:
    """Codes of a fact that holds several. Consent that was not asked is None: it permits nothing."""
    said, values, enough = attrgetter(when.name), frozenset(when.values), when.at_least
    if not values:
        return lambda seen: len(said(seen.facts) or ()) >= enough
    return lambda seen: len(values.intersection(said(seen.facts) or ())) >= enough


def _element(when: When) -> Test:
    return lambda seen: when.name in seen.elements


def _level(when: When) -> Test:
    return lambda seen: seen.level in when.values


def _count(when: When) -> Test:
    return lambda seen: _counted(when, seen) >= when.at_least


def _counted(when: When, seen: Seen) -> int:
    if when.name == "unknown":
        return seen.facts.unknown
    if when.name == "elements":
        return len(seen.elements)
    strengths = (seen.strengths or {}).values()
    return sum(
        1
        for dimension, strength in strengths
        if (when.name in ("indicators", strength)) and (not when.values or dimension in when.values)
    )


def _always(when: When) -> Test:
    return lambda seen: True


_MAKERS: Mapping[str, Callable[[When], Test]] = {
    "all": _all,
    "any": _any,
    "not": _not,
    "is": _is,
    "has": _has,
    "element": _element,
    "level": _level,
    "count": _count,
    "always": _always,
}
