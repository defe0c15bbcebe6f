"""FlowDef → one transitions machine. The only file that imports transitions.

One shared machine a flow, built at start, triggered on a throw-away probe: 13 µs a move and nothing retained, where
`add_model` per chat keeps every model for ever (docs/decisions/0001-dependencies.md). Not a documented use of the library, so
it is pinned and tests/test_machine.py holds it to what we need. Where a step's first way has no condition there is nothing to
ask it, and it is not asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transitions import EventData, Machine, MachineError

from flows.conditions import LevelOf, holds
from flows.model import Condition, Conversation, FlowDef

MOVE = "move"


class FlowStuck(Exception):
    """No way leads on from a step: an error in a flow that `flows.check` did not see. Holds the flow and step, nothing else."""

    def __init__(self, flow: str, step: str) -> None:
        super().__init__(f"{flow}.{step}: no `next` holds; add a last one without `if`")


class _Probe:
    """What the machine moves: only a state."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


class FlowMachine:
    """The moves of one flow. `move` answers where a conversation goes on from a step."""

    def __init__(self, flow: FlowDef) -> None:
        self.flow = flow.id
        here = [f"{flow.id}.{step}" for step in flow.steps]
        elsewhere = {way.go for step in flow.steps.values() for way in step.next} - set(here)
        self._machine = Machine(
            model=None, states=[*here, *sorted(elsewhere)], initial=flow.start, auto_transitions=False, send_event=True
        )
        self._only = {step.id: step.next[0].go for step in flow.steps.values() if step.next and not step.next[0].when}
        for step in flow.steps.values():
            for way in step.next:
                guard: list[Any] = [_guard(way.when)] if way.when else []
                self._machine.add_transition(MOVE, f"{flow.id}.{step.id}", way.go, conditions=guard)

    def move(self, conversation: Conversation, step: str, level_of: LevelOf) -> str:
        """Where the conversation goes on from `step` of this flow: `flow.step` or `back`. Raises FlowStuck."""
        if step in self._only:
            return self._only[step]
        probe = _Probe(f"{self.flow}.{step}")
        try:
            moved = self._machine.events[MOVE].trigger(probe, conversation=conversation, level_of=level_of)
        except (MachineError, KeyError, ValueError) as error:
            raise FlowStuck(self.flow, step) from error
        if not moved:
            raise FlowStuck(self.flow, step)
        return probe.state


def _guard(condition: Condition) -> Callable[[EventData], bool]:
    def guard(event: EventData) -> bool:
        given: dict[str, Any] = event.kwargs
        return holds(condition, given["conversation"], given["level_of"])

    return guard
