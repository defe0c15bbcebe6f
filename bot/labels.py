"""Coded answers → the words that were on the page, for officers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.book import Book
from flows.model import SKIPPED, Answer, Step

OWN_WORDS: Mapping[str, str] = {"story": "Lời viết đầu tiên", "contact": "Cách liên lạc"}
"""Names of texts that no question asked for, or whose question is too long for a heading."""
HIDDEN = frozenset(
    "safety watched_way door story code code_found language danger_after after person_way tip_quick tip_review".split()
)
"""Answers that only steered the conversation: they say nothing about the matter."""


def coded_answers(book: Book, answers: Mapping[str, Answer]) -> list[tuple[str, str]]:
    """(question, answer in words) in the order they were given; what only steered the conversation is left out."""
    questions = _questions(book)
    return [
        (_question(questions.get(slot), slot), _in_words(book, questions.get(slot), answer))
        for slot, answer in answers.items()
        if slot not in HIDDEN
    ]


def text_name(book: Book, slot: str) -> str:
    """What a free text answers, as a short heading."""
    return OWN_WORDS.get(slot) or _question(_questions(book).get(slot), slot)


def _questions(book: Book) -> dict[str, Step]:
    """The first step that asks for each slot."""
    found: dict[str, Step] = {}
    for step in _steps(book):
        if step.remember:
            found.setdefault(step.remember, step)
    return found


def _steps(book: Book) -> Iterator[Step]:
    for flow in book.flows.flows.values():
        yield from flow.steps.values()


def _question(step: Step | None, slot: str) -> str:
    if step is None:
        return slot
    return step.review or (step.say[-1] if step.say else slot)


def _in_words(book: Book, step: Step | None, answer: Answer) -> str:
    ids = answer if isinstance(answer, tuple) else (answer,)
    labels = {choice.id: choice.label for choice in step.choices} if step else {}
    names = {route: name[0] for route, name in book.referral.route_names.items()} | {SKIPPED: "Bỏ qua", "none": "Không"}
    return ", ".join(labels.get(one) or names.get(one) or one for one in ids)
