"""Units in what somebody wrote: old names first, districts as candidates, nothing assumed that could be elsewhere.

A bare name is no place by itself: half of them are words, or people's names. It counts with what it is ("xã", "huyện"), with
what it is in ("Bắc Quang, Hà Giang"), or as the whole answer to the question where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from referral.places.table import TYPES, Table, Unit, marks, plain, provinces_of

LONGEST = 6
"""Words in the longest name that is looked for."""
LINKS = frozenset({"o", "thuoc", "cua", "tai", "cu", "nay", "la"})
"""Words that may stand between a name and what it is in."""
BEFORE = frozenset("ở tại về lên ra vào từ qua đến tới xuống quê gần".split())
"""Before the name of an old district, these tell that it is a place."""
TWO_WORDS = 2

_FORMS = {
    kind: tuple((tuple(form.split()), tuple(plain(form).split())) for form in forms) for kind, forms in TYPES.items()
}
"""What stands before a name, word by word: as it is written, and without its marks."""
_TYPE_OF = {plain(form): kind for kind, forms in tuple(TYPES.items())[::-1] for form in forms}
"""The same the other way: what stands there without its marks → the type, the first of several."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: the units that fit, old ones first, and between which words they were named."""

    units: tuple[Unit, ...]
    provinces: frozenset[str]
    start: int
    stop: int
    links: int = 0
    """How many larger units were named with it and fit."""


@dataclass(frozen=True, slots=True)
class _Hit:
    begin: int
    """Where its type begins, or the name itself."""
    start: int
    stop: int
    typed: bool
    units: tuple[Unit, ...]


def find(table: Table, words: tuple[str, ...], *, asked: bool = False) -> Found | None:
    """The surest place among these words (lower case, with their marks), None where there is none.

    `asked`: they answer the question where, so that a bare name as the whole answer counts. More than one province in what
    is found means that the name alone does not tell; whoever asked must ask on. Some 10 µs for a sentence without a place;
    nothing of it is remembered.
    """
    letters = [table.letters.get(word) or plain(word) for word in words]
    hits = list(_hits(table, words, letters))
    return _surest(table, hits, hits, words, letters, asked) or _surest(
        table, tuple(_misspelt(table, letters, hits)), hits, words, letters, asked
    )


def _surest(
    table: Table, names: Sequence[_Hit], hits: Sequence[_Hit], words: Sequence[str], letters: Sequence[str], asked: bool
) -> Found | None:  # fmt: skip
    chains = (_chain(table, hit, hits, letters) for hit in names)
    sure = [found for hit, found in chains if _counts(hit, found, words, asked=asked)]
    return max(sure, key=lambda found: (found.links, found.stop - found.start, -found.start), default=None)


def communes(table: Table, found: Found) -> tuple[Unit, ...]:
    """What the found units are now, the likeliest first; none where a province is all that was named."""
    codes: dict[str, None] = {}
    for unit in found.units:
        codes.update(dict.fromkeys((unit.code,) if unit.kind == "c" else unit.now if unit.kind in "CD" else ()))
    return tuple(table.commune(code) for code in codes)


# -------------------------------------------------------------------------------------------------------------- names


def _hits(table: Table, words: Sequence[str], letters: Sequence[str]) -> Iterator[_Hit]:
    for start, first in enumerate(letters):
        longest = min(table.longest.get(first, 0), LONGEST, len(letters) - start)
        for stop in range(start + 1, start + longest + 1):
            units = table.named.get(" ".join(letters[start:stop]))
            if units:
                yield from _read(table, units, words, (start, stop))


def _read(table: Table, units: Sequence[Unit], words: Sequence[str], span: tuple[int, int]) -> Iterator[_Hit]:
    """The units of this name that the words can mean: those of the type that stands before it, else all."""
    start, stop = span
    alike = _alike(table, units, words[start:stop])
    typed: dict[int, list[Unit]] = {}
    for unit in alike:
        length = _type_before(table.spelt[unit.kind, unit.code].type, words, start)
        if length:
            typed.setdefault(start - length, []).append(unit)
    if typed:
        begin = min(typed)
        yield _Hit(begin, start, stop, True, tuple(sorted(typed[begin], key=_old_first)))
    elif (alike and stop - start >= TWO_WORDS) or any(unit.kind in "pP" for unit in alike):
        yield _Hit(start, start, stop, False, tuple(sorted(alike, key=_old_first)))


def _alike(table: Table, units: Sequence[Unit], said: Sequence[str]) -> Sequence[Unit]:
    """Those whose marks are the same, by their name or what people say for them; all where none were written."""
    if all(map(str.isascii, said)):
        return units
    found = tuple(map(marks, said))
    return [
        unit
        for unit in units
        if found == table.spelt[unit.kind, unit.code].marks or found in table.spoken.get((unit.kind, unit.code), ())
    ]


def _old_first(unit: Unit) -> tuple[bool, int, str]:
    """Old before new, and of the old the districts first: who names one alone rarely means its town."""
    return not unit.is_old, -_level(unit), unit.code


def _type_before(kind: str, words: Sequence[str], start: int) -> int:
    """How many words before the name say what it is; 0 where none do. Written with marks, they must be the right ones."""
    for wanted, letters in _FORMS.get(kind, ()):
        said = tuple(words[max(0, start - len(wanted)) : start])
        if said in (wanted, letters):  # the second only without a mark: it has none
            return len(wanted)
    return 0


# ------------------------------------------------------------------------------------------------------------- chains


def _chain(table: Table, hit: _Hit, hits: Sequence[_Hit], letters: Sequence[str]) -> tuple[_Hit, Found]:
    """This name with the larger ones that stand beside it, one beside the other, and in which it lies."""
    units, start, stop, links = hit.units, hit.begin, hit.stop, 0
    before = after = hit
    level = -1
    while (step := _beside(table, units, (before, after), hits, letters, level)) is not None:
        other, units, level = step
        before, after = (other, after) if other.begin < before.begin else (before, other)
        start, stop, links = min(start, other.begin), max(stop, other.stop), links + 1
    return hit, Found(tuple(sorted(units, key=_old_first)), provinces_of(table, units), start, stop, links)


def _beside(
    table: Table,
    units: Sequence[Unit],
    ends: tuple[_Hit, _Hit],
    hits: Sequence[_Hit],
    letters: Sequence[str],
    above: int,
) -> tuple[_Hit, tuple[Unit, ...], int] | None:
    """The neighbour in which most surely some of these units lie, larger than those before; and those units."""
    best: tuple[_Hit, tuple[Unit, ...], int] | None = None
    for other in hits:
        if not (_adjoin(ends[0], other, letters) or _adjoin(ends[1], other, letters)):
            continue
        larger = [big for big in other.units if _level(big) > above]
        inside = tuple(unit for unit in units if any(_larger(unit, big) and table.is_in(unit, big) for big in larger))
        if inside and (best is None or other.stop - other.begin > best[0].stop - best[0].begin):
            level = min(
                _level(big) for big in larger if any(_larger(one, big) and table.is_in(one, big) for one in inside)
            )
            best = other, inside, level
    return best


def _level(unit: Unit) -> int:
    return {"c": 0, "C": 0, "D": 1}.get(unit.kind, 2)


def _larger(unit: Unit, other: Unit) -> bool:
    return _level(other) > _level(unit)


def _adjoin(one: _Hit, other: _Hit, letters: Sequence[str]) -> bool:
    """True where nothing but a linking word or two stands between them. The larger usually comes after."""
    gap = letters[one.stop : other.begin] if other.begin >= one.stop else letters[other.stop : one.begin]
    apart = other.begin >= one.stop or one.begin >= other.stop
    return apart and len(gap) <= TWO_WORDS and all(word in LINKS for word in gap)


def _counts(hit: _Hit, found: Found, words: Sequence[str], *, asked: bool) -> bool:
    if found.links:
        return True
    if asked and hit.begin == 0 and hit.stop == len(words):
        return True
    if len(found.provinces) != 1:
        return False
    if hit.typed:
        return hit.stop - hit.start >= TWO_WORDS or not words[hit.begin].isascii() or len(words[hit.begin]) > 1
    is_district = any(unit.kind == "D" for unit in hit.units)
    marked = not all(word.isascii() for word in words[hit.start : hit.stop])
    return is_district and marked and hit.begin > 0 and words[hit.begin - 1] in BEFORE


# ---------------------------------------------------------------------------------------------------------- misspelt


def _misspelt(table: Table, letters: Sequence[str], hits: Sequence[_Hit]) -> Iterator[_Hit]:
    """A name after its type with one letter wrong, where the province or district beside it tells which one is meant."""
    for start in range(1, len(letters)):
        kind = _TYPE_OF.get(letters[start - 1], "")
        for stop in range(start + 2, min(start + 4, len(letters)) + 1) if kind else ():
            outer = [hit for hit in hits if hit.begin == stop]
            if outer and not any(hit.start == start and hit.stop == stop for hit in hits):
                said = " ".join(letters[start:stop])
                units = tuple(_almost(table, kind, said, [unit for hit in outer for unit in hit.units]))
                if units:
                    yield _Hit(start - 1, start, stop, True, units)


def _almost(table: Table, kind: str, said: str, inside: Iterable[Unit]) -> Iterator[Unit]:
    larger = tuple(inside)
    for key, spelt in table.spelt.items():
        if spelt.type == kind and _one_off(" ".join(spelt.words), said):
            unit = table.units[key]
            if any(_larger(unit, big) and table.is_in(unit, big) for big in larger):
                yield unit


def _one_off(one: str, other: str) -> bool:
    """True where one letter was left out, put in or is another."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    return (
        one[start + 1 :] == other[start + 1 :] or one[start:] == other[start + 1 :] or one[start + 1 :] == other[start:]
    )
