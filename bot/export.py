"""One week's intake log: read the period, write XLSX and CSV aside, rename them, record what was written.

No column rules here (referral/export.py). A crash at any point leaves the old files or the new ones, whole; running it again
for the same data writes the same bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from bot import log
from bot.week import BadWeek as BadWeek  # whoever asks for an export must be able to catch it
from bot.week import Week, week_of
from bot.weekly import CAUSES, TITLE, Causes, by_cause, sheets, up_to
from bot.workbook import workbook
from referral.book import ReferralBook
from referral.coded import local
from referral.export import csv_text, ids_in, weekly_rows
from referral.reconcile import Reconciliation, causes, reconcile, taken, told
from storage.audit import Audit
from storage.base import Period, Storage
from storage.lasting import make_lasting
from storage.store import DatabaseStorage

PLAN = "weekly"


class Rules(Protocol):
    """What an export needs of the book (bot/book.py)."""

    @property
    def referral(self) -> ReferralBook: ...


class CannotWrite(Exception):
    """The files could not be written; the message says where and what to do."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export left: its files, their SHA-256 by file name, its counts, and a sentence for whoever asked.

    `before`: this week was exported before. `running`: the week has not ended; the figures go up to the moment it was made.
    """

    key: str
    week: str
    files: tuple[Path, ...]
    sha256: Mapping[str, str]
    counts: Mapping[str, int]
    reconciliation: Reconciliation
    before: bool
    running: bool
    says: str

    def __str__(self) -> str:
        """The sentence, and where the files are."""
        return f"{self.says} {', '.join(str(path) for path in self.files)}"


async def export_weekly(storage: DatabaseStorage, book: Rules, week: str, folder: Path, now: datetime) -> Exported:
    """Write `weekly-<week>.xlsx` and `.csv` into `folder` and record them.

    Raises BadWeek for a week that does not exist or has not begun, CannotWrite, and StorageAway.
    """
    found = week_of(week)
    if now < found.start:
        raise BadWeek(
            f"Tuần {found.name} chưa bắt đầu: chọn tuần này hoặc một tuần trước. "
            f"(Week {found.name} has not begun: choose this week or an earlier one.)"
        )
    running_at = now if now < found.end else None
    period = await storage.period(found.start, found.end)
    # Building and writing take half a second for 5,000 intakes: beside the loop, because somebody may be waiting for an answer.
    head = await Audit(storage).head(running_at or found.end)
    contents, compared, why = await asyncio.to_thread(
        _contents, book, found, period, running_at, head.text if head else ""
    )
    sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    await asyncio.to_thread(_write, folder, contents)
    counts = {
        **compared.counts,
        "referrals": len(period.referrals),
        "differences": len(compared.differences),
        **_counted(why),
    }
    key = _key(found, running_at)
    is_new = await _record(storage, key, sha256, counts, now)
    log.say("export.written", week=found.name, kind=PLAN, count=counts["exported"])
    return Exported(
        key, found.name, tuple(folder / name for name in contents), sha256, counts, compared,
        before=not is_new, running=running_at is not None, says=_says(found, running_at, is_new, compared, why),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ content


def _contents(
    book: Rules, week: Week, period: Period, running_at: datetime | None, audit_head: str
) -> tuple[dict[str, bytes], Reconciliation, Causes]:
    """File name → bytes, the reconciliation, and why it differs. What was exported is read back from the CSV, not remembered."""
    plan = book.referral.exports[PLAN]
    table = weekly_rows(plan, period.intakes, period.referrals, book.referral)
    if running_at is not None:
        table = up_to(table, running_at)
    text = csv_text(table)
    compared = reconcile(
        received=period.received,
        stored=[intake.id for intake in period.intakes],
        notified=told(period.referrals, period.notified),
        acknowledged=taken(period.referrals),
        exported=ids_in(text, table.columns),
    )
    why = causes(compared, period.referrals, period.notified)
    pages = sheets(plan, book.referral, week, table, compared, why, running_at, audit_head)
    name = f"{PLAN}-{week.name}"
    return (
        {
            f"{name}.xlsx": workbook(f"{TITLE} {week.name}", pages),
            f"{name}.csv": text.encode("utf-8-sig"),
        },
        compared,
        why,
    )


# -------------------------------------------------------------------------------------------------------------- files


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Put the files in place, each whole. Only this user may read them."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = {name: _write_aside(folder, name, content) for name, content in contents.items()}
        for name, part in aside.items():
            part.replace(folder / name)
        make_lasting(folder)
    except OSError as cause:
        raise CannotWrite(
            f"the export could not be written to {folder} ({cause.strerror}): make room there, or choose another folder"
        ) from cause


def _write_aside(folder: Path, name: str, content: bytes) -> Path:
    """A new file beside the one it will replace, with its bytes on the disk."""
    handle, part = tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(part).unlink(missing_ok=True)
        raise
    return Path(part)


# ------------------------------------------------------------------------------------------------------------- record


def _key(week: Week, running_at: datetime | None) -> str:
    """A week that still runs has keys of its own, so that a look on Wednesday does not stand for the week's log."""
    key = f"{PLAN}/{week.name}"
    return key if running_at is None else f"{key}/{running_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


async def _record(
    storage: Storage, key: str, sha256: Mapping[str, str], counts: Mapping[str, int], at: datetime
) -> bool:
    """Record what was written; False where the key was recorded before. What was written then is kept, and this beside it.

    Whatever file somebody holds, its SHA-256 is found; the same bytes are recorded once more at most.
    """
    sums = " ".join(f"{name.rpartition('.')[2]}={value}" for name, value in sorted(sha256.items()))
    if await storage.record_export(key, sums, counts, at):
        return True
    await storage.record_export(f"{key}/{hashlib.sha256(sums.encode()).hexdigest()[:12]}", sums, counts, at)
    return False


def _counted(why: Causes) -> dict[str, int]:
    return {cause: len(ids) for cause, ids in by_cause(why).items()}


def _says(week: Week, running_at: datetime | None, is_new: bool, compared: Reconciliation, why: Causes) -> str:
    begin = f"Đã lập sổ tuần {week.name}" if is_new else f"Sổ tuần {week.name} đã lập trước đây, nay lập lại"
    until = f", số liệu tính đến {local(running_at)}" if running_at else ""
    count = f"{compared.counts['exported']} tin, {len(compared.differences)} tin chênh lệch"
    reasons = [f"{len(ids)} tin {CAUSES[cause]}" for cause, ids in by_cause(why).items() if ids]
    return f"{begin}{until}: {count}{' (' + '; '.join(reasons) + ')' if reasons else ''}."
