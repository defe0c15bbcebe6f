"""Where officers are reached: each one's addresses, and how each has proved. Its address is sealed like everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, func, or_, select, update

from storage import schema as t
from storage.base import Address, Door
from storage.erasing import ADDRESS_ITSELF
from storage.rows import OFFICER_COLUMNS, from_ms_or_none, read_officer, to_ms
from storage.seal import Sealer
from storage.sessions import noted
from storage.statements import Row, Work, change, insert_once, question
from storage.turns import address_id, address_values

if TYPE_CHECKING:
    from storage.store import DatabaseStorage

p = bindparam

MOST: Final = 6
"""Addresses an officer may have: two phones, a computer or two, a mailbox."""


class TooMany(Exception):
    """The officer has as many addresses as anybody may have: one must go first. Nothing was stored."""


_officer = [t.officer.c[name] for name in OFFICER_COLUMNS]
_where = (
    t.address.c.id, t.address.c.channel, t.address.c.sealed_external, t.address.c.taken_at, t.address.c.failing_since,
    t.address.c.unreachable,
)  # fmt: skip
_doors = (
    select(*_officer, *_where)
    .select_from(t.officer.join(t.address, t.address.c.officer == t.officer.c.id))
    .where(t.officer.c.active != t.NO)
)
OF_OFFICE = question(
    _doors.where(t.officer.c.office == p("is_office")).order_by(t.officer.c.id, t.address.c.created_at)
)
OF_OFFICER = question(_doors.where(t.officer.c.id == p("is_officer")).order_by(t.address.c.created_at))
# From the officers to their addresses, and never the other way: SQLite would read all citizens' addresses for it.
ALL = question(
    select(*_officer, *_where)
    .select_from(t.officer.outerjoin(t.address, t.address.c.officer == t.officer.c.id))
    .where(t.officer.c.active != t.NO)
    .order_by(t.officer.c.office, t.officer.c.id, t.address.c.created_at)
)
COUNT = question(select(func.count()).select_from(t.address).where(t.address.c.officer == p("is_officer")))
ADD = insert_once(t.address, "conversation", "unreachable", "officer", "heard_at", "taken_at", "failing_since")
TAKE = change(
    update(t.address)
    .where(t.address.c.id == p("is_id"), or_(t.address.c.officer.is_(None), t.address.c.officer == p("officer")))
    .values(officer=p("officer"), unreachable=0, taken_at=None, failing_since=None)
)
DROP = change(
    update(t.address).where(t.address.c.id == p("is_id"), t.address.c.officer == p("is_officer")).values(officer=None)
)


def _read(row: Row, sealer: Sealer) -> Door:
    count = len(OFFICER_COLUMNS)
    where, channel, sealed, taken, failing, gone = row[count:]
    external = sealer.open(sealed, f"address/{where}".encode()).decode()
    return Door(
        where, read_officer(row[:count]), Address(channel, external), from_ms_or_none(taken), from_ms_or_none(failing),
        bool(gone),
    )  # fmt: skip


# -------------------------------------------------------------------------------------------------------------- work


def of_office(office: str, sealer: Sealer) -> Work[tuple[Door, ...]]:
    """The addresses of the active officers of an office, by officer, the oldest first."""
    rows = yield OF_OFFICE, {"is_office": office}
    return tuple(_read(row, sealer) for row in rows)


def _of_officer(officer: str, sealer: Sealer) -> Work[tuple[Door, ...]]:
    rows = yield OF_OFFICER, {"is_officer": officer}
    return tuple(_read(row, sealer) for row in rows)


def _all(sealer: Sealer) -> Work[tuple[Door, ...]]:
    rows = yield ALL, {}
    return tuple(_read(row, sealer) for row in rows if row[len(OFFICER_COLUMNS)] is not None)


def _add(officer: str, address: Address, at: datetime, sealer: Sealer) -> Work[bool]:
    count = yield COUNT, {"is_officer": officer}
    if count[0][0] >= MOST:
        raise TooMany
    where = address_id(address, sealer)
    values = {**address_values(address, where, to_ms(at), sealer)}
    yield ADD, {name: values[name] for name in ("id", "channel", "sealed_external", "created_at")}
    taken = yield TAKE, {"is_id": where, "officer": officer}
    if taken:
        yield from noted("officer.door", officer, officer, at, channel=address.channel)
    return bool(taken)


def _drop(officer: str, door: str, at: datetime) -> Work[bool]:
    dropped = yield DROP, {"is_id": door, "is_officer": officer}
    if dropped:
        yield ADDRESS_ITSELF, {"is_id": door}
        yield from noted("officer.door_gone", officer, officer, at)
    return bool(dropped)


# ------------------------------------------------------------------------------------------------------------- doors


class Doors:
    """The addresses of officers, as officers and operators see and change them."""

    def __init__(self, storage: DatabaseStorage) -> None:
        self._storage = storage

    async def of_officer(self, officer: str) -> Sequence[Door]:
        """One officer's addresses, the oldest first."""
        return await self._storage.read(lambda: _of_officer(officer, self._storage.sealer))

    async def all(self) -> Sequence[Door]:
        """Those of every active officer."""
        return await self._storage.read(lambda: _all(self._storage.sealer), long=True)

    async def add(self, officer: str, address: Address, *, at: datetime) -> bool:
        """Give an officer one more. False where another officer has it: nothing is changed then. Raises TooMany."""
        return await self._storage.write(lambda: _add(officer, address, at, self._storage.sealer))

    async def drop(self, officer: str, door: str, *, at: datetime) -> bool:
        """Forget one of an officer's own; False where it is not theirs."""
        return await self._storage.write(lambda: _drop(officer, door, at))
