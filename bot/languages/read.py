"""locales/languages.yaml → languages, or every problem in it. The file is opened by bot/book.py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from bot.languages.model import SOURCE, Extent, Language, Phrase, PhraseSet
from flows.model import Problem
from flows.read import parse

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
NAME = "locales/languages.yaml"


PHRASES_MOST = 60
"""More than this nobody fills in and signs in an afternoon."""


class _Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    say: str = ""
    signed_by: str = ""
    signed_on: str = ""


class _Entry(_Signed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    context: str
    purpose: str
    vi: str


class _Phrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    language: str
    vietnamese: str
    name: _Signed
    entries: tuple[_Entry, ...]


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


def read_phrases(name: str, text: str) -> tuple[PhraseSet | None, list[Problem]]:
    """One file of phrases, or what is wrong with it. `name` is the file's and stands in the problems."""
    raw, problems = parse(name, text)
    if problems:
        return None, problems
    try:
        read = msgspec.convert(raw, _Phrases)
    except msgspec.ValidationError as error:
        return None, [Problem(name, str(error), "an entry has context, purpose, vi, say, signed_by, signed_on")]
    own = Phrase("name", read.vietnamese, "", read.name.say, read.name.signed_by, read.name.signed_on)
    phrases = [Phrase(one.context, one.vi, one.purpose, one.say, one.signed_by, one.signed_on) for one in read.entries]
    problems = [problem for one in (own, *phrases) for problem in _phrase_problems(f"{name} {one.context}", one)]
    if len(phrases) > PHRASES_MOST:
        problems.append(Problem(name, f"has {len(phrases)} phrases", f"at most {PHRASES_MOST}"))
    if name.rpartition("/")[2] != f"{read.language}.yaml":
        problems.append(Problem(name, f"`language: {read.language}` is not the file's name", "write the same"))
    return (None if problems else PhraseSet(read.language, read.vietnamese, own, tuple(phrases))), problems


def _phrase_problems(where: str, one: Phrase) -> Iterator[Problem]:
    if bool(one.signed_by.strip()) != bool(one.signed_on.strip()):
        yield Problem(where, "has only one of `signed_by` and `signed_on`", "write who signed it and on which day")
    if one.signed_by.strip() and not one.say.strip():
        yield Problem(where, "is signed and says nothing", "fill in `say`, or take the signature away")
    if one.signed_on and not DAY.fullmatch(one.signed_on):
        yield Problem(where, f"`signed_on: {one.signed_on}` is no day", "write it like 2026-11-23")


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
