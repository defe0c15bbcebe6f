"""What has been kept long enough is found, erased in small transactions, and certified. Any database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from storage import erasing
from storage.audit import erase_details
from storage.erasing import Kept, Over
from storage.rows import from_ms, to_ms
from storage.statements import Work
from storage.store import DatabaseStorage

BEGINNING: Final = (datetime(1970, 1, 1, tzinfo=UTC), "")
"""Before everything: where a walk through what is kept begins."""


class Erased(Struct, frozen=True):
    """One thing that is no more: what it was, its id, under which certificate, when (UTC)."""

    what: str
    id: str
    certificate: str
    at: datetime


class Erasures:
    """Finding and erasing. Every method may raise StorageAway; nothing of its transaction was erased then."""

    def __init__(self, storage: DatabaseStorage) -> None:
        self._storage = storage

    async def kept(self, before: datetime, after: tuple[datetime, str], most: int) -> Sequence[Kept]:
        """Reports not changed since `before`, the longest unchanged first, beginning after (time, id)."""
        return await self._storage.read(lambda: erasing.kept(before, after, most), long=True)

    async def over(self, before: datetime, after: tuple[datetime, str], most: int) -> Sequence[Over]:
        """Conversations over since `before` that no report needs, the oldest first, beginning after (time, id)."""
        return await self._storage.read(lambda: erasing.over(before, after, most), long=True)

    async def erase(self, reports: Sequence[Kept], rule: str, certificate: str, at: datetime) -> Mapping[str, int]:
        """Erase the reports that are still as they were found; how much of what."""
        return await self._storage.write(lambda: _erase_reports(reports, rule, certificate, at))

    async def forget(self, over: Sequence[Over], rule: str, certificate: str, at: datetime) -> Mapping[str, int]:
        """Erase the conversations that are still as they were found, and addresses that nothing needs any more."""
        return await self._storage.write(lambda: erasing.forget(over, rule, certificate, at))

    async def clear_left(self, before: datetime, rule: str, certificate: str, at: datetime) -> Mapping[str, int]:
        """Empty what left the outbox before then, but what was said to people: that goes with their conversation."""
        return await self._storage.write(lambda: erasing.clear_left(before, rule, certificate, at))

    async def since(self, after: tuple[datetime, str], most: int) -> Sequence[Erased]:
        """What was erased after (time, id), in that order."""
        values = {"after": to_ms(after[0]), "last": after[1], "most": most}

        def work() -> Work[Sequence[Erased]]:
            rows = yield erasing.ERASED_SINCE, values
            return [Erased(what, id, certificate, from_ms(at)) for id, what, certificate, at in rows]

        return await self._storage.read(work)


def _erase_reports(reports: Sequence[Kept], rule: str, erasure: str, at: datetime) -> Work[Mapping[str, int]]:
    """Erase those that are still as they were found; what was erased, under one certificate."""
    counts: dict[str, int] = {}
    for report in reports:
        values = {"is_id": report.id, "found_at": to_ms(report.updated_at), "at": to_ms(at)}
        if (yield erasing.EMPTY_REPORT, values):
            yield from erasing.of_report(report, counts)
            yield erasing.ADD_ERASED, {"id": report.id, "what": erasing.REPORT, "erasure": erasure, "at": to_ms(at)}
            subjects = [report.id, *(one.id for one in report.referrals)]
            details, _ = yield from erase_details(subjects, erasure, "service", at)
            erasing.count(counts, "audit details", details)
    yield from erasing.certify(counts, rule, erasure, at)
    return counts
