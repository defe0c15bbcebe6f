"""Received = stored = notified = acknowledged = exported, and the difference by id. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from referral.model import Referral

STEPS = ("received", "stored", "notified", "acknowledged", "exported")
"""What must happen to every intake, in order."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An intake that did not come through every step, and the steps it is missing from."""

    id: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How many intakes each step counts, and every intake that some step lacks, by id."""

    counts: Mapping[str, int]
    differences: tuple[Difference, ...]

    def missing(self, step: str) -> tuple[str, ...]:
        """The ids that this step lacks."""
        return tuple(one.id for one in self.differences if step in one.missing)


def reconcile(
    received: Iterable[str],
    stored: Iterable[str],
    notified: Iterable[str],
    acknowledged: Iterable[str],
    exported: Iterable[str],
) -> Reconciliation:
    """Hold five lists of intake ids against one another. Whatever one of them knows, all of them must."""
    known = {
        step: frozenset(ids)
        for step, ids in zip(STEPS, (received, stored, notified, acknowledged, exported), strict=True)
    }
    missing = {
        one: tuple(step for step in STEPS if one not in known[step])
        for one in sorted(frozenset().union(*known.values()))
    }
    return Reconciliation(
        {step: len(known[step]) for step in STEPS},
        tuple(Difference(one, steps) for one, steps in missing.items() if steps),
    )


def told(referrals: Iterable[Referral], notified: Iterable[str]) -> frozenset[str]:
    """The intakes of which every agency was notified. `notified` are the referrals of which a notice went out.

    An intake without any referral is not among them: nobody was told, and that is what reconciling is for.
    """
    went_out = frozenset(notified)
    return _whole(referrals, lambda one: one.id in went_out)


def taken(referrals: Iterable[Referral]) -> frozenset[str]:
    """The intakes of which every agency has acknowledged its referral."""
    return _whole(referrals, lambda one: one.acknowledged_at is not None)


def _whole(referrals: Iterable[Referral], is_done: Callable[[Referral], bool]) -> frozenset[str]:
    """The intakes all of whose referrals are done. A withdrawn one asks nothing of anybody any more."""
    ended: dict[str, bool] = {}
    for one in referrals:
        ended[one.intake] = ended.get(one.intake, True) and (one.state == "withdrawn" or is_done(one))
    return frozenset(intake for intake, done in ended.items() if done)
