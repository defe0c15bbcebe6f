"""The real data files for tests of referral/: read once, and small ways to ask the book something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from msgspec.structs import replace

from referral.book import ReferralBook
from referral.codes import ANY_OF
from referral.model import Facts
from referral.read import read_book
from referral.screening import facts_of

ROOT = Path(__file__).parent.parent / "referral"
TESTS = Path(__file__).parent


@cache
def texts() -> Mapping[str, str]:
    """Path inside referral/ → text of every data file."""
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in sorted(ROOT.rglob("*.yaml"))}


@cache
def book() -> ReferralBook:
    """The real book."""
    found, problems = read_book(texts())
    assert found is not None, "\n".join(map(str, problems))
    return found


def cases(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every case of the tables in this folder, with a name for the report."""
    for path in sorted((TESTS / folder).glob("*.yaml")):
        for case in yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader):  # noqa: S506 - text only
            yield f"{path.stem}: {case['case']}", case


def facts_in(case: Mapping[str, Any]) -> Facts:
    """The facts of a case: its answers, its facts, or both."""
    answers = {
        slot: tuple(given) if isinstance(given, list) else given for slot, given in case.get("answers", {}).items()
    }
    return facts_with(facts_of(book().instruments, case["kind"], answers), case.get("facts", {}))


def facts_with(facts: Facts, changes: Mapping[str, Any]) -> Facts:
    """The facts, with these codes instead."""
    plain: dict[str, Any] = {}
    for name, value in changes.items():
        if name in ANY_OF:
            plain[name] = frozenset(value)
        elif name in ("retaliation", "held_now"):
            plain[name] = value == "yes"
        else:
            plain[name] = value
    return replace(facts, **plain)
