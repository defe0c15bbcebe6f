"""A whole database as one stream of JSON lines, the same from SQLite and PostgreSQL, so that either is restored into either.

    {"is":"backup","format":1,"schema":"0001","program":"0.1.0","at":"2026-11-23T01:00:00Z"}
    {"is":"table","name":"officer","columns":{"id":"text",…},"key":["id"]}
    ["police-1",…]                  a line a row, in the order of the key; bytes are base64
    {"is":"end","tables":{"officer":{"rows":1,"sha256":"…"},…},"bytes":4711}

A table's SHA-256 is over the lines of its rows. `bytes` counts all before the last line. Nothing is encrypted here beyond
what is sealed in the database; that is for whoever takes the stream. Memory does not grow with the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from sqlalchemy import Delete, Insert, Integer, LargeBinary, Table, Update

from storage import schema as t
from storage.migrate import LATEST, SCRIPTS
from storage.statements import Row

FORMAT: Final = 1
MOST_LINE: Final = 256 * 1024 * 1024
"""Bytes of the longest row that is taken: the largest file that comes in, in base64, several times over."""
LOAD_ROWS: Final = 1000
LOAD_BYTES: Final = 4 * 1024 * 1024
"""Rows are loaded together up to these."""

Kind = Literal["text", "number", "bytes"]
Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9_]{1,63}\Z")]
_TYPES: Final[Mapping[str, Any]] = {"text": str | None, "number": int | None, "bytes": bytes | None}


class BadBackup(Exception):
    """A backup cannot be made, read or restored; the message says what to do. Nothing was changed."""


class Head(msgspec.Struct, frozen=True, tag_field="is", tag="backup"):
    """The first line: which format, schema and program, and the moment (UTC) before which everything is in it."""

    format: int
    schema: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,9}\Z")]
    program: str
    at: str


class Shape(msgspec.Struct, frozen=True, tag_field="is", tag="table"):
    """Before a table's rows: its columns in the order of each row, and those by which rows are ordered."""

    name: Name
    columns: dict[Name, Kind]
    key: tuple[Name, ...]


class Total(msgspec.Struct, frozen=True):
    """How many rows a table has, and the SHA-256 over their lines."""

    rows: int
    sha256: str


class End(msgspec.Struct, frozen=True, tag_field="is", tag="end"):
    """The last line, the manifest: whoever has it has everything."""

    tables: dict[Name, Total]
    bytes: int


class Place(Protocol):
    """A database as one transaction, or one read as of one moment. See storage/places.py."""

    def version(self) -> str | None: ...
    def rows(self, shape: Shape) -> Iterator[Row]: ...
    def make(self, schema: str) -> None: ...
    def load(self, shape: Shape, rows: list[Row]) -> None: ...
    def finish(self) -> None: ...
    def run(self, statement: Insert | Update | Delete) -> int: ...


_encode: Final = msgspec.json.Encoder().encode
_special: Final = msgspec.json.Decoder(Head | Shape | End)


def shapes() -> tuple[Shape, ...]:
    """Every table of this version, each after those it points to."""
    return tuple(shape_of(table) for table in t.metadata.sorted_tables)


def shape_of(table: Table) -> Shape:
    """A table as a backup describes it."""
    key = tuple(str(column.name) for column in table.primary_key)
    return Shape(str(table.name), {str(column.name): _kind(column.type) for column in table.columns}, key)


def _kind(of: object) -> Kind:
    if isinstance(of, LargeBinary):
        return "bytes"
    return "number" if isinstance(of, Integer) else "text"


class _Tally:
    """Counts and hashes the lines of a table."""

    def __init__(self) -> None:
        self._rows = 0
        self._hash = hashlib.sha256()

    def add(self, line: bytes) -> None:
        self._rows += 1
        self._hash.update(line)

    def total(self) -> Total:
        return Total(self._rows, self._hash.hexdigest())


# -------------------------------------------------------------------------------------------------------------- writing


def lines(place: Place, program: str, at: str, ended: Callable[[End], None]) -> Iterator[bytes]:
    """The whole backup, line by line; `ended` is told what was in it. Raises BadBackup where the schema is not this program's."""
    if (version := place.version()) != LATEST:
        raise BadBackup(
            f"the database has schema {version or 'none'} and this program {LATEST}: use the program that runs on it, "
            "or start this one once"
        )
    size = 0
    totals: dict[str, Total] = {}
    for line in _before_the_end(place, Head(FORMAT, LATEST, program, at), totals):
        size += len(line)
        yield line
    end = End(totals, size)
    yield _line(end)
    ended(end)


def _before_the_end(place: Place, head: Head, totals: dict[str, Total]) -> Iterator[bytes]:
    yield _line(head)
    for shape in shapes():
        yield _line(shape)
        tally = _Tally()
        for row in place.rows(shape):
            line = _line(row)
            tally.add(line)
            yield line
        totals[shape.name] = tally.total()


def _line(it: object) -> bytes:
    return _encode(it) + b"\n"


def total(place: Place, shape: Shape) -> Total:
    """What a table holds now, counted and hashed as in a backup."""
    tally = _Tally()
    for row in place.rows(shape):
        tally.add(_line(row))
    return tally.total()


# -------------------------------------------------------------------------------------------------------------- reading


class Reader:
    """Takes a backup's bytes as they come, loads its rows into a place (if there is one) and proves them at the end.

    `see` is shown each row with the name of its table.
    """

    def __init__(self, place: Place | None, see: Callable[[str, Row], None]) -> None:
        self._place = place
        self._see = see
        self._parts: list[bytes] = []
        self._waiting = 0
        self._size = 0
        self._head: Head | None = None
        self._end: End | None = None
        self._tally = _Tally()
        self._decode: Callable[[bytes], Row] | None = None
        self._rows: list[Row] = []
        self._bytes = 0
        self._found: dict[str, Total] = {}
        self.shapes: list[Shape] = []

    def write(self, chunk: bytes) -> int:
        """Take some more. Raises BadBackup."""
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            self._parts.append(part)
            self._take(b"".join(self._parts) + b"\n")
            self._parts, self._waiting = [], 0
        self._parts.append(rest)
        self._waiting += len(rest)
        if self._waiting > MOST_LINE:
            raise BadBackup("the backup holds a row larger than any of ours: take another backup")
        return len(chunk)

    def flush(self) -> None:
        """Nothing is held back that could be flushed; whoever writes to a file calls it."""

    def prove(self) -> tuple[Head, End]:
        """What the backup says of itself, after everything of it was taken and found to be so. Raises BadBackup."""
        if self._head is None or self._end is None or self._waiting:
            raise BadBackup("the backup ends too early: it was never finished; take another one")
        if self._found != self._end.tables or self._size != self._end.bytes:
            wrong = sorted(name for name in self._end.tables if self._found.get(name) != self._end.tables[name])
            raise BadBackup(
                f"the backup is not what its manifest says ({', '.join(wrong) or 'size'}): take another one"
            )
        if self._place is not None:
            for shape in self.shapes:
                self._compare(shape, total(self._place, shape), self._end.tables[shape.name])
        return self._head, self._end

    def _compare(self, shape: Shape, loaded: Total, wanted: Total) -> None:
        if loaded != wanted:
            raise BadBackup(
                f"{shape.name} was not restored as it was ({loaded.rows} rows of {wanted.rows}): nothing was kept; "
                "report this and try the other database"
            )

    def _take(self, line: bytes) -> None:
        if self._end is not None:
            raise BadBackup("the backup goes on after its end: take another one")
        if line.startswith(b"["):
            self._size += len(line)
            self._take_row(line)
            return
        try:
            it = _special.decode(line)
        except msgspec.MsgspecError:
            it = None
        is_first = self._head is None
        if it is None or isinstance(it, Head) != is_first:
            raise BadBackup("this is no backup of ours, or a newer program made it: use that program")
        if isinstance(it, Head):
            self._begin(it)
        else:
            self._end_table()
        if isinstance(it, Shape):
            self._begin_table(it)
        if isinstance(it, End):
            self._end = it
        else:
            self._size += len(line)

    def _begin(self, head: Head) -> None:
        self._head = head
        if head.format > FORMAT or head.schema > LATEST:
            raise BadBackup(
                f"the backup has format {head.format} and schema {head.schema}, this program knows those up to "
                f"{FORMAT} and {LATEST}: use program {head.program} or a newer one"
            )
        if not any((SCRIPTS / "versions").glob(f"{head.schema}_*.py")):
            raise BadBackup(f"the backup has a schema {head.schema}, which never was: take another one")
        if self._place is not None:
            self._place.make(head.schema)

    def _begin_table(self, shape: Shape) -> None:
        self.shapes.append(shape)
        self._tally = _Tally()
        row: Any = tuple.__class_getitem__(tuple(_TYPES[kind] for kind in shape.columns.values()))
        self._decode = msgspec.json.Decoder(row).decode

    def _end_table(self) -> None:
        if self.shapes:
            self._load()
            self._found[self.shapes[-1].name] = self._tally.total()

    def _take_row(self, line: bytes) -> None:
        if self._decode is None:
            raise BadBackup("this is no backup of ours: give another file")
        self._tally.add(line)
        name = self.shapes[-1].name
        try:
            row = self._decode(line)
        except msgspec.MsgspecError:
            raise BadBackup(f"the backup holds a row of {name} that is none: take another one") from None
        self._see(name, row)
        self._rows.append(row)
        self._bytes += len(line)
        if len(self._rows) >= LOAD_ROWS or self._bytes >= LOAD_BYTES:
            self._load()

    def _load(self) -> None:
        if self._place is not None and self._rows:
            self._place.load(self.shapes[-1], self._rows)
        self._rows, self._bytes = [], 0
