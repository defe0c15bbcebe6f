"""locales/languages.yaml → languages, or every problem in it. The file is opened by bot/book.py."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from bot.languages.model import SOURCE, Extent, Language
from flows.model import Problem
from flows.read import parse

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
NAME = "locales/languages.yaml"


class _Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    extent: Extent
    source: str
    checked_by: str = ""
    checked_on: str = ""
    agencies: dict[str, str] = {}
    hotlines: dict[str, str] = {}
    paid: str = ""


def read_languages(text: str) -> tuple[dict[str, Language], list[Problem]]:
    """The languages in the file's order, Vietnamese first, and what is wrong with them."""
    raw, problems = parse(NAME, text)
    if problems:
        return {}, problems
    try:
        read = msgspec.convert(raw, dict[str, _Language])
    except msgspec.ValidationError as error:
        return {}, [
            Problem(NAME, str(error), "keys are name, extent, source, checked_by, checked_on, agencies, hotlines")
        ]
    found = {key: Language(key, **msgspec.structs.asdict(one)) for key, one in read.items()}
    return found, [problem for key, one in found.items() for problem in _problems(key, one)] + _source(found)


def _source(found: Mapping[str, Language]) -> list[Problem]:
    first = next(iter(found), "")
    if first == SOURCE and found[SOURCE].extent == "source":
        return []
    return [Problem(NAME, f"does not begin with `{SOURCE}`, the source", "write it first, with `extent: source`")]


def _problems(key: str, one: Language) -> list[Problem]:
    where, found = f"{NAME} {key}", []
    if bool(one.checked_by) != bool(one.checked_on):
        found.append(
            Problem(where, "has only one of `checked_by` and `checked_on`", "write who read it and on which day")
        )
    if one.checked_on and not DAY.fullmatch(one.checked_on):
        found.append(Problem(where, f"`checked_on: {one.checked_on}` is no day", "write it like 2026-11-23"))
    if one.extent == "source" and key != SOURCE:
        found.append(Problem(where, "is a second source", f"only {SOURCE} is the source"))
    return found
