"""What must happen outside: queued, how it ended, what follows from that, what was said and shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Insert,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from flows.model import Conversation
from storage import schema as t
from storage.base import AuditEntry, Done, OutboxRow, Outcome, Wanted
from storage.claims import claim
from storage.rows import BODY, audit_values, read_codes, to_ms, write_json
from storage.seal import Sealer
from storage.statements import Row, Sql, Work, change, insert_once, listed, question

p = bindparam

_SPOKEN: Final = frozenset({"say", "notice", "notify_agency", "export"})
"""Kinds whose success is worth a line of the audit. A failure of any kind is."""

# ------------------------------------------------------------------------------------------------------- statements

_box = t.outbox

ADD_OUTBOX = insert_once(
    t.outbox, "id", "claimed_until", "finished", "state", "attempts", "done_at", "message_ids", "code"
)
VERSION = question(select(t.conversation.c.version).where(t.conversation.c.id == p("is_id")))


def _end(dialect: str) -> Update:
    """End the rows listed, but those that ended before: a lease that ran out, or the same report twice.

    Of one that was cancelled while it was tried, only that it went out all the same is news.
    """
    at = listed(dialect)
    state = at(1, Text())
    cancelled_but_sent = and_(_box.c.state == literal_column("'cancelled'"), state == literal_column("'done'"))
    ended = {
        "finished": 1, "claimed_until": 0, "state": state, "done_at": at(2, BigInteger()), "code": at(3, Text()),
        "message_ids": at(4, Text()),
    }  # fmt: skip
    return (
        update(_box)
        .where(_box.c.id == at(0, BigInteger()), or_(_box.c.state == literal_column("'waiting'"), cancelled_but_sent))
        .values(ended)
        .returning(_box.c.id, _box.c.key, _box.c.kind, _box.c.conversation, _box.c.referral)
    )


def _again(dialect: str) -> Update:
    at = listed(dialect)
    later = {"claimed_until": 0, "due_at": at(1, BigInteger()), "code": at(2, Text())}
    return update(_box).where(_box.c.id == at(0, BigInteger()), _box.c.finished == t.NO).values(later)


def _add_audits(dialect: str) -> Insert:
    at = listed(dialect)
    columns = (t.audit.c.at, t.audit.c.actor, t.audit.c.action, t.audit.c.subject, t.audit.c.detail)
    return insert(t.audit).from_select(columns, select(*(at(place, one.type) for place, one in enumerate(columns))))


END = Sql(_end, rows=True)
AGAIN = Sql(_again, rows=False)
ADD_AUDITS = Sql(_add_audits, rows=False)
DELIVERED = change(
    update(t.referral)
    .where(t.referral.c.id == p("is_id"), t.referral.c.state == literal_column("'sent'"))
    .values(state="delivered", delivered_at=p("delivered_at"))
)
INTAKE_OF = question(select(t.referral.c.intake).where(t.referral.c.id == p("is_id")))


def _unreachable(of: Table, column: ColumnElement[Any], by: ColumnElement[Any]) -> Any:
    return update(t.address).where(t.address.c.id == select(column).where(by == p("is_id")).scalar_subquery())


CONVERSATION_GONE = change(
    _unreachable(t.conversation, t.conversation.c.address, t.conversation.c.id).values(unreachable=1)
)


def _of_row(column: ColumnElement[Any]) -> Any:
    return select(column).where(_box.c.id == p("is_row")).scalar_subquery()


_door = update(t.address).where(
    t.address.c.officer == _of_row(_box.c.officer),
    or_(
        t.address.c.id == _of_row(_box.c.door),
        and_(_of_row(_box.c.door) == t.NONE, _of_row(_box.c.sender).in_([t.NONE, t.address.c.channel])),
    ),
)  # as in claims.py; an address that is no longer this officer's is left alone
DOOR_GONE = change(_door.values(unreachable=1))
DOOR_TOOK = change(_door.values(taken_at=p("now"), failing_since=None, unreachable=0))
DOOR_FAILS = change(_door.values(failing_since=func.coalesce(t.address.c.failing_since, p("now"))))
_DOORS: Final = {"took": DOOR_TOOK, "failing": DOOR_FAILS}

SAID = question(
    select(_box.c.key, _box.c.sealed_body)
    .where(
        _box.c.conversation == p("is_conversation"),
        _box.c.kind == literal_column("'say'"),
        _box.c.version
        >= select(t.conversation.c.heard_version).where(t.conversation.c.id == p("is_conversation")).scalar_subquery(),
        _box.c.sealed_body.is_not(None),
        _box.c.state != literal_column("'cancelled'"),
    )
    .order_by(_box.c.id)
)
SHOWN = question(
    select(_box.c.message_ids)
    .where(
        _box.c.conversation == p("is_conversation"),
        _box.c.kind == literal_column("'say'"),
        _box.c.done_at >= p("since"),
    )
    .order_by(_box.c.id)
)
WRITTEN = question(
    select(t.inbox.c.message_id)
    .where(t.inbox.c.conversation == p("is_conversation"), t.inbox.c.at >= p("since"))
    .order_by(t.inbox.c.at)
)

# -------------------------------------------------------------------------------------------------------------- work


def outbox_values(row: OutboxRow, at: int, sealer: Sealer) -> dict[str, Any]:
    """A row of `outbox`; `version` is filled in by the writer. A body's `officer` names whom the row is for."""
    return {
        "key": row.key,
        "kind": row.kind,
        "lane": row.lane,
        "priority": row.priority,
        "due_at": to_ms(row.due_at),
        "sealed_body": sealer.seal(BODY.write(row.body), f"outbox/{row.key}".encode()),
        "conversation": row.conversation,
        "version": 0,
        "referral": row.referral,
        "officer": _officer_of(row.body),
        "sender": row.sender,
        "door": row.door,
        "created_at": at,
    }


def _officer_of(body: Mapping[str, Any]) -> str:
    officer = body.get("officer", "")
    return officer if isinstance(officer, str) else ""


def add_outbox(rows: tuple[dict[str, Any], ...], state: Conversation | None = None) -> Work[None]:
    """Queue rows; a key that is there already is kept as it is."""
    for values in rows:
        if state and values["conversation"] == state.id:
            values["version"] = state.version
        elif values["conversation"]:
            found = yield VERSION, {"is_id": values["conversation"]}
            values["version"] = found[0][0] if found else 0
        yield ADD_OUTBOX, values


def exchange(
    now: datetime, done: Sequence[Done], more: Sequence[OutboxRow], wanted: Iterable[Wanted], sealer: Sealer
) -> Work[tuple[list[Row], list[str]]]:
    """Write how rows ended and queue what follows, then hand out what is wanted.

    Answers with the rows handed out and with the intakes whose referrals changed.
    """
    changed = yield from _finish(done)
    yield from add_outbox(tuple(outbox_values(row, to_ms(now), sealer) for row in more))
    rows = yield from claim(now, wanted)
    return rows, changed


def _finish(done: Sequence[Done]) -> Work[list[str]]:
    if again := [(each.id, _again_at(each), each.code) for each in done if each.outcome == "later"]:
        yield AGAIN, {"rows": write_json(again)}
    for each in done:
        if each.door:
            yield _DOORS[each.door], {"is_row": each.id, "now": to_ms(each.at)}
    ends = {each.id: each for each in done if each.outcome != "later"}
    if not ends:
        return []
    told = [
        (each.id, each.outcome, to_ms(each.at), each.code, write_json(each.message_ids) if each.message_ids else "")
        for each in ends.values()
    ]
    ended = sorted((yield END, {"rows": write_json(told)}))
    entries = [audit_values(one) for row in ended for one in _entries(ends[row[0]], row)]
    if entries:
        yield ADD_AUDITS, {"rows": write_json([tuple(one[name] for name in AUDITED) for one in entries])}
    changed: list[str] = []
    for row in ended:
        changed += yield from _what_follows(ends[row[0]], row)
    return changed


def _again_at(done: Done) -> int:
    if done.again_at is None:
        raise ValueError("a row that is to be tried later needs a time")
    return to_ms(done.again_at)


def _what_follows(done: Done, row: Row) -> Work[list[str]]:
    """What the end of a row says of its address and its referral; the intake whose referral changed."""
    number, _, _, conversation, referral = row
    if done.blocked:
        yield (CONVERSATION_GONE, {"is_id": conversation}) if conversation else (DOOR_GONE, {"is_row": number})
    if done.delivered and referral and (yield DELIVERED, {"is_id": referral, "delivered_at": to_ms(done.at)}):
        return [intake for (intake,) in (yield INTAKE_OF, {"is_id": referral})]
    return []


AUDITED: Final = ("at", "actor", "action", "subject", "detail")
_ENDINGS: Final[Mapping[Outcome, Literal["sent", "dead", "cancelled"]]] = {
    "done": "sent",
    "dead": "dead",
    "cancelled": "cancelled",
}


def _entries(done: Done, row: Row) -> Iterator[AuditEntry]:
    _, key, kind, conversation, referral = row
    if done.outcome != "done" or kind in _SPOKEN:
        detail = {"row": key, "code": done.code} if done.code else {"row": key}
        yield AuditEntry("outbox", f"{kind}.{_ENDINGS[done.outcome]}", referral or conversation or key, done.at, detail)


def says(conversation: str) -> Work[list[Row]]:
    """Key and sealed body of what was said since the person was last heard, in order."""
    rows: list[Row] = yield SAID, {"is_conversation": conversation}
    return rows


def shown(conversation: str, since: datetime) -> Work[tuple[str, ...]]:
    """The platform's ids of what was shown and of what the person wrote."""
    values = {"is_conversation": conversation, "since": to_ms(since)}
    sent = yield SHOWN, values
    written = yield WRITTEN, values
    ours = [each for (codes,) in sent for each in read_codes(codes)]
    return (*ours, *(message_id for (message_id,) in written if message_id))
