"""One small sealed record under a name, in `meta`: read whole, and replaced only where it is still what was read.

For what all processes share and only one may change at a time, like a platform's tokens.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select, update

from storage import schema as t
from storage.base import StorageUnfit
from storage.statements import Row, Work, change, insert_once, question
from storage.store import DatabaseStorage

p = bindparam

NEW: Final = b""
"""The mark of a record that is not there."""

READ = question(select(t.meta.c.value).where(t.meta.c.name == p("is_name")))
ADD = insert_once(t.meta)
REPLACE = change(
    update(t.meta).where(t.meta.c.name == p("is_name"), t.meta.c.value == p("mark")).values(value=p("new_value"))
)


class Record:
    """The record of this name."""

    def __init__(self, storage: DatabaseStorage, name: str) -> None:
        self._storage = storage
        self._name = name

    async def read(self) -> tuple[bytes | None, bytes]:
        """Its content, and a mark of what is stored. None and `NEW` where there is none. Raises StorageAway or StorageUnfit."""
        rows = await self._storage.read(self._found)
        if not rows:
            return None, NEW
        sealed = bytes(rows[0][0])
        return self._storage.sealer.open(sealed, self._about), sealed

    async def read_or_begin(self) -> tuple[bytes | None, bytes]:
        """The same; None, to be replaced, where it was sealed with a key that is no more. Raises StorageAway."""
        try:
            return await self.read()
        except (StorageUnfit, ValueError):
            rows = await self._storage.read(self._found)
            return None, bytes(rows[0][0]) if rows else NEW

    async def replace(self, content: bytes, mark: bytes) -> bool:
        """Store it, whole and lasting; False where something else is stored than had this mark. Raises StorageAway."""
        sealed = self._storage.sealer.seal(content, self._about)

        def work() -> Work[int]:
            if mark == NEW:
                count: int = yield ADD, {"name": self._name, "value": sealed}
            else:
                count = yield REPLACE, {"is_name": self._name, "mark": mark, "new_value": sealed}
            return count

        return await self._storage.write(work) == 1

    def _found(self) -> Work[list[Row]]:
        rows: list[Row] = yield READ, {"is_name": self._name}
        return rows

    @property
    def _about(self) -> bytes:
        return f"meta/{self._name}".encode()
