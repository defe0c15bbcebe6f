"""The audit by pages, for whoever may read it: codes and ids. That it was read is written in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import bindparam, select

from storage import schema as t
from storage.base import AuditEntry
from storage.cases import OFFICER, REFERRAL
from storage.chain import Line
from storage.rows import audit_values, from_ms, read_detail, read_officer
from storage.statements import Work, question
from storage.turns import ADD_AUDIT

p = bindparam

REFUSED: Final = "access.refused"
"""The action of a row that says what an officer asked for and did not get."""

READS_AUDIT: Final = "auditor"
"""The role that reads the audit: nobody who appears in it otherwise."""


class Shown(Struct, frozen=True):
    """A row of the audit as an auditor sees it: codes and ids. `certificate` is that of the erasure of its detail."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, str]
    certificate: str = ""


NEWEST_FIRST: Final = 2**62
"""Before which row to begin, where nobody said."""

LOOKED_THROUGH: Final = 2000
"""Rows in which one page looks for who or what is asked for."""


class Asked(Struct, frozen=True):
    """What of the audit is asked for: about a subject; by actors, of actions that begin so; before a row (0: the newest)."""

    subject: str = ""
    actor: str = ""
    action: str = ""
    before: int = 0
    most: int = 100


class Page(Struct, frozen=True):
    """Rows, the newest first, and before which row the next page begins (0: there is none)."""

    rows: tuple[Shown, ...]
    before: int = 0


# ------------------------------------------------------------------------------------------------------- statements

LINE_COLUMNS = [
    *(t.audit.c[name] for name in ("id", "at", "actor", "action", "subject", "detail")),
    *(t.audit_detail.c[name] for name in ("salt", "sha256", "certificate")),
]
WITH_DETAILS = t.audit.outerjoin(t.audit_detail, t.audit_detail.c.id == t.audit.c.id)

NEWEST = question(
    select(*LINE_COLUMNS)
    .select_from(WITH_DETAILS)
    .where(t.audit.c.id < p("before"))
    .order_by(t.audit.c.id.desc())
    .limit(p("most"))
)
OF_SUBJECT = question(
    select(*LINE_COLUMNS)
    .select_from(WITH_DETAILS)
    .where(t.audit.c.subject == p("is_subject"), t.audit.c.id < p("before"))
    .order_by(t.audit.c.id.desc())
)
# -------------------------------------------------------------------------------------------------------------- work


def page(asked: Asked) -> Work[Page]:
    """Who or what is asked for is looked for in a piece of the audit, so that a page costs the same however long it is."""
    picky = bool(asked.actor or asked.action)
    look = LOOKED_THROUGH if picky else asked.most + 1
    values = {"is_subject": asked.subject, "before": asked.before or NEWEST_FIRST, "most": look}
    rows = [Line(*row) for row in (yield (OF_SUBJECT if asked.subject else NEWEST), values)]
    found = [line for line in rows if line.actor.startswith(asked.actor) and line.action.startswith(asked.action)]
    before = 0
    if len(found) > asked.most:
        before = found[asked.most - 1].id
    elif picky and not asked.subject and len(rows) == look:
        before = rows[-1].id
    return Page(tuple(_shown(line) for line in found[: asked.most]), before)


def read_by(officer: str, asked: Asked, at: datetime) -> Work[Page | None]:
    found = yield OFFICER, {"is_id": officer}
    if not found or read_officer(found[0]).role != READS_AUDIT:
        return None
    found_page = yield from page(asked)
    yield ADD_AUDIT, audit_values(AuditEntry(officer, "audit.read", asked.subject or "audit", at))
    return found_page


def refused(officer: str, referral: str, where: str, at: datetime) -> Work[None]:
    """About the referral, where there is one of this id; what else stood in the address is not written down."""
    known = (yield REFERRAL, {"is_id": referral}) if referral else ()
    subject = referral if known else officer
    yield ADD_AUDIT, audit_values(AuditEntry(officer, REFUSED, subject, at, {"page": where}))


def _shown(line: Line) -> Shown:
    detail = read_detail(line.detail)
    return Shown(line.id, from_ms(line.at), line.actor, line.action, line.subject, detail, line.certificate or "")
