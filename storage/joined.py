"""Several changes as one statement of PostgreSQL, so that they cost one journey to its server instead of one each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from storage.statements import Change, Compiled

_PARAMETER: Final = re.compile(r"\$(\d+)")


def joined(changes: Sequence[Compiled], must: int = 0) -> str:
    """One statement that makes all these changes and answers with one row, the number of rows that each wrote.

    They all see the database as it was before. Its parameters are those of the changes, one after the other. It fails
    by a division by zero, and nothing is written, where one of the first `must` changes wrote nothing.
    """
    parts: list[str] = []
    before = 0
    for number, change in enumerate(changes):
        parts.append(f"c{number} AS ({_shifted(change.text, before)} RETURNING 1)")
        before += _count(change.text)
    counts = [f"(SELECT count(*) FROM c{number})" for number in range(len(parts))]  # noqa: S608 - no value is in it
    counts[:must] = [f"1 / {count}" for count in counts[:must]]
    return f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"


def rounds(changes: Sequence[Change]) -> list[list[int]]:
    """The changes by their places, so that no statement is twice in a round: what it writes twice keeps its order."""
    made: list[list[int]] = []
    seen: Counter[object] = Counter()
    for place, (sql, _) in enumerate(changes):
        if seen[sql] == len(made):
            made.append([])
        made[seen[sql]].append(place)
        seen[sql] += 1
    return made


def _shifted(text: str, by: int) -> str:
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + by}", text)


def _count(text: str) -> int:
    return max((int(number) for number in _PARAMETER.findall(text)), default=0)
