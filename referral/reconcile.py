"""Received = stored = notified = acknowledged = exported, and the difference by id. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from referral.model import Referral

STEPS = ("received", "stored", "notified", "acknowledged", "exported")
"""What must happen to every intake, in order."""

Reach = Literal["waiting", "handed", "reached", "taken"]
"""How far a referral came: not handed over; handed over (it stands on its office's page); a phone of the office took the
notice or an officer of it opened the case; acknowledged."""

Cause = Literal["not_logged", "not_stored", "not_exported", "no_referral", "not_handed", "not_reached", "not_taken"]
"""Why an intake has a difference. `not_reached`: handed over, and no phone took the notice, and nobody opened it."""


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


def told(referrals: Iterable[Referral], notices: Collection[str]) -> frozenset[str]:
    """The intakes of which every agency was notified: each referral was handed over and has reached somebody.

    `notices` are the referrals of which an officer's phone took a notice. An intake without any referral is not among the
    notified: nobody was told, and that is what reconciling is for.
    """
    return _whole(referrals, lambda one: reach(one, notices) in ("reached", "taken"))


def taken(referrals: Iterable[Referral]) -> frozenset[str]:
    """The intakes of which every agency has acknowledged its referral."""
    return _whole(referrals, lambda one: reach(one, ()) == "taken")


def reach(referral: Referral, notices: Collection[str]) -> Reach:
    """How far a referral came. Who acknowledges has been notified, whichever way."""
    if referral.acknowledged_at is not None:
        return "taken"
    if referral.sent_at is None:
        return "waiting"
    return "reached" if referral.delivered_at is not None or referral.id in notices else "handed"


def causes(
    compared: Reconciliation, referrals: Iterable[Referral], notices: Collection[str]
) -> Mapping[str, Mapping[Cause, tuple[str, ...]]]:
    """For every intake with a difference why it has one, and the codes of the referrals in question. Never none."""
    of_intake: dict[str, list[Referral]] = {}
    for one in referrals:
        of_intake.setdefault(one.intake, []).append(one)
    return {one.id: _causes(one, of_intake.get(one.id, ()), notices) for one in compared.differences}


# -------------------------------------------------------------------------------------------------------------- parts

_LOST: Mapping[str, Cause] = {"received": "not_logged", "stored": "not_stored", "exported": "not_exported"}
_STOPPED: Mapping[Reach, Cause] = {"waiting": "not_handed", "handed": "not_reached", "reached": "not_taken"}


def _causes(
    difference: Difference, referrals: Sequence[Referral], notices: Collection[str]
) -> Mapping[Cause, tuple[str, ...]]:
    found: dict[Cause, tuple[str, ...]] = {_LOST[step]: () for step in difference.missing if step in _LOST}
    if not referrals and "stored" not in difference.missing:
        found["no_referral"] = ()
    for reached, cause in _STOPPED.items():
        codes = tuple(one.code for one in referrals if one.state != "withdrawn" and reach(one, notices) == reached)
        if codes:
            found[cause] = codes
    return found


def _whole(referrals: Iterable[Referral], is_done: Callable[[Referral], bool]) -> frozenset[str]:
    """The intakes all of whose referrals are done. A withdrawn one asks nothing of anybody any more."""
    ended: dict[str, bool] = {}
    for one in referrals:
        ended[one.intake] = ended.get(one.intake, True) and (one.state == "withdrawn" or is_done(one))
    return frozenset(intake for intake, done in ended.items() if done)
