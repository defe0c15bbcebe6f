"""Weighing the words of a text where no rule decides: how much they are those of people in danger. Touches nothing.

A sum of weights over single words and neighbouring pairs (logistic regression), learned from tests/hear/*.yaml by
tests/hear/train.py and kept, readable, in lexicon/weights.yaml. It only ever adds an alarm, never takes one away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from flows.hear.normal import spelt

_TOLD = 4  # how many of the heaviest parts are told; more explain nothing


@dataclass(frozen=True, slots=True)
class Weights:
    """`words`: a folded word, or two with a space between, to its weight. Urgent when `base` and all exceed `limit`."""

    base: float = 0.0
    limit: float = float("inf")
    words: Mapping[str, float] = field(default_factory=dict)


def features(words: Sequence[str], spellings: Mapping[str, str]) -> dict[str, str]:
    """Every word and pair of neighbours as weighed (folded, out of teencode, `#` for a number), to it as typed."""
    weighed = ["#" if word.isdecimal() else spelt(spellings.get(word, word))[0] for word in words]
    ones = zip(weighed, words, strict=True)
    twos = zip(pairwise(weighed), pairwise(words), strict=True)
    return {**dict(ones), **{" ".join(pair): " ".join(typed) for pair, typed in twos}}


def weigh(weights: Weights, met: Iterable[str]) -> float:
    """How far above the limit (or below, when negative)."""
    return weights.base + sum(weights.words.get(part, 0.0) for part in met) - weights.limit


def heaviest(weights: Weights, met: Mapping[str, str]) -> tuple[str, ...]:
    """The typed words that weighed most towards danger, heaviest first."""
    heavy = sorted((part for part in met if weights.words.get(part, 0.0) > 0), key=lambda part: -weights.words[part])
    return tuple(met[part] for part in heavy[:_TOLD])
