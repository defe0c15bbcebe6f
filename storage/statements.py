"""A statement in SQLAlchemy Core, compiled once to text, and the shape of a piece of work over such statements.

Work is a generator that yields (statement, values) and is given back the rows, or the number of rows written. So what
is read and written stands once, for every database; a driver only performs it (see sqlite.py, postgres.py).

A list of changes may be yielded where none needs what another of them writes; it is answered by a list of numbers.
Changes by the same statement are made in their order. It saves a database that is reached by a network its journeys.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    ColumnElement,
    Delete,
    Insert,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    cast,
    func,
    literal_column,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

T = TypeVar("T")
Row = tuple[Any, ...]
Values = Mapping[str, Any]
Build = Callable[[str], Insert | Select[Any] | Update | Delete]


@dataclass(frozen=True, eq=False, slots=True)
class Sql:
    """One statement. `build` makes it for a dialect by name; `rows` tells a question from a change.

    `many`: it may be made for many rows at once (`many.py`), for it finds its row by values of its own.
    """

    build: Build
    rows: bool
    many: bool = False


Change = tuple[Sql, Values]


class Last(list[Change]):
    """Changes after which nothing is left to write, provided that each of the first `must` of them wrote something.

    So a driver may make them and commit in one journey.
    """

    must: int

    def __init__(self, changes: Iterable[Change], must: int) -> None:
        super().__init__(changes)
        self.must = must


Work = Generator[Change | list[Change], Any, T]
Piece = Callable[[], Work[T]]
"""Begins a piece of work, perhaps more than once: what was undone is done anew."""


def question(core: Select[Any]) -> Sql:
    """A statement that answers with rows."""
    return Sql(lambda _: core, rows=True)


def change(core: Update | Delete, *, many: bool = False) -> Sql:
    """A statement that answers with the number of rows it changed."""
    return Sql(lambda _: core, rows=False, many=many)


def insert_once(table: Table, *left_out: str) -> Sql:
    """Insert a whole row by its columns' names; a row whose key is there already is kept, and 0 is answered."""
    values: dict[str, Any] = {c.name: bindparam(c.name) for c in table.columns if c.name not in left_out}

    def build(dialect: str) -> Insert:
        # ON CONFLICT is the same on both databases, but SQLAlchemy has it in each dialect's own Insert.
        insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
        # `inline`: without it PostgreSQL is asked to answer with the number it gave.
        return insert(table).values(values).on_conflict_do_nothing().inline()

    return Sql(build, rows=False, many=True)


def given(name: str) -> ColumnElement[str]:
    """A text that is handed in, beside a column one of whose values has an index of its own (`WHERE sender = 'zalo_bot'`).

    Bare, SQLite looks at every use whether it is that value, and prepares the whole statement anew for it: 345 µs a claim.
    """
    return cast(bindparam(name), Text)


def listed(dialect: str) -> Callable[[int, TypeEngine[Any]], ColumnElement[Any]]:
    """What stands at a place in each of the lists of the parameter `rows`, which is a JSON list of lists.

    So any number of rows is changed by one statement: one journey, and one text to prepare.
    """
    if dialect == "postgresql":
        table = func.json_array_elements(cast(bindparam("rows"), JSON)).table_valued("value", name="given")
        return lambda place, kind: cast(table.c.value.op("->>")(literal_column(str(place))), kind)
    table = func.json_each(bindparam("rows")).table_valued("value", name="given")
    return lambda place, _: func.json_extract(table.c.value, literal_column(f"'$[{place}]'"))


@dataclass(frozen=True, slots=True)
class Compiled:
    """The text for one driver, how its parameters are picked out of named values, and whether it answers with rows."""

    text: str
    pick: Callable[[Values], Sequence[Any]]
    rows: bool


def compiled(sql: Sql, dialect: Dialect) -> Compiled:
    """Compile for a dialect with positional parameters. A name used twice is picked twice."""
    made = sql.build(dialect.name).compile(dialect=dialect)
    constants = {name: bound.value for name, bound in made.binds.items() if not bound.required}
    return Compiled(str(made), _picker(tuple(made.positiontup or ()), constants), sql.rows)


def statements_of(*modules: object) -> tuple[Sql, ...]:
    """Every statement that these modules define, so that they are compiled at start and not in somebody's turn."""
    return tuple(each for module in modules for each in vars(module).values() if isinstance(each, Sql))


def _picker(names: tuple[str, ...], constants: Values) -> Callable[[Values], Sequence[Any]]:
    if constants:
        return lambda values: [values[name] if name in values else constants[name] for name in names]
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]
