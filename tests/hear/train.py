"""Learn lexicon/weights.yaml from the messages that may be learned from: `python tests/hear/train.py`.

Logistic regression over words and pairs of words (flows/hear/weigh.py), as in scikit-learn's LogisticRegression with
C = 1: least (log loss + half the sum of the squared weights). No randomness: same messages, same weights. About 5 s.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from flows.hear.lexicon import Lexicon  # noqa: E402  # after the path that makes it importable
from flows.hear.normal import normalise  # noqa: E402
from flows.hear.read import read_lexicon  # noqa: E402
from flows.hear.weigh import features  # noqa: E402

LISTS = ROOT / "flows" / "hear" / "lexicon"
WEIGHTS = LISTS / "weights.yaml"
LEARNED_FROM = ("emergencies", "hard", "ordinary", "more", "cries", "signs")
LEAST_MESSAGES = 2  # a part met in fewer messages says nothing of the next one
LEAST_WEIGHT = 0.05  # below this a weight is noise to whoever reviews the file
# With a tenth of the messages left out in turn, 17 of 1,000 calm ones lie above this, and 37 of 100 urgent ones.
LIMIT = 1.5
ROUNDS = 600
HEAD = """\
# Learned from tests/hear/*.yaml (never from heldout*.yaml) by `make train-hear`; do not edit by hand.
# Each word, or pair of neighbours, without marks (# is any number): how much it speaks for danger (+) or against it (-).
# A text is urgent when base and the weights of its words together exceed the limit, whatever the rules say.
language: any

"""


def learn(messages: Sequence[tuple[Sequence[str], bool]]) -> tuple[float, dict[str, float]]:
    """Base and weights for messages given as (their parts, urgent or not)."""
    counts = Counter(part for parts, _ in messages for part in parts)
    names = sorted(part for part, count in counts.items() if count >= LEAST_MESSAGES)
    place = {name: at for at, name in enumerate(names, start=1)}
    rows = [[0, *(place[part] for part in parts if part in place)] for parts, _ in messages]
    learned = _descend(rows, [float(urgent) for _, urgent in messages], len(names) + 1)
    kept = {name: round(learned[at], 2) for name, at in place.items() if abs(learned[at]) >= LEAST_WEIGHT}
    return round(learned[0], 2), kept


def _descend(rows: Sequence[Sequence[int]], wanted: Sequence[float], size: int) -> list[float]:
    """Nesterov's accelerated gradient descent; place 0 is the base and is not held back."""
    step = 1 / (0.25 * max(sum(len(row) for row in rows if at in row) for at in _common(rows)) + 1)
    weights, ahead = [0.0] * size, [0.0] * size
    for turn in range(ROUNDS):
        slope = [0.0, *ahead[1:]]
        for row, urgent in zip(rows, wanted, strict=True):
            error = 1 / (1 + math.exp(-sum(ahead[at] for at in row))) - urgent
            for at in row:
                slope[at] += error
        before, weights = weights, [value - step * down for value, down in zip(ahead, slope, strict=True)]
        pull = turn / (turn + 3)
        ahead = [new + pull * (new - old) for new, old in zip(weights, before, strict=True)]
    return weights


def _common(rows: Sequence[Sequence[int]]) -> list[int]:
    """The commonest places: the steepest direction lies among them."""
    return [at for at, _ in Counter(at for row in rows for at in row).most_common(20)]


def messages(lexicon: Lexicon) -> list[tuple[list[str], bool]]:
    """The messages to learn from, each as its parts."""
    blocks = (
        block
        for name in LEARNED_FROM
        for block in yaml.load((ROOT / "tests" / "hear" / f"{name}.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    )
    said = ((text, block["urgent"] == "yes") for block in blocks for text in block["say"])
    return [(list(features(normalise(text).words, lexicon.spellings)), urgent) for text, urgent in said]


def written(base: float, words: Mapping[str, float]) -> str:
    """The file's text."""
    lines = (f'    "{name}": {weight}' for name, weight in sorted(words.items()))
    return f"{HEAD}weights:\n  base: {base}\n  limit: {LIMIT}\n  words:\n" + "\n".join(lines) + "\n"


def learned() -> str:
    """What weights.yaml should hold. Raises ValueError when the other lists cannot be read."""
    texts = {path.name: path.read_text("utf-8") for path in LISTS.glob("*.yaml") if path != WEIGHTS}
    lexicon, problems = read_lexicon(texts)
    if lexicon is None:
        raise ValueError(f"the word lists are faulty, correct them first: {problems[0]}")
    return written(*learn(messages(lexicon)))


if __name__ == "__main__":
    WEIGHTS.write_text(learned(), encoding="utf-8")
