"""Does a rule's test hold for these facts? One function a kind of test, and a table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from referral.book import When
from referral.model import Facts, Level


@dataclass(frozen=True, slots=True)
class Seen:
    """What a test may look at: the facts, the elements of the law, the level, and the indicators by id.

    `strengths` maps each indicator that was seen to its dimension and strength for this person. `level` is empty while
    the level itself is being decided.
    """

    facts: Facts
    elements: frozenset[str] = frozenset()
    level: Level | None = None
    strengths: Mapping[str, tuple[str, str]] | None = None


def holds(when: When, seen: Seen) -> bool:
    """True when the test holds. Unknown never counts as no: a test for `none` holds only if somebody said so."""
    return _TESTS[when.op](when, seen)


def one(facts: Facts, name: str) -> str:
    """The code of a fact that holds one; yes and no for those that are true or false."""
    value = getattr(facts, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def some(facts: Facts, name: str) -> frozenset[str]:
    """The codes of a fact that holds several. Consent that was not asked is an empty set: it permits nothing."""
    found: frozenset[str] | None = getattr(facts, name)
    return found or frozenset()


def _all(when: When, seen: Seen) -> bool:
    return all(holds(part, seen) for part in when.parts)


def _any(when: When, seen: Seen) -> bool:
    return any(holds(part, seen) for part in when.parts)


def _not(when: When, seen: Seen) -> bool:
    return not holds(when.parts[0], seen)


def _is(when: When, seen: Seen) -> bool:
    return one(seen.facts, when.name) in when.values


def _has(when: When, seen: Seen) -> bool:
    found = some(seen.facts, when.name)
    if when.values:
        found = found.intersection(when.values)
    return len(found) >= when.at_least


def _element(when: When, seen: Seen) -> bool:
    return when.name in seen.elements


def _level(when: When, seen: Seen) -> bool:
    return seen.level in when.values


def _count(when: When, seen: Seen) -> bool:
    return _counted(when, seen) >= when.at_least


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


def _always(when: When, seen: Seen) -> bool:
    return True


_TESTS: Mapping[str, Callable[[When, Seen], bool]] = {
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
