"""One change made for many rows by one statement of SQLite.

Each step of a statement gives Python's lock away and takes it again: under a busy event loop that costs a turn more than
SQLite's own work. So the turns that are committed together are written together, table by table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from storage.statements import Compiled, Last, Sql, Values

MOST: Final = 32
"""Rows of one statement. A statement is kept for each power of two up to here, so that a text is prepared once."""

_INSERT: Final = re.compile(r"(INSERT INTO .*? VALUES )(\([?, ]+\))(.*)", re.DOTALL)
_UPDATE: Final = re.compile(r"(UPDATE .*?)(\sWHERE\s.*)", re.DOTALL)


def for_many(text: str, rows: int) -> str:
    """The text of a change that takes the parameters of so many rows, one after the other.

    An update finds each row's values by place (`given.column1`, as SQLite calls the columns of VALUES).
    """
    if rows == 1:
        return text
    if insert := _INSERT.fullmatch(text):
        head, group, tail = insert.groups()
        return f"{head}{', '.join([group] * rows)}{tail}"
    update = _UPDATE.fullmatch(text)
    if update is None:
        raise ValueError("only an insert of values or an update by its own columns can be made for many rows")
    places = iter(range(1, text.count("?") + 1))
    head, tail = (re.sub(r"\?", lambda _: f"given.column{next(places)}", part) for part in update.groups())
    group = f"({', '.join('?' * text.count('?'))})"
    return f"{head} FROM (VALUES {', '.join([group] * rows)}) AS given{tail}"


def by_statement(lasts: Iterable[Last]) -> Mapping[Sql, tuple[list[Values], bool]]:
    """The rows of each statement of these turns, in their order, and whether each of them must change something."""
    found: dict[Sql, tuple[list[Values], bool]] = {}
    for last in lasts:
        for place, (sql, values) in enumerate(last):
            rows, must = found.get(sql, ([], False))
            rows.append(values)
            found[sql] = rows, must or place < last.must
    return found


def in_portions(statement: Compiled, rows: Sequence[Values]) -> Iterator[tuple[int, list[Any]]]:
    """How many rows go into one statement, and their parameters: powers of two, the largest first."""
    at = 0
    while at < len(rows):
        size = min(MOST, 1 << (len(rows) - at).bit_length() - 1)
        yield size, [value for values in rows[at : at + size] for value in statement.pick(values)]
        at += size
