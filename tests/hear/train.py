"""Learn flows/hear/lexicon/weights.tsv from the messages that may be learned from: `make train-hear`, about a minute.

Logistic regression (for danger) and its kind for many classes (for what is wanted) over the parts of a message
(flows/hear/weigh.py), by AdaGrad. No randomness: same messages and lists, same weights.
`misheard.txt` beside this is written with them: the messages that were heard wrongly when their fifth was left out. What git
shows of it is what a new phrase or message changed. `--report` gives the figures.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from flows.hear.hear import OF_URGENT, heard_parts, likeliest_calm  # noqa: E402  # after the path that makes it importable
from flows.hear.lexicon import Lexicon  # noqa: E402
from flows.hear.read import INTENTS, read_lexicon  # noqa: E402
from flows.hear.weigh import URGENT, Weights, likeliest, total  # noqa: E402

LISTS = ROOT / "flows" / "hear" / "lexicon"
WEIGHTS = LISTS / "weights.tsv"
MISHEARD = Path(__file__).parent / "misheard.txt"
HELD_OUT = ("heldout", "heldout2", "heldout3", "heldout4", "heldout5")
LEAST_MESSAGES, LEAST_MESSAGES_OF_A_PAIR = 3, 5  # a part met in fewer messages says nothing of the next one
LEAST_WEIGHT = 0.15  # below this a weight is noise to whoever reviews the file
# How the fifths that were left out are heard at other limits: `--report`.
LIMIT, LIMIT_ALARMED = 0.05, -1.0
FIFTHS = 5
ROUNDS = 8
RATE, RATE_WANTED = 0.3, 0.1  # how far a step of AdaGrad goes, for danger and for what is wanted
HOLD, HOLD_WANTED = 2.0, 0.5  # how strongly a weight is held back, over all messages together
HEAD = """\
# Learned from tests/hear/*.yaml (never from heldout*.yaml) by `make train-hear`; do not edit by hand.
# Each part of a message (a word, or a pair of neighbours, without marks; ^# is any number; § a group that was met; @ a word by
# its place at the beginning, $ at the end; ^ alone every message) and how much it speaks for danger and for each intent.
# Urgent: all for danger together exceed the limit.
"""

Learned = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as its parts, and what it is."""

    say: str
    parts: tuple[str, ...]
    urgent: bool
    intent: str
    alone: bool
    """Urgent by a phrase or a rule that stands by itself, whatever the weights say."""

    @property
    def alarmed(self) -> bool:
        return any(part == "§alarm" or part.endswith("/rule") for part in self.parts)

    @property
    def fifth(self) -> int:
        """In which fifth it is left out; by its text, so that new messages move no old one."""
        return int.from_bytes(hashlib.sha256(self.say.encode()).digest()[:4], "big") % FIFTHS


def learn(messages: Sequence[Message]) -> Learned:
    """Weights for danger and for the intents, by part. In an order that mixes the files: the last ones seen count most."""
    messages = sorted(messages, key=lambda message: hashlib.sha256(message.say.encode()).digest())
    counts = Counter(part for message in messages for part in message.parts)
    known = {
        part for part, count in counts.items() if count >= (LEAST_MESSAGES_OF_A_PAIR if " " in part else LEAST_MESSAGES)
    }
    rows = [[part for part in message.parts if part in known] for message in messages]
    weights: Learned = defaultdict(dict)
    for part, weight in _danger(rows, [message.urgent for message in messages]).items():
        weights[part][URGENT] = weight
    for part, each in _wanted(rows, [message.intent for message in messages]).items():
        weights[part].update(each)
    return {part: kept for part, each in weights.items() if (kept := _worth(each))}


def _worth(each: Mapping[str, float]) -> dict[str, float]:
    return {name: round(weight, 2) for name, weight in each.items() if abs(weight) >= LEAST_WEIGHT}


def _danger(rows: Sequence[Sequence[str]], wanted: Sequence[bool]) -> dict[str, float]:
    hold = _hold(rows, HOLD)
    weights: dict[str, float] = defaultdict(float)
    seen: dict[str, float] = defaultdict(lambda: 1e-6)
    for _ in range(ROUNDS):
        for row, urgent in zip(rows, wanted, strict=True):
            wrong = 1 / (1 + math.exp(-max(-30.0, min(30.0, sum(weights[part] for part in row))))) - urgent
            for part in row:
                _step(weights, seen, hold, part, wrong, RATE)
    return weights


def _wanted(rows: Sequence[Sequence[str]], wanted: Sequence[str]) -> dict[str, dict[str, float]]:
    hold = _hold(rows, HOLD_WANTED)
    weights: dict[str, dict[str, float]] = {name: defaultdict(float) for name in INTENTS}
    seen: dict[str, dict[str, float]] = {name: defaultdict(lambda: 1e-6) for name in INTENTS}
    for _ in range(ROUNDS):
        for row, intent in zip(rows, wanted, strict=True):
            sums = {name: sum(map(each.__getitem__, row)) for name, each in weights.items()}
            most = max(sums.values())
            odds = {name: math.exp(value - most) for name, value in sums.items()}
            total = sum(odds.values())
            for name, odd in odds.items():
                wrong = odd / total - (name == intent)
                if abs(wrong) > 0.01:
                    for part in row:
                        _step(weights[name], seen[name], hold, part, wrong, RATE_WANTED)
    return {part: {name: weights[name].get(part, 0.0) for name in INTENTS} for part in {p for row in rows for p in row}}


def _hold(rows: Sequence[Sequence[str]], hold: float) -> dict[str, float]:
    """How much each weight is held back at each message that has its part; the base is not."""
    return {part: hold / count if part else 0.0 for part, count in Counter(p for row in rows for p in row).items()}


def _step(
    weights: dict[str, float], seen: dict[str, float], hold: Mapping[str, float], part: str, wrong: float, rate: float
) -> None:
    slope = wrong + hold[part] * weights[part]
    seen[part] += slope * slope
    weights[part] -= rate * slope / math.sqrt(seen[part])


# -------------------------------------------------------------------------------------------------------- the messages


def files() -> list[Path]:
    """Every file of messages that may be learned from."""
    found = sorted(Path(__file__).parent.glob("*.yaml"))
    return [path for path in found if path.stem not in (*HELD_OUT, "choices")]


def messages(lexicon: Lexicon, paths: Sequence[Path]) -> Iterator[Message]:
    """The messages of these files, each as its parts."""
    for path in paths:
        for block in yaml.load(path.read_text("utf-8"), Loader=yaml.CBaseLoader):  # noqa: S506  # text, lists, mappings
            for say in block["say"]:
                parts, alone = heard_parts(lexicon, say)
                yield Message(say, tuple(parts), block["urgent"] == "yes", block["intent"], alone)


def lists() -> Lexicon:
    """The word lists. Raises ValueError when they cannot be read."""
    lexicon, problems = read_lexicon({path.name: path.read_text("utf-8") for path in LISTS.glob("*.yaml")})
    if lexicon is None:
        raise ValueError(f"the word lists are faulty, correct them first: {problems[0]}")
    return lexicon


def digest() -> str:
    """Of all that the weights are made from: the messages, the lists and how they are read and learned."""
    code = [ROOT / "flows" / "hear" / name for name in ("hear.py", "lexicon.py", "normal.py", "weigh.py")]
    sources = [*files(), *sorted(LISTS.glob("*.yaml")), *code, Path(__file__)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def written(learned: Learned, made_from: str) -> str:
    """The file's text."""
    lines = [f"# made from {made_from}", f"limit\t{LIMIT}", f"limit_alarmed\t{LIMIT_ALARMED}"]
    for part, each in sorted(learned.items()):
        lines.append(
            "\t".join([f"^{part}" if part[:1] in ("#", "") else part, *(f"{n}={w}" for n, w in sorted(each.items()))])
        )
    return HEAD + "\n".join(lines) + "\n"


# ------------------------------------------------------------------------------------------------------------ the report


def left_out(told: Sequence[Message]) -> list[Heard]:
    """Every message as it is heard by what was learned without its fifth."""
    heard: list[Heard] = []
    for fifth in range(FIFTHS):
        weights = Weights(parts=learn([message for message in told if message.fifth != fifth]))
        heard += [_hear(weights, message) for message in told if message.fifth == fifth]
    return heard


def misheard(heard: Sequence[Heard]) -> str:
    """Those whose danger was not heard, then false alarms, then another intent; each with what it is and its words."""
    lines = []
    for one in heard:
        message, meant = one.message, one.intents[not one.urgent()]
        if message.urgent != one.urgent():
            lines.append(f"{'1 missed' if message.urgent else '2 false alarm'}\t{message.intent}\t{message.say}")
        elif meant != message.intent:
            lines.append(f"3 heard as {meant}\t{message.intent}\t{message.say}")
    return "\n".join(sorted(" ".join(line.split("\n")) for line in lines)) + "\n"


def report() -> None:
    """Print how the fifths that were left out were heard, by file as well, and how it grows with the messages."""
    lexicon = lists()
    told = list(messages(lexicon, files()))
    held = list(messages(lexicon, [Path(__file__).parent / f"{name}.yaml" for name in HELD_OUT]))
    heard = left_out(told)
    for more in (-0.5, 0.0, 0.5, 1.0, 1.5):
        _say(f"left out, limits {more:+.1f}: {_line(heard, more)}")
    for share in (0.25, 0.5, 1.0):
        some = Weights(parts=learn(told[:: round(1 / share)]))
        _say(f"held out files, learned from {share:.0%}: {_line([_hear(some, message) for message in held])}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


@dataclass(frozen=True, slots=True)
class Heard:
    """How far a message is above its limit, and what it is held to be about if it is urgent and if not."""

    message: Message
    above: float
    intents: tuple[str, str]

    def urgent(self, more: float = 0.0) -> bool:
        return self.message.alone or self.above > more

    def right(self, more: float = 0.0) -> bool:
        return self.intents[not self.urgent(more)] == self.message.intent


def _hear(weights: Weights, message: Message) -> Heard:
    above = total(weights, message.parts, URGENT) - (LIMIT_ALARMED if message.alarmed else LIMIT)
    return Heard(message, above, (likeliest(weights, message.parts, OF_URGENT), likeliest_calm(weights, message.parts)))


def _line(heard: Sequence[Heard], more: float = 0.0) -> str:
    urgent = [one.urgent(more) for one in heard if one.message.urgent]
    calm = [one.urgent(more) for one in heard if not one.message.urgent]
    return f"recall {_share(urgent)}, false alarms {_share(calm)}, intent {_share([one.right(more) for one in heard])}"


def _share(said: Sequence[bool]) -> str:
    """A share with its 95 % interval (Wilson)."""
    n, p, z = len(said), sum(said) / len(said), 1.96
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return f"{p:.3f} [{max(0.0, middle - reach):.3f}, {middle + reach:.3f}] of {n}"


if __name__ == "__main__":
    if "--report" in sys.argv:
        report()
    else:
        every = list(messages(lists(), files()))
        WEIGHTS.write_text(written(learn(every), digest()), encoding="utf-8")
        MISHEARD.write_text(misheard(left_out(every)), encoding="utf-8")
