"""Every combination of coded answers at once, and what the book makes of it: levels, routes, grounds, numbers.

The same rules that `when.holds` evaluates for one person are turned here into sets of combinations (combinations.py).
All facts are free of one another, so the sets hold more than any conversation can reach; what is proved for them holds
for every reachable answer as well. Rules cannot read places, countries and texts, so those cannot change a decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from referral.book import Indicator, ReferralBook, When
from referral.codes import ANY_OF, HIGHEST_UNKNOWN, LEVELS, ONE_OF, ROUTES
from referral.combinations import ALL, NONE, Combinations, Set
from referral.model import Facts
from referral.screening import strength_for

UNKNOWN_COUNTS = tuple(str(n) for n in range(HIGHEST_UNKNOWN, -1, -1))


class World:
    """The sets that one book makes. Built whole; then only read."""

    def __init__(self, book: ReferralBook) -> None:
        self.book = book
        self.all = Combinations()
        self._add_facts()
        self.elements = self._elements()
        self.levels: dict[str, Set] = {}
        self.levels = self._levels()
        self.ruled = {r.id: self.of(r.when) for r in book.routing if not r.otherwise}
        self.sent_on = self._routes(otherwise=False)
        self.routes = self._routes(otherwise=True)
        self.grounds = {to: self._ground(to) for to in ROUTES}
        self.shown = {number: self._shown(number) for number in book.hotlines}

    # -------------------------------------------------------------------------------------------------------- facts

    def _add_facts(self) -> None:
        """Facts that many rules read come first, and an indicator beside the means that stands for it: small sets."""
        for name, codes in ONE_OF.items():
            self.all.one_of(name, codes)
        for name in ("purpose", "act"):
            self._add_codes(name)
        for indicator in self.book.indicators.values():
            self.all.yes_or_no("indicators", indicator.id)
            for code in self._stand_for(indicator):
                self.all.yes_or_no("means", code)
        self.all.one_of("unknown", UNKNOWN_COUNTS)
        for name in ("signs", "needs", "share"):
            self._add_codes(name)

    def _add_codes(self, name: str) -> None:
        for code in ANY_OF[name]:
            self.all.yes_or_no(name, code)

    def _stand_for(self, indicator: Indicator) -> list[str]:
        return [code for code in ANY_OF["means"] if self.book.means_strength[code][0] == indicator.id]

    def one(self, name: str, *codes: str) -> Set:
        """This fact is one of these codes."""
        return self.all.either(self.all.where(name, code) for code in codes)

    def some(self, name: str, codes: Sequence[str] = ()) -> Set:
        """At least one of these codes (none named: of all) is in this fact's set."""
        return self.all.either(self.all.where(name, code) for code in codes or ANY_OF[name])

    def any_indicator(self) -> Set:
        """At least one indicator was answered."""
        return self.all.either(self.all.where("indicators", id) for id in self.book.indicators)

    def contains(self, one: Set, facts: Facts) -> bool:
        """Is what this person answered in the set?"""
        single = {name: frozenset({_text(getattr(facts, name))}) for name in ONE_OF}
        several = {name: frozenset(getattr(facts, name) or ()) for name in ANY_OF}
        counted = {"unknown": frozenset({str(min(facts.unknown, HIGHEST_UNKNOWN))})}
        return self.all.contains(one, {**single, **several, **counted, "indicators": frozenset(facts.indicators)})

    # ---------------------------------------------------------------------------------------------------- screening

    def _present(self, indicator: Indicator) -> Set:
        coded = [self.all.where("means", code) for code in self._stand_for(indicator)]
        return self.all.either([self.all.where("indicators", indicator.id), *coded])

    def _by_person(self, count: Callable[[bool, bool], Set]) -> Set:
        """The strengths differ between adults and others, and with sexual exploitation: the four cases together."""
        adult = self.one("age", "adult")
        sexual = self.all.where("purpose", "sexual_exploitation")
        cases = [
            self.all.both(self._side(adult, grown), self._side(sexual, is_sexual), count(grown, is_sexual))
            for grown in (True, False)
            for is_sexual in (True, False)
        ]
        return self.all.either(cases)

    def _side(self, one: Set, inside: bool) -> Set:
        return one if inside else self.all.without(one)

    def _counted(self, when: When) -> Set:
        def count(adult: bool, sexual: bool) -> Set:
            fits = [
                self._present(i)
                for i in self.book.indicators.values()
                if when.name in ("indicators", strength_for(i, adult=adult, sexual=sexual))
                and (not when.values or i.dimension in when.values)
            ]
            return self.all.at_least(when.at_least, fits)

        return self._by_person(count)

    def _elements(self) -> dict[str, Set]:
        scoring = self.book.scoring

        def means(adult: bool, sexual: bool) -> Set:
            counted = [i for i in self.book.indicators.values() if i.means]
            strength = {i.id: strength_for(i, adult=adult, sexual=sexual) for i in counted}
            strong = [self._present(i) for i in counted if strength[i.id] == "strong"]
            medium = [self._present(i) for i in counted if strength[i.id] in ("strong", "medium")]
            enough = (self.all.at_least(scoring.means_strong, strong), self.all.at_least(scoring.means_medium, medium))
            return self.all.either(enough)

        return {"act": self.some("act"), "means": self._by_person(means), "purpose": self.some("purpose")}

    def _levels(self) -> dict[str, Set]:
        """Each level's own set: the rules of that level, without what a higher level has taken."""
        found: dict[str, Set] = {}
        left = ALL
        for level in reversed(LEVELS[1:]):
            held = self.all.either(self.of(rule.when) for rule in self.book.levels if rule.level == level)
            found[level] = self.all.both(left, held)
            left = self.all.both(left, self.all.without(held))
        return {**found, "L0": left}

    def at_least(self, level: str) -> Set:
        """This level or a higher one."""
        return self.all.either(one for name, one in self.levels.items() if name >= level)

    # ------------------------------------------------------------------------------------------------------ routing

    def _routes(self, *, otherwise: bool) -> dict[str, Set]:
        nowhere = self.all.without(self.all.either(self.ruled.values()))

        def of_rule(id: str, last: bool, when: When) -> Set:
            return self.all.both(nowhere, self.of(when)) if last else self.ruled[id]

        return {
            to: self.all.either(
                of_rule(rule.id, rule.otherwise, rule.when)
                for rule in self.book.routing
                if to in rule.to and (otherwise or not rule.otherwise)
            )
            for to in ROUTES
        }

    def consented(self, to: str) -> Set:
        """The person agreed that this agency, or every agency, learns who they are."""
        return self.some("share", (to, "all"))

    def _ground(self, to: str) -> Set:
        return self.all.either(self.of(rule.when) for rule in self.book.grounds if to in rule.to)

    def may_know(self, to: str) -> Set:
        """This agency may learn who the person is, if the intake goes there."""
        return self.all.either((self.consented(to), self.grounds[to]))

    def _shown(self, number: str) -> Set:
        return self.all.either(self.of(rule.when) for rule in self.book.numbers if number in rule.show)

    # -------------------------------------------------------------------------------------------------------- tests

    def of(self, when: When) -> Set:
        """The combinations for which this test holds."""
        return _READ[when.op](self, when)

    def parts(self, when: When) -> Iterable[Set]:
        """The sets of the tests below."""
        return (self.of(part) for part in when.parts)

    def has(self, when: When) -> Set:
        """At least so many of the codes are in the fact's set."""
        codes = [code for code in ANY_OF[when.name] if code in when.values or not when.values]
        return self.all.at_least(when.at_least, [self.all.where(when.name, code) for code in codes])

    def counted(self, when: When) -> Set:
        """At least so many indicators, elements or unknown answers."""
        if when.name == "elements":
            return self.all.at_least(when.at_least, list(self.elements.values()))
        if when.name == "unknown":
            return self.one("unknown", *(n for n in UNKNOWN_COUNTS if int(n) >= when.at_least))
        return self._counted(when)


def _text(value: str | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value


_READ: Mapping[str, Callable[[World, When], Set]] = {
    "all": lambda world, when: world.all.both(*world.parts(when)),
    "any": lambda world, when: world.all.either(world.parts(when)),
    "not": lambda world, when: world.all.without(world.of(when.parts[0])),
    "is": lambda world, when: world.one(when.name, *when.values),
    "has": lambda world, when: world.has(when),
    "element": lambda world, when: world.elements[when.name],
    "level": lambda world, when: world.all.either(world.levels.get(level, NONE) for level in when.values),
    "count": lambda world, when: world.counted(when),
    "always": lambda world, when: ALL,
}
