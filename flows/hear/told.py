"""What a story says plainly of who it is about, how old they are and what is asked for. Touches nothing.

The phrases are in `flows/hear/told/`. What is denied, quoted, supposed or long ago tells nothing, and "em" within
"em gái em" tells nothing of the writer. Whoever calls shows it to the person: here nothing is an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from flows.hear.lexicon import Lexicon, Match, Node, matches, words_of
from flows.hear.normal import normalise, tokens

PERSON, AGE, WHO, SELF = "person", "age", "who", "self"
OLDEST = 110
_BREAKS = frozenset(".!?;:\n…。！？；")
_QUOTED = re.compile(r"[\"“”«»„][^\"“”«»„]{0,500}[\"“”«»„]")


class Told(Struct, frozen=True):
    """`answers`: question → the different answers that its words give. `ages`: each age in years with whose it is."""

    answers: Mapping[str, tuple[str, ...]]
    ages: tuple[tuple[str, int], ...]


@lru_cache(maxsize=2)
def told(lists: Lexicon, text: str, language: str) -> Told:
    """What a text in this language tells. A turn asks several times, so the last answers are at hand."""
    found = [match for match in _matches(lists, text) if match.group.language == language]
    backs = [match for match in found if match.group.role == "frame"]
    kept = [match for match in found if match.group.role != "frame" and not any(_takes(back, match) for back in backs)]
    people = [match for match in kept if match.group.name == PERSON]
    kept = [match for match in kept if not any(_names_another(person, match) for person in people)]
    kept = [match for match in kept if not any(_better(other, match) for other in kept)]
    answers: dict[str, tuple[str, ...]] = {}
    for match in kept:
        if match.group.role == "part" and match.group.name != PERSON:
            before = answers.get(match.group.name, ())
            answers[match.group.name] = tuple(dict.fromkeys((*before, match.group.value)))
    ages = ((match.group.value, age) for match in kept if match.group.name == AGE for age in _number(match))
    return Told(answers, tuple(dict.fromkeys(ages)))


def answers_of(lists: Lexicon) -> frozenset[tuple[str, str]]:
    """Each question with each answer that there are phrases for."""
    groups = {group for node in _nodes(lists.phrases) for group in node.ends if group.role == "part"}
    return frozenset((group.name, group.value) for group in groups if group.name != PERSON)


def _nodes(root: Node) -> Iterator[Node]:
    yield root
    for edges in root.edges.values():
        for edge in edges:
            yield from _nodes(edge.node)


def _matches(lists: Lexicon, text: str) -> Iterator[Match]:
    normal = normalise(_QUOTED.sub(" . ", text))
    accented = sum(not word.isascii() for word in normal.words) * 4 >= len(normal.words)
    sentences: list[list[str]] = [[]]
    for token in tokens(normal.text):
        if _BREAKS.isdisjoint(token):
            sentences[-1].append(token)
        else:
            sentences.append([])
    for number, typed in enumerate(filter(None, sentences)):
        words = words_of(lists, typed, accented)
        paused = [at for at, word in enumerate(words) if word.pause]
        found = list(matches(lists, number, words))
        whole = [match for match in found if not _broken(match, paused)]
        heads = [match for match in whole if match.group.name == PERSON]
        yield from (match for match in found if match in whole or any(_holds(match, head) for head in heads))


def _broken(match: Match, paused: Sequence[int]) -> bool:
    """Whether a comma stands in it: "của em, em 19 tuổi" names nobody's sibling. "Con gái tôi, 15 tuổi" is one all the same."""
    return any(match.start <= at < match.stop - 1 for at in paused)


def _holds(match: Match, head: Match) -> bool:
    return match.group.name != PERSON and match.start <= head.start and head.stop <= match.stop


def _takes(back: Match, match: Match) -> bool:
    reach = back.group.value
    if reach == "message" or back.sentence != match.sentence:
        return reach == "message"
    if reach == "next":
        return back.start < match.start <= back.stop + 1
    return reach == "sentence" or (_overlap(back, match) if reach == "overlap" else back.start < match.start)


def _names_another(person: Match, match: Match) -> bool:
    """Whether the writer's "em" is within the name of somebody else: "em gái em". In "vợ chồng em" it is the writer's."""
    is_self = match.group.value == SELF and match.group.name in (WHO, AGE)
    return is_self and _overlap(person, match) and not (match.start < person.start and person.stop <= match.stop)


def _better(other: Match, match: Match) -> bool:
    """Whether the other says the same better: of one question the longer phrase counts; but "con tôi, tôi bị" tells of the
    writer, however far "con tôi … bị" reaches."""
    mine, theirs = match.group, other.group
    if theirs.name != mine.name or theirs is mine or not _overlap(other, match):
        return False
    if mine.name in (WHO, AGE) and SELF in (mine.value, theirs.value):
        return theirs.value == SELF and match.start != other.start and match.stop == other.stop
    return _length(other) > _length(match)


def _overlap(one: Match, other: Match) -> bool:
    return one.sentence == other.sentence and one.start < other.stop and other.start < one.stop


def _length(match: Match) -> int:
    return match.stop - match.start


def _number(match: Match) -> Sequence[int]:
    numbers = [int(word) for word in match.words.split() if word.isdecimal() and len(word) <= 3]
    return [age for age in numbers[-1:] if 0 < age <= OLDEST]
