"""Weighing a first message: how much its words are those of people in danger, and what people want who write so. Touches nothing.

Sums of weights over single words, neighbouring pairs, and the groups of the word lists that were met (logistic
regression), learned from tests/hear/*.yaml by tests/hear/train.py and kept, readable, in lexicon/weights.tsv. What a rule
holds for danger by itself stays danger whatever the weights say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from flows.hear.normal import spelt

_TOLD = 4  # how many of the heaviest parts are told; more explain nothing
_BEGINNING, _LATER, _ENDING = 8, 3, 3
"""How many words are its beginning, from which place on they are alike, and how many are its end."""
_NOTHING: Mapping[str, float] = {}
URGENT = "urgent"
"""The name beside the intents under which a part's weight for danger stands."""


@dataclass(frozen=True, slots=True)
class Weights:
    """`parts`: each part of a message to its weights, by what they are for. Urgent when all of them exceed `limit`, or
    `limit_alarmed` where a phrase or a rule holds it for danger."""

    limit: float = float("inf")
    limit_alarmed: float = float("inf")
    parts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.parts)


class BadWeights(ValueError):
    """The file of weights cannot be read; the message names the line."""


def features(words: Sequence[str], spellings: Mapping[str, str], signs: Iterable[str] = ()) -> dict[str, str]:
    """Every part of a message as weighed, to it as typed (a sign or a place to nothing): words and pairs (folded, out of
    teencode, `#` for a number), the signs with a `§` before, how long it is, and the words with which it begins (`@0 em`,
    from the fourth on `@3`) and ends (`$0 em` is the last): who it is about often stands there."""
    weighed = ["#" if word.isdecimal() else spelt(spellings.get(word, word))[0] for word in words]
    ones = zip(weighed, words, strict=True)
    twos = zip(pairwise(weighed), pairwise(words), strict=True)
    met = {"": "", f"§long{min(len(words) // 5, 6)}": ""}
    met.update((f"§{sign}", "") for sign in signs)
    met.update((f"@{min(at, _LATER)} {word}", "") for at, word in enumerate(weighed[:_BEGINNING]))
    met.update((f"${at} {word}", "") for at, word in enumerate(weighed[: -_ENDING - 1 : -1]))
    return {**met, **dict(ones), **{" ".join(pair): " ".join(typed) for pair, typed in twos}}


def is_word(part: str) -> bool:
    """Whether a part is a single word: no pair, no sign, not the base."""
    return bool(part) and " " not in part and not part.startswith("§")


def total(weights: Weights, met: Iterable[str], name: str) -> float:
    """How much speaks for an intent, or for danger (against it, when negative)."""
    known = weights.parts
    return sum(known[part].get(name, 0.0) for part in met if part in known)


def is_heavy(weights: Weights, met: Collection[str], *, alarmed: bool) -> bool:
    """True where all that was met exceeds the limit. One word again and again weighs nothing."""
    if sum(map(is_word, met)) < 2 and not alarmed:
        return False
    return total(weights, met, URGENT) > (weights.limit_alarmed if alarmed else weights.limit)


def totals(weights: Weights, met: Iterable[str], among: Sequence[str]) -> dict[str, float]:
    """How much speaks for each of these intents."""
    sums = dict.fromkeys(among, 0.0)
    for part in met:
        for name, weight in weights.parts.get(part, _NOTHING).items():
            if name in sums:
                sums[name] += weight
    return sums


def likeliest(weights: Weights, met: Iterable[str], among: Sequence[str]) -> str:
    """Of these intents the one for which most speaks; the first of equals."""
    return max(among, key=totals(weights, met, among).__getitem__)


def heaviest(weights: Weights, met: Mapping[str, str], name: str = URGENT) -> tuple[str, ...]:
    """The typed words that weighed most towards this, heaviest first."""
    weight = {
        part: weights.parts[part].get(name, 0.0) for part, typed in met.items() if typed and part in weights.parts
    }
    heavy = sorted((part for part in weight if weight[part] > 0), key=lambda part: -weight[part])
    told = [met[part] for part in heavy[:_TOLD]]
    return tuple(one for one in told if not any(one != other and f" {one} " in f" {other} " for other in told))


def read_weights(text: str) -> Weights:
    """The weights of a file's text: `limit`, then a part and its weights in each line. Raises BadWeights."""
    limits: dict[str, float] = {}
    parts: dict[str, dict[str, float]] = {}
    names: dict[str, str] = {}  # each name and number once in memory, however many parts have it
    numbers: dict[str, float] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# ") or not line:
            continue
        part, *given = line.split("\t")
        try:
            if part in {"limit", "limit_alarmed"}:
                limits[part] = float(given[0])
            else:
                pairs = (one.split("=") for one in given)
                parts[part.removeprefix("^")] = {
                    names.setdefault(name, name): numbers.get(weight) or numbers.setdefault(weight, float(weight))
                    for name, weight in pairs
                }
        except (ValueError, IndexError):
            raise BadWeights(f"weights.tsv line {number} is not a part and its weights: {part!r}") from None
    if parts and len(limits) != 2:
        raise BadWeights("weights.tsv has no line `limit`, or none `limit_alarmed`")
    return Weights(**limits, parts=parts)
