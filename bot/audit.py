"""Keeps the audit's chain up to date beside the turns, and what an auditor asks of it from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot import log
from bot.held import pause
from storage.audit import Audit, Verdict
from storage.audit_pages import Shown
from storage.base import StorageAway
from storage.chain import Kept
from storage.store import DatabaseStorage

NAME = "audit"
"""What the process of all that links holds (bot/held.py)."""
LINK_S = 20.0
"""Seconds between two links: who takes off the last rows and their links within it leaves no trace but a kept head."""
HEAD_EVERY = timedelta(hours=1)
"""How often the head goes into the log, which may be kept on another machine."""
LAST_WITHIN_S = 3.0
"""How long the link at the end may take: the service stops in any case, and what is left is linked at the next start."""


async def run(storage: DatabaseStorage, now: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Link every few seconds until `stop` is set, and once more then. A database that is away is tried again."""
    audit = Audit(storage)
    told: datetime | None = None
    while not stop.is_set():
        if await _link(audit, now()) and (told is None or not timedelta() <= now() - told < HEAD_EVERY):
            told = now()
            await _tell(audit)
        await pause(stop, LINK_S)
    try:
        if await asyncio.wait_for(_link(audit, now()), LAST_WITHIN_S):
            await _tell(audit)
    except TimeoutError:
        log.warn("audit.not_linked", problem="the service stopped before all was linked: the next start goes on")


async def _link(audit: Audit, at: datetime) -> bool:
    """Whether the database was there."""
    try:
        linked = await audit.link(at)
    except StorageAway:
        log.warn("audit.storage_away")
        return False
    if linked.left and not linked.rows:
        log.warn(
            "audit.not_linked", count=linked.left, problem="somebody has been writing for seconds: tried again soon"
        )
    return True


async def _tell(audit: Audit) -> None:
    try:
        if head := await audit.head():
            log.say("audit.head", code=head.text)
    except StorageAway:
        log.warn("audit.storage_away")


# ----------------------------------------------------------------------------------------------------------- commands


async def verify(storage: DatabaseStorage, at: datetime, kept: Sequence[Kept]) -> tuple[str, bool]:
    """What was found, in a few lines, and whether the chain holds."""
    found = await Audit(storage).verify(at, kept)
    return verdict_text(found), not found.broken


def verdict_text(found: Verdict) -> str:
    """A verdict for an auditor."""
    counted = f"{found.rows} rows in {found.links} links hold"
    lines = [f"{counted}; of {found.erased} the detail was erased under a certificate."]
    if found.broken:
        lines = [
            f"BROKEN: {found.broken}.",
            f"Before that {counted}. Keep the database as it is and tell whoever answers for it.",
        ]
    if found.unlinked:
        lines.append(f"{found.unlinked} rows after the last link are not proved{'' if found.broken else ' yet'}.")
    if found.head and not found.broken:
        lines.append(f"Head: {found.head.text}")
    return "\n".join(lines)


async def head(storage: DatabaseStorage, at: datetime) -> str:
    """Link, then the head of the chain, to be kept elsewhere."""
    audit = Audit(storage)
    await audit.link(at)
    found = await audit.head()
    if found is None:
        return "The audit has no row yet."
    return f"{found.text}\nKeep it elsewhere; later: python -m bot audit verify --kept {found.text}"


async def show(storage: DatabaseStorage, subject: str, by: str, at: datetime) -> str:
    """Everything in the audit about a subject, a line a row, the oldest first."""
    rows = await Audit(storage).show(subject, by, at)
    return "\n".join(_line(row) for row in rows) or f"Nothing is in the audit about {subject}."


def _line(row: Shown) -> str:
    detail = " ".join(f"{name}={value}" for name, value in row.detail.items())
    erased = f"(detail erased, certificate {row.certificate})" if row.certificate else ""
    return "\t".join((str(row.id), row.at.isoformat(), row.actor, row.action, row.subject, detail or erased))
