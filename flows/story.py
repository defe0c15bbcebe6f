"""What stands in the first words is shown back, and only what the person says yes to is an answer. Touches nothing.

What was understood is handed in (`Given.told`); this is how it is offered and taken. What is not confirmed is asked as ever.
"""

from __future__ import annotations

from flows.model import Answer
from flows.place import unit_slot
from flows.walk import UnderWay

ALL = "all"
"""The choice that everything shown is right."""


def taken(now: UnderWay, picked: tuple[str, ...]) -> UnderWay:
    """With the answers that were confirmed. What was confirmed before, and is shown once more, is what is picked now."""
    understood = now.given.told(now.talk)
    right = [slot for slot in understood if slot in picked or ALL in picked]
    before = {kept for slot in now.talk.told for kept in (slot, unit_slot(slot))}
    answers: dict[str, Answer] = {name: one for name, one in now.talk.answers.items() if name not in before}
    for slot in right:
        answers |= understood[slot]
    return now.keep(answers=answers, told=tuple(right))
