"""FlowDef → Mermaid text, so that a reviewer can see a conversation at a glance (`python -m bot draw tip`)."""

from __future__ import annotations

from flows.model import Condition, FlowDef, Step


def mermaid(flow: FlowDef) -> str:
    """A Mermaid flowchart of one flow: questions as boxes, branches as diamonds, ends rounded, conditions on the arrows."""
    lines = ["flowchart TD"]
    lines += [f"  {_box(step)}" for step in flow.steps.values()]
    for step in flow.steps.values():
        lines += [f"  {step.id} {_arrow(way.when)} {way.go.removeprefix(flow.id + '.')}" for way in step.next]
    return "\n".join(lines) + "\n"


def _box(step: Step) -> str:
    text = (step.say[0] if step.say else step.id).replace('"', "'")[:60]
    if step.end:
        return f'{step.id}(["{text}"])'
    return f'{step.id}["{text}"]' if step.say else f'{step.id}{{"{text}"}}'


def _arrow(when: Condition | None) -> str:
    return "-->" if when is None else f'-->|"{words(when)}"|'


def words(condition: Condition) -> str:
    """A condition as a person would write it down."""
    match condition.op:
        case "all" | "any":
            return (" and " if condition.op == "all" else " or ").join(words(part) for part in condition.parts)
        case "not":
            return f"not ({words(condition.parts[0])})"
        case "answered":
            return f"{condition.name} answered"
        case "answer":
            return f"{condition.name} = {'/'.join(condition.values)}"
        case _:
            return f"{condition.op} {'/'.join(condition.values)}"
