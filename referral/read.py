"""Read the data files of referral/ from their texts into a ReferralBook. The one place here where YAML is known.

Every scalar is read as text (a telephone number stays one), a key that occurs twice or is not known is refused, and so
is every item without a source. All problems are returned at once; each names file, item and remedy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import yaml

from referral.book import (
    AgencyPeriod,
    Clock,
    ClockStep,
    Coding,
    Column,
    ExportPlan,
    GroundRule,
    Indicator,
    Instrument,
    KeepRule,
    LevelRule,
    NumberRule,
    Profile,
    ReferralBook,
    RoutingRule,
    Scoring,
    SuggestionRule,
)
from referral.model import Hotline, Office, Problem, Province, Source
from referral.plain import Unreadable, plain_coding, plain_when

Plain = Any  # what YAML gives: text, lists and mappings of it; it goes no further than this file and plain.py
T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class _Named:
    """A coded choice with its Vietnamese and English name."""

    id: str
    vi: str
    en: str
    source: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Stands:
    """The indicator that a coded means stands for, and its strength for an adult."""

    id: str
    indicator: str
    strength: str
    source: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Word:
    """A test with a name, so that it is written once."""

    id: str
    when: object
    meaning: str
    source: str


_LISTS: Mapping[str, type[Any]] = {
    "sources": Source,
    "indicators": Indicator,
    "means_strength": _Stands,
    "words": _Word,
    "levels": LevelRule,
    "routing": RoutingRule,
    "grounds": GroundRule,
    "numbers": NumberRule,
    "articles": SuggestionRule,
    "forms": SuggestionRule,
    "routes": _Named,
    "offices": Office,
    "hotlines": Hotline,
    "provinces": Province,
    "clocks": Clock,
    "exports": ExportPlan,
    "retention": KeepRule,
    "agency_periods": AgencyPeriod,
    "outcomes": _Named,
    "return_reasons": _Named,
    "classes": _Named,
}
"""Section of a file → what each of its items is."""

_INSTRUMENT = ("instrument", "version", "source", "profiles", "questions")
_NESTED: Mapping[str, type[Any]] = {"ladder": ClockStep, "columns": Column}
_KEYS = {"hotlines": "number", "provinces": "code"}


class _Twice(Exception):
    """A key occurs twice in one mapping of a file."""


class _TextLoader(yaml.CBaseLoader):
    """Every scalar is text; a repeated key is refused instead of silently winning."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise _Twice(f"the key `{key}` occurs twice (line {node.start_mark.line + 1} and below)")
        return super().construct_mapping(node, deep)


class _Reading:
    """What has been read so far: items by section in file order, instruments, and every problem met."""

    def __init__(self) -> None:
        self.items: dict[str, list[tuple[str, Mapping[str, Plain]]]] = {name: [] for name in _LISTS}
        self.single: dict[str, Plain] = {}
        self.instruments: list[tuple[str, Mapping[str, Plain]]] = []
        self.problems: list[Problem] = []

    def wrong(self, where: str, what: str, remedy: str) -> None:
        self.problems.append(Problem(where, what, remedy))


def read_book(texts: Mapping[str, str]) -> tuple[ReferralBook | None, list[Problem]]:
    """The book behind these texts (path inside referral/ → text), or None and every problem found."""
    reading = _Reading()
    for path in sorted(texts):
        _sections(reading, path, texts[path])
    for name, items in reading.items.items():
        if not items:
            reading.wrong("referral", f"no file has a section `{name}`", f"Write it; see docs for `{name}`.")
    read = {name: list(_section(reading, name)) for name in _LISTS}
    instruments = [_instrument(reading, path, plain) for path, plain in reading.instruments]
    scoring = _scoring(reading)
    if reading.problems or scoring is None:
        return None, reading.problems
    return _book(read, [found for found in instruments if found], scoring), []


# ------------------------------------------------------------------------------------------------- files and sections


def _sections(reading: _Reading, path: str, text: str) -> None:
    try:
        plain = yaml.load(text, Loader=_TextLoader)  # noqa: S506 - a BaseLoader makes text, lists and mappings only
    except _Twice as error:
        return reading.wrong(path, str(error), "Keep one of the two.")
    except yaml.YAMLError as error:
        return reading.wrong(
            path, f"this is not YAML: {' '.join(str(error).split())}", "Correct the indentation there."
        )
    if not isinstance(plain, dict):
        return reading.wrong(path, "the file has no sections", "Begin with a section, for example `routing:`.")
    if "instrument" in plain:
        return reading.instruments.append((path, plain))
    for name, items in plain.items():
        _keep(reading, path, name, items)
    return None


def _keep(reading: _Reading, path: str, name: str, items: Plain) -> None:
    if name == "scoring":
        reading.single[name] = (path, items)
    elif name not in _LISTS:
        reading.wrong(path, f"the section `{name}` is not known", f"Use one of {', '.join(_LISTS)}, scoring.")
    elif not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        reading.wrong(path, f"the section `{name}` is not a list of items", "Begin each item with a dash and its id.")
    else:
        reading.items[name].extend((path, item) for item in items)


def _section(reading: _Reading, name: str) -> Iterator[Any]:
    key = _KEYS.get(name, "id")
    seen: set[str] = set()
    words = {str(item.get("id")): item.get("when") for _, item in reading.items["words"]}
    for path, item in reading.items[name]:
        where = f"{path}, {name} {item.get(key, '(without ' + key + ')')}"
        if item.get(key) in seen:
            reading.wrong(where, f"this {key} is used twice", f"Give one of the two another {key}, or delete it.")
        seen.add(item.get(key, ""))
        found = _item(reading, where, _LISTS[name], item, words)
        if found is not None:
            yield found


# ------------------------------------------------------------------------------------------------------- single items


def _item(
    reading: _Reading, where: str, kind: type[T], item: Mapping[str, Plain], words: Mapping[str, Plain]
) -> T | None:
    before = len(reading.problems)
    _check_fields(reading, where, kind, item)
    plain = {field: value for field, value in item.items() if value != ""}
    if "when" in plain:
        plain["when"] = _try(reading, where, lambda: plain_when(plain["when"], words))
    if len(reading.problems) > before:
        return None
    return _converted(reading, where, kind, plain)


def _check_fields(reading: _Reading, where: str, kind: type[Any], item: Plain) -> None:
    if not isinstance(item, dict):
        return reading.wrong(where, "this is text where fields are expected", "Write `field: value` lines.")
    fields = {field.name for field in dataclasses.fields(kind)}
    for unknown in sorted(set(item) - fields):
        reading.wrong(where, f"the field `{unknown}` is not known", f"Use only {', '.join(sorted(fields))}.")
    if "source" in fields and not item.get("source"):
        reading.wrong(where, "it has no `source`", "Name the law, guideline or study by its id in sources.yaml.")
    for name, nested in _NESTED.items():
        parts = item.get(name, [])
        for part in parts if isinstance(parts, list) else []:
            _check_fields(reading, f"{where}, {name}", nested, part)
    return None


def _converted(reading: _Reading, where: str, kind: type[T], plain: Plain) -> T | None:
    try:
        return msgspec.convert(plain, kind, strict=False)
    except msgspec.ValidationError as error:
        reading.wrong(where, str(error), "Correct that field.")
        return None


def _try(reading: _Reading, where: str, make: Callable[[], T]) -> T | None:
    try:
        return make()
    except Unreadable as error:
        reading.wrong(where, error.what, error.remedy)
        return None


def _scoring(reading: _Reading) -> Scoring | None:
    if "scoring" not in reading.single:
        reading.wrong("referral", "no file has a section `scoring`", "Write it in instruments/indicators.yaml.")
        return None
    path, plain = reading.single["scoring"]
    return _item(reading, f"{path}, scoring", Scoring, plain, {})


# -------------------------------------------------------------------------------------------------------- instruments


def _instrument(reading: _Reading, path: str, plain: Mapping[str, Plain]) -> Instrument | None:
    before = len(reading.problems)
    for unknown in sorted(set(plain) - set(_INSTRUMENT)):
        reading.wrong(path, f"the field `{unknown}` is not known", f"Use only {', '.join(_INSTRUMENT)}.")
    profiles = [
        _item(reading, f"{path}, profile {item.get('id', '')}", Profile, item, {}) for item in plain.get("profiles", [])
    ]
    codings = [
        coding
        for name, question in plain.get("questions", {}).items()
        for coding in _codings(reading, path, name, question)
    ]
    if len(reading.problems) > before:
        return None
    return Instrument(
        str(plain["instrument"]), str(plain.get("version", "")), tuple(codings), tuple(p for p in profiles if p)
    )


def _codings(reading: _Reading, path: str, name: str, question: Plain) -> Iterator[Coding]:
    where = f"{path}, question {name}"
    if not isinstance(question, dict) or set(question) - {"source", "answers"} or "answers" not in question:
        return reading.wrong(where, "its fields are not `source` and `answers`", "Write just these two.")
    if not question.get("source"):
        return reading.wrong(where, "it has no `source`", "Name the law, guideline or study by its id in sources.yaml.")
    for answer, coded in question["answers"].items():
        for one in coded if isinstance(coded, list) else [coded]:
            found = _coding(reading, f"{where}, answer {answer}", name, answer, one or {}, question["source"])
            if found is not None:
                yield found
    return None


def _coding(reading: _Reading, where: str, name: str, answer: str, coded: Plain, source: str) -> Coding | None:
    plain = _try(reading, where, lambda: plain_coding(coded))
    if plain is None:
        return None
    _check_fields(reading, where, Coding, {**plain, "source": source})
    return _converted(reading, where, Coding, {**plain, "question": name, "answer": answer, "source": source})


# ---------------------------------------------------------------------------------------------------------- the book


def _book(read: Mapping[str, list[Any]], instruments: Sequence[Instrument], scoring: Scoring) -> ReferralBook:
    return ReferralBook(
        sources={source.id: source for source in read["sources"]},
        indicators={indicator.id: indicator for indicator in read["indicators"]},
        instruments=tuple(instruments),
        levels=tuple(read["levels"]),
        routing=tuple(read["routing"]),
        grounds=tuple(read["grounds"]),
        numbers=tuple(read["numbers"]),
        articles=tuple(read["articles"]),
        forms=tuple(read["forms"]),
        means_strength={code.id: (code.indicator, code.strength) for code in read["means_strength"]},
        offices=tuple(read["offices"]),
        hotlines={hotline.number: hotline for hotline in read["hotlines"]},
        route_names=_names(read["routes"]),
        provinces={province.code: province.name for province in read["provinces"]},
        clocks={clock.id: clock for clock in read["clocks"]},
        exports={plan.id: plan for plan in read["exports"]},
        outcomes=_names(read["outcomes"]),
        return_reasons=_names(read["return_reasons"]),
        scoring=scoring,
        classes=_names(read["classes"]),
        areas={province.code: province for province in read["provinces"]},
        retention={rule.id: rule for rule in read["retention"]},
        agency_periods={period.id: period for period in read["agency_periods"]},
    )


def _names(named: Sequence[_Named]) -> dict[str, tuple[str, str]]:
    return {one.id: (one.vi, one.en) for one in named}
