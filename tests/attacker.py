"""Somebody who took everything that is stored: the database with its log, a backup opened, the service key. Knows the program.

Tries every value under every name that the program gives values, the keys found so on everything that they could open, and
the database as it was at each earlier moment that its log still holds.
"""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from storage import sealing
from storage.base import StorageUnfit
from storage.envelope import Locked, unlock
from storage.seal import Sealer

Row = Mapping[str, Any]
Tables = Mapping[str, list[Row]]

KINDS: Final = (
    "content", "answers", "conversation", "outbox", "address", "file", "file-key", "draft-keys", "breach", "officer-key",
    "login", "totp",
)  # fmt: skip
"""What values are sealed about: before the slash."""
_HEADER, _FRAME = 32, 24
"""Bytes of the log's header and of that of each frame (https://sqlite.org/fileformat2.html#walformat)."""


class Attacker:
    """What can be read with the service key of what was taken. `finds` says which of some marks are in it."""

    def __init__(self, key: bytes, *, database: Path | None = None, backup: bytes = b"") -> None:
        self.sealer = Sealer(key)
        self.taken: list[Tables] = []
        self.raw: list[bytes] = [backup]
        if database is not None:
            self.taken += history(database)
            self.raw += [one.read_bytes() for one in sorted(database.parent.glob(f"{database.name}*"))]
        if backup:
            self.taken.append(of_backup(backup))
        self._rows = {
            (name, repr(row)): (name, row) for tables in self.taken for name in tables for row in tables[name]
        }

    def finds(self, *marks: str | bytes) -> set[str]:
        """Which of these it comes upon."""
        wanted = {mark if isinstance(mark, bytes) else mark.encode() for mark in marks}
        found = {mark for seen in self.reads() for mark in wanted if mark in seen or mark in _inflated(seen)}
        return {mark.decode("latin-1") for mark in found}

    def reads(self) -> Iterator[bytes]:
        """Everything that can be read: what stands open, and whatever the service key opens, at once or in two steps."""
        yield from self.raw
        for name, row in self._rows.values():
            yield json.dumps(dict(row), default=repr).encode()
            for value in row.values():
                if isinstance(value, bytes):
                    yield from self.opened(name, row, value)

    def opened(self, table: str, row: Row, value: bytes) -> Iterator[bytes]:
        """What a value holds, and what the keys in it open."""
        names = [str(one) for one in row.values() if isinstance(one, str | int)]
        abouts = [f"{kind}/{name}" for kind in (table, *KINDS) for name in names]
        if "intake_key" in row:
            parts = frozenset(str(row.get("parts", "")).split())
            abouts.append(sealing.about_grant(row["intake_key"], str(row.get("office_key")), parts))
        for about in abouts:
            with suppress(StorageUnfit):
                plain = self.sealer.open(value, about.encode())
                yield plain
                yield from self.with_keys(about, plain)

    def with_keys(self, about: str, plain: bytes) -> Iterator[bytes]:
        """What keys that were found open: an intake's own keys its parts and its files' keys, these the files."""
        if about.startswith(("draft-keys/", "nhip-cau grant")):
            keys = list(msgspec.msgpack.decode(plain, type=dict[str, bytes]).values())
            for row in self.all("intake_part"):
                about_part = sealing.about_part(row["intake_key"], row["intake"], row["part"])
                yield from self.tried(row["sealed"], keys, about_part)
            for row in self.all("attachment_key"):
                for key in self.tried(row["sealed_key"], keys, f"file-key/{row['id']}"):
                    yield from self.files(key)
        elif about.startswith("file-key/"):
            yield from self.files(plain)

    def files(self, key: bytes) -> Iterator[bytes]:
        """What a file's own key opens."""
        for row in self.all("attachment"):
            yield from self.tried(row["sealed_content"], [key], f"file/{row['id']}")

    def tried(self, sealed: bytes | None, keys: Iterable[bytes], about: str) -> Iterator[bytes]:
        for key in keys if sealed is not None else ():
            with suppress(Locked):
                yield unlock(sealed or b"", key, about)

    def all(self, table: str) -> list[Row]:
        """Every row that this table ever had in what was taken."""
        return [row for name, row in self._rows.values() if name == table]


def of_backup(plain: bytes) -> Tables:
    """The tables of an opened backup."""
    tables: dict[str, list[Row]] = {}
    shape: dict[str, Any] = {}
    for line in plain.splitlines():
        read = json.loads(line)
        if isinstance(read, dict):
            shape = read if read["is"] == "table" else shape
            continue
        kinds = shape["columns"]
        row = {
            name: base64.b64decode(value) if kinds[name] == "bytes" and value is not None else value
            for name, value in zip(kinds, read, strict=True)
        }
        tables.setdefault(shape["name"], []).append(row)
    return tables


def history(database: Path) -> Iterator[Tables]:
    """The database as it is, and as it was after each commit that its log still holds."""
    log = Path(f"{database}-wal")
    held = log.read_bytes() if log.exists() else b""
    with tempfile.TemporaryDirectory() as folder:
        for number, end in enumerate((0, *commits(held), len(held))):
            copy = Path(folder) / f"{number}.db"
            shutil.copyfile(database, copy)
            if end:
                Path(f"{copy}-wal").write_bytes(held[:end])
            with suppress(sqlite3.DatabaseError):
                yield tables_of(copy)


def commits(log: bytes) -> Iterator[int]:
    """Where a commit ends in the log: the frame whose second number is not 0."""
    if len(log) < _HEADER:
        return
    size = int.from_bytes(log[8:12], "big")
    for at in range(_HEADER, len(log) - size, size + _FRAME):
        if any(log[at + 4 : at + 8]):
            yield at + _FRAME + size


def tables_of(path: Path) -> Tables:
    """Every row of every table."""
    with closing(sqlite3.connect(path)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: _rows(database, name) for name in names}


def _rows(database: sqlite3.Connection, name: str) -> list[Row]:
    found = database.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - a name out of the schema
    columns = [one[0] for one in found.description]
    return [dict(zip(columns, row, strict=True)) for row in found]


def _inflated(seen: bytes) -> bytes:
    try:
        return zlib.decompress(seen)
    except zlib.error:
        return b""
