"""What officers wrote to a person, shown to whoever comes back with the receipt: what follows from that. Pure."""

from __future__ import annotations

from bot.events import Event
from bot.status import ASKED_SHOWN
from flows.model import Turned
from storage.base import AuditEntry, Snapshot


def read_here(snapshot: Snapshot, turned: Turned) -> tuple[str, ...]:
    """Officers' messages that are shown in this turn, after a receipt: one that still waits for another door does not go there
    as well, where by now somebody else may read it. What has left already is not touched by it."""
    if snapshot.receipt is None or not _shows_letters(snapshot, turned):
        return ()
    return tuple(key for key in snapshot.receipt.asked_rows[-ASKED_SHOWN:] if key)


def _shows_letters(snapshot: Snapshot, turned: Turned) -> bool:
    """Whether this turn shows, after a receipt, what officers wrote about its report: to somebody who is still there."""
    if snapshot.way_gone or turned.prompt is None or snapshot.receipt is None or not snapshot.receipt.asked:
        return False
    return any("{status}" in line.text for line in turned.prompt.lines)


def letters_read(snapshot: Snapshot, event: Event, turned: Turned) -> list[AuditEntry]:
    """That the person was shown what officers wrote: those who wrote see it on the case (storage/letters.py)."""
    if snapshot.receipt is None or not _shows_letters(snapshot, turned):
        return []
    detail = {"of": str(len(snapshot.receipt.asked)), "shown": str(ASKED_SHOWN)}
    return [AuditEntry("service", "letters.read", snapshot.receipt.intake, event.at, detail)]
