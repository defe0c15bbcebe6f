"""Every statement of this storage, compiled once for the database in use. A module that defines statements is named here."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Final

from sqlalchemy.engine import Dialect

from storage import (
    accounts,
    audit,
    audit_pages,
    breaches,
    cases,
    claims,
    doors,
    erasing,
    files,
    letters,
    matters,
    office_keys,
    outbox,
    parked,
    periods,
    pieces,
    plans,
    record,
    rekeying,
    requests,
    resealing,
    sealing,
    sessions,
    staff,
    turns,
    window,
)
from storage.statements import Compiled, Sql, compiled, statements_of

SPEAKING: Final[tuple[ModuleType, ...]] = (
    accounts,
    audit,
    audit_pages,
    breaches,
    cases,
    claims,
    doors,
    erasing,
    files,
    letters,
    matters,
    office_keys,
    outbox,
    parked,
    periods,
    pieces,
    plans,
    record,
    rekeying,
    requests,
    resealing,
    sealing,
    sessions,
    staff,
    turns,
    window,
)


class Spoken(dict[Sql, Compiled]):
    """The statements of a dialect. One that only an operator's command needs is compiled when it comes."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__({sql: compiled(sql, dialect) for sql in statements_of(*SPEAKING)})
        self._dialect = dialect

    def __missing__(self, sql: Sql) -> Compiled:
        made = self[sql] = compiled(sql, self._dialect)
        return made


@cache
def spoken(dialect: Dialect) -> Spoken:
    """The text of each statement for a dialect with positional parameters."""
    return Spoken(dialect)
