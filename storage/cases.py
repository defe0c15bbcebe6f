"""What is read: snapshots for a turn, the officers' list and case, the period of an export."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import Column, Table, and_, bindparam, literal_column, or_, select, update

from flows.model import Conversation
from referral.model import Consent, Content, Intake, Referral, is_left
from storage import schema as t
from storage import sealing
from storage.base import (
    Address,
    Allowed,
    AuditEntry,
    Case,
    Invite,
    Officer,
    Opener,
    ReceiptView,
    Snapshot,
    Visible,
)
from storage.claims import read_address
from storage.envelope import joined
from storage.letters import letters
from storage.matters import OPEN_FIRST
from storage.outbox import DELIVERED
from storage.requests import OF_REPORT, read_request
from storage.rows import (
    ANSWERS,
    AUDIT_COLUMNS,
    CONSENT_COLUMNS,
    CONTENT,
    CONVERSATION,
    INTAKE_COLUMNS,
    OFFICER_COLUMNS,
    REFERRAL_COLUMNS,
    audit_values,
    from_ms,
    is_ended,
    read_audit,
    read_consent,
    read_intake,
    read_officer,
    read_referral,
    to_ms,
)
from storage.seal import Sealer
from storage.statements import Row, Work, change, question
from storage.turns import ADD_AUDIT
from storage.window import heard_at

p = bindparam

# ------------------------------------------------------------------------------------------------------- statements


def _columns(table: Table, names: Sequence[str]) -> list[Column[Any]]:
    return [table.c[name] for name in names]


_intake = _columns(t.intake, (*INTAKE_COLUMNS, "sealed_content", "sealed_answers"))
_referral = _columns(t.referral, REFERRAL_COLUMNS)
_officer = _columns(t.officer, OFFICER_COLUMNS)
_address = _columns(t.address, ("id", "channel", "sealed_external", "conversation"))
_state = _columns(t.conversation, ("id", "version", "sealed_state"))

STANDS = question(
    select(*_state, *_officer)
    .select_from(
        t.address.outerjoin(t.conversation, t.conversation.c.id == t.address.c.conversation).outerjoin(
            t.officer, and_(t.officer.c.id == t.address.c.officer, t.officer.c.active != t.NO)
        )
    )
    .where(t.address.c.id == p("is_id"))
)
LEFT_SINCE = question(
    select(*_state)
    .where(t.conversation.c.address == p("is_address"), t.conversation.c.left_at >= p("after"))
    .order_by(t.conversation.c.left_at.desc(), t.conversation.c.id)
    .limit(literal_column("1"))
)
CONVERSATION_BY_ID = question(
    select(*_state, *_address)
    .select_from(t.conversation.outerjoin(t.address, t.address.c.id == t.conversation.c.address))
    .where(t.conversation.c.id == p("is_id"))
)
INTAKE = question(select(*_intake).where(t.intake.c.id == p("is_id")))
CONVERSATION_OF = question(select(t.intake.c.conversation).where(t.intake.c.id == p("is_id")))
REFERRAL = question(select(*_referral).where(t.referral.c.id == p("is_id")))
REFERRALS_OF = question(
    select(*_referral).where(t.referral.c.intake == p("is_intake")).order_by(t.referral.c.created_at, t.referral.c.id)
)
INVITE = question(
    select(t.invite.c.hash, t.invite.c.expires_at, *_officer)
    .join_from(t.invite, t.officer, t.officer.c.id == t.invite.c.officer)
    .where(t.invite.c.hash == p("is_hash"), t.invite.c.used_at.is_(None), t.officer.c.active != t.NO)
)
RECEIPT = question(
    select(t.intake.c.id, t.intake.c.kind, t.intake.c.created_at).where(t.intake.c.receipt == p("is_hash"))
)
ABANDONED = question(
    select(t.conversation.c.id, t.conversation.c.version)
    .where(t.conversation.c.ended == t.NO, t.conversation.c.active_at < p("before"))
    .order_by(t.conversation.c.active_at)
    .limit(p("most"))
)
OFFICER = question(select(*_officer).where(t.officer.c.id == p("is_id"), t.officer.c.active != t.NO))

_of_office = t.referral.c.office == p("is_office")
_open = select(*_referral).where(t.referral.c.ended == t.NO).order_by(*OPEN_FIRST).limit(p("most"))
_ended = (
    select(*_referral)
    .where(t.referral.c.ended == literal_column("1"))
    .order_by(t.referral.c.created_at.desc(), t.referral.c.id.desc())
    .limit(p("most"))
)
LIST_OPEN = question(_open.where(_of_office))
LIST_ENDED = question(_ended.where(_of_office))
LIST_OPEN_ALL = question(_open)
LIST_ENDED_ALL = question(_ended)

CONSENTS = question(
    select(*_columns(t.consent, CONSENT_COLUMNS))
    .where(
        or_(
            t.consent.c.intake == p("is_intake"),
            and_(t.consent.c.conversation == p("is_conversation"), t.consent.c.intake == t.NONE),
        )
    )
    .order_by(t.consent.c.id)
)
TIMELINE = question(
    select(*_columns(t.audit, AUDIT_COLUMNS))
    .where(or_(t.audit.c.subject == p("is_referral"), t.audit.c.subject == p("is_intake")))
    .order_by(t.audit.c.id)
)
LEFT = change(
    update(t.conversation)
    .where(
        t.conversation.c.id == select(t.address.c.conversation).where(t.address.c.id == p("is_id")).scalar_subquery()
    )
    .values(left_at=p("at"))
)
WAY_IN_GONE = change(update(t.address).where(t.address.c.id == p("is_id")).values(conversation=""))
HAND_OVER = change(
    update(t.referral)
    .where(t.referral.c.id == p("is_id"), t.referral.c.state == literal_column("'proposed'"))
    .values(state="sent", sent_at=p("at"))
)

# ---------------------------------------------------------------------------------------------------------- snapshots


def load(
    where: str, invite: str, receipt: str, referral: str, sealer: Sealer, left_after: datetime | None = None
) -> Work[Snapshot]:
    """What is known about the address with this keyed hash, and about the hashes and id that the event carried.

    Where it leads nowhere, the conversation that was left through it at `left_after` or later.
    """
    found = yield STANDS, {"is_id": where}
    snapshot = Snapshot()
    if found:
        row = found[0]
        snapshot = yield from _around(read_conversation(row[:3], sealer), sealer)
        if snapshot.conversation is None and left_after is not None:
            snapshot = yield from _left(where, left_after, sealer)
        snapshot = replace(snapshot, officer=read_officer(row[3:]) if row[3] is not None else None)
    return replace(
        snapshot,
        invite=(yield from find_invite(invite)) if invite else None,
        receipt=(yield from _receipt(receipt, sealer)) if receipt else None,
        referral=(yield from find_referral(referral)) if referral else None,
    )


def _left(where: str, after: datetime, sealer: Sealer) -> Work[Snapshot]:
    found = yield LEFT_SINCE, {"is_address": where, "after": to_ms(after)}
    if not found:
        return Snapshot()
    return replace((yield from _around(read_conversation(found[0], sealer), sealer)), way_gone=True)


def read_conversation(row: Row, sealer: Sealer) -> Conversation | None:
    """A conversation from id, version and sealed state."""
    conversation_id, version, sealed = row
    if conversation_id is None:
        return None
    state = CONVERSATION.read(sealer.open(sealed, f"conversation/{conversation_id}".encode()))
    return state if state.version == version else replace(state, version=version)


def _around(conversation: Conversation | None, sealer: Sealer) -> Work[Snapshot]:
    if conversation is None or not conversation.intake:
        return Snapshot(conversation)
    intake = yield from find_intake(conversation.intake, sealer)
    if intake is not None and not intake.conversation:  # erased: what is added now is a report of its own
        return Snapshot(conversation)
    return Snapshot(conversation, intake, (yield from referrals_of(conversation.intake)))


def load_conversation(conversation: str, sealer: Sealer) -> Work[tuple[Snapshot, Address | None]]:
    """A conversation by its pseudonym, and where the person is reached."""
    found = yield CONVERSATION_BY_ID, {"is_id": conversation}
    if not found:
        return Snapshot(), None
    snapshot = yield from _around(read_conversation(found[0][:3], sealer), sealer)
    return snapshot, read_address(found[0][3:6], sealer)


def forget_way_in(where: str, left_at: datetime | None) -> Work[None]:
    """The address with this keyed hash leads to no conversation any more. One that led nowhere before is left as it was."""
    if left_at is not None:
        yield LEFT, {"is_id": where, "at": to_ms(left_at)}
    yield WAY_IN_GONE, {"is_id": where}


def load_referral(referral: str, sealer: Sealer) -> Work[Snapshot]:
    """A referral with its intake, that intake's referrals and the conversation through which a question can go back."""
    found = yield from find_referral(referral)
    if found is None:
        return Snapshot()
    intake = yield from find_intake(found.intake, sealer)
    referrals = yield from referrals_of(found.intake)
    conversation, way_gone = None, False
    if intake is not None and intake.conversation:
        rows = yield CONVERSATION_BY_ID, {"is_id": intake.conversation}
        conversation = read_conversation(rows[0][:3], sealer) if rows else None
        way_gone = bool(rows) and rows[0][6] != intake.conversation
    consents = yield from consents_of(found.intake, intake.conversation if intake is not None else "")
    return Snapshot(conversation, intake, referrals, referral=found, consents=consents, way_gone=way_gone)


def find_intake(intake: str, sealer: Sealer) -> Work[Intake | None]:
    found = yield INTAKE, {"is_id": intake}
    if not found:
        return None
    *coded, content, answers = found[0]
    if not content:  # erased
        return read_intake(tuple(coded), Content(), {})
    return read_intake(
        tuple(coded),
        CONTENT.read(sealer.open(content, f"content/{intake}".encode())),
        ANSWERS.read(sealer.open(answers, f"answers/{intake}".encode())),
    )


def find_referral(referral: str) -> Work[Referral | None]:
    found = yield REFERRAL, {"is_id": referral}
    return read_referral(found[0]) if found else None


def referrals_of(intake: str) -> Work[tuple[Referral, ...]]:
    found = yield REFERRALS_OF, {"is_intake": intake}
    return tuple(read_referral(row) for row in found)


def find_invite(hashed: str) -> Work[Invite | None]:
    """An invite that was not used. Whether it is still in time is for whoever knows the time."""
    found = yield INVITE, {"is_hash": hashed}
    return Invite(found[0][0], read_officer(found[0][2:]), from_ms(found[0][1])) if found else None


def _receipt(hashed: str, sealer: Sealer) -> Work[ReceiptView | None]:
    found = yield RECEIPT, {"is_hash": hashed}
    if not found:
        return None
    intake, kind, created_at = found[0]
    states = tuple((each.to, each.state) for each in (yield from referrals_of(intake)))
    opened = yield from find_intake(intake, sealer)
    requests = tuple(map(read_request, (yield OF_REPORT, {"is_intake": intake})))
    content = opened.content if opened else Content()
    return ReceiptView(intake, kind, from_ms(created_at), states, content.asked, requests, content.asked_rows)


def abandoned(before: datetime, limit: int) -> Work[tuple[tuple[str, int], ...]]:
    """Conversations without a word since `before` whose draft is still there, and their version, the oldest first."""
    found = yield ABANDONED, {"before": to_ms(before), "most": limit}
    return tuple((row[0], row[1]) for row in found)


# ----------------------------------------------------------------------------------------------------------- officers

_OPENS: Final = frozenset({"duty", "chief", "admin"})
_HANDED_ON: Final = frozenset({"returned", "transferred"})
_HAVE_IT_NOT: Final = _HANDED_ON | {"withdrawn"}


def _may_open(officer: Officer, referral: Referral) -> bool:
    return officer.role == "admin" or (officer.role in _OPENS and officer.office == referral.office)


def open_case(
    referral: str, officer: str, at: datetime, visible: Visible, allowed: Allowed, opener: Opener, sealer: Sealer
) -> Work[Case | None]:
    """Read a case for an officer and write down that it was read. None where there is none that they may open."""
    found = yield OFFICER, {"is_id": officer}
    opened = yield from find_referral(referral)
    if not found or opened is None or not _may_open(read_officer(found[0]), opened):
        return None
    opened = yield from _seen(opened, read_officer(found[0]), at)
    intake = yield from find_intake(opened.intake, sealer)
    if intake is None:
        return None
    yield ADD_AUDIT, audit_values(AuditEntry(officer, "case.opened", referral, at))
    consents = yield from consents_of(intake.id, intake.conversation)
    timeline = yield TIMELINE, {"is_referral": referral, "is_intake": intake.id}
    # In danger, what the service itself can still open is not withheld for want of an office's key.
    unsealed = yield from sealing.unseal(intake.id, opener, sealer, with_draft=opened.urgent)
    parts = allowed(intake, opened, consents)
    content, locked = yield from sealing.read_content(intake.id, parts, unsealed)
    yield from _share(intake, consents, allowed, unsealed, at)
    whole = replace(intake, content=joined((intake.content, content)))
    with_others = now_with(opened, (yield from referrals_of(intake.id)))
    shut = bool(with_others) or opened.state == "withdrawn"  # taken back before anybody here had read it
    shown = replace(intake, content=Content() if shut else visible(whole, opened, consents))
    reach = yield from heard_at(intake.conversation)
    read = tuple(read_audit(row) for row in timeline)
    became = yield from letters(len(intake.content.asked), intake.content.asked_rows, read)
    return Case(opened, shown, consents, read, locked and not shut, reach, with_others, became)


def now_with(handed_on: Referral, all_of_it: Sequence[Referral]) -> tuple[str, ...]:
    """The offices that have a matter since this one handed it on: those it came to then, else whoever has it.

    Empty while it is still here, and where nobody else has it: then the words stay with who had them last, or nobody could
    read them at all.
    """
    if handed_on.state not in _HANDED_ON or is_left(handed_on):
        return ()
    having = [one for one in all_of_it if one.state not in _HAVE_IT_NOT]
    then = handed_on.closed_at or handed_on.created_at
    since = [one for one in having if one.rule in _HANDED_ON and one.created_at >= then]
    return tuple(dict.fromkeys(one.office for one in since or having))


def _share(
    intake: Intake, consents: Sequence[Consent], allowed: Allowed, unsealed: sealing.Unsealed, at: datetime
) -> Work[None]:
    """Every office that has this matter now may open what it is allowed to: one it was passed on to, or with a new key."""
    wanted: dict[str, frozenset[str]] = {}
    for one in (yield from referrals_of(intake.id)):
        if not is_ended(one):
            wanted[one.office] = wanted.get(one.office, frozenset()) | frozenset(allowed(intake, one, consents))
    yield from sealing.share(intake.id, wanted, unsealed, to_ms(at))


def _seen(opened: Referral, officer: Officer, at: datetime) -> Work[Referral]:
    """Opening delivers what no phone took: the office knows of it now. An administrator of elsewhere is not that office."""
    if opened.state != "sent" or officer.office != opened.office:
        return opened
    moved = yield DELIVERED, {"is_id": opened.id, "delivered_at": to_ms(at)}
    return replace(opened, state="delivered", delivered_at=from_ms(to_ms(at))) if moved else opened


def _agreed(consents: Sequence[Consent], referral: Referral) -> bool | None:
    """The last word on this agency (`none` speaks of all of them); None where it was never asked."""
    asked = [each.given for each in consents if each.to in (referral.to, "none")]
    return asked[-1] if asked else None


def consents_of(intake: str, conversation: str) -> Work[tuple[Consent, ...]]:
    found = yield CONSENTS, {"is_intake": intake, "is_conversation": conversation}
    return tuple(read_consent(row) for row in found)


def list_referrals(officer: str, closed: bool, limit: int) -> Work[tuple[Referral, ...]]:
    """An office's referrals (an admin's: all): urgent first, then those that nobody acknowledged, then by age.

    Of those that are closed, the newest first.
    """
    found = yield OFFICER, {"is_id": officer}
    if not found:
        return ()
    known = read_officer(found[0])
    if known.role not in _OPENS:
        return ()
    everywhere = known.role == "admin"
    statement = (
        (LIST_ENDED_ALL if everywhere else LIST_ENDED) if closed else (LIST_OPEN_ALL if everywhere else LIST_OPEN)
    )
    rows = yield statement, {"is_office": known.office, "most": limit}
    return tuple(read_referral(row) for row in rows)


def hand_over(referral: str, at: datetime) -> Work[Referral | None]:
    """Proposed → sent, if that still stands; None where it was moved or its consent taken back meanwhile."""
    proposed = yield from find_referral(referral)
    if proposed is None:
        return None
    if proposed.identified and not proposed.ground:
        rows = yield CONVERSATION_OF, {"is_id": proposed.intake}
        consents = yield from consents_of(proposed.intake, rows[0][0])
        if _agreed(consents, proposed) is False:
            return None
    moved = yield HAND_OVER, {"is_id": referral, "at": to_ms(at)}
    if not moved:
        return None
    return replace(proposed, state="sent", sent_at=from_ms(to_ms(at)))
