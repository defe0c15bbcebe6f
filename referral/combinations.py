"""Sets of combinations of answers, exactly, however many there are: ordered decision diagrams.

A set of combinations is a number. 0 is none of them, 1 is all of them; any other number stands for "look at one
question; if no, go on with this set; if yes, with that". Equal sets have equal numbers, because each triple (question,
no, yes) is stored once (Bryant, "Graph-based algorithms for Boolean function manipulation", 1986). So "is there any
combination in which the promise is broken?" is the question whether a number is 0, over all of them at once: nothing is
sampled and nothing is walked one by one. A fact without influence on a set does not occur in it at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Set = int
NONE: Set = 0
ALL: Set = 1


class Combinations:
    """Builds sets over named facts. The order in which facts are added is the order in which diagrams ask."""

    def __init__(self) -> None:
        self._names: list[tuple[str, str]] = []
        self._nodes: list[tuple[int, Set, Set]] = [(1 << 30, 0, 0), (1 << 30, 1, 1)]
        self._known: dict[tuple[int, Set, Set], Set] = {}
        self._choices: dict[tuple[Set, Set, Set], Set] = {}
        self._codes: dict[tuple[str, str], Set] = {}
        self._last: dict[str, str] = {}

    # -------------------------------------------------------------------------------------------------------- facts

    def one_of(self, name: str, codes: Sequence[str]) -> None:
        """A fact that holds exactly one of these codes: is it the first? else the second? … else it is the last."""
        before = ALL
        for code in codes[:-1]:
            yes = self._question(name, code)
            self._codes[name, code] = self.both(before, yes)
            before = self.both(before, self.without(yes))
        self._codes[name, codes[-1]] = before
        self._last[name] = codes[-1]

    def yes_or_no(self, name: str, code: str) -> Set:
        """One code that is in the fact's set or is not; free of all others."""
        self._codes[name, code] = self._question(name, code)
        return self._codes[name, code]

    def where(self, name: str, code: str) -> Set:
        """The combinations in which this fact has this code."""
        return self._codes[name, code]

    def _question(self, name: str, code: str) -> Set:
        self._names.append((name, code))
        return self._node(len(self._names) - 1, NONE, ALL)

    # --------------------------------------------------------------------------------------------------- set algebra

    def both(self, *sets: Set) -> Set:
        """In all of these sets."""
        found = ALL
        for one in sets:
            found = self._choose(found, one, NONE)
        return found

    def either(self, sets: Iterable[Set]) -> Set:
        """In at least one of these sets."""
        found = NONE
        for one in sets:
            found = self._choose(found, ALL, one)
        return found

    def without(self, one: Set) -> Set:
        """Everything that is not in this set."""
        return self._choose(one, NONE, ALL)

    def at_least(self, count: int, sets: Sequence[Set]) -> Set:
        """In at least `count` of these sets: from the last to the first, how many are still needed."""
        needed = [ALL] + [NONE] * count
        for one in reversed(sets):
            needed = [ALL] + [self._choose(one, needed[n - 1], needed[n]) for n in range(1, count + 1)]
        return needed[count]

    def given(self, one: Set, name: str, code: str, answer: bool) -> Set:
        """The set, once this question is answered so; it no longer depends on it."""
        question = self._names.index((name, code))
        return self._given(one, question, answer, {})

    def _given(self, one: Set, question: int, answer: bool, done: dict[Set, Set]) -> Set:
        asked, no, yes = self._nodes[one]
        if asked > question:
            return one
        if asked == question:
            return yes if answer else no
        if one not in done:
            done[one] = self._node(
                asked, self._given(no, question, answer, done), self._given(yes, question, answer, done)
            )
        return done[one]

    def _choose(self, test: Set, then: Set, other: Set) -> Set:
        """In `then` where `test` holds, else in `other`."""
        if test == ALL or then == other:
            return then
        if test == NONE:
            return other
        if then == ALL and other == NONE:
            return test
        key = (test, then, other)
        known = self._choices.get(key)
        if known is None:
            # Written out, not looped over three sets: this runs 200,000 times at every start.
            first, test_no, test_yes = self._nodes[test]
            second, then_no, then_yes = self._nodes[then]
            third, other_no, other_yes = self._nodes[other]
            asked = min(first, second, third)
            if first != asked:
                test_no = test_yes = test
            if second != asked:
                then_no = then_yes = then
            if third != asked:
                other_no = other_yes = other
            no = self._choose(test_no, then_no, other_no)
            known = self._node(asked, no, self._choose(test_yes, then_yes, other_yes))
            self._choices[key] = known
        return known

    def _node(self, question: int, no: Set, yes: Set) -> Set:
        if no == yes:
            return no
        key = (question, no, yes)
        number = self._known.setdefault(key, len(self._nodes))
        if number == len(self._nodes):
            self._nodes.append(key)
        return number

    # ----------------------------------------------------------------------------------------------------- one example

    def example(self, one: Set) -> Mapping[str, tuple[str, ...]]:
        """One combination of a set that is not empty, as few facts as possible: fact → its codes.

        Facts that hold one code and were not needed have the last one, which is "nobody answered".
        """
        found: dict[str, tuple[str, ...]] = {}
        while one > ALL:
            asked, no, yes = self._nodes[one]
            name, code = self._names[asked]
            if no == NONE:
                found[name] = (*found.get(name, ()), code)
            one = yes if no == NONE else no
        return {**{name: (code,) for name, code in self._last.items()}, **found}

    def contains(self, one: Set, codes: Mapping[str, frozenset[str]]) -> bool:
        """Is this combination (fact → its codes) in the set?"""
        while one > ALL:
            asked, no, yes = self._nodes[one]
            name, code = self._names[asked]
            one = yes if code in codes.get(name, frozenset()) else no
        return one == ALL

    def size(self) -> int:
        """How many different questions-with-continuations were needed: a measure of the work."""
        return len(self._nodes)
