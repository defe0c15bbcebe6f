"""What became of each message that officers wrote to a person: whether it can have been read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import bindparam, select

from storage import schema as t
from storage.base import AuditEntry
from storage.statements import Row, Work, question

p = bindparam

KEPT: Final = "kept"
"""It went nowhere: they read it when they come back with their receipt."""
WAITING: Final = "waiting"
"""It has not left yet."""
SENT: Final = "sent"
"""Their platform took it."""
UNSURE: Final = "unsure"
"""It stands on their page; they have done nothing there since."""
LEFT: Final = "left"
"""The same, and they left the page for good: they read it when they come back with their receipt."""
SEEN: Final = "seen"
"""They went on from the page where it stood, or came back with their receipt, which shows it."""

READ: Final = "letters.read"
"""The audit's action when a receipt shows the last `shown` of the first `of` messages about its report."""

ROW_OF = question(
    select(
        t.outbox.c.state,
        t.outbox.c.sender,
        t.outbox.c.version,
        t.conversation.c.heard_version,
        t.conversation.c.ended,
        t.address.c.id,
    )
    .select_from(
        t.outbox.outerjoin(t.conversation, t.conversation.c.id == t.outbox.c.conversation).outerjoin(
            t.address,
            (t.address.c.id == t.conversation.c.address) & (t.address.c.conversation == t.conversation.c.id),
        )
    )
    .where(t.outbox.c.key == p("is_key"))
)


def letters(asked: int, rows: Sequence[str], timeline: Iterable[AuditEntry]) -> Work[tuple[str, ...]]:
    """One of the words above for each of `asked` messages. `rows`: the outbox's keys of the latest of them, empty where
    nothing left. Empty for a message from before keys were kept.
    """
    found = [""] * (asked - len(rows))
    for key in rows:
        row = (yield ROW_OF, {"is_key": key}) if key else ()
        found.append(_became(row[0]) if row else KEPT)
    for entry in timeline:
        if entry.action == READ:
            of = int(entry.detail["of"])
            for at in range(max(0, of - int(entry.detail["shown"])), min(of, asked)):
                found[at] = SEEN
    return tuple(found)


def _became(row: Row) -> str:
    state, sender, version, heard, ended, there = row
    if state == "waiting":
        return WAITING
    if state != "done":
        return KEPT
    if sender != "web":
        return SENT
    if there is None and (ended or heard is None or heard <= version):
        return LEFT  # whoever stops goes on from a page that may be older than the message
    return SEEN if heard is not None and heard > version else UNSURE
