"""The service key: from the environment, or from a file, made once and readable by this user only."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from pathlib import Path

from bot.settings import KeyAt
from storage.base import StorageUnfit, WrongKey
from storage.lasting import make_lasting
from storage.open import is_new, open_storage
from storage.store import DatabaseStorage

KEY_BYTES = 32
NEXT = ".next"
"""The ending of the name of a key that everything is being sealed with anew: see `put_next`."""
IN_HOME = KeyAt()


class KeyLost(Exception):
    """The key file is missing, damaged or cannot be written; the message says what to do."""


async def open_with_key(home: Path, database: str, at: KeyAt = IN_HOME) -> DatabaseStorage:
    """The installation's database, opened under its key. Raises KeyLost, StorageUnfit and StorageAway.

    A rotation of the key that was broken off between the database and the file is brought to its end.
    """
    async with service_key(home, database, at) as key:
        try:
            return await open_storage(database, key)
        except WrongKey:
            path = path_of(home, at)
            following = None if at.value else _read(Path(f"{path}{NEXT}"))
            if following is None:
                raise
            storage = await open_storage(database, following)
            promote(path, date.today())  # noqa: DTZ011 - the operator's own day, in the name of a file
            return storage


@asynccontextmanager
async def service_key(home: Path, database: str, at: KeyAt = IN_HOME) -> AsyncIterator[bytes]:
    """The key of this installation (32 bytes), made at the very first start, for opening the database with it.

    Raises KeyLost where the database holds something and the key is not there: nothing is made up silently, for a new
    key could open nothing of what is stored. A new one goes again where the database turns out to have another.
    """
    path = path_of(home, at)
    if (key := read_key(home, at)) is not None:
        yield key
        return
    if not await is_new(database):
        raise KeyLost(f"the database is there and {_name(path)} is not: bring the key back from your backup")
    made = _make(path, secrets.token_bytes(KEY_BYTES))
    try:
        yield _read(path) or b""
    except StorageUnfit:
        if made:
            path.unlink()
        raise


def read_key(home: Path, at: KeyAt = IN_HOME) -> bytes | None:
    """The key as it is there; None where there is none, and none is made. Raises KeyLost where it is damaged."""
    return bytes.fromhex(at.value.value) if at.value else _read(path_of(home, at))


def path_of(home: Path, at: KeyAt) -> Path:
    """Where the key's file is, or would be."""
    return at.file or home / "keys" / "service.key"


def put_next(path: Path, key: bytes) -> None:
    """Write the key that the database is about to have beside the one that it has: whichever way it ends, neither is lost."""
    following = Path(f"{path}{NEXT}")
    following.unlink(missing_ok=True)  # of a rotation of which the database knows nothing
    _make(following, key)


def promote(path: Path, on: date) -> Path:
    """The next key is the key; the one before stands aside under its last day. Where that is."""
    aside = path.with_name(f"{path.stem}-until-{on.isoformat()}{path.suffix}")
    while aside.exists():
        aside = aside.with_name(f"{aside.stem}x{aside.suffix}")
    try:
        os.link(path, aside)
        Path(f"{path}{NEXT}").replace(path)
        make_lasting(path.parent)
    except OSError as cause:
        raise KeyLost(
            f"{path.name}{NEXT} could not take the place of {path.name} ({type(cause).__name__}): rename it by hand, "
            "and keep the old one where the older backups are"
        ) from None
    return aside


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _read(path: Path) -> bytes | None:
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise KeyLost(
            f"{_name(path)} cannot be read ({type(cause).__name__}): let the service's user read it"
        ) from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyLost(f"{_name(path)} should hold {KEY_BYTES * 2} hex digits: bring it back from your backup")
    return key


def _make(path: Path, key: bytes) -> bool:
    """Write a new key, whole or not at all. False where another process has made one meanwhile."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
            make_lasting(path.parent)
        except FileExistsError:
            return False
        return True
    except OSError as cause:
        raise KeyLost(
            f"{_name(path)} cannot be made ({type(cause).__name__}): let the service write its home"
        ) from None
    finally:
        with suppress(OSError):
            aside.unlink()
