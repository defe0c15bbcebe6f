"""A large file in pieces of `PIECE` bytes, each sealed by itself under the file's own key, so that none need be in memory whole.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, 2015) as age lays it out for its payload
(https://age-encryption.org/v1), with AES-256-GCM: the nonce of a piece is its number, 11 bytes, and one byte that is 1 for the
last. A key seals one file, so no nonce is used twice; a piece that is moved, left out, put in or cut off does not open.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import bindparam, delete, exists, literal_column, select

from storage import schema as t
from storage.envelope import Locked
from storage.statements import Work, change, insert_once, question

p = bindparam

PIECE: Final = 256 * 1024
"""Bytes of a file that are sealed together; every piece but the last has as many."""
WHOLE: Final = 1024 * 1024
"""Up to so many bytes a file is kept in one row."""

ADD_PIECE = insert_once(t.attachment_piece)
PIECE_OF = question(select(t.attachment_piece.c.sealed).where(t.attachment_piece.c.id == p("is_id")))
DROP_PIECES = change(delete(t.attachment_piece).where(t.attachment_piece.c.stream == p("is_stream")))
# Of files that did not come in to their end, or were erased by the release before, which knows of no pieces.
LOOSE = question(
    select(t.attachment_piece.c.stream)
    .where(
        t.attachment_piece.c.number == literal_column("0"),
        t.attachment_piece.c.created_at < p("before"),
        ~exists().where(
            t.attachment.c.stream == t.attachment_piece.c.stream,
            t.attachment.c.stream != t.NONE,
        ),
    )
    .limit(p("most"))
)


class FileGone(Exception):
    """A piece is not there any more: the file was erased while it was read."""


class OpenedFile(ABC):
    """A file whose key is open. `size` is in bytes."""

    size: int

    @abstractmethod
    def pieces(self) -> AsyncIterator[bytes]:
        """What is in it, in order. Raises FileGone, and Locked where a piece is not the one that was sealed."""

    async def read(self) -> bytes:
        """All of it at once."""
        return b"".join([piece async for piece in self.pieces()])


class KeptWhole(OpenedFile):
    """A file that is small enough for one row."""

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self._content = content

    async def pieces(self) -> AsyncIterator[bytes]:
        yield self._content


class InPieces(OpenedFile):
    """A large one. Memory holds a piece of it at a time."""

    def __init__(self, size: int, key: bytes, where: str, piece: Callable[[int], Awaitable[bytes | None]]) -> None:
        self.size = size
        self._key = key
        self._where = where
        self._piece = piece

    async def pieces(self) -> AsyncIterator[bytes]:
        count = max(1, math.ceil(self.size / PIECE))
        for number in range(count):
            sealed = await self._piece(number)
            if sealed is None:
                raise FileGone("a file was erased while it was read: open the case again")
            yield opened(sealed, self._key, self._where, number, last=number == count - 1)


def sealed(plain: bytes, key: bytes, where: str, number: int, *, last: bool) -> bytes:
    """One piece of the file that is stored as `where`."""
    return AESGCM(key).encrypt(_nonce(number, last=last), plain, _about(where))


def opened(piece: bytes, key: bytes, where: str, number: int, *, last: bool) -> bytes:
    """What is in a piece. Raises Locked."""
    try:
        return AESGCM(key).decrypt(_nonce(number, last=last), piece, _about(where))
    except (InvalidTag, ValueError) as cause:
        raise Locked(f"piece {number} of a file does not open: it is not the one that was sealed") from cause


async def in_pieces(source: AsyncIterator[bytes]) -> AsyncGenerator[tuple[bytes, bool], None]:
    """Bytes however they come, in pieces of PIECE, and whether it is the last: one at least, perhaps empty."""
    held = bytearray()
    try:
        async for more in source:
            held += more
            while len(held) > PIECE:
                yield bytes(held[:PIECE]), False
                del held[:PIECE]
    finally:
        if isinstance(source, AsyncGenerator):  # a connection may be open behind it
            await source.aclose()
    yield bytes(held), True


async def once(content: bytes) -> AsyncIterator[bytes]:
    """Bytes that are here already, as they would come."""
    yield content


def piece_of(stream: str, number: int) -> Work[bytes | None]:
    rows = yield PIECE_OF, {"is_id": f"{stream}/{number}"}
    return rows[0][0] if rows else None


def add_piece(stream: str, number: int, at: int, piece: bytes) -> Work[None]:
    yield ADD_PIECE, {"id": f"{stream}/{number}", "stream": stream, "number": number, "created_at": at, "sealed": piece}


def drop(stream: str) -> Work[None]:
    yield DROP_PIECES, {"is_stream": stream}


def drop_loose(before: int, most: int) -> Work[int]:
    """Forget pieces since before then that belong to no file; of how many files there were some."""
    rows = yield LOOSE, {"before": before, "most": most}
    for (stream,) in rows:
        yield from drop(stream)
    return len(rows)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _about(where: str) -> bytes:
    return f"piece/{where}".encode()
