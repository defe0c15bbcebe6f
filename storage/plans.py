"""How much of a platform's plan is used: people who are known there, and messages that left. Counts, nothing of anybody.

The Zalo Bot Platform's plans are counted so (channels.md §0.2). Its rows are few, and have indexes of their own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, func, literal_column, select

from storage import schema as t
from storage.rows import to_ms
from storage.statements import Work, question

_ZALO_BOT: Final[Any] = literal_column("'zalo_bot'")

PEOPLE = question(select(func.count()).select_from(t.address).where(t.address.c.channel == _ZALO_BOT))
MESSAGES = question(
    select(func.count())
    .select_from(t.outbox)
    .where(
        t.outbox.c.sender == _ZALO_BOT,
        t.outbox.c.state == literal_column("'done'"),
        t.outbox.c.done_at >= bindparam("since"),
    )
)


def used(since: datetime) -> Work[tuple[int, int]]:
    """People, and messages since then."""
    people = yield PEOPLE, {}
    messages = yield MESSAGES, {"since": to_ms(since)}
    return people[0][0], messages[0][0]
