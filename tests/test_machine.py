"""What we rely on in transitions and its documents do not promise: one shared machine a flow, triggered on a throw-away probe.

Whoever raises the version of the package reads these first (docs/decisions/0001-dependencies.md).
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from transitions import MachineError

import flows.machine
from bot.book import Book
from flows.machine import FlowMachine, FlowStuck
from flows.model import Condition, Conversation, FlowDef, Next, Step

YES = Condition("answer", "seen", ("yes",))
LEVEL = Condition("level", values=("L3", "L4"))


def flow(*ways: Next, **steps: Step) -> FlowDef:
    first = Step("first", say=("?",), ask="choice", remember="seen", next=ways)
    return FlowDef("small", "1", "small.first", {"first": first, "over": Step("over", end=True), **steps})


def move(flow: FlowDef, level: str = "L0", step: str = "first", **answers: str) -> str:
    return FlowMachine(flow).move(Conversation(id="x", answers=answers), step, lambda talk: level)


def test_the_first_way_whose_condition_holds_is_taken_in_the_order_of_the_file() -> None:
    two = flow(Next("small.over", YES), Next("back", YES), Next("small.first"))
    assert move(two, seen="yes") == "small.over"
    assert move(flow(Next("back", YES), Next("small.over", YES)), seen="yes") == "back"
    assert move(two, seen="no") == "small.first"


def test_a_way_may_lead_into_another_flow() -> None:
    assert move(flow(Next("danger.now"))) == "danger.now"


def test_a_way_may_lead_to_its_own_step() -> None:
    assert move(flow(Next("small.first"))) == "small.first"


def test_the_level_is_asked_for_only_when_a_condition_needs_it() -> None:
    asked: list[Conversation] = []

    def level_of(talk: Conversation) -> str:
        asked.append(talk)
        return "L4"

    FlowMachine(flow(Next("small.over", YES), Next("back"))).move(Conversation(id="x"), "first", level_of)
    assert asked == []
    here = Conversation(id="x")
    assert FlowMachine(flow(Next("small.over", LEVEL), Next("back"))).move(here, "first", level_of) == "small.over"
    assert asked == [here]


def test_no_condition_holds_and_the_machine_says_where() -> None:
    with pytest.raises(FlowStuck, match=r"small.first: no `next` holds; add a last one without `if`"):
        move(flow(Next("small.over", YES)), seen="no")


def test_a_final_step_leads_nowhere() -> None:
    with pytest.raises(FlowStuck) as caught:
        move(flow(Next("small.over")), step="over")
    assert isinstance(caught.value.__cause__, MachineError)


def test_a_step_that_is_not_there_leads_nowhere() -> None:
    with pytest.raises(FlowStuck, match=r"small\.gone"):
        move(flow(Next("small.over")), step="gone")


def test_what_a_person_said_is_not_in_the_error() -> None:
    with pytest.raises(FlowStuck) as caught:
        move(flow(Next("small.over", YES)), seen="Lò Thị Hoa 0912345678")
    assert "Lò" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


def test_nothing_is_kept_after_two_thousand_moves(book: Book, probes: list[weakref.ref[Any]]) -> None:
    machine = book.flows.machines["hello"]
    talk = Conversation(id="x", flow="hello", answers={"door": "tip"})
    for _ in range(2000):
        assert machine.move(talk, "door", lambda talk: "L0") == "tip.heard"
    gc.collect()
    assert len(probes) == 2000
    assert [probe for probe in probes if probe() is not None] == []
    assert machine._machine.models == []


def test_moves_of_many_conversations_do_not_mix(book: Book) -> None:
    machine = book.flows.machines["hello"]
    doors = {"tip": "tip.heard", "missing": "missing.heard", "receipt": "receipt.code"}
    for _ in range(50):
        for door, place in doors.items():
            talk = Conversation(id=door, flow="hello", answers={"door": door})
            assert machine.move(talk, "door", lambda talk: "L0") == place


def test_every_step_of_every_flow_is_a_state_and_nothing_more_can_be_triggered(book: Book) -> None:
    for name, machine in book.flows.machines.items():
        states = set(machine._machine.states)
        assert {f"{name}.{step}" for step in book.flows.flows[name].steps} <= states
        assert set(machine._machine.events) <= {"move"}, "auto_transitions would let anything jump anywhere"


class Watched:
    """A probe that can be looked for after it should be gone."""

    __slots__ = ("__weakref__", "state")

    def __init__(self, state: str) -> None:
        self.state = state


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Any]]:
    made: list[weakref.ref[Any]] = []

    def probe(state: str) -> Watched:
        one = Watched(state)
        made.append(weakref.ref(one))
        return one

    monkeypatch.setattr(flows.machine, "_Probe", probe)
    return made
