"""What stands in the first words is shown back, and only what the person says yes to is an answer. Touches nothing.

What was understood is handed in (`Given.told`); this is how it is offered and taken. What is not confirmed is asked as ever.
"""

from __future__ import annotations

from collections.abc import Iterator

from flows.book import FlowBook
from flows.hear.told import answers_of
from flows.model import Answer, Problem
from flows.place import unit_slot
from flows.walk import HEARD, UnderWay

ALL = "all"
"""The choice that everything shown is right."""


def taken(now: UnderWay, picked: tuple[str, ...]) -> UnderWay:
    """With the answers that were confirmed. What was confirmed before, and is shown once more, is what is picked now."""
    understood = now.given.told(now.talk)
    right = [slot for slot in understood if slot in picked or ALL in picked]
    shown = {name for slot, brought in understood.items() for name in (*brought, unit_slot(slot))}
    earlier = tuple(slot for slot in now.talk.told if slot not in shown)  # of another flow, or shown no more
    before = shown & set(now.talk.told) | {unit_slot(slot) for slot in now.talk.told if slot in shown}
    answers: dict[str, Answer] = {name: one for name, one in now.talk.answers.items() if name not in before}
    for slot in right:
        answers |= understood[slot]
    return now.keep(answers=answers, told=(*earlier, *(name for slot in right for name in understood[slot])))


def unasked(book: FlowBook) -> Iterator[Problem]:
    """Answers that a first message is said to give, and that no question of a flow with such a list offers."""
    offered = {
        (step.remember, choice.id)
        for flow in book.flows.values()
        if any(step.choices_from == HEARD for step in flow.steps.values())
        for step in flow.steps.values()
        if step.review and not step.sensitive
        for choice in step.choices
    }
    for question, answer in sorted(answers_of(book.told) - offered):
        yield Problem(
            f"flows/hear/told {question}.{answer}", "is the answer to no question", "name a question and a choice of it"
        )
