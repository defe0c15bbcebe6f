"""What the engine wants shown → one finished `Message` in the person's language. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from bot.catalogues import Catalogues
from bot.channels.base import Button, Message
from flows.book import FlowBook
from flows.conditions import values_of
from flows.model import SKIPPED, Choice, Conversation, FlowDef, Line, Prompt, Step

HIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters and direction marks: https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters"""
PLACEHOLDER = re.compile(r"\{(\w+)\}")
SUMMARY_TEXT_MAX = 120
"""Code points of a free text shown back in the review list."""


TYPED = frozenset({"zalo_bot", "zalo_oa"})
"""Channels with no buttons, or too few: there a question also says how to answer it in words (channels.md §1.1, §1.2)."""


def render(
    prompt: Prompt,
    locale: str,
    catalogues: Catalogues,
    values: Mapping[str, str],
    by_hand: Mapping[str, str] | None = None,
) -> Message:
    """The message for a prompt: lines translated whole, then filled; buttons carry the prompt's number.

    `by_hand`: the fixed sentences, where answers are typed.
    """
    texts = tuple(fill(catalogues.translate(locale, line.context, line.text), values) for line in prompt.lines)
    buttons = [_button(prompt, choice, locale, catalogues, "answer") for choice in prompt.choices]
    buttons += [_button(prompt, way, locale, catalogues, "way") for way in prompt.ways]
    return Message(
        texts=tuple(text for text in texts if text.strip()),
        buttons=tuple(buttons),
        quiet=prompt.quiet,
        many=prompt.ask == "many",
        free_text=prompt.ask in {"text", "code"},
        step=prompt.context,
        typed=_typed(prompt, buttons, locale, catalogues, by_hand) if by_hand else "",
    )


def _typed(
    prompt: Prompt, buttons: list[Button], locale: str, catalogues: Catalogues, sentences: Mapping[str, str]
) -> str:
    """How to answer without buttons, in one or two sentences: the number, and the words that work here."""
    said = []
    if prompt.ask in {"choice", "many"}:
        said.append("choose_numbers" if prompt.ask == "many" else "choose_by_number")
    # What else is offered to somebody who writes (that they have sent all their photos) is said in words like a way.
    words = [
        one.label.removeprefix("‹ ") for one in buttons if one.role != "answer" or prompt.ask not in {"choice", "many"}
    ]
    if words:
        said.append("or_words" if said else "write_or_words")
    lines = (catalogues.translate(locale, f"everywhere.{name}", sentences[name]) for name in said)
    return "\n".join(fill(line, {"ways": ", ".join(words)}) for line in lines)


def doubted(
    prompt: Prompt | None, before: Conversation, now: Conversation, catalogues: Catalogues, sentence: str
) -> Prompt | None:
    """A translation that no native speaker has read says so, once when a conversation begins or goes over to that language."""
    is_new = not before.flow or before.locale != now.locale
    if prompt is None or not is_new or now.quiet or not catalogues.says_unchecked(now.locale):
        return prompt
    *first, last = prompt.lines
    return replace(prompt, lines=(*first, Line(sentence, "everywhere.translated"), last))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Placeholders filled in one pass, so that braces in what a person wrote stay what they are."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text) if values else text


def _button(prompt: Prompt, choice: Choice, locale: str, catalogues: Catalogues, role: str) -> Button:
    label = catalogues.label(locale, choice.context, choice.label) if choice.context else choice.label
    return Button(
        data=f"p{prompt.number}:{choice.id}",
        label=label,
        role="danger" if choice.id == "danger" and role == "way" else "answer" if role == "answer" else "way",
        id=choice.id,
        picked=choice.id in prompt.picked,
    )


def summary(
    book: FlowBook, conversation: Conversation, catalogues: Catalogues, found: Mapping[str, str] | None = None
) -> str:
    """The review list: one line an answered question, in the flow's order, free text shortened.

    `found`: what was found rather than answered, by the name under which it can be corrected.
    """
    flow = book.flows[conversation.flow]
    lines = (
        _found_line(flow, step, conversation.locale, catalogues, found[step.remember])
        if found and step.remember in found
        else _summary_line(book, flow, step, conversation, catalogues)
        for step in flow.steps.values()
        if step.review
    )
    return "\n".join(line for line in lines if line)


def _found_line(flow: FlowDef, step: Step, locale: str, catalogues: Catalogues, shown: str) -> str:
    name = catalogues.translate(locale, f"{flow.id}.{step.id}.review", step.review)
    return f"– {name}: {HIDDEN.sub('', shown)}" if shown else ""


def _summary_line(book: FlowBook, flow: FlowDef, step: Step, conversation: Conversation, catalogues: Catalogues) -> str:
    answers = [value for value in values_of(conversation.answers, step.remember) if value != SKIPPED]
    if not answers:
        return ""
    locale = conversation.locale
    name = catalogues.translate(locale, f"{flow.id}.{step.id}.review", step.review)
    labels = {choice.id: catalogues.translate(locale, choice.context, choice.label) for choice in step.choices}
    labels |= {kind: _received(book, kind, locale, catalogues) for kind in step.accepts}
    shown = ", ".join(labels.get(answer, _shortened(answer)) for answer in answers)
    return f"– {name}: {shown}"


def _received(book: FlowBook, kind: str, locale: str, catalogues: Catalogues) -> str:
    """What is shown for an answer that was a photo, a voice message or a place."""
    sentence = book.everywhere.sentences[f"kept_{kind}"]
    return catalogues.translate(locale, f"everywhere.kept_{kind}", sentence).rstrip(".")


def _shortened(text: str) -> str:
    """One line of what a person wrote, without the characters that turn the rest of the list around."""
    one_line = " ".join(HIDDEN.sub("", text).split())
    return one_line if len(one_line) <= SUMMARY_TEXT_MAX else one_line[: SUMMARY_TEXT_MAX - 1] + "…"


def grouped(code: str) -> str:
    """A receipt as it is read aloud: four digits at a time."""
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))
