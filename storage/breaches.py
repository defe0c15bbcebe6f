"""The register of data breaches. What happened is sealed: it may name things that belong in no readable column."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import bindparam, select, update

from storage import schema as t
from storage.base import AuditEntry
from storage.rows import BODY, audit_values, from_ms, from_ms_or_none, to_ms
from storage.seal import Sealer
from storage.statements import Row, Work, change, insert_once, question
from storage.store import DatabaseStorage
from storage.turns import ADD_AUDIT

p = bindparam
BREACHES = question(select(t.breach).order_by(t.breach.c.detected_at, t.breach.c.id))
ADD_BREACH = insert_once(t.breach, "notified_at")
NOTIFIED = change(
    update(t.breach).where(t.breach.c.id == p("is_id"), t.breach.c.notified_at.is_(None)).values(notified_at=p("at"))
)
OPERATOR: Final = "operator"


class Breach(Struct, frozen=True):
    """One breach: when it was detected, recorded and notified (UTC), and the fields of its notification."""

    id: str
    detected_at: datetime
    recorded_at: datetime
    fields: Mapping[str, Any]
    notified_at: datetime | None = None


class Breaches:
    """Recording and reading, each with its line in the audit. Every method may raise StorageAway."""

    def __init__(self, storage: DatabaseStorage) -> None:
        self._storage = storage

    async def record(self, breach: Breach) -> None:
        """Keep a breach."""
        sealer = self._storage.sealer
        values = {
            "id": breach.id,
            "detected_at": to_ms(breach.detected_at),
            "recorded_at": to_ms(breach.recorded_at),
            "sealed_fields": sealer.seal(BODY.write(breach.fields), _about(breach.id)),
        }

        def work() -> Work[None]:
            yield ADD_BREACH, values
            yield ADD_AUDIT, _entry("breach.recorded", breach.id, breach.recorded_at)

        await self._storage.write(work)

    async def all(self) -> list[Breach]:
        """Every breach, the earliest detected first."""

        def work() -> Work[list[Breach]]:
            return [_read(row, self._storage.sealer) for row in (yield BREACHES, {})]

        return await self._storage.read(work)

    async def drafted(self, breach: str, at: datetime) -> None:
        """Write down that the draft of its notification was made."""

        def work() -> Work[None]:
            yield ADD_AUDIT, _entry("breach.drafted", breach, at)

        await self._storage.write(work)

    async def notified(self, breach: str, at: datetime) -> bool:
        """It was notified. False where it is not there or was before."""

        def work() -> Work[bool]:
            if not (yield NOTIFIED, {"is_id": breach, "at": to_ms(at)}):
                return False
            yield ADD_AUDIT, _entry("breach.notified", breach, at)
            return True

        return await self._storage.write(work)


def _read(row: Row, sealer: Sealer) -> Breach:
    id, detected_at, recorded_at, notified_at, sealed = row
    fields = BODY.read(sealer.open(sealed, _about(id)))
    return Breach(id, from_ms(detected_at), from_ms(recorded_at), fields, from_ms_or_none(notified_at))


def _about(breach: str) -> bytes:
    return f"breach/{breach}".encode()


def _entry(action: str, breach: str, at: datetime) -> dict[str, Any]:
    return audit_values(AuditEntry(OPERATOR, action, breach, at))
