"""Babel extractor: every sentence of a flow file, with the context under which the engine looks it up.

Contexts are those of `flows.check.sentences`: `flow.step` for what is said, `flow.step.choice` for a button,
`flow.step.review` for the short name in the review list, `everywhere.name` and `everywhere.quiet.name`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import IO

from flows.model import Problem, Step
from flows.read import read_everywhere, read_flow

EVERYWHERE = "everywhere"
KEYWORD = "pgettext"
"""The gettext function whose arguments are (context, sentence)."""

USES = {
    "choice": "asks for one choice",
    "many": "asks for several choices",
    "text": "asks for a free answer",
    "code": "asks for a receipt code",
    "staff": "a human answers",
    "nothing": "only says",
}

Found = tuple[int, str, tuple[str, str], list[str]]
"""Line, keyword, (context, sentence), what a translator should know."""


class BrokenFlow(ValueError):
    """A flow file cannot be read, so none of its sentences reaches translators. Holds the problems."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def extract(
    fileobj: IO[bytes], keywords: Collection[str], comment_tags: Collection[str], options: Mapping[str, str]
) -> Iterator[Found]:
    """The sentences of one flow file, in its order. Raises BrokenFlow. Babel's other three arguments change nothing."""
    text = fileobj.read().decode("utf-8")
    name = str(getattr(fileobj, "name", "flow"))
    lines = _lines(text)
    found = _everywhere(name, text) if re.search(r"^ways:", text, re.MULTILINE) else _flow(name, text)
    for anchor, context, sentence, comment in found:
        yield lines.get(anchor, 1), KEYWORD, (context, sentence), [comment]


def _flow(name: str, text: str) -> Iterator[tuple[str, str, str, str]]:
    flow, problems = read_flow(name, text)
    if flow is None:
        raise BrokenFlow(problems)
    for step in flow.steps.values():
        place = f"{flow.id}.{step.id}"
        yield from ((step.id, context, sentence, comment) for context, sentence, comment in _step(place, step))


def _step(place: str, step: Step) -> Iterator[tuple[str, str, str]]:
    use = USES[step.ask]
    yield from ((place, text, f"{place}: {use}") for text in step.say)
    yield from ((place, text, f"{place}: {use}; neutral words, someone may be watching") for text in step.quiet_say)
    for choice in step.choices:
        yield choice.context, choice.label, f"{place}: button `{choice.id}`, at most 40 characters"
    if step.review:
        yield f"{place}.review", step.review, f"{place}: short name of the answer in the review list"


def _everywhere(name: str, text: str) -> Iterator[tuple[str, str, str, str]]:
    found, problems = read_everywhere(name, text)
    if found is None:
        raise BrokenFlow(problems)
    for way in found.ways:
        yield way.id, way.context, way.label, f"{EVERYWHERE}: button `{way.id}` at every step, at most 40 characters"
    for key, label in found.quiet_labels.items():
        yield key, f"{EVERYWHERE}.quiet.{key}", label, f"{EVERYWHERE}: neutral button `{key}`, someone may be watching"
    for key, sentence in found.sentences.items():
        yield key, f"{EVERYWHERE}.{key}", sentence, f"{EVERYWHERE}: sentence `{key}`"


def _lines(text: str) -> dict[str, int]:
    """Where each step, or each name of everywhere, begins: keys two spaces in, the first of a name counts."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        key = re.match(r'  "?(\w+)"?:', line)
        if key:
            lines.setdefault(key[1], number)
    return lines
