"""`python -m bot backup`: everything that is remembered, in one encrypted file, while the service runs."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from bot import age
from bot.settings import Settings
from storage import backup
from storage.backup import BadBackup, End
from storage.lasting import make_lasting
from storage.places import opened

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def back_up(settings: Settings, file: Path, given: Sequence[str], now: datetime) -> str:
    """Write the backup; what to say then. Raises BadBackup, BadAge, StorageUnfit, StorageAway; no file is left then.

    The file is put in place whole, is readable by this user only and never replaces another. It is as of one moment after
    this was called: every turn that was acknowledged before is in it.
    """
    to = age.recipients(given, settings.backup_recipients)
    at = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    ends: list[End] = []
    with _whole(file) as written, opened(settings.database, "read") as place:
        age.encrypt(backup.lines(place, program(), at, ends.append), written, to)
    return _says(file, at, ends[0], len(to))


def program() -> str:
    """The version of this program."""
    return str(tomllib.loads(PROJECT.read_text("utf-8"))["project"]["version"])


@contextmanager
def _whole(file: Path) -> Iterator[BinaryIO]:
    """A file that is there with all its bytes on the disk, or not at all."""
    part = file.with_name(file.name + ".part")
    if file.exists():
        raise BadBackup(f"{file.name} is there already: a backup never replaces another; choose another name")
    try:
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise BadBackup(
            f"{part.name} is left from a backup that did not end, or one is running: remove it, or choose another name"
        ) from None
    except OSError as cause:
        raise _cannot(file, cause) from None
    try:
        with os.fdopen(handle, "wb") as written:
            yield written
            written.flush()
            os.fsync(written.fileno())
        part.rename(file)
        make_lasting(file.parent)
    except OSError as cause:
        raise _cannot(file, cause) from None
    finally:
        part.unlink(missing_ok=True)


def _cannot(file: Path, cause: OSError) -> BadBackup:
    return BadBackup(
        f"{file.name} could not be written ({cause.strerror}): make room in its folder, or choose another folder"
    )


def _says(file: Path, at: str, end: End, people: int) -> str:
    rows = sum(total.rows for total in end.tables.values())
    return (
        f"{file}: {rows:,} rows of {len(end.tables)} tables as of {at}, {file.stat().st_size:,} bytes, "
        f"for {people} recipient{'s' if people > 1 else ''}.\n"
        "Not in it: keys/service.key, without which nothing personal in it can ever be read (keep it apart from the backups, "
        "twice), the settings, and exports/.\n"
        f"Prove it: NHIPCAU_DATABASE=<an empty place> python -m bot restore --from {file.name} --identity FILE --verify"
    )
