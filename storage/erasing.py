"""What is erased of a report and of a conversation, and by which statements: for the daily sweep, for a person's own request,
and once more for a backup that was restored.

What stays of a report are its coded facts, for counting: no words, answers, files, receipt or conversation, so nothing of it
leads back to anybody. Of a conversation nothing stays; an address goes with the last conversation that needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    Delete,
    LargeBinary,
    Update,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal_column,
    select,
    tuple_,
    update,
)

from referral.model import OPEN, Referral
from storage import schema as t
from storage.base import AuditEntry
from storage.cases import REFERRALS_OF
from storage.rows import audit_values, from_ms, read_referral, to_ms, write_json
from storage.seal import Sealer
from storage.statements import Work, change, given, insert_once, question
from storage.turns import ADD_AUDIT, Ready, write_turn

p = bindparam
ONE: Final[Any] = literal_column("1")
NOTHING: Final[Any] = cast(literal_column("''"), LargeBinary)
_OPEN: Final[tuple[Any, ...]] = tuple(literal_column(f"'{state}'") for state in sorted(OPEN))

REPORT, CONVERSATION = "intake", "conversation"
"""What an erased id was."""


class Kept(Struct, frozen=True):
    """A report that is kept: what is needed to judge whether it must go."""

    id: str
    kind: str
    updated_at: datetime
    conversation: str
    referrals: tuple[Referral, ...] = ()


class Over(Struct, frozen=True):
    """A conversation that is over and that no report needs."""

    id: str
    active_at: datetime
    address: str


# ------------------------------------------------------------------------------------------------------- statements


def _no_live_report(conversation: Any) -> Any:
    return ~exists().where(t.intake.c.conversation == conversation, t.intake.c.erased_at.is_(None))


KEPT = question(
    select(t.intake.c.id, t.intake.c.kind, t.intake.c.updated_at, t.intake.c.conversation)
    .where(
        t.intake.c.erased_at.is_(None),
        t.intake.c.updated_at < p("before"),
        tuple_(t.intake.c.updated_at, t.intake.c.id) > tuple_(p("after"), p("last")),
    )
    .order_by(t.intake.c.updated_at, t.intake.c.id)
    .limit(p("most"))
)
OVER = question(
    select(t.conversation.c.id, t.conversation.c.active_at, t.conversation.c.address)
    .where(
        t.conversation.c.ended == ONE,
        t.conversation.c.active_at < p("before"),
        tuple_(t.conversation.c.active_at, t.conversation.c.id) > tuple_(p("after"), p("last")),
        _no_live_report(t.conversation.c.id),
    )
    .order_by(t.conversation.c.active_at, t.conversation.c.id)
    .limit(p("most"))
)


def empty_report(report: Any) -> Update:
    """The words, the answers, the receipt and the way back go from the report's own row."""
    return (
        update(t.intake)
        .where(t.intake.c.id == report, t.intake.c.erased_at.is_(None))
        .values(
            sealed_content=NOTHING,
            sealed_answers=NOTHING,
            receipt=None,
            conversation="",
            erased_at=p("at"),
            revision=t.intake.c.revision + 1,
        )
    )


def files_of(report: Any) -> Update:
    return (
        update(t.attachment)
        .where(t.attachment.c.intake == report, t.attachment.c.intake != t.NONE)
        .values(sealed_content=None, stream="", conversation="")
    )


def sealed_of(report: Any) -> tuple[Update | Delete, ...]:
    """What was sealed of the report, and every key to it."""
    of_report = (t.attachment.c.intake == report, t.attachment.c.intake != t.NONE)
    files = select(t.attachment.c.id).where(*of_report)
    in_pieces = select(t.attachment.c.stream).where(*of_report, t.attachment.c.stream != t.NONE)
    return (
        delete(t.attachment_piece).where(t.attachment_piece.c.stream.in_(in_pieces)),
        update(t.attachment_key).where(t.attachment_key.c.id.in_(files)).values(sealed_key=None),
        delete(t.intake_part).where(t.intake_part.c.intake == report),
        delete(t.intake_grant).where(t.intake_grant.c.intake == report),
        delete(t.intake_key).where(t.intake_key.c.intake == report),
    )


def rows_of(report: Any) -> Update:
    """What notices of the report's referrals said."""
    of_report = select(t.referral.c.id).where(t.referral.c.intake == report)
    return (
        update(t.outbox)
        .where(t.outbox.c.referral.in_(of_report), t.outbox.c.referral != t.NONE, t.outbox.c.finished != t.NO)
        .values(sealed_body=None, message_ids="")
    )


def consents_of(report: Any) -> Update:
    return update(t.consent).where(t.consent.c.intake == report).values(conversation="")


def said_in(conversation: Any) -> Update:
    """What was said in a conversation, and what was still to be said there."""
    return (
        update(t.outbox)
        .where(t.outbox.c.conversation == conversation, t.outbox.c.kind == literal_column("'say'"))
        .values(
            sealed_body=None,
            message_ids="",
            finished=1,
            state=case((t.outbox.c.finished == t.NO, "cancelled"), else_=t.outbox.c.state),
        )
    )


def conversation_itself(conversation: Any) -> Delete:
    return delete(t.conversation).where(t.conversation.c.id == conversation)


def marks_of(conversation: Any) -> Update:
    return update(t.inbox).where(t.inbox.c.conversation == conversation).values(conversation="", message_id="")


def unsent_files_of(conversation: Any) -> Update:
    return update(t.attachment).where(t.attachment.c.conversation == conversation).values(conversation="")


def unsent_consents_of(conversation: Any) -> Update:
    return update(t.consent).where(t.consent.c.conversation == conversation).values(conversation="")


_unneeded = ~exists().where(t.conversation.c.address == t.address.c.id)


def address_itself(address: Any) -> Delete:
    """An address that leads to no conversation and to no officer."""
    return delete(t.address).where(t.address.c.id == address, t.address.c.officer.is_(None), _unneeded)


_own = t.conversation.c.id == t.intake.c.conversation
EMPTY_REPORT = change(
    empty_report(p("is_id")).where(
        t.intake.c.updated_at == p("found_at"),
        ~exists().where(t.referral.c.intake == t.intake.c.id, t.referral.c.state.in_(_OPEN)),
        # Not an EXISTS: for that PostgreSQL would read every conversation that goes on.
        func.coalesce(select(t.conversation.c.ended).where(_own).scalar_subquery(), ONE) == ONE,
    )
)
EMPTY_REPORT_AT_ONCE = change(
    empty_report(p("is_id")).where(
        ~exists().where(t.referral.c.intake == t.intake.c.id, t.referral.c.state != literal_column("'withdrawn'"))
    )
)
FILES_OF = change(files_of(p("is_id")))
PIECES_OF, KEYS_OF_FILES, PARTS_OF, GRANTS_OF, KEYS_OF = map(change, sealed_of(p("is_id")))
ROWS_OF = change(rows_of(p("is_id")))
CONSENTS_OF = change(consents_of(p("is_id")))
SAID_IN = change(said_in(p("is_id")))
CONVERSATION_ITSELF = change(
    conversation_itself(p("is_id")).where(
        t.conversation.c.ended == ONE,
        t.conversation.c.active_at == p("found_at"),
        _no_live_report(t.conversation.c.id),
    )
)
MARKS_OF = change(marks_of(p("is_id")))
UNSENT_FILES_OF = change(unsent_files_of(given("is_id")))
UNSENT_CONSENTS_OF = change(unsent_consents_of(p("is_id")))
ADDRESS_ITSELF = change(address_itself(p("is_id")))
LEFT = change(
    update(t.outbox)
    .where(
        t.outbox.c.finished == ONE,
        t.outbox.c.kind != literal_column("'say'"),
        t.outbox.c.sealed_body.is_not(None),
        t.outbox.c.done_at < p("before"),
    )
    .values(sealed_body=None)
)
ADD_ERASED = insert_once(t.erased)
ADD_ERASURE = insert_once(t.erasure)
ERASED_SINCE = question(
    select(t.erased.c.id, t.erased.c.what, t.erased.c.erasure, t.erased.c.at)
    .where(tuple_(t.erased.c.at, t.erased.c.id) > tuple_(p("after"), p("last")))
    .order_by(t.erased.c.at, t.erased.c.id)
    .limit(p("most"))
)

# ------------------------------------------------------------------------------------------------------------- work


def kept(before: datetime, after: tuple[datetime, str], most: int) -> Work[tuple[Kept, ...]]:
    """Reports not changed since `before`, from `after` on, with their referrals: the longest unchanged first."""
    rows = yield KEPT, {"before": to_ms(before), "after": to_ms(after[0]), "last": after[1], "most": most}
    found: list[Kept] = []
    for id, kind, updated_at, conversation in rows:
        referrals = yield REFERRALS_OF, {"is_intake": id}
        found.append(Kept(id, kind, from_ms(updated_at), conversation, tuple(map(read_referral, referrals))))
    return tuple(found)


def over(before: datetime, after: tuple[datetime, str], most: int) -> Work[tuple[Over, ...]]:
    """Conversations over since `before` that no report needs, from `after` on."""
    rows = yield OVER, {"before": to_ms(before), "after": to_ms(after[0]), "last": after[1], "most": most}
    return tuple(Over(id, from_ms(active_at), address or "") for id, active_at, address in rows)


def turn_and_erasure(ready: Ready, sealer: Sealer) -> Work[None]:
    """A turn in which a person has their whole report erased: nobody has it, so nobody is asked."""
    report, erasure = ready.commit.erase_report
    yield from write_turn(ready, sealer)
    found = yield REFERRALS_OF, {"is_intake": report}
    referrals = tuple(map(read_referral, found))
    counts: dict[str, int] = {}
    kept = Kept(report, "", ready.commit.at, "", referrals)
    if (yield EMPTY_REPORT_AT_ONCE, {"is_id": report, "at": ready.at}):
        yield from of_report(kept, counts)
        yield ADD_ERASED, {"id": report, "what": REPORT, "erasure": erasure, "at": ready.at}
    yield from certify(counts, "right_erase", erasure, ready.commit.at)


def of_report(report: Kept, counts: dict[str, int]) -> Work[None]:
    """What goes with a report whose own row was emptied; it is counted."""
    count(counts, "reports", 1)
    for statement in (PIECES_OF, KEYS_OF_FILES, PARTS_OF, GRANTS_OF, KEYS_OF):
        yield statement, {"is_id": report.id}
    count(counts, "files", (yield FILES_OF, {"is_id": report.id}))
    count(counts, "messages", (yield ROWS_OF, {"is_id": report.id}))
    yield CONSENTS_OF, {"is_id": report.id}
    if report.conversation:
        count(counts, "messages", (yield SAID_IN, {"is_id": report.conversation}))


def forget(conversations: Sequence[Over], rule: str, erasure: str, at: datetime) -> Work[Mapping[str, int]]:
    """The same for conversations, with the addresses that nothing else needs."""
    counts: dict[str, int] = {}
    for one in conversations:
        if (yield CONVERSATION_ITSELF, {"is_id": one.id, "found_at": to_ms(one.active_at)}):
            count(counts, "conversations", 1)
            count(counts, "messages", (yield SAID_IN, {"is_id": one.id}))
            for statement in (MARKS_OF, UNSENT_FILES_OF, UNSENT_CONSENTS_OF):
                yield statement, {"is_id": one.id}
            count(counts, "addresses", (yield ADDRESS_ITSELF, {"is_id": one.address}))
            yield ADD_ERASED, {"id": one.id, "what": CONVERSATION, "erasure": erasure, "at": to_ms(at)}
    yield from certify(counts, rule, erasure, at)
    return counts


def clear_left(before: datetime, rule: str, erasure: str, at: datetime) -> Work[Mapping[str, int]]:
    """What left the outbox before then and was not said to a person says nothing any more."""
    cleared = yield LEFT, {"before": to_ms(before)}
    counts = {"messages": cleared} if cleared else {}
    yield from certify(counts, rule, erasure, at)
    return counts


def certify(counts: Mapping[str, int], rule: str, erasure: str, at: datetime, actor: str = "service") -> Work[None]:
    """The certificate: what kinds, how many, when, by which rule; and its line in the audit. None for nothing."""
    if not counts:
        return
    yield ADD_ERASURE, {"id": erasure, "rule": rule, "actor": actor, "counts": write_json(counts), "at": to_ms(at)}
    detail = {"rule": rule, **{what: str(count) for what, count in counts.items()}}
    yield ADD_AUDIT, audit_values(AuditEntry(actor, "data.erased", erasure, at, detail))


def count(counts: dict[str, int], what: str, more: int) -> None:
    """So many more of these; none is not mentioned."""
    if more:
        counts[what] = counts.get(what, 0) + more


def again(what: str, id: str, at: int) -> tuple[Update | Delete, ...]:
    """The statements that erase it once more, for a database that was restored: the last one is the thing itself."""
    if what == CONVERSATION:
        address = select(t.conversation.c.address).where(t.conversation.c.id == id).scalar_subquery()
        loose = update(t.address).where(t.address.c.id == address).values(conversation="")
        parts = (said_in(id), marks_of(id), unsent_files_of(id), unsent_consents_of(id), loose)
        return (*parts, conversation_itself(id))
    emptied = empty_report(id).values(erased_at=at)
    return (*sealed_of(id), files_of(id), rows_of(id), consents_of(id), said_in(_conversation_of(id)), emptied)


def _conversation_of(report: str) -> Any:
    return select(t.intake.c.conversation).where(t.intake.c.id == report).scalar_subquery()


LOOSE: Final = delete(t.address).where(t.address.c.conversation == "", t.address.c.officer.is_(None), _unneeded)
"""The addresses that `again` has left without a conversation; once, after all of it, for it reads every address."""
