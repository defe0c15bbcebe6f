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
    erasing,
    files,
    matters,
    office_keys,
    outbox,
    parked,
    periods,
    pieces,
    requests,
    resealing,
    sealing,
    sessions,
    staff,
    turns,
)
from storage.statements import Compiled, Sql, compiled, statements_of

SPEAKING: Final[tuple[ModuleType, ...]] = (
    accounts,
    audit,
    audit_pages,
    breaches,
    cases,
    claims,
    erasing,
    files,
    matters,
    office_keys,
    outbox,
    parked,
    periods,
    pieces,
    requests,
    resealing,
    sealing,
    sessions,
    staff,
    turns,
)


@cache
def spoken(dialect: Dialect) -> dict[Sql, Compiled]:
    """The text of each statement for a dialect with positional parameters."""
    return {sql: compiled(sql, dialect) for sql in statements_of(*SPEAKING)}
