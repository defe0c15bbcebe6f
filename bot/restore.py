"""`python -m bot restore`: a backup into an empty database, proved row by row, and held until somebody releases it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bot import age
from bot.keys import KeyLost, read_key
from bot.retention import LIST_NAME, listed
from bot.settings import BadSetting, Settings
from storage.backup import BadBackup, End, Head, Place, Reader
from storage.base import StorageUnfit
from storage.migrate import check_canary
from storage.places import opened
from storage.restored import hold, release
from storage.seal import Sealer
from storage.statements import Row

RELEASE = "python -m bot restore --release"


def restore(settings: Settings, file: Path, identity: Path, *, verify: bool) -> str:
    """Load a backup into the empty database of the settings and prove it there; a table of what was found.

    With `verify` and no database named in the environment only the file is read through. Raises BadBackup, BadAge, StorageUnfit
    and StorageAway; nothing is left in the database then.
    """
    who = age.identities(identity)
    canary = _Canary()
    if verify and not settings.place_named:
        head, end = _read(file, who, None, canary)
        return _table(head, end, "sound", [*_key(settings, canary), CHECKED])
    with opened(settings.database, "fill") as place:
        head, end = _read(file, who, place, canary)
        hold(place, head.at)
        place.finish()
    return _table(head, end, "restored", ["Foreign keys and integrity: ok.", *_key(settings, canary), HELD])


CHECKED = (
    "Only the file was read; nothing was restored. To prove the whole way, name an empty place in NHIPCAU_DATABASE and "
    "run this again."
)
HELD = (
    f"It is held: nothing starts on it, so nobody is written to. `{RELEASE}` lets officers' notices and timers go on as they "
    "stood, and gives up replies to citizens that waited for more than an hour (--with-replies sends them all: only if the "
    "old database stood still since the backup). Only try it out? Then remove it again, and release nothing."
)


def let_go(settings: Settings, now: datetime, *, with_replies: bool) -> str:
    """Release the restored database of the settings; what that means. Raises BadSetting where it is not held."""
    with opened(settings.database, "change") as place:
        # What was erased after the backup was made is in it again: it goes before anybody can open the database.
        listed_ones = [(one.what, one.id) for one in listed(settings.home / LIST_NAME)]
        done = release(place, now, with_replies=with_replies, erased=listed_ones)
    if done is None:
        raise BadSetting("the database is not held: nothing was restored into it, or it was released before")
    given_up, claimed, again = done
    return (
        f"Released: {given_up} replies given up as too old, {claimed} messages that were on their way are sent again, "
        f"{again} reports and chats erased again of those that {LIST_NAME} lists. "
        "Start the service; whatever came after the backup is not in it: ask officers what they took since."
    )


class _Canary:
    """Notices the canary among the rows that go by, to try the key on."""

    def __init__(self) -> None:
        self.found = b""

    def see(self, table: str, row: Row) -> None:
        if table == "meta" and row[0] == "canary":
            self.found = row[1] or b""


def _read(file: Path, who: list[object], place: Place | None, canary: _Canary) -> tuple[Head, End]:
    reader = Reader(place, canary.see)
    try:
        with file.open("rb") as source:
            age.open_to(source, reader, who)
    except OSError as cause:
        raise BadBackup(f"{file.name} cannot be read ({cause.strerror}): correct its path or rights") from None
    return reader.prove()


def _key(settings: Settings, canary: _Canary) -> list[str]:
    missing = "bring the one that belongs to this backup to keys/service.key before the start; without it nothing opens"
    try:
        key = read_key(settings.home, settings.key_at)
        if key is None:
            return [f"Key: there is none here: {missing}."]
        check_canary("the backup", canary.found, Sealer(key))
    except (KeyLost, StorageUnfit):
        return [f"Key: keys/service.key here is NOT the backup's: {missing}."]
    return ["Key: keys/service.key here opens it."]


def _table(head: Head, end: End, how: str, after: list[str]) -> str:
    width = max(len(name) for name in end.tables)
    rows = [
        f"{name:<{width}}  {total.rows:>12,}  {total.sha256[:16]}  {how}" for name, total in sorted(end.tables.items())
    ]
    top = f"Backup of {head.at}, schema {head.schema}, program {head.program}, {end.bytes:,} bytes."
    return "\n".join([top, f"{'table':<{width}}  {'rows':>12}  {'SHA-256':<16}", *rows, *after])
