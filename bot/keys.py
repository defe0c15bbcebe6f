"""The service key: made once, kept beside the database, readable by this user only."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from storage.base import StorageUnfit
from storage.open import is_new, open_storage
from storage.store import DatabaseStorage

KEY_BYTES = 32


class KeyLost(Exception):
    """The key file is missing, damaged or cannot be written; the message says what to do."""


async def open_with_key(home: Path, database: str) -> DatabaseStorage:
    """The installation's database, opened under its key. Raises KeyLost, StorageUnfit and StorageAway."""
    async with service_key(home, database) as key:
        return await open_storage(database, key)


@asynccontextmanager
async def service_key(home: Path, database: str) -> AsyncIterator[bytes]:
    """The key of this installation (32 bytes), made at the very first start, for opening the database with it.

    Raises KeyLost where the database holds something and the key is not there: nothing is made up silently, for a new
    key could open nothing of what is stored. A new one goes again where the database turns out to have another.
    """
    path = home / "keys" / "service.key"
    if (key := _read(path)) is not None:
        yield key
        return
    if not await is_new(database):
        raise KeyLost("the database is there and keys/service.key is not: bring the key back from your backup")
    made = _make(path)
    try:
        yield _read(path) or b""
    except StorageUnfit:
        if made:
            path.unlink()
        raise


def read_key(home: Path) -> bytes | None:
    """The key as it is there; None where there is none, and none is made. Raises KeyLost where it is damaged."""
    return _read(home / "keys" / "service.key")


def _read(path: Path) -> bytes | None:
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise KeyLost(
            f"keys/service.key cannot be read ({type(cause).__name__}): let the service's user read it"
        ) from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyLost(f"keys/service.key should hold {KEY_BYTES * 2} hex digits: bring it back from your backup")
    return key


def _make(path: Path) -> bool:
    """Write a new key, whole or not at all. False where another process has made one meanwhile."""
    aside = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_bytes(KEY_BYTES).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            return False
        return True
    except OSError as cause:
        raise KeyLost(
            f"keys/service.key cannot be made ({type(cause).__name__}): let the service write its home"
        ) from None
    finally:
        with suppress(OSError):
            aside.unlink()
