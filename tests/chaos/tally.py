"""The table at the end: what was done to the service, what it answered for, what was lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.invariants import INVARIANTS, Seen, Stored, losses, repeats


@dataclass
class Tally:
    """Counts over any number of services."""

    faults: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    referrals: int = 0
    repeats: int = 0
    checks: int = 0

    def check(self, stored: Stored, seen: Seen) -> dict[str, list[str]]:
        """Hold what is stored and seen to every invariant, and count it; what is wrong."""
        wrong = losses(stored, seen)
        self.lost.update({name: len(lines) for name, lines in wrong.items()})
        self.acknowledged += len(seen.acknowledged)
        self.referrals += len(stored.referrals)
        self.repeats += repeats(seen)
        self.checks += 1
        return wrong

    def table(self) -> str:
        """Everything counted, for people to read."""
        rows = [("faults", ""), *_counted(self.faults), ("", "")]
        rows += [("what came of it", ""), *_counted({"databases checked": self.checks})]
        rows += _counted({"turns answered with 200": self.acknowledged, "referrals": self.referrals})
        rows += _counted({"replies that came again (allowed)": self.repeats})
        rows += [("", ""), ("losses", ""), *_counted({name: self.lost[name] for name in INVARIANTS})]
        rows += [("  all", f"{sum(self.lost.values()):,}")]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {count:>8}".rstrip() for name, count in rows)


def _counted(counts: dict[str, int] | Counter[str]) -> list[tuple[str, str]]:
    return [(f"  {name}", f"{count:,}") for name, count in counts.items()]
