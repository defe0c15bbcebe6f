"""Another service key for everything that the old one sealed, in one transaction: afterwards the old one opens nothing here.

What is found by a keyed hash (addresses, receipts, codes, sessions) stays found: the key of the hashes stays the same, and is
kept sealed under the service key from then on. Nobody else may use the database meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Column, Table, and_, bindparam, delete, exists, literal_column, select, update

from storage import schema as t
from storage.base import AuditEntry, StorageUnfit
from storage.files import about_file, about_key
from storage.migrate import CANARY, LOOKUP, WORKS_WITH_NAME, make_canary, make_lookup
from storage.office_keys import about_officer
from storage.rows import audit_values
from storage.seal import Sealer
from storage.sealing import SERVICE, about_draft, about_grant
from storage.staff import about_totp
from storage.statements import Sql, Work, change, insert_once, question
from storage.turns import ADD_AUDIT

p = bindparam

SINCE: Final = b"0012"
"""The oldest program, by its newest migration, that looks up with a kept key: one before it would find nobody any more."""
AT_ONCE: Final = 200
"""Rows that are in memory together."""


class Sealed(Struct, frozen=True):
    """A column that the service key seals: what is asked beside it (`about` makes of that what a value belongs to)."""

    table: Table
    column: Column[Any]
    beside: tuple[Column[Any], ...]
    about: Callable[..., str]
    only: Any = None


def _named(kind: str) -> Callable[[str], str]:
    return lambda id: f"{kind}/{id}"


_unclaimed = and_(t.attachment_key.c.intake_key == t.NONE)
SEALED: Final = (
    Sealed(t.conversation, t.conversation.c.sealed_state, (t.conversation.c.id,), _named("conversation")),
    Sealed(t.address, t.address.c.sealed_external, (t.address.c.id,), _named("address")),
    Sealed(t.intake, t.intake.c.sealed_content, (t.intake.c.id,), _named("content")),
    Sealed(t.intake, t.intake.c.sealed_answers, (t.intake.c.id,), _named("answers")),
    Sealed(t.outbox, t.outbox.c.sealed_body, (t.outbox.c.key,), _named("outbox")),
    Sealed(t.officer, t.officer.c.sealed_totp, (t.officer.c.login,), lambda login: about_totp(login).decode()),
    Sealed(t.breach, t.breach.c.sealed_fields, (t.breach.c.id,), _named("breach")),
    Sealed(t.officer_key, t.officer_key.c.sealed_private, (t.officer_key.c.id,), about_officer),
    Sealed(t.intake_key, t.intake_key.c.sealed_keys, (t.intake_key.c.id,), lambda id: about_draft(id).decode()),
    Sealed(
        t.intake_grant,
        t.intake_grant.c.wrapped,
        (t.intake_grant.c.intake_key, t.intake_grant.c.office_key, t.intake_grant.c.parts),
        lambda key, office, parts: about_grant(key, office, frozenset(parts.split())),
        t.intake_grant.c.office_key == SERVICE,
    ),
    Sealed(t.attachment_key, t.attachment_key.c.sealed_key, (t.attachment_key.c.id,), about_key, _unclaimed),
    Sealed(
        t.attachment,
        t.attachment.c.sealed_content,
        (t.attachment.c.id,),
        about_file,
        ~exists().where(t.attachment_key.c.id == t.attachment.c.id),
    ),
)
"""Everything that the service key seals."""

OF_OTHER_KEYS: Final = frozenset(
    {
        t.session.c.sealed_key, t.attachment_piece.c.sealed, t.intake_part.c.sealed, t.office_grant.c.wrapped,
        t.office_key.c.public, t.officer_key.c.public, t.meta.c.value,
    }
)  # fmt: skip
"""The other columns of bytes: under keys that the service does not have, public, or dealt with here by name."""


def _page(one: Sealed) -> Sql:
    id = one.table.c.id
    asked = select(id, one.column, *one.beside).where(id > p("after"), one.column.is_not(None))
    if one.only is not None:
        asked = asked.where(one.only)
    return question(asked.order_by(id).limit(literal_column(str(AT_ONCE))))


def _write(one: Sealed) -> Sql:
    return change(update(one.table).where(one.table.c.id == p("is_id")).values({one.column: p("sealed")}))


PAGES = tuple(_page(one) for one in SEALED)
WRITES = tuple(_write(one) for one in SEALED)
RECORDS = question(select(t.meta.c.name, t.meta.c.value).where(t.meta.c.name > p("after")).order_by(t.meta.c.name))
REPLACE_RECORD = change(update(t.meta).where(t.meta.c.name == p("is_name")).values(value=p("sealed")))
FORGET = change(delete(t.meta).where(t.meta.c.name == p("is_name")))
ADD_META = insert_once(t.meta)


def rotate(before: Sealer, after: Sealer, at: datetime) -> Work[tuple[int, int]]:
    """Seal everything anew: how many values, and how many more could not be opened and were left as they are."""
    done = left = 0
    for one, page, write in zip(SEALED, PAGES, WRITES, strict=True):
        anew, unread = yield from _column(one, page, write, before, after)
        done, left = done + anew, left + unread
    done += yield from _records(before, after)
    for name, value in ((CANARY, make_canary(after)), (LOOKUP, make_lookup(after)), (WORKS_WITH_NAME, SINCE)):
        yield FORGET, {"is_name": name}
        yield ADD_META, {"name": name, "value": value}
    yield ADD_AUDIT, audit_values(AuditEntry("operator", "key.service_rotated", "service", at, {"values": str(done)}))
    return done, left


def _records(before: Sealer, after: Sealer) -> Work[int]:
    """The small records of storage/record.py (a platform's tokens, the key of push). What else stands in `meta` does not open."""
    done = 0
    for name, value in (yield RECORDS, {"after": ""}):
        about = f"meta/{name}".encode()
        try:
            again = after.seal(before.open(bytes(value), about), about)
        except (StorageUnfit, ValueError):
            continue
        yield REPLACE_RECORD, {"is_name": name, "sealed": again}
        done += 1
    return done


def _column(one: Sealed, page: Sql, write: Sql, before: Sealer, after: Sealer) -> Work[tuple[int, int]]:
    done = left = 0
    last: Any = 0 if one.table is t.outbox else ""
    while rows := (yield page, {"after": last}):
        for id, sealed, *beside in rows:
            last = id
            if not sealed:  # erased
                continue
            about = one.about(*beside).encode()
            try:
                again = after.seal(before.open(sealed, about), about)
            except StorageUnfit:
                left += 1
                continue
            yield write, {"is_id": id, "sealed": again}
            done += 1
    return done, left
