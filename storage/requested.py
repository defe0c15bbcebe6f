"""The officers' side of requests of people about their own data: what waits, and how it was answered."""

from __future__ import annotations

from datetime import datetime

from storage.base import AuditEntry, Request
from storage.cases import REFERRALS_OF
from storage.requests import ANSWER, ENDS, OPEN, read_request, reminders
from storage.rows import audit_values, read_referral, to_ms
from storage.statements import Work
from storage.store import DatabaseStorage
from storage.turns import ADD_AUDIT, CANCEL


class Requests:
    """The officers' side. Every method may raise StorageAway."""

    def __init__(self, storage: DatabaseStorage) -> None:
        self._storage = storage

    async def open(self, most: int = 200) -> list[tuple[Request, list[str]]]:
        """What waits, the nearest deadline first, with the codes of the referrals that it is about."""

        def work() -> Work[list[tuple[Request, list[str]]]]:
            found: list[tuple[Request, list[str]]] = []
            for row in (yield OPEN, {"most": most}):
                referrals = yield REFERRALS_OF, {"is_intake": row[2]}
                found.append((read_request(row), [read_referral(one).code for one in referrals]))
            return found

        return await self._storage.read(work)

    async def answer(self, request: str, state: str, officer: str, at: datetime) -> bool:
        """`answered`, `done` or `kept`, with its line in the audit. False where it is not there or has ended."""

        def work() -> Work[bool]:
            values = {"is_id": request, "now": to_ms(at), "state": state, "officer": officer}
            if not (yield ANSWER, {**values, "ended": to_ms(at) if state in ENDS else None}):
                return False
            for key in reminders(request)[: 3 if state in ENDS else 2]:
                yield CANCEL, {"is_key": key, "now": to_ms(at)}
            yield ADD_AUDIT, audit_values(AuditEntry(officer, f"right.{state}", request, at))
            return True

        return await self._storage.write(work)
