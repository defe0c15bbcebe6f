"""YAML text → flows. Every scalar is read as text; unknown and duplicate keys are refused; all problems at once.

The only module of `flows/` (beside `flows/hear/read.py`) that knows YAML. Files are opened by the shell (bot/book.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec
import yaml

from flows.model import Asking, Choice, Condition, Decoy, Everywhere, FlowDef, Next, Problem, Step

DO_WORDS = frozenset(
    {"alert", "refer", "append", "lookup", "human", "quiet", "aloud", "erase", "clear", "locale", "right", "matters"}
)
PLACEHOLDERS = frozenset(
    {"receipt", "summary", "status", "sent_to", "numbers", "rights", "ways", "place", "unit", "before", "heard"}
)
CHOICE_SOURCES = frozenset({"consent", "answered", "clues", "heard", "languages"})
INTAKES = frozenset({"tip", "missing", "support", "info", "person"})
MEDIA = ("photo", "voice", "video", "document", "location", "contact", "sticker")


class StrictLoader(yaml.CBaseLoader):
    """Reads every scalar as text (`0111` stays `0111`, `no` stays `no`) and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"key `{key.value}` is given twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return cast("dict[Any, Any]", super().construct_mapping(node, deep=deep))


class _Step(msgspec.Struct, forbid_unknown_fields=True):
    say: str | list[str] = ""
    quiet_say: str | list[str] = ""
    ask: str = ""
    choices: dict[str, str] = {}
    choices_from: str = ""
    alone: list[str] = []
    remember: str = ""
    place: str = ""
    review: str = ""
    accepts: list[str] = []
    do: list[str] = []
    next: str | list[dict[str, Any]] = ""
    pass_if: dict[str, Any] | None = None
    skippable: str = "yes"
    sensitive: str = "no"
    end: str = "no"


class _Flow(msgspec.Struct, forbid_unknown_fields=True):
    flow: str
    version: str
    start: str
    steps: dict[str, Any]
    intake: str = ""
    moved: dict[str, str] = {}


class _Decoy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    say: str = ""
    to: tuple[str, ...] = ()


class _Everywhere(msgspec.Struct, forbid_unknown_fields=True):
    ways: dict[str, str]
    goes: dict[str, str]
    sentences: dict[str, str]
    quiet_labels: dict[str, str] = {}
    decoy: _Decoy = _Decoy()


def parse(name: str, text: str) -> tuple[Any, list[Problem]]:
    """The file as dicts, lists and texts, or the one problem that keeps it from being read."""
    try:
        return yaml.load(text, Loader=StrictLoader), []  # noqa: S506 - a BaseLoader builds nothing but text, lists and dicts
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        return None, [Problem(where, getattr(error, "problem", None) or "not YAML", "correct the line")]


def read_flow(name: str, text: str) -> tuple[FlowDef | None, list[Problem]]:
    """One flow file → FlowDef, or every problem found in it. `name` is the file's name and stands in the problems."""
    raw, problems = parse(name, text)
    if problems:
        return None, problems
    try:
        flow = msgspec.convert(raw, _Flow)
    except msgspec.ValidationError as error:
        return None, [Problem(name, str(error), "keys are flow, version, start, intake, moved, steps")]
    steps: dict[str, Step] = {}
    for step_id, body in flow.steps.items():
        step, wrong = _read_step(f"{name} {step_id}", flow.flow, step_id, body)
        problems += wrong
        if step is not None:
            steps[step_id] = step
    problems += _flow_problems(name, flow)
    if problems:
        return None, problems
    moved = {old: _full(flow.flow, new) for old, new in flow.moved.items()}
    return FlowDef(flow.flow, flow.version, _full(flow.flow, flow.start), steps, flow.intake, moved), []


def _flow_problems(name: str, flow: _Flow) -> list[Problem]:
    """What is wrong with the file as a whole, beside its steps."""
    file = name.rpartition("/")[2].removesuffix(".yaml")
    found = []
    if flow.flow != file:
        found.append(Problem(name, f"`flow: {flow.flow}` is not the file's name", f"write `flow: {file}`"))
    if flow.start not in flow.steps:
        found.append(Problem(name, f"`start: {flow.start}` is no step", "name one of its steps"))
    if flow.intake and flow.intake not in INTAKES:
        found.append(Problem(name, f"`intake: {flow.intake}` is not known", f"known are {', '.join(sorted(INTAKES))}"))
    return found


def read_everywhere(name: str, text: str) -> tuple[Everywhere | None, list[Problem]]:
    """The file of ways and fixed sentences → Everywhere, or its problems."""
    raw, problems = parse(name, text)
    if problems:
        return None, problems
    try:
        found = msgspec.convert(raw, _Everywhere)
    except msgspec.ValidationError as error:
        return None, [Problem(name, str(error), "keys are ways, goes, quiet_labels, sentences, decoy")]
    ways = tuple(Choice(key, label, f"everywhere.{key}") for key, label in found.ways.items())
    decoy = Decoy(found.decoy.say.strip(), found.decoy.to)
    return Everywhere(ways, found.goes, found.quiet_labels, found.sentences, decoy=decoy), []


def read_condition(raw: Mapping[str, Any]) -> Condition:
    """`{answer: slot, is: id}` and its relatives → Condition. Raises ValueError with a sentence for the author."""
    keys = frozenset(raw)
    if keys in ({"all"}, {"any"}):
        (op,) = keys
        return Condition(cast(Any, op), parts=tuple(read_condition(part) for part in raw[op]))
    if keys == {"not"}:
        return Condition("not", parts=(read_condition(raw["not"]),))
    if keys == {"answer", "is"}:
        return Condition("answer", str(raw["answer"]), (str(raw["is"]),))
    if keys == {"answer", "in"}:
        return Condition("answer", str(raw["answer"]), tuple(raw["in"]))
    if keys == {"answered"}:
        return Condition("answered", str(raw["answered"]))
    if len(keys) == 1 and keys <= {"level", "heard", "channel"}:
        (op,) = keys
        return Condition(cast(Any, op), values=tuple(raw[op]))
    raise ValueError(f"a condition is not made of {sorted(keys)}")


def _read_step(where: str, flow: str, step_id: str, body: Any) -> tuple[Step | None, list[Problem]]:
    try:
        raw = msgspec.convert(body, _Step)
        step = Step(
            id=step_id,
            say=_texts(raw.say),
            quiet_say=_texts(raw.quiet_say),
            ask=_asking(raw),
            choices=tuple(Choice(key, label, f"{flow}.{step_id}.{key}") for key, label in raw.choices.items()),
            choices_from=_one_of(raw.choices_from, CHOICE_SOURCES, "choices_from"),
            alone=tuple(raw.alone),
            remember=raw.remember,
            place=raw.place,
            review=raw.review,
            accepts=tuple(_one_of(kind, frozenset(MEDIA), "accepts") for kind in raw.accepts),
            do=tuple(_one_of(word, DO_WORDS, "do") for word in raw.do),
            next=_nexts(flow, raw.next),
            pass_if=read_condition(raw.pass_if) if raw.pass_if else None,
            skippable=_yes(raw.skippable),
            sensitive=_yes(raw.sensitive),
            end=_yes(raw.end),
        )
    except (msgspec.ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        return None, [Problem(where, str(error), "see docs/flows.md for the keys of a step")]
    return step, []


def _texts(raw: str | list[str]) -> tuple[str, ...]:
    if isinstance(raw, str):
        return (raw,) if raw else ()
    return tuple(raw)


def _asking(raw: _Step) -> Asking:
    word = raw.ask or ("choice" if raw.choices or raw.choices_from else "nothing")
    return cast(Asking, _one_of(word, frozenset({"choice", "many", "text", "code", "staff", "nothing"}), "ask"))


def _one_of(word: str, known: frozenset[str], key: str) -> str:
    if word and word not in known:
        raise ValueError(f"`{key}: {word}` is not known; known are {', '.join(sorted(known))}")
    return word


def _yes(word: str) -> bool:
    if word not in {"yes", "no"}:
        raise ValueError(f"`{word}` should be yes or no")
    return word == "yes"


def _nexts(flow: str, raw: str | list[dict[str, Any]]) -> tuple[Next, ...]:
    if isinstance(raw, str):
        return (Next(_full(flow, raw)),) if raw else ()
    return tuple(_next(flow, item) for item in raw)


def _next(flow: str, item: dict[str, Any]) -> Next:
    if not {"go"} <= set(item) <= {"if", "go"}:
        raise ValueError("an item of `next` has `go` and perhaps `if`")
    return Next(_full(flow, item["go"]), read_condition(item["if"]) if "if" in item else None)


def _full(flow: str, go: str) -> str:
    return go if go == "back" or "." in go else f"{flow}.{go}"
