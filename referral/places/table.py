"""The table of units as nouns, and reading it. What was merged into what is a fact of the table, never a guess of this code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from unicodedata import normalize

TYPES: Mapping[str, tuple[str, ...]] = {
    "Thành phố": ("thành phố", "tp"),
    "Thị xã": ("thị xã", "tx"),
    "Thị trấn": ("thị trấn", "tt"),
    "Đặc khu": ("đặc khu",),
    "Tỉnh": ("tỉnh",),
    "Huyện": ("huyện", "h"),
    "Quận": ("quận", "q"),
    "Xã": ("xã", "x"),
    "Phường": ("phường", "p", "f"),
}
"""What stands before a name in the table → how people write it."""
PROVINCES, DISTRICTS = "pP", "D"
COLUMNS = 7


Marks = tuple[frozenset[str], ...]
"""Of each word of a name, its marks."""


class BadTable(ValueError):
    """The table of units cannot be used; the message names the line."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit, now or before July 2025. `now` are codes of communes, of an old province its new one."""

    kind: str
    code: str
    name: str
    of: str
    now: tuple[str, ...] = ()
    middle: tuple[float, float] | None = None

    @property
    def is_old(self) -> bool:
        return self.kind.isupper()


@dataclass(frozen=True, slots=True)
class Spelt:
    """A name as it is compared: its type's words, and each word's letters and marks."""

    type: str
    words: tuple[str, ...]
    marks: Marks


@dataclass(frozen=True, eq=False)
class Table:
    """Units by kind and code, and by their names without type and without marks. Equal to no other."""

    units: Mapping[tuple[str, str], Unit]
    spelt: Mapping[tuple[str, str], Spelt] = field(repr=False)
    named: Mapping[str, tuple[Unit, ...]] = field(repr=False)
    inside: Mapping[tuple[str, str], frozenset[str]] = field(repr=False)
    """Of an old province or district: codes of the communes in which its parts now are."""
    spoken: Mapping[tuple[str, str], tuple[Marks, ...]] = field(repr=False)
    """Of what people say for a unit: the marks of its words."""
    longest: Mapping[str, int] = field(repr=False)
    """Of each word that a name begins with: how many words the longest such name has."""
    letters: Mapping[str, str] = field(repr=False)
    """The words of all names as they are written, to themselves without marks."""

    def commune(self, code: str) -> Unit:
        return self.units["c", code]

    def province_of(self, unit: Unit) -> frozenset[str]:
        """Codes of the provinces in which it now is: one, but for the few whose parts went to two."""
        if unit.kind == "p":
            return frozenset((unit.code,))
        if unit.kind == "c":
            return frozenset((unit.of,))
        if unit.kind == "P":
            return frozenset(unit.now)
        if not unit.now:
            return self.province_of(self.above(unit)[-1])
        return frozenset(self.units["c", code].of for code in unit.now)

    def above(self, unit: Unit) -> tuple[Unit, ...]:
        """What it was or is in, the smallest first."""
        kinds = {"c": "p", "C": "DP", "D": "P"}.get(unit.kind, "")
        found, within = [], unit.of
        for kind in kinds:
            found.append(self.units[kind, within])
            within = found[-1].of
        return tuple(found)

    def is_in(self, unit: Unit, larger: Unit) -> bool:
        """True where the one lies in the other, by the old map, the new one, or an old name in a new province."""
        if larger.kind == "p":
            return larger.code in self.province_of(unit)
        if unit.kind == "c":
            return unit.code in self.inside.get((larger.kind, larger.code), ())
        return larger in self.above(unit)


def read_table(text: str, spoken: str = "") -> Table:
    """The table of a file's text, and of another's with what people say for a unit. Raises BadTable, which names the line."""
    units = {(unit.kind, unit.code): unit for unit in _units(text)}
    for unit in units.values():
        _proved(units, unit)
    spell = _Speller()
    spelt = {key: spell.name(unit.name) for key, unit in units.items()}
    named: dict[str, list[Unit]] = {}
    for key, unit in units.items():
        named.setdefault(" ".join(spelt[key].words), []).append(unit)
    other: dict[tuple[str, str], tuple[Marks, ...]] = {}
    for said, key in _spoken(spoken):
        if key not in units:
            raise BadTable(f"spoken.tsv: {said} is {key[0]} {key[1]}, which is not in the table")
        named.setdefault(" ".join(map(plain, words_of(said))), []).append(units[key])
        other[key] = (*other.get(key, ()), tuple(map(marks, words_of(said))))
    by_name = {name: tuple(same) for name, same in named.items()}
    return Table(units, spelt, by_name, _inside(units), other, _longest(named), spell.letters())


def _longest(named: Iterable[str]) -> dict[str, int]:
    longest: dict[str, int] = {}
    for name in named:
        words = name.split()
        if words:
            longest[words[0]] = max(len(words), longest.get(words[0], 0))
    return longest


def _spoken(text: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line and not line.startswith("#"):
            cells = line.split("\t")
            if len(cells) != len(("said", "kind", "code")):
                raise BadTable(
                    f"spoken.tsv line {number}: what is said, a kind and a code, separated by tabs, are wanted"
                )
            yield cells[0], (cells[1], cells[2])


def _inside(units: Mapping[tuple[str, str], Unit]) -> dict[tuple[str, str], frozenset[str]]:
    inside = {key: set(unit.now) for key, unit in units.items() if unit.kind == "D"}
    for unit in units.values():
        if unit.kind == "D":
            inside.setdefault(("P", unit.of), set()).update(unit.now)
    return {key: frozenset(codes) for key, codes in inside.items()}


def _units(text: str) -> Iterator[Unit]:
    codes: dict[str, str] = {}  # each code once in memory, however many units name it
    for number, line in enumerate(text.splitlines(), 1):
        if line and not line.startswith("#"):
            cells = line.split("\t")
            if len(cells) != COLUMNS:
                raise BadTable(
                    f"units.tsv line {number}: {COLUMNS} cells separated by tabs are wanted, there are {len(cells)}"
                )
            kind, code, name, of, now, north, east = cells
            middle = (float(north), float(east)) if north else None
            became = tuple(codes.setdefault(one, one) for one in now.split(",")) if now else ()
            yield Unit(kind, codes.setdefault(code, code), name, codes.setdefault(of, of), became, middle)


def _proved(units: Mapping[tuple[str, str], Unit], unit: Unit) -> None:
    of = {"c": "p", "C": "D", "D": "P"}.get(unit.kind)
    if of and (of, unit.of) not in units:
        raise BadTable(f"units.tsv: {unit.kind} {unit.code} is in {of} {unit.of}, which is not in the table")
    now = "p" if unit.kind == "P" else "c"
    missing = [code for code in unit.now if (now, code) not in units]
    if missing:
        raise BadTable(f"units.tsv: {unit.kind} {unit.code} became {missing}, which are not in the table")


# ---------------------------------------------------------------------------------------------------------- spelling


def plain(word: str) -> str:
    """A lower-case word without its marks."""
    if word.isascii():
        return word
    return "".join(c for c in normalize("NFD", word) if not "\u0300" <= c <= "\u036f").replace("đ", "d")


def marks(word: str) -> frozenset[str]:
    """The marks of a word wherever they stand (Hoà as Hòa); hỏi and ngã are one: many write them alike."""
    if word.isascii():
        return frozenset()
    found = {"\u0309" if c == "\u0303" else c for c in normalize("NFD", word) if "\u0300" <= c <= "\u036f"}
    return frozenset(found | {"đ"} if "đ" in word else found)


_WORD = re.compile(r"\d+|[^\W\d_]+")


def words_of(text: str) -> tuple[str, ...]:
    """The words and numbers of a name, lower case."""
    return tuple(_WORD.findall(normalize("NFC", text).casefold()))


def type_of(name: str) -> str:
    """The type before a name of the table: "Xã", "Quận", …; empty where there is none."""
    first, _, rest = name.partition(" ")
    second, space, _ = rest.partition(" ")
    if space and f"{first} {second}" in TYPES:
        return f"{first} {second}"
    return first if rest and first in TYPES else ""


class _Speller:
    """Spells names; the same few thousand syllables come again and again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, frozenset[str]]] = {}
        self._names: dict[str, Spelt] = {}

    def name(self, name: str) -> Spelt:
        """A name spelt; thousands of communes are called like another, and share what is kept."""
        known = self._names.get(name)
        if known is None:
            kind = type_of(name)
            words, found = zip(*map(self._word, words_of(name.removeprefix(kind))), strict=True)
            known = self._names[name] = Spelt(kind, words, found)
        return known

    def letters(self) -> dict[str, str]:
        """Each word that was spelt, without its marks."""
        return {word: letters for word, (letters, _) in self._known.items()}

    def _word(self, word: str) -> tuple[str, frozenset[str]]:
        known = self._known.get(word)
        if known is None:
            known = self._known[word] = plain(word), marks(word)
        return known


def nearest(table: Table, north: float, east: float, count: int = 3) -> tuple[tuple[Unit, float], ...]:
    """The communes whose middles are nearest to a point, with the distance in km. A middle is no border: ask, do not assume."""
    away = (
        (apart_km(unit.middle, (north, east)), unit.code, unit)
        for unit in table.units.values()
        if unit.middle is not None
    )
    return tuple((unit, km) for km, _, unit in sorted(away)[:count])


def apart_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Near enough within the country: the Earth is flat there, and a degree of longitude as long as at 17° N."""
    north, east = one[0] - other[0], (one[1] - other[1]) * 0.956
    return float((north * north + east * east) ** 0.5 * 111.2)


def provinces_of(table: Table, units: Iterable[Unit]) -> frozenset[str]:
    """All provinces in which these now are."""
    return frozenset[str]().union(*map(table.province_of, units))
