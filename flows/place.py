"""A place that was understood from somebody's words is theirs only once they have said so. Touches nothing.

Beside the answer to the question where (`slot`), in the person's words, stands which unit they confirmed (`slot_unit`): the
unit's id, `elsewhere`, `unsure` or a skip. A new answer to the question takes the confirmation of the old one away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from flows.model import Answer, Conversation, Step

ELSEWHERE, UNSURE = "elsewhere", "unsure"
_UNIT, _NOT = "_unit", "_not"


def unit_slot(slot: str) -> str:
    """Where the confirmed unit of a place in words is kept."""
    return slot + _UNIT


def not_slot(slot: str) -> str:
    """Where the units are kept that the person said it is not: nobody is asked about them twice (screening.md §8)."""
    return slot + _NOT


def confirms(step: Step) -> bool:
    """True for a question that asks nothing but whether a place was understood rightly."""
    return bool(step.place) and step.remember == unit_slot(step.place)


def without(answers: Mapping[str, Answer], slot: str) -> dict[str, Answer]:
    """The answers but this one, and but what was confirmed of it."""
    return {name: answer for name, answer in answers.items() if name not in (slot, unit_slot(slot))}


def not_there(talk: Conversation, slot: str, understood: Iterable[str]) -> Conversation:
    """The place is none of those understood: the words are kept as a note and no longer answer where."""
    words = talk.answers.get(slot, "")
    told = isinstance(words, str) and words and words not in talk.notes
    notes = (*talk.notes, words) if told and isinstance(words, str) else talk.notes
    ruled_out = tuple(dict.fromkeys((*talk.answers.get(not_slot(slot), ()), *understood)))
    answers = {**without(talk.answers, slot), unit_slot(slot): ELSEWHERE, not_slot(slot): ruled_out}
    return replace(talk, answers=answers, notes=notes)
