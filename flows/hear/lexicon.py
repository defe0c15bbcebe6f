"""The word lists in memory: groups of phrases, and one tree that finds all of them in a single walk over a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import eq
from typing import Literal

from msgspec import Struct

from flows.hear.normal import LONGEST_WORD, single, spelt, tokens
from flows.hear.weigh import Weights

Role = Literal["danger", "part", "frame", "intent", "child", "place", "class"]
GAP = "…"
PAUSES = frozenset({",", "，"})
NUMBER = "<số>"
YEAR = "<năm>"
POLITE = "<dạ>"
LONGEST_GAP = 3  # words that a "…" may stand for; more would join strangers
LONGEST_POLITENESS = 12  # words around a bare cry ("dạ em chào anh chị, …"); bounds the looking


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Phrases that mean the same; equal to no other. Groups of one name in several languages are one to the combinations.

    `value`: for danger who it is about (self, other, either, crisis); for a frame its reach (overlap, next, sentence,
    message, undo); for child yes, no or age; for a place its name. `intent` counts with `weight` when the group is met.
    `alone`: for danger, whether it is urgent in a first message whatever else stands there.
    `stands`: end, when only politeness (`<dạ>`) may follow up to a comma or the end of the sentence; whole, when also
    nothing else may come before. `unless`: groups that silence it, a frame in their sentence, danger in the message.
    """

    name: str
    role: Role
    value: str = ""
    intent: str = ""
    weight: int = 1
    trafficking: bool = False
    unless: tuple[str, ...] = ()
    language: str = ""
    stands: str = ""
    alone: bool = True


@dataclass(frozen=True, slots=True)
class Combination:
    """Groups that together mean danger, though none does alone. `intent` empty: by who it is about.

    Every group of `all`, `least` different ones of `some`, and none of `none`.
    """

    name: str
    all: tuple[str, ...]
    none: tuple[str, ...] = ()
    some: tuple[str, ...] = ()
    least: int = 0
    intent: str = ""
    trafficking: bool = True
    alone: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """A place people name: how we write it, ISO country, two-digit code of the province (VN only)."""

    text: str
    country: str
    province: str | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """One word of a phrase and what may follow. `strict`: the word counts only with its diacritics."""

    marks: frozenset[str]
    strict: bool
    node: Node


@dataclass(frozen=True, slots=True)
class Node:
    """Where several phrases stand after the same words."""

    edges: dict[str, list[Edge]] = field(default_factory=dict)
    ends: list[Group] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """All word lists, ready for use. Built by `flows.hear.read.read_lexicon`, never changed after, equal to no other."""

    phrases: Node
    classes: Node
    combinations: tuple[Combination, ...]
    spellings: Mapping[str, str]
    common: Mapping[str, frozenset[str]]
    places: Mapping[str, Place]
    size: Mapping[str, int]
    plain: frozenset[str]
    weights: Weights = field(default_factory=Weights)


Forms = tuple[tuple[str, frozenset[str]], ...]
"""Spellings of a word: each folded, and its diacritics."""


class Word(Struct, frozen=True):
    """One word as typed, with the spellings it may stand for.

    `exact`: without marks on purpose ("cho" beside words with marks), so it is not read as another word ("chó").
    `pause`: a comma follows.
    """

    text: str
    forms: Forms
    exact: bool = False
    pause: bool = False


class Match(Struct, frozen=True):
    """A phrase met in a sentence: words `start` up to `stop` of sentence number `sentence`."""

    group: Group
    sentence: int
    start: int
    stop: int
    words: str
    itself: bool


Spans = Sequence[Sequence[tuple[str, int]]]


def plant(root: Node, phrase: str, group: Group) -> None:
    """Add one phrase. `=` before a word: only with diacritics; `<name>`: a class; `…`: up to three words."""
    node = root
    for part in parts(phrase):
        strict = part.startswith("=")
        word = part[1:] if strict else part
        special = word == GAP or word.startswith("<")
        key, needed = (word, frozenset[str]()) if special else spelt(word)
        node = _follow(node, key, needed, strict)
    if group not in node.ends:
        node.ends.append(group)


def parts(phrase: str) -> list[str]:
    """A phrase of the file as the words it is compared by."""
    found: list[str] = []
    for piece in phrase.casefold().replace("...", GAP).split():
        if piece == GAP or piece.startswith("<"):
            found.append(piece)
        elif piece.startswith("="):
            found.extend("=" + word for word in tokens(piece[1:]))
        else:
            found.extend(tokens(piece))
    return found


def _follow(node: Node, key: str, needed: frozenset[str], strict: bool) -> Node:
    edges = node.edges.setdefault(key, [])
    for edge in edges:
        if edge.marks == needed and edge.strict == strict:
            return edge.node
    edges.append(Edge(needed, strict, Node()))
    return edges[-1].node


def words_of(lexicon: Lexicon, typed: Sequence[str], accented: bool) -> list[Word]:
    """The words of a sentence and its commas. `accented`: the writer uses diacritics, so a word without may be meant so."""
    return [
        Word(text, forms_of(lexicon, text), accented and text in lexicon.plain, after in PAUSES)
        for text, after in zip(typed, [*typed[1:], ""], strict=True)
        if text not in PAUSES
    ]


def forms_of(lexicon: Lexicon, text: str) -> Forms:
    """The spellings a typed word may stand for, remembered as `normal.spelt` remembers words."""
    is_short = len(text) <= LONGEST_WORD and text.isalpha()
    return _remembered(lexicon, text) if is_short else _forms(lexicon.spellings, text)


@lru_cache(maxsize=16_384)
def _remembered(lexicon: Lexicon, text: str) -> Forms:
    return _forms(lexicon.spellings, text)


def _forms(spellings: Mapping[str, str], text: str) -> Forms:
    """Itself, without doubled letters, out of teencode."""
    forms = dict([spelt(text)])
    once = single(text) if any(map(eq, text, text[1:])) else text
    if once != text:
        forms.setdefault(*spelt(once))
    standard = spellings.get(text) or spellings.get(once) or ""
    if standard:
        forms.setdefault(*spelt(standard))
    return tuple(forms.items())


def walk(node: Node, words: Sequence[Word], at: int, spans: Spans) -> Iterator[tuple[Group, int]]:
    """Every phrase that begins at word `at`: its group and the word after it."""
    for group in node.ends:
        yield group, at
    if at >= len(words):
        return
    for key, marked in words[at].forms:
        for edge in node.edges.get(key, ()):
            if marked == edge.marks or (marked < edge.marks and not edge.strict and not words[at].exact):
                yield from walk(edge.node, words, at + 1, spans)
    for name, stop in spans[at]:
        for edge in node.edges.get(name, ()):
            yield from walk(edge.node, words, stop, spans)
    for edge in node.edges.get(GAP, ()):
        for skip in range(min(LONGEST_GAP, len(words) - at - 1) + 1):
            yield from walk(edge.node, words, at + skip, spans)


def spans_of(classes: Node, words: Sequence[Word]) -> Spans:
    """For each word, the classes ("<họ>") that begin there and where they end."""
    none: Spans = [() for _ in range(len(words) + 1)]
    found: list[list[tuple[str, int]]] = []
    for at, word in enumerate(words):
        begins = _may_begin(classes, word, ())
        here = [(group.name, stop) for group, stop in walk(classes, words, at, none) if stop > at] if begins else []
        if word.text.isdigit():
            here.append((NUMBER, at + 1))
        if len(word.text) == 4 and word.text.startswith(("19", "20")):
            here.append((YEAR, at + 1))
        found.append(list(dict.fromkeys(here)))
    return [*found, []]


def _may_begin(root: Node, word: Word, spans: Sequence[tuple[str, int]]) -> bool:
    """Whether any phrase begins with this word: most do not, and a look is cheaper than a walk."""
    edges = root.edges
    for key, _ in word.forms:
        if key in edges:
            return True
    return GAP in edges or any(name in edges for name, _ in spans)


def matches(lexicon: Lexicon, sentence: int, words: Sequence[Word]) -> Iterator[Match]:
    """Every phrase of the lists in one sentence."""
    spans = spans_of(lexicon.classes, words)
    own = {at for at in range(len(words)) if any(name == "<tôi>" for name, _ in spans[at])}
    for at in range(len(words)):
        if not _may_begin(lexicon.phrases, words[at], spans[at]):
            continue
        for group, stop in dict.fromkeys(walk(lexicon.phrases, words, at, spans)):
            typed = " ".join(word.text for word in words[at:stop])
            itself = any(i in own for i in range(at, stop))
            if _stands(group, words, spans, at, stop):
                yield Match(group, sentence, at, stop, typed, itself)


def _stands(group: Group, words: Sequence[Word], spans: Spans, at: int, stop: int) -> bool:
    if not group.stands:
        return True
    alone = group.stands != "whole" or _opening(words, spans, at)
    return alone and _closing(words, spans, stop)


def _opening(words: Sequence[Word], spans: Spans, upto: int) -> bool:
    """Whether only politeness stands between a comma, or the beginning, and here."""
    low = max(0, upto - LONGEST_POLITENESS)
    begin = next((at for at in range(upto, low, -1) if words[at - 1].pause), low)
    return (begin == 0 or words[begin - 1].pause) and _polite(spans, begin, upto)


def _closing(words: Sequence[Word], spans: Spans, at: int) -> bool:
    """Whether only politeness stands from here up to a comma or the end."""
    high = min(len(words), at + LONGEST_POLITENESS)
    end = next((place for place in range(at, high) if words[place - 1].pause), high)
    return (end == len(words) or words[end - 1].pause) and _polite(spans, at, end)


def _polite(spans: Spans, begin: int, end: int) -> bool:
    """Whether words `begin` up to `end` are politeness (`<dạ>`) and nothing else."""
    reached = {begin}
    for at in range(begin, end):
        if at in reached:
            reached |= {stop for name, stop in spans[at] if name == POLITE}
        if max(reached) <= at:
            return False
    return end in reached
