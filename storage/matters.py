"""What officers wrote down about a matter: an intake's class, and which cases are about the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from referral.model import Referral
from storage import schema as t
from storage.base import Classified, Link, Officer
from storage.rows import REFERRAL_COLUMNS, from_ms, read_referral, to_ms
from storage.statements import Change, Values, Work, change, insert_once, question

p = bindparam

MOST: Final = 50
"""Cases linked with one, or under one code, that are shown at most."""

_referral = [t.referral.c[name] for name in REFERRAL_COLUMNS]
_of_office = t.referral.c.office == p("is_office")

OPEN_FIRST = (
    t.referral.c.urgent.desc(), t.referral.c.acknowledged_at.is_not(None), t.referral.c.created_at, t.referral.c.id,
)  # fmt: skip
"""The order of what is open: urgent, then what nobody has taken, then by age."""

# A person who writes again in this moment decides on another revision: one of the two is decided anew.
CLASSIFY = change(
    update(t.intake)
    .where(t.intake.c.id == p("is_id"), t.intake.c.revision == p("decided_on"))
    .values(filed_as=p("filed_as"), classified_at=p("at"), revision=t.intake.c.revision + 1)
)
ADD_LINK = insert_once(t.link)
END_LINK = change(
    update(t.link)
    .where(t.link.c.one == p("is_one"), t.link.c.other == p("is_other"), t.link.c.ended_at.is_(None))
    .values(ended_at=p("at"))
)


def _linked(here: Any, there: Any) -> Any:
    return question(
        select(*_referral)
        .join_from(t.link, t.referral, t.referral.c.intake == there)
        .where(here == p("is_intake"), t.link.c.ended_at.is_(None), _of_office)
        .order_by(t.referral.c.created_at.desc(), t.referral.c.id)
    )


LINKED_FROM = _linked(t.link.c.one, t.link.c.other)
LINKED_TO = _linked(t.link.c.other, t.link.c.one)
BY_CODE = question(
    select(*_referral)
    .where(t.referral.c.code == p("is_code"), _of_office)
    .order_by(t.referral.c.created_at.desc(), t.referral.c.id)
)
_unfiled = (
    select(t.referral.c.id, t.intake.c.created_at)
    .join_from(t.referral, t.intake, t.intake.c.id == t.referral.c.intake)
    .where(t.referral.c.ended == t.NO, t.intake.c.filed_as == t.NONE)
    .order_by(*OPEN_FIRST)
    .limit(p("most"))
)
UNFILED = question(_unfiled.where(_of_office))
UNFILED_ALL = question(_unfiled)


def unfiled(officer: Officer, limit: int) -> Work[Mapping[str, datetime]]:
    """When the report behind each open referral of the office (an admin's: of all) came that nobody has classified yet."""
    rows = yield UNFILED_ALL if officer.role == "admin" else UNFILED, {"is_office": officer.office, "most": limit}
    return {referral: from_ms(at) for referral, at in rows}


def classified_values(it: Classified) -> Values:
    """The values of CLASSIFY."""
    return {"is_id": it.intake, "decided_on": it.revision, "filed_as": it.filed_as, "at": to_ms(it.at)}


def link_write(it: Link) -> Change:
    """The link written, or ended."""
    if it.ended:
        return END_LINK, {"is_one": it.one, "is_other": it.other, "at": to_ms(it.at)}
    values = {"id": it.id, "one": it.one, "other": it.other, "officer": it.officer, "at": to_ms(it.at)}
    return ADD_LINK, {**values, "ended_at": None}


def linked(intake: str, office: str) -> Work[tuple[Referral, ...]]:
    """This office's referrals of the intakes that are linked with this one, each once, the newest first."""
    values = {"is_intake": intake, "is_office": office}
    rows = [*(yield LINKED_FROM, values), *(yield LINKED_TO, values)]
    found = {one.id: one for one in map(read_referral, rows)}
    return tuple(sorted(found.values(), key=lambda one: one.created_at, reverse=True))[:MOST]


def by_code(code: str, office: str) -> Work[tuple[Referral, ...]]:
    """This office's referrals under a code, the newest first."""
    rows = yield BY_CODE, {"is_code": code, "is_office": office}
    return tuple(map(read_referral, rows))[:MOST]
