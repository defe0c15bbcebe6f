"""The table at the end: what was done to the service, what it answered for, what was lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.chaos.invariants import INVARIANTS, Seen, Stored, losses, repeats


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one database's people."""

    acknowledged: int
    referrals: int
    repeats: int


@dataclass
class Tally:
    """Counts over any number of databases, each by a name of its own, the last look at it counting."""

    faults: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def check(self, name: str, stored: Stored, seen: Seen) -> dict[str, list[str]]:
        """Hold what is stored and seen to every invariant, and count it; what is wrong."""
        wrong = losses(stored, seen)
        self.lost.update({broken: len(lines) for broken, lines in wrong.items()})
        self.outcomes[name] = Outcome(len(seen.acknowledged), len(stored.referrals), repeats(seen))
        return wrong

    def plain(self) -> dict[str, dict[str, Any]]:
        """All of it in numbers and names, as one process hands it to another."""
        outcomes = {name: [one.acknowledged, one.referrals, one.repeats] for name, one in self.outcomes.items()}
        return {"faults": dict(self.faults), "lost": dict(self.lost), "outcomes": outcomes}

    def add(self, plain: dict[str, dict[str, Any]]) -> None:
        """Count what another process counted."""
        self.faults.update(plain["faults"])
        self.lost.update(plain["lost"])
        self.outcomes.update({name: Outcome(*numbers) for name, numbers in plain["outcomes"].items()})

    def table(self) -> str:
        """Everything counted, for people to read."""
        rows = [("faults", ""), *_counted(self.faults), ("", "")]
        found = self.outcomes.values()
        came = {
            "databases held to the invariants": len(found),
            "turns answered with 200": sum(one.acknowledged for one in found),
            "referrals": sum(one.referrals for one in found),
            "replies that came again (allowed)": sum(one.repeats for one in found),
        }
        rows += [("what came of it", ""), *_counted(came)]
        rows += [("", ""), ("losses", ""), *_counted({name: self.lost[name] for name in INVARIANTS})]
        rows += [("  all", f"{sum(self.lost.values()):,}")]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {count:>8}".rstrip() for name, count in rows)


def _counted(counts: dict[str, int] | Counter[str]) -> list[tuple[str, str]]:
    return [(f"  {name}", f"{count:,}") for name, count in counts.items()]


TALLY = pytest.StashKey[Tally]()
"""Where a run of the tests keeps its one tally."""
