"""The two files of the drawings → `Pictures`, and everything wrong with them. Pure: the texts are handed in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.pictures.model import EVERYWHERE, Pictures
from flows.book import FlowBook
from flows.model import Problem

DRAWINGS, CHOICES = "bot/pictures/drawings.svg", "bot/pictures/choices.tsv"
HEAVIEST = 400
"""Bytes of one drawing: a page holds up to twenty, and travels over 40 kbit/s."""
_GROUP = re.compile(r'^<g id="([a-z_]+)">(.*)</g>$', re.MULTILINE)
_SHAPES = re.compile(r'(?:<path d="[MLHVCSQTAZmlhvcsqtaz0-9 .,-]+"/>|<circle cx="[0-9.]+" cy="[0-9.]+" r="[0-9.]+"/>)+')


def read_pictures(drawings: str, choices: str) -> tuple[Pictures, list[Problem]]:
    """The drawings and the table. A line that cannot be read is a problem, and left out."""
    problems: list[Problem] = []
    drawn: dict[str, str] = {}
    for name, shapes in _GROUP.findall(drawings):
        if name in drawn or not _SHAPES.fullmatch(shapes) or len(shapes) > HEAVIEST:
            remedy = f"once each, paths and circles only, at most {HEAVIEST} bytes, on one line"
            problems.append(Problem(f"{DRAWINGS} {name}", "is no drawing that can be shown", remedy))
            continue
        drawn[name] = shapes
    chosen: dict[str, str] = {}
    for number, line in enumerate(choices.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        choice, tab, name = line.partition("\t")
        if not tab or choice in chosen:
            remedy = "a choice once, a tab, the name of a drawing"
            problems.append(Problem(f"{CHOICES} line {number}", "cannot be read or repeats a choice", remedy))
            continue
        chosen[choice] = name.strip()
    return Pictures(drawn, chosen), problems


def picture_problems(pictures: Pictures, flows: FlowBook) -> Iterator[Problem]:
    """A drawing or a choice that does not exist, and drawings that no choice has."""
    choices = set(_choices(flows))
    for choice, name in pictures.chosen.items():
        if name not in pictures.drawn:
            yield Problem(f"{CHOICES} {choice}", f"names the drawing {name!r}, which does not exist", f"see {DRAWINGS}")
        if choice not in choices:
            yield Problem(f"{CHOICES} {choice}", "is no choice of any question", "write `flow.step.id`, or `*.id`")
    for name in sorted(pictures.drawn.keys() - set(pictures.chosen.values())):
        yield Problem(f"{DRAWINGS} {name}", "stands beside no choice", f"name it in {CHOICES}, or take it out")


def _choices(flows: FlowBook) -> Iterator[str]:
    for flow in flows.flows.values():
        for step in flow.steps.values():
            for choice in step.choices:
                yield f"{flow.id}.{step.id}.{choice.id}"
                yield f"{EVERYWHERE}.{choice.id}"
    yield from (f"{EVERYWHERE}.{way.id}" for way in flows.everywhere.ways)
