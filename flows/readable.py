"""How long a sentence is to somebody who is afraid, tired, or reads slowly. Touches nothing.

Twelve words are the aim. Vietnamese writes its syllables apart and a word has one or two of them, counted here, on the strict
side, as one and a quarter: twelve words are fifteen syllables. A telephone number, and what fills a placeholder, count as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from flows.model import Problem

SYLLABLES_MOST: Final = 15
_NUMBER = re.compile(r"\+?\d[\d .]*\d|\d")
_PLACEHOLDER = re.compile(r"\{\w*\}")
_END = re.compile(r"(?<=[.?!;:…])\s+")
_SYLLABLE = re.compile(r"[^\W_]+")


def syllables(sentence: str) -> int:
    """How many syllables are read aloud; a number and a placeholder are one each."""
    return len(_SYLLABLE.findall(_NUMBER.sub(" 1 ", _PLACEHOLDER.sub(" x ", sentence))))


def long_sentences(text: str) -> list[str]:
    """The sentences of a text that are longer than is easily read; a colon or semicolon ends one as well."""
    return [sentence for sentence in _END.split(text) if syllables(sentence) > SYLLABLES_MOST]


def unreadable(sentences: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    """A warning for each such sentence, once, the longest first."""
    found = {long: context for context, text in sentences for long in long_sentences(text)}
    for long, context in sorted(found.items(), key=lambda one: -syllables(one[0])):
        flow, _, rest = context.partition(".")
        what = f"“{long[:80]}” has {syllables(long)} syllables"
        remedy = f"make two of it; {SYLLABLES_MOST} are easily read"
        yield Problem(f"flows/definitions/{flow}.yaml {rest}", what, remedy, warning=True)
