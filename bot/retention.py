"""The daily sweep: what has been kept long enough is erased, and each erasure is certified and listed.

The periods are data (referral/retention/). The list of erased ids is also kept in a file beside the database, so that a backup
that is restored is swept of them at its release (bot/restore.py); the ids lead to nobody.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from bot import log
from referral.book import ReferralBook
from referral.retain import due_at, earliest, rule_for
from storage.base import OutboxRow
from storage.erasing import Kept
from storage.erasures import BEGINNING, Erased, Erasures
from storage.store import DatabaseStorage

AT_ONCE: Final = 50
"""So many are erased in one transaction: a person who writes meanwhile waits for no more."""
MOST_LOOSE: Final = 1000
"""So many files that belong to nobody are forgotten in one night."""
LISTED_FOR: Final = timedelta(days=60)
"""So far back the list in the file is made whole again: longer than backups are kept."""
OVERLAP: Final = timedelta(hours=2)
"""So far back it is looked again: another process may have written with a clock that is behind."""
LIST_NAME: Final = "erased.jsonl"
SWEPT_AT_H: Final = 19
"""UTC: two in the morning in Viet Nam."""

_encode: Final = msgspec.json.Encoder().encode
_line: Final = msgspec.json.Decoder(Erased)


def sweep_rows(now: datetime) -> list[OutboxRow]:
    """The sweeps of the last night and of the coming one. Their keys are unique, so whoever runs them, each is once."""
    tonight = now.replace(hour=SWEPT_AT_H, minute=0, second=0, microsecond=0)
    last = tonight if tonight <= now else tonight - timedelta(days=1)
    return [_row(last), _row(last + timedelta(days=1))]


def _row(at: datetime) -> OutboxRow:
    name = at.date().isoformat()
    return OutboxRow(f"erase/{name}", "erase", "erase", 3, at, {"night": name})


async def sweep(storage: DatabaseStorage, book: ReferralBook, now: datetime) -> Mapping[str, int]:
    """Erase everything whose time is over; how much of what. Raises StorageAway; what was erased until then stays erased."""
    erasures = Erasures(storage)
    done: Counter[str] = Counter()
    done.update(await _reports(erasures, book, now))
    done.update(await _conversations(erasures, book, now))
    left = book.retention["left_message"]
    done.update(await erasures.clear_left(now - timedelta(seconds=left.seconds), left.id, _certificate(), now))
    # Files that came in and that no turn ever spoke of, and pieces of those that broke off on their way.
    done["files"] += await storage.drop_loose(
        now - timedelta(seconds=book.retention["abandoned_chat"].seconds), MOST_LOOSE
    )
    done = +done
    if done:
        log.say("retention.erased", count=sum(done.values()))
    return dict(done)


async def _reports(erasures: Erasures, book: ReferralBook, now: datetime) -> Counter[str]:
    done: Counter[str] = Counter()
    after = BEGINNING
    while found := await erasures.kept(now - earliest(book), after, AT_ONCE):
        after = (found[-1].updated_at, found[-1].id)
        for rule, due in _due(book, found, now).items():
            done.update(await erasures.erase(due, rule, _certificate(), now))
    return done


def _due(book: ReferralBook, found: Sequence[Kept], now: datetime) -> dict[str, list[Kept]]:
    by_rule: dict[str, list[Kept]] = {}
    for one in found:
        due = due_at(book, one.kind, one.updated_at, one.referrals)
        if due is not None and due <= now:
            by_rule.setdefault(rule_for(one.kind, one.referrals), []).append(one)
    return by_rule


async def _conversations(erasures: Erasures, book: ReferralBook, now: datetime) -> Counter[str]:
    rule = book.retention["unneeded_address"]
    done: Counter[str] = Counter()
    after = BEGINNING
    while found := await erasures.over(now - timedelta(seconds=rule.seconds), after, AT_ONCE):
        after = (found[-1].active_at, found[-1].id)
        done.update(await erasures.forget(found, rule.id, _certificate(), now))
    return done


def _certificate() -> str:
    return secrets.token_hex(10)


# --------------------------------------------------------------------------------------------------- the list in a file


class ErasedList:
    """The file of what was erased, one JSON line each, appended to. One process writes it."""

    def __init__(self, storage: DatabaseStorage, file: Path) -> None:
        self._erasures = Erasures(storage)
        self._file = file
        self._after: datetime | None = None
        self._listed: set[str] = set()

    async def keep_up(self, now: datetime) -> int:
        """Write down what was erased since the last time; how many. Raises StorageAway, or OSError: not written."""
        if self._after is None:
            self._listed = {one.id for one in listed(self._file)}
            self._after = now - LISTED_FOR
        after, written = (self._after, ""), 0
        while found := await self._erasures.since(after, AT_ONCE):
            new = [one for one in found if one.id not in self._listed]
            _append(self._file, new)
            self._listed.update(one.id for one in new)
            after, written = (found[-1].at, found[-1].id), written + len(new)
        self._after = max(self._after, now - OVERLAP)
        return written


def listed(file: Path) -> list[Erased]:
    """What the file says was erased. A line that was cut off in writing is told of; `keep_up` writes it anew."""
    if not file.exists():
        return []
    found: list[Erased] = []
    for line in file.read_bytes().split(b"\n"):
        try:
            found += [_line.decode(line)] if line else []
        except msgspec.MsgspecError:
            log.warn("erased.line_unreadable", file=file.name)
    return found


def _append(file: Path, erased: list[Erased]) -> None:
    if not erased:
        return
    handle = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    try:
        # It begins with a line's end: what was cut off before stays a line of its own.
        os.write(handle, b"".join(b"\n" + _encode(one) for one in erased) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
