"""Correcting an answer that was given: which, and where one is asked again. Touches nothing."""

from __future__ import annotations

from flows.model import Turned
from flows.place import without
from flows.walk import UnderWay, answered_choices, ask, at, enter


def may_correct(now: UnderWay) -> bool:
    """Answers can be listed for correcting: there are some, and nobody reads over the shoulder (screening.md §6)."""
    return not now.talk.quiet and bool(_corrects(now)) and bool(answered_choices(now))


def _corrects(now: UnderWay) -> str:
    """The place of this flow where an answer is picked for correcting, or empty."""
    steps = now.book.flows[now.talk.flow].steps.values()
    return next((f"{now.talk.flow}.{step.id}" for step in steps if step.choices_from == "answered"), "")


def review(now: UnderWay) -> Turned:
    """ "Sửa" at any question: which answer? Then on from there to the question that stands."""
    return enter(now.keep(trail=(*now.talk.trail, now.place), picked=()), _corrects(now))


def correct(now: UnderWay, slot: str) -> Turned:
    """Ask once more what was answered under this name."""
    flow = now.book.flows[now.talk.flow]
    step = next(step for step in flow.steps.values() if step.remember == slot)
    # What is said anew is no longer what stood in the first words.
    told = tuple(name for name in now.talk.told if name != slot)
    changed = now.keep(answers=without(now.talk.answers, slot), told=told, correcting=True)
    return ask(at(changed, f"{flow.id}.{step.id}", say=True))
