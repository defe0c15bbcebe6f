"""A restored database is held: no program opens it until somebody says that what waits in its outbox may leave.

A backup tells of the past: replies that wait in it were sent since, most likely, and the phone they go to may be in other
hands by now. Nor may a restore that is only tried out write to anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import case, delete, insert, literal, update

from storage import schema as t
from storage.backup import Place, shape_of
from storage.base import AuditEntry
from storage.erasing import LOOSE
from storage.erasing import again as erasing_again
from storage.migrate import HELD
from storage.rows import audit_values, to_ms

STALE_MS: Final = 3_600_000
"""A reply that waited longer is given up at the release. An officer's notice never is: rather twice than never."""


def hold(place: Place, backed_up_at: str) -> None:
    """From the next commit on the database is held, with the moment of its backup."""
    place.run(delete(t.meta).where(t.meta.c.name == HELD))
    place.load(shape_of(t.meta), [(HELD, backed_up_at.encode())])


def release(
    place: Place, now: datetime, *, with_replies: bool, erased: Sequence[tuple[str, str]] = ()
) -> tuple[int, int, int] | None:
    """Let what waits leave, and write that into the audit. None where the database is not held.

    Answers with how many replies were given up as too old, and how many rows had been claimed when the backup was made and
    are due anew. `with_replies` gives up none. The web page still shows those given up. `erased` (what, id) was erased since the
    backup, and is again; the third number says how much of it there was.
    """
    if not place.run(delete(t.meta).where(t.meta.c.name == HELD)):
        return None
    at, box = to_ms(now), t.outbox
    again = sum(_erase_again(place, what, id, at) for what, id in erased)
    if again:
        place.run(LOOSE)
    claimed = place.run(
        update(box)
        .where(box.c.finished == 0, box.c.claimed_until != 0)
        .values(claimed_until=0, due_at=case((box.c.due_at < at, box.c.due_at), else_=literal(at)))
    )
    stale = () if with_replies else (box.c.created_at < at - STALE_MS, box.c.due_at <= at)
    given_up = 0
    if stale:
        given_up = place.run(
            update(box)
            .where(box.c.finished == 0, box.c.kind == "say", *stale)
            .values(finished=1, state="dead", code="restored", done_at=at)
        )
    detail = {"given_up": str(given_up), "again": str(claimed), "erased": str(again)}
    place.run(insert(t.audit).values(audit_values(AuditEntry("operator", "database.released", "outbox", now, detail))))
    return given_up, claimed, again


def _erase_again(place: Place, what: str, id: str, at: int) -> bool:
    *before, itself = erasing_again(what, id, at)
    for statement in before:
        place.run(statement)
    return place.run(itself) > 0
