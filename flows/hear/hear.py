"""What a text means: intent, danger, child, place, language, and the words that decided. Touches nothing.

A danger phrase is urgent by itself unless its sentence denies it, quotes it or sets it long ago; several harmless
groups together can be urgent too (`combinations`), and so can the weight of all words (`weigh`). When torn between
urgent and not, it is urgent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from flows.hear.language import language_of
from flows.hear.lexicon import PAUSES, Combination, Group, Lexicon, Match, Place, matches, words_of
from flows.hear.normal import Normal, normalise, tokens
from flows.hear.weigh import URGENT, Weights, features, heaviest, is_heavy, is_word, likeliest, totals
from flows.model import Heard

_BREAKS = frozenset(".!?;:\n…。！？；")
# Equal weights: what helps someone soonest goes first.
_ORDER = "missing_person tip victim_support other_crisis info abuse spam offtopic greeting".split()
OF_URGENT = ("emergency_self", "emergency_other", "missing_person", "other_crisis", "tip")
OF_DANGER = ("emergency_self", "emergency_other")
OF_CALM = tuple(
    "greeting info missing_person tip victim_support other_crisis abuse spam offtopic".split()
)  # equal weights: the one whose answer harms least if it is wrong
_ABOUT, _SECRETS = "about_", "about_secrets"
"""Groups that tell what else a text is about; the one that asks for what nobody is told, which no "not" takes away."""
CLEARLY = 1.0
"""By so much the weights must speak for the other person before a phrase is not believed about who, and for danger before that is
what a text is about which does not open the danger path: the first question (is it safe now?) settles it, numbers above."""
_NEAR = 2  # words that may stand between "em" and what happens to "em"


@dataclass(frozen=True, slots=True)
class _Found:
    """Everything met in a text: what holds, what a frame took away, the frames that tell what the text is about."""

    live: tuple[Match, ...]
    framed: tuple[Match, ...]
    frames: tuple[Match, ...]


@lru_cache(maxsize=8)
def hear(lexicon: Lexicon, text: str) -> Heard:
    """Understand one text. Same text, same answer; never raises. About 0.1 ms for a sentence.

    A turn asks for the same texts several times, so the last few answers are at hand; they are forgotten with the next.
    """
    read = _read(lexicon, text)
    parts = _parts(lexicon, read)
    is_said = read.alarmed or not read.normal.is_command
    heavy = is_said and is_heavy(lexicon.weights, parts, alarmed=read.alarmed)
    urgent = heavy or read.alone or (read.alarmed and not lexicon.weights)
    intent, words = _meant(lexicon.weights, read, parts, urgent=urgent)
    found = read.found
    return Heard(
        lang=read.language,
        intent=intent,
        urgent=urgent,
        child=read.child,
        trafficking=any(m.group.trafficking for m in found.live) or any(c.trafficking for c in read.combinations),
        place=_place(lexicon, found.live),
        words=words,
        weighed=urgent and not read.alarmed,
        alarmed=read.alarmed,
        crises=tuple(sorted({m.group.name for m in read.alarms if m.group.value == "crisis"})),
        matters=_matters(found, crying=urgent or read.alarmed),
    )


def alarmed(lexicon: Lexicon, text: str) -> bool:
    """`hear(…).alarmed` alone: whether a phrase or a rule holds it for danger. Every answer in words is asked this."""
    return _read(lexicon, text).alarmed


def place_in(lexicon: Lexicon, text: str) -> Mapping[str, str | None] | None:
    """`hear(…).place` alone."""
    return _place(lexicon, _read(lexicon, text).found.live)


def _matters(found: _Found, *, crying: bool) -> tuple[str, ...]:
    """What else it is about. Whoever cries for help asks for no secret ("có ai báo công an giúp em")."""
    about = {match.group.name for match in found.live if match.group.name.startswith(_ABOUT)}
    asked = {match.group.name for match in found.framed if match.group.name == _SECRETS}
    return tuple(sorted((about | asked) - ({_SECRETS} if crying else set())))


@dataclass(frozen=True, slots=True)
class _Read:
    """What the lists and rules make of a text, before anything is weighed."""

    normal: Normal
    language: str
    found: _Found
    alarms: Sequence[Match]
    combinations: Sequence[Combination]
    child: bool | None

    @property
    def alarmed(self) -> bool:
        return bool(self.alarms or self.combinations)

    @property
    def alone(self) -> bool:
        """Urgent whatever else stands there."""
        return any(match.group.alone for match in self.alarms) or any(one.alone for one in self.combinations)


@lru_cache(maxsize=8)
def _read(lexicon: Lexicon, text: str) -> _Read:
    normal = normalise(text)
    language = language_of(lexicon, normal)
    found = _unframed([match for match in _all(lexicon, normal) if _spoken(match.group, language)])
    met = {match.group.name for match in (*found.live, *found.framed, *found.frames)}
    dangers = (m for m in found.live if m.group.role == "danger" and met.isdisjoint(m.group.unless))
    alarms = sorted(dangers, key=_reading_order)
    child = _child(found.live)
    combinations = _combined(lexicon.combinations, found.live, child)
    return _Read(normal, language, found, alarms, combinations, child)


def _parts(lexicon: Lexicon, read: _Read) -> Mapping[str, str]:
    """The parts of a text as they are weighed, to what was typed."""
    signs = [*_signs(read.found), *(f"{one.name}/rule" for one in read.combinations)]
    said = {"alarm": bool(read.alarms), "child": bool(read.child), "question": "?" in read.normal.text}
    signs += [name for name, holds in said.items() if holds]
    return features(read.normal.words, lexicon.spellings, signs)


def _signs(found: _Found) -> Iterator[str]:
    """The groups that were met, by name, as the weights know them: one that a frame took away is another. What a text is
    about beside that weighs nothing."""
    yield from (match.group.name for match in found.live if not match.group.name.startswith(_ABOUT))
    yield from (f"{match.group.name}/framed" for match in found.framed if not match.group.name.startswith(_ABOUT))
    yield from (f"{match.group.name}/frame" for match in found.frames)


def heard_parts(lexicon: Lexicon, text: str) -> tuple[tuple[str, ...], bool]:
    """The parts of a text as they are weighed, and whether a phrase or rule makes it urgent by itself. To learn from."""
    read = _read(lexicon, text)
    return tuple(_parts(lexicon, read)), read.alone


def _meant(weights: Weights, read: _Read, parts: Mapping[str, str], *, urgent: bool) -> tuple[str, tuple[str, ...]]:
    """What they need first, and the words that tell: of the rules if they decided, else the heaviest."""
    words = read.normal.words
    if not weights:
        return _urgent(read.alarms, read.combinations, read.found) if urgent else _calm(read.found, words)
    intent = likeliest(weights, parts, OF_URGENT) if urgent else likeliest_calm(weights, parts)
    people = [match for match in read.alarms if match.group.value != "crisis"]
    if urgent and people and intent in OF_DANGER:
        intent = _who(weights, read, parts, people)
    if urgent and read.alarmed:
        return intent, _urgent(read.alarms, read.combinations, read.found)[1]
    told = heaviest(weights, parts, URGENT if urgent else intent)
    return intent, told or _calm(read.found, words)[1]


def likeliest_calm(weights: Weights, parts: Collection[str]) -> str:
    """What a text is about that is not urgent; where no word of it was ever met, nothing is known."""
    if not any(is_word(part) and part in weights.parts for part in parts):
        return "greeting"
    sums = totals(weights, parts, (*OF_DANGER, *OF_CALM))
    danger, calm = (max(among, key=sums.__getitem__) for among in (OF_DANGER, OF_CALM))
    return danger if sums[danger] - sums[calm] > CLEARLY else calm


def _who(weights: Weights, read: _Read, parts: Collection[str], people: Sequence[Match]) -> str:
    """Whose emergency it is: what the phrase says, unless the weights clearly say otherwise."""
    ruled = _about(people[0], read.found)
    if people[0].group.value == "other":
        return ruled  # "cứu con tôi"
    lead = totals(weights, parts, OF_DANGER)
    other = "emergency_self" if ruled == "emergency_other" else "emergency_other"
    return other if lead[other] - lead[ruled] > CLEARLY else ruled


def _all(lexicon: Lexicon, normal: Normal) -> list[Match]:
    accented = sum(not word.isascii() for word in normal.words) * 4 >= len(normal.words)
    sentences = [words_of(lexicon, words, accented) for words in _sentences(normal.text)]
    return [match for number, words in enumerate(sentences) for match in matches(lexicon, number, words)]


def _sentences(cleaned: str) -> list[list[str]]:
    sentences: list[list[str]] = [[]]
    for token in tokens(cleaned):
        if not _BREAKS.isdisjoint(token):
            sentences.append([])
        else:
            sentences[-1].append(token[0] if token[0] in PAUSES else token)
    return [words for words in sentences if words]


def _spoken(group: Group, language: str) -> bool:
    """Whether a group speaks in this language ("song" is a frame in English, "sống" in Vietnamese). Danger always does."""
    other = {"vi": "en", "en": "vi"}.get(language, "")
    return group.role not in ("frame", "intent") or group.language != other


def _reading_order(match: Match) -> tuple[int, int, int]:
    return match.sentence, match.start, -match.stop


# ------------------------------------------------------------------------------------------ denied, quoted, long ago


def _unframed(found: list[Match]) -> _Found:
    frames = _standing(found)
    contrasts = [match for match in found if match.group.name == "contrast"]
    live: list[Match] = []
    framed: list[Match] = []
    used: list[Match] = [frame for frame in frames if frame.group.value in ("overlap", "message")]
    for match in found:
        over = [frame for frame in frames if _takes(frame, match, contrasts)]
        used.extend(over)
        if match.group.role != "frame":
            (framed if over else live).append(match)
    return _Found(tuple(live), tuple(framed), tuple(dict.fromkeys(used)))


def _standing(found: list[Match]) -> list[Match]:
    """The frames not themselves denied ("không phải phim") or overruled in their sentence ("năm ngoái … giờ vẫn")."""
    frames = [match for match in found if match.group.role == "frame"]
    undone = [match for match in frames if match.group.value == "undo"]
    names = {(match.sentence, match.group.name) for match in found}
    return [
        frame
        for frame in frames
        if frame.group.value != "undo"
        and not any(_overlap(frame, undo) for undo in undone)
        and not any((frame.sentence, name) in names for name in frame.group.unless)
    ]


def _takes(frame: Match, match: Match, contrasts: Sequence[Match]) -> bool:
    if match.group.role not in ("danger", "part"):
        return False
    if frame.sentence != match.sentence:
        return frame.group.value == "message" and not match.itself
    if frame.group.value == "overlap":
        return _overlap(frame, match)
    if frame.group.value == "next":
        return frame.start < match.start <= frame.stop + 1
    low, high = sorted((frame.start, match.start))
    return not any(c.sentence == match.sentence and low < c.start <= high for c in contrasts)


def _overlap(one: Match, other: Match) -> bool:
    return one.sentence == other.sentence and one.start < other.stop and other.start < one.stop


# ------------------------------------------------------------------------------------------------------------ urgent


def _combined(combinations: Iterable[Combination], live: Sequence[Match], child: bool | None) -> list[Combination]:
    names = {match.group.name for match in live} | ({"young"} if child else set())
    return [c for c in combinations if _holds(c, names)]


def _holds(combination: Combination, names: set[str]) -> bool:
    if not (names.issuperset(combination.all) and names.isdisjoint(combination.none)):
        return False
    return not combination.least or sum(name in names for name in combination.some) >= combination.least


def _urgent(alarms: Sequence[Match], combinations: Sequence[Combination], found: _Found) -> tuple[str, tuple[str, ...]]:
    people = [match for match in alarms if match.group.value != "crisis"]
    if people:
        return _about(people[0], found), _words(alarms)
    named = {name for combination in combinations for name in (*combination.all, *combination.some)}
    words = _words(match for match in found.live if match.group.name in named or match in alarms)
    if not combinations:
        return "other_crisis", words
    return combinations[0].intent or _subject(found.live), words


def _about(alarm: Match, found: _Found) -> str:
    """Whether a danger phrase speaks of the writer or of someone else."""
    if alarm.group.value == "other":
        return "emergency_other"
    around = [m for m in found.live if m.sentence == alarm.sentence and m.start < alarm.start]
    others = [m for m in around if m.group.name in ("someone", "people_seen")]
    if alarm.group.value == "self":
        told = any(m.group.name == "said" and m.start > other.start for m in around for other in others)
        return "emergency_other" if told else "emergency_self"
    near = [m for m in around if m.group.name == "me" and not any(_overlap(m, other) for other in others)]
    if any(alarm.start - m.stop <= _NEAR for m in near):
        return "emergency_self"
    earlier = any(m.group.name == "someone" and m.sentence < alarm.sentence for m in found.live)
    return "emergency_other" if others or (earlier and not near) else "emergency_self"


def _subject(live: Sequence[Match]) -> str:
    """Who a combination is about: whoever is named first."""
    people = [m for m in live if m.group.name in ("someone", "me")]
    first = min(people, key=lambda m: (m.sentence, m.start, m.group.name != "someone"), default=None)
    return "emergency_other" if first is not None and first.group.name == "someone" else "emergency_self"


# -------------------------------------------------------------------------------------------------------- not urgent


def _calm(found: _Found, words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    meant: dict[str, Match] = {}
    for match in (*found.live, *found.framed, *found.frames):
        if match.group.intent:
            meant.setdefault(match.group.name, match)
    scores: dict[str, int] = {}
    for match in meant.values():
        scores[match.group.intent] = scores.get(match.group.intent, 0) + match.group.weight
    if not scores:
        return "greeting", ()
    intent = max(scores, key=lambda name: (scores[name], -_ORDER.index(name)))
    return intent, _words(match for match in meant.values() if match.group.intent == intent)


# ----------------------------------------------------------------------------------------------------- child, place


def _child(live: Sequence[Match]) -> bool | None:
    said = [
        _age(match) if match.group.value == "age" else match.group.value == "yes"
        for match in live
        if _ages(match.group)
    ]
    known = [answer for answer in said if answer is not None]
    return any(known) if known else None


def _ages(group: Group) -> bool:
    return group.role == "child"


def _age(match: Match) -> bool | None:
    numbers = [int(word) for word in match.words.split() if word.isdecimal() and len(word) <= 3]
    return None if not numbers or max(numbers) > 110 else min(numbers) < 18


def _place(lexicon: Lexicon, live: Sequence[Match]) -> dict[str, str | None] | None:
    """Where it happens: not where someone is from, abroad before here, the longer name, the first, in this order."""
    named = [match for match in live if match.group.role == "place"]
    met = [match for match in named if not any(_within(match, other) for other in named)]
    if not met:
        return None
    homes = {(match.sentence, match.stop) for match in live if match.group.name == "home"}

    def rank(match: Match) -> tuple[bool, bool, int]:
        place = lexicon.places[match.group.value]
        return (match.sentence, match.start) in homes, place.country == "VN", match.start - match.stop

    return _as_mapping(lexicon.places[min(met, key=rank).group.value])


def _within(match: Match, other: Match) -> bool:
    """Lào in Lào Cai; and "ở Lào" beside it, which is only its beginning."""
    longer = (other.stop - other.start) - (match.stop - match.start)
    return _overlap(match, other) and (longer > 0 or (longer == 0 and other.start > match.start))


def _as_mapping(place: Place) -> dict[str, str | None]:
    return {"text": place.text, "country": place.country, "province": place.province}


def _words(deciding: Iterable[Match]) -> tuple[str, ...]:
    """The typed words of the matches, each once, none that is part of a longer one."""
    texts = list(dict.fromkeys(match.words for match in deciding))
    return tuple(text for text in texts if not any(text != other and f" {text} " in f" {other} " for other in texts))
