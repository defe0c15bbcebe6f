"""All flows together with their machines, the ways and sentences of everywhere, and the word lists: built once at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flows.hear.lexicon import Lexicon, Node
from flows.machine import FlowMachine
from flows.model import Choice, Everywhere, FlowDef, Step
from flows.place import not_slot, unit_slot

FIRST = "hello"
"""The flow that everyone meets first."""


@dataclass(frozen=True, slots=True)
class FlowBook:
    """What the engine needs to know. `step` and `way` answer by name; both raise KeyError on a name `flows.check` let through."""

    flows: Mapping[str, FlowDef]
    machines: Mapping[str, FlowMachine]
    everywhere: Everywhere
    lexicon: Lexicon
    told: Lexicon
    """What a first message may answer (flows/hear/told.py)."""

    def step(self, place: str) -> Step:
        """The step at `flow.step`."""
        flow, _, step = place.partition(".")
        return self.flows[flow].steps[step]

    def way(self, name: str) -> Choice:
        """The way (back, skip, person, language, stop, danger) with its label."""
        return next(way for way in self.everywhere.ways if way.id == name)


def build(
    flows: Mapping[str, FlowDef], everywhere: Everywhere, lexicon: Lexicon, told: Lexicon | None = None
) -> FlowBook:
    """The book, with one machine a flow. Without `told` a first message answers nothing but places, times and numbers."""
    machines = {name: FlowMachine(flow) for name, flow in flows.items()}
    return FlowBook(flows, machines, everywhere, lexicon, told or replace(lexicon, phrases=Node()))


def free_text_slots(book: FlowBook) -> frozenset[str]:
    """The answers that are in the person's own words, and the places confirmed of them: they are content, never codes."""
    steps = [step for flow in book.flows.values() for step in flow.steps.values()]
    places = (kept(step.place) for step in steps if step.place for kept in (unit_slot, not_slot))
    taken_out = (step.remember for step in steps if step.choices_from == "clues")
    return frozenset({"story", *places, *taken_out, *(step.remember for step in steps if step.ask in {"text", "code"})})
