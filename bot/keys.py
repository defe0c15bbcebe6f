"""The service key: made once, kept beside the database, readable by this user only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

KEY_BYTES = 32


class KeyLost(Exception):
    """The key file is missing or damaged while there is a database; the message says what to do."""


def service_key(home: Path, database: Path) -> bytes:
    """The key of this installation (32 bytes), made at the very first start.

    Raises KeyLost where a database is there and its key is not: nothing is made up silently, for a new key could open
    nothing of what is stored.
    """
    path = home / "keys" / "service.key"
    if path.exists():
        key = _read(path)
        if len(key) != KEY_BYTES:
            raise KeyLost(f"keys/service.key should hold {KEY_BYTES * 2} hex digits: bring it back from your backup")
        return key
    if database.exists() and database.stat().st_size:
        raise KeyLost("the database is there and keys/service.key is not: bring the key back from your backup")
    return _make(path)


def _read(path: Path) -> bytes:
    try:
        return bytes.fromhex(path.read_text("ascii").strip())
    except (ValueError, UnicodeDecodeError):
        return b""


def _make(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = secrets.token_bytes(KEY_BYTES)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key
