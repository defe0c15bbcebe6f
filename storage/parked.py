"""Rows of the outbox that failed again and again and were set aside: what an operator is shown of them, and another try.

Nothing is lost by setting aside: the row stays as it is, and whoever waits for it gets it when it is tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import BigInteger, Update, bindparam, func, literal_column, select, update

from storage import schema as t
from storage.base import AuditEntry
from storage.outbox import ADD_AUDITS, AUDITED
from storage.rows import audit_values, from_ms, to_ms, write_json
from storage.statements import Sql, Work, listed, question

PARKED: Final = "parked"
"""The code of such a row. Its state is `dead`: nobody performs it."""

_box = t.outbox
_parked = (
    _box.c.finished == literal_column("1"),
    _box.c.state == literal_column("'dead'"),
    _box.c.code == literal_column(f"'{PARKED}'"),
)

LIST = question(
    select(
        _box.c.id,
        _box.c.kind,
        _box.c.priority,
        _box.c.attempts,
        _box.c.created_at,
        _box.c.done_at,
        _box.c.referral,
        _box.c.sender,
    )
    .where(*_parked)
    .order_by(_box.c.id)
)


WAITING = question(
    select(_box.c.sender, func.count()).where(_box.c.finished == t.NO, _box.c.sender > t.NONE).group_by(_box.c.sender)
)


def _again(dialect: str) -> Update:
    """What was erased meanwhile has no body, and is not tried."""
    waits = {"finished": 0, "state": "waiting", "attempts": 0, "code": "", "done_at": None, "due_at": bindparam("now")}
    return (
        update(_box)
        .where(_box.c.id == listed(dialect)(0, BigInteger()), *_parked, _box.c.sealed_body.is_not(None))
        .values(waits)
        .returning(_box.c.id, _box.c.key, _box.c.kind)
    )


AGAIN = Sql(_again, rows=True)


class Parked(Struct, frozen=True):
    """A row that was set aside: its number, what it is, how often it was tried, since when. Nothing of what it says."""

    id: int
    kind: str
    priority: int
    attempts: int
    created_at: datetime
    parked_at: datetime
    referral: str = ""
    sender: str = ""


def parked() -> Work[tuple[Parked, ...]]:
    """All that is set aside, the oldest first."""
    return tuple(
        Parked(number, kind, priority, attempts, from_ms(created), from_ms(done or created), referral, sender)
        for number, kind, priority, attempts, created, done, referral, sender in (yield LIST, {})
    )


def waiting() -> Work[dict[str, int]]:
    """How many rows wait to leave through each channel."""
    return dict((yield WAITING, {}))


def try_again(ids: Sequence[int], at: datetime) -> Work[int]:
    """Make these due now, as if they were never tried, and write it down; how many of them were set aside."""
    rows = yield AGAIN, {"rows": write_json([(one,) for one in ids]), "now": to_ms(at)}
    entries = [
        audit_values(AuditEntry("operator", f"{kind}.again", key, at, {"row": key})) for _, key, kind in sorted(rows)
    ]
    if entries:
        yield ADD_AUDITS, {"rows": write_json([tuple(one[name] for name in AUDITED) for one in entries])}
    return len(rows)
