"""JSON lines in, JSON lines out, in order, flushed line by line; a bad line answers with its error and the rest goes on."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TextIO

Line = Mapping[str, Any]


class BadLine(ValueError):
    """A line that cannot be answered: names the field and what it should be."""


async def serve(lines: Iterable[str], out: TextIO, answer: Callable[[Line], Line | Awaitable[Line]]) -> int:
    """Answer every line; 0 if all were valid, else 1. Blank lines are passed over."""
    status = 0
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            answered = answer(parse(text))
            reply: Line = await answered if inspect.isawaitable(answered) else answered
        except BadLine as error:
            reply, status = {"error": str(error), "line": number}, 1
        out.write(json.dumps(reply, ensure_ascii=False, separators=(", ", ": ")) + "\n")
        out.flush()
    return status


def parse(text: str) -> Line:
    """One line as an object. Raises BadLine; a key given twice is an error like any other."""
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise BadLine(f"the line should be one JSON object; {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise BadLine("the line is nested too deeply") from None
    if not isinstance(found, dict):
        raise BadLine("the line should be one JSON object")
    if not _is_whole(found):
        raise BadLine("the line holds half a character (a lone surrogate); write it whole")
    return found


def _is_whole(found: Any) -> bool:
    """True when every text can be written down: `\\ud800` alone is valid JSON and no character."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def only(line: Line, known: Iterable[str], where: str = "") -> None:
    """Refuse fields that nobody reads."""
    strange = sorted(set(line) - set(known))
    if strange:
        raise BadLine(f"{where}{strange[0]} is not a field; known are {', '.join(sorted(known))}")


def text(line: Line, field: str, *, required: bool = False) -> str:
    """A text field; left out or null is empty."""
    value = line.get(field)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise BadLine(f"{field} should be a text")
    return value


def one_of(line: Line, field: str, known: Iterable[str], default: str, where: str = "") -> str:
    """A coded field; left out or null is `default`."""
    value = line.get(field)
    if value is None:
        return default
    if not isinstance(value, str) or value not in tuple(known):
        raise BadLine(f"{where}{field} should be one of {', '.join(known)}")
    return value


def several(line: Line, field: str, known: Iterable[str]) -> frozenset[str]:
    """A list of codes; left out or null is none."""
    value = line.get(field)
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(one, str) and one in tuple(known) for one in value):
        raise BadLine(f"{field} should be a list of {', '.join(known)}")
    return frozenset(value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadLine(f"{twice} is given twice")
    return found
