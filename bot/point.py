"""A place that somebody shared as a point on the map → the communes near it. Offline, pure, and honest about what it is not.

The table knows a commune's middle and no border. A point is near some communes and in none of them; across a border it may be
near one of ours. It is never taken for a commune before the person said so, and for a province only where all near it agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from bot.book import Book
from bot.place import Whereabouts, short
from flows.model import Conversation, Media
from referral.places.table import Table, Unit, apart_km, nearest

NEAR_KM = 20.0
"""A commune whose middle is farther away is not where the point is: most are 10 km across, a few in the mountains 30."""
STANDS_KM = 30.0
"""A commune that was confirmed is forgotten once a place shown live is farther from its middle than this."""
SHOWN = 3


@lru_cache(maxsize=8)
def near(table: Table, ref: str) -> tuple[tuple[Unit, float], ...]:
    """The communes near a point ("21.76000,106.91000") with the kilometres to their middles, the nearest first."""
    degrees = _degrees(ref)
    if degrees is None:
        return ()
    return tuple((unit, km) for unit, km in nearest(table, *degrees, SHOWN) if km <= NEAR_KM)


def _degrees(ref: str) -> tuple[float, float] | None:
    north, _, east = ref.partition(",")
    try:
        return float(north), float(east)
    except ValueError:  # a handle of another kind: no place on the map
        return None


def last_point(talk: Conversation) -> Media | None:
    """The place shared last; one that is shown live moves."""
    return next((one for one in reversed(talk.media) if one.kind == "location"), None)


def around(book: Book, ref: str) -> Whereabouts | None:
    """What is near a point, as a place: its province only where all that is near is in one. None far from every commune."""
    found = near(book.places, ref)
    if not found:
        return None
    provinces = {unit.of for unit, _ in found}
    units = tuple((unit.kind, unit.code) for unit, _ in found)
    codes = tuple(unit.code for unit, _ in found)
    province = provinces.pop() if len(provinces) == 1 else ""
    return Whereabouts(found[0][0].name, "VN", province, codes, units, shared=True)


def has_left(book: Book, talk: Conversation, unit: Unit) -> bool:
    """Whether the place shared last is too far from a unit to be in it still."""
    point = last_point(talk)
    here = _degrees(point.ref) if point is not None else None
    if here is None or unit.middle is None:
        return False
    return apart_km(unit.middle, here) > STANDS_KM


def described(book: Book, ref: str) -> Iterator[tuple[str, str]]:
    """For officers: each commune near a point, and the kilometres to its middle as they are written (0,7)."""
    for unit, km in near(book.places, ref):
        province = short(book.places.units["p", unit.of].name)
        yield f"{unit.name}, {province}", f"{max(km, 0.1):.1f}".replace(".", ",")
