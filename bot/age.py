"""Encrypts a stream to age recipients and opens it again (https://age-encryption.org/v1). The one file that knows pyrage.

Both ways hold a few pieces of 64 kB, however long the stream. What comes out while opening is authentic piece by piece,
but whole only when `open_to` has returned: use nothing of it before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyrage
from pyrage import x25519


class BadAge(Exception):
    """A recipient, an identity or an encrypted file cannot be used; the message says what to do."""


class Takes(Protocol):
    """What opened bytes are given to."""

    def write(self, chunk: bytes) -> int: ...
    def flush(self) -> None: ...


def recipients(given: Sequence[str], file: Path | None) -> list[Any]:
    """Those given and those of a file (one a line, `#` for remarks), each once. Raises BadAge, also where there is none."""
    found = dict.fromkeys([*given, *(_lines(file, "recipients") if file else ())])
    if not found:
        raise BadAge(
            "nobody to encrypt to: give --recipient age1…, or a file of them in NHIPCAU_BACKUP_RECIPIENTS; "
            "age-keygen makes a pair of keys"
        )
    return [_recipient(number, text) for number, text in enumerate(found, 1)]


def identities(file: Path) -> list[Any]:
    """The secret keys of a file as age-keygen writes it. Raises BadAge."""
    found = _lines(file, "identity")
    if not found:
        raise BadAge(f"{file.name} holds no identity: give the file that age-keygen made, with AGE-SECRET-KEY-1…")
    try:
        return [x25519.Identity.from_str(line) for line in found]
    except pyrage.IdentityError:
        raise BadAge(
            f"{file.name} is no identity of age: it should hold AGE-SECRET-KEY-1…; open it first if it has a passphrase"
        ) from None


def encrypt(pieces: Iterator[bytes], to: BinaryIO, recipients: Sequence[Any]) -> None:
    """Write all pieces, encrypted. Raises what the pieces and the file raise."""
    source, sink = _Source(pieces), _Sink(to)
    try:
        pyrage.encrypt_io(source, sink, recipients)
    except BaseException as failed:
        # pyrage wraps whatever our side raised, Ctrl-C as well.
        raise source.failed or sink.failed or failed from None


def open_to(source: BinaryIO, to: Takes, identities: Sequence[Any]) -> None:
    """Hand over what was encrypted. Raises BadAge for a file that is damaged, cut or not for these; and what `to` raises."""
    sink = _Sink(to)
    try:
        pyrage.decrypt_io(source, sink, identities)
    except BaseException as failed:
        if sink.failed is not None:
            raise sink.failed from None
        if isinstance(failed, pyrage.DecryptError) and "No matching keys" in str(failed):
            raise BadAge(
                "this identity does not open the backup: give the one that belongs to a recipient of it"
            ) from None
        if isinstance(failed, pyrage.DecryptError | OSError):
            raise BadAge(
                "the backup is damaged or cut short, or was not made by age: take another copy of it"
            ) from None
        raise


def _recipient(number: int, text: str) -> Any:
    try:
        return x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        # Never the text: it may be the secret key, given by mistake.
        raise BadAge(f"recipient number {number} is none: it should be age1… as age-keygen prints it") from None


def _lines(file: Path, what: str) -> list[str]:
    try:
        lines = [line.strip() for line in file.read_text("utf-8").splitlines()]
    except OSError as cause:
        raise BadAge(
            f"the {what} file {file.name} cannot be read ({cause.strerror}): correct its path or rights"
        ) from None
    except UnicodeDecodeError:
        raise BadAge(f"the {what} file {file.name} is no text: give a file with one key a line") from None
    return [line for line in lines if line and not line.startswith("#")]


class _Source:
    """Pieces as a file that is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")
        self.failed: BaseException | None = None

    def read(self, most: int = -1) -> bytes:
        try:
            got = bytearray(self._take(most))
            while len(got) < most and (piece := next(self._pieces, None)) is not None:
                self._rest = memoryview(piece)
                got += self._take(most - len(got))
        except BaseException as failed:
            self.failed = failed
            raise
        return bytes(got)

    def _take(self, most: int) -> memoryview:
        taken, self._rest = self._rest[:most], self._rest[most:]
        return taken


class _Sink:
    """A file that is written, or whatever else takes bytes."""

    def __init__(self, to: Takes | BinaryIO) -> None:
        self._to = to
        self.failed: BaseException | None = None

    def write(self, chunk: bytes) -> int:
        if self.failed is not None:
            raise self.failed  # pyrage writes what it still holds
        try:
            return self._to.write(chunk)
        except BaseException as failed:
            self.failed = failed
            raise

    def flush(self) -> None:
        """Nothing: whoever opened the file sees to it."""
