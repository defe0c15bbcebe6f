"""Sealing anew what stands under the service key, and granting offices what they lack: report by report, by `keys reseal`.

Under the service key stands what a release before sealing wrote, and what came while there was no escrow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import bindparam, delete, literal_column, or_, select, update

from referral.model import Content, Intake
from storage import schema as t
from storage import sealing
from storage.base import Allowed, AuditEntry, Opener
from storage.cases import consents_of, find_intake, referrals_of
from storage.envelope import Keys, lock, new_key
from storage.files import ADD_FILE_KEY, SEAL_KEY, about_file, about_key
from storage.rows import CONTENT, audit_values, is_ended, to_ms
from storage.seal import Sealer
from storage.sealing import ESCROW, FILES_PART, PARTS, SERVICE
from storage.statements import Work, change, question
from storage.turns import ADD_AUDIT

p = bindparam

PartsOf = Callable[[Content], Mapping[str, Content]]
"""Content in its parts (`referral.disclose.parts_of`)."""

INTAKES_AFTER = question(
    select(t.intake.c.id)
    .where(t.intake.c.id > p("after"), t.intake.c.erased_at.is_(None))
    .order_by(t.intake.c.id)
    .limit(literal_column("1"))
)
KEEP_ASKED = change(
    update(t.intake)
    .where(t.intake.c.id == p("is_id"), t.intake.c.revision == p("decided_on"))
    .values(sealed_content=p("sealed_content"), revision=t.intake.c.revision + 1)
)
DROP_SERVICE = change(
    delete(t.intake_grant).where(
        t.intake_grant.c.intake == p("is_intake"), t.intake_grant.c.office_key == literal_column("'service'")
    )
)
FILES_LEFT = question(
    select(t.attachment.c.id, t.attachment_key.c.sealed_key)
    .select_from(t.attachment.outerjoin(t.attachment_key, t.attachment_key.c.id == t.attachment.c.id))
    .where(
        t.attachment.c.intake == p("is_intake"),
        t.attachment.c.intake != t.NONE,
        or_(t.attachment.c.sealed_content.is_not(None), t.attachment.c.stream != t.NONE),
        (t.attachment_key.c.id.is_(None)) | (t.attachment_key.c.intake_key == t.NONE),
    )
)
BYTES_OF = question(select(t.attachment.c.sealed_content).where(t.attachment.c.id == p("is_id")))
SEAL_BYTES = change(
    update(t.attachment).where(t.attachment.c.id == p("is_id")).values(sealed_content=p("sealed_content"))
)
OPENED: Final = "escrow.opened"


def next_after(after: str) -> Work[str | None]:
    """The next report by id."""
    rows = yield INTAKES_AFTER, {"after": after}
    return rows[0][0] if rows else None


def reseal(
    report: str, at: datetime, parts_of: PartsOf, allowed: Allowed, opener: Opener, sealer: Sealer
) -> Work[tuple[bool, int]]:
    """One report: whether it stood under the service key, and how many keys offices were given. Needs an escrow."""
    intake = yield from find_intake(report, sealer)
    escrow = yield from sealing.public_keys((ESCROW,))
    if intake is None or not escrow:  # without an escrow, the service's own keys are all there is
        return False, 0
    unsealed = yield from sealing.unseal(report, opener, sealer)
    files = yield FILES_LEFT, {"is_intake": report}
    had_words = replace(intake.content, asked=(), asked_rows=()) != Content()
    stood_open = had_words or bool(files) or any(one.office_key == SERVICE for one in unsealed.grants)
    if had_words or files:
        unsealed = yield from _seal_old(intake, files, at, parts_of, unsealed, sealer)
    consents = yield from consents_of(report, intake.conversation)
    wanted: dict[str, frozenset[str]] = {ESCROW: frozenset(PARTS)}
    for one in (yield from referrals_of(report)):
        if not is_ended(one):
            wanted[one.office] = wanted.get(one.office, frozenset()) | frozenset(allowed(intake, one, consents))
    given = yield from sealing.share(report, wanted, unsealed, to_ms(at))
    yield DROP_SERVICE, {"is_intake": report}
    return stood_open, given


def _seal_old(
    intake: Intake, files: Sequence[Any], at: datetime, parts_of: PartsOf, unsealed: sealing.Unsealed, sealer: Sealer
) -> Work[sealing.Unsealed]:
    """Words and files that the service key opens, under fresh keys of the intake."""
    held = yield from sealing.look("", intake.id, (), sealer)
    row = {"id": held.intake_key, "intake": intake.id, "conversation": "", "created_at": to_ms(at), "sealed_keys": None}
    yield sealing.ADD_KEY, row
    for part, content in parts_of(intake.content).items():
        if content != Content():
            yield sealing.add_part(intake.id, held, part, content, to_ms(intake.created_at))
    content = intake.content
    kept = sealer.seal(
        CONTENT.write(Content(asked=content.asked, asked_rows=content.asked_rows)), f"content/{intake.id}".encode()
    )
    yield KEEP_ASKED, {"is_id": intake.id, "decided_on": intake.revision, "sealed_content": kept}
    for where, sealed in files:
        yield from _seal_file(where, sealed, held.intake_key, held.keys, sealer)
    return sealing.Unsealed({**unsealed.keys, held.intake_key: held.keys}, unsealed.grants)


def _seal_file(where: str, sealed: bytes | None, intake_key: str, keys: Keys, sealer: Sealer) -> Work[None]:
    if sealed is not None:
        again = lock(sealer.open(sealed, about_key(where).encode()), keys[FILES_PART], about_key(where))
        yield SEAL_KEY, {"is_id": where, "intake_key": intake_key, "sealed_key": again}
        return
    key = new_key()
    rows = yield BYTES_OF, {"is_id": where}
    yield (
        SEAL_BYTES,
        {
            "is_id": where,
            "sealed_content": lock(sealer.open(rows[0][0], about_file(where).encode()), key, about_file(where)),
        },
    )
    again = lock(key, keys[FILES_PART], about_key(where))
    yield ADD_FILE_KEY, {"id": where, "intake_key": intake_key, "sealed_key": again}


def note(action: str, at: datetime, **detail: str) -> Work[None]:
    """A line of the audit about the escrow."""
    yield ADD_AUDIT, audit_values(AuditEntry("operator", action, ESCROW, at, detail))
