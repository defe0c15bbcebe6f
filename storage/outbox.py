"""What must happen outside: who may be performed now, how it ended, what was said and shown.

A lane keeps its order. A row goes before another of its lane where it is of priority 0 and the other is not, or else
where it was written first. It holds the other back once it is due, or was tried and waits to be tried again; a row that
only waits for its first time (a timer) holds nobody back. While one row of a lane is being performed, no other is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from storage import schema as t
from storage.base import DAMAGED, Address, AuditEntry, Claimed, Done, OutboxRow, Outcome, StorageUnfit
from storage.rows import BODY, audit_values, from_ms, read_codes, to_ms, to_ms_or_none, write_json
from storage.seal import Sealer
from storage.statements import Row, Sql, Work, change, question
from storage.turns import ADD_AUDIT, add_outbox, outbox_values

p = bindparam

LEASE_MS: Final = 60_000
"""How long a claimed row is left to whoever claimed it. After a crash it is handed out again then."""

PRIORITIES: Final = (0, 1, 2, 3)

_SPOKEN: Final = frozenset({"say", "notice", "notify_agency", "export"})
"""Kinds whose success is worth a line of the audit. A failure of any kind is."""

# ------------------------------------------------------------------------------------------------------- statements

_box = t.outbox
_other = t.outbox.alias("other")
_officer_address = t.address.alias("officer_address")


def _goes_before(first: Any, then: Any) -> ColumnElement[bool]:
    urgent, other_urgent = first.c.priority == t.NO, then.c.priority == t.NO
    return or_(
        and_(urgent, then.c.priority != t.NO),
        and_(
            or_(and_(urgent, other_urgent), and_(first.c.priority != t.NO, then.c.priority != t.NO)),
            first.c.id < then.c.id,
        ),
    )


_same_lane = and_(
    _other.c.lane == _box.c.lane, _other.c.lane != t.NONE, _other.c.finished == t.NO, _other.c.id != _box.c.id
)
_held_back = exists().where(
    _same_lane,
    or_(
        _other.c.claimed_until > p("now"),
        and_(_goes_before(_other, _box), or_(_other.c.due_at <= p("now"), _other.c.attempts > t.NO)),
    ),
)
_claimable = (
    select(
        _box.c.id,
        _box.c.key,
        _box.c.kind,
        _box.c.lane,
        _box.c.priority,
        _box.c.due_at,
        _box.c.sealed_body,
        _box.c.conversation,
        _box.c.referral,
        _box.c.attempts,
        t.address.c.id.label("address"),
        t.address.c.channel,
        t.address.c.sealed_external,
        _officer_address.c.id.label("officer_address"),
        _officer_address.c.channel.label("officer_channel"),
        _officer_address.c.sealed_external.label("officer_external"),
    )
    .select_from(
        _box.outerjoin(t.conversation, t.conversation.c.id == _box.c.conversation)
        .outerjoin(t.address, t.address.c.id == t.conversation.c.address)
        .outerjoin(
            _officer_address,
            and_(_officer_address.c.officer == _box.c.officer, _box.c.officer != t.NONE),
        )
    )
    .where(_box.c.finished == t.NO, _box.c.priority == p("priority"), _box.c.due_at <= p("now"), ~_held_back)
    .order_by(_box.c.due_at, _box.c.id)
    .limit(p("most"))
)


def _claimable_for(dialect: str) -> Select[Any]:
    """On SQLite one writer claims at a time. On PostgreSQL whoever claims in a lane holds its lock until they commit.

    So once a lane's lock is ours, every claim in it that was made by others stands in the database, and CLAIM, whose
    look is newer than the lock, sees it. A lane that another process has now is left to it.
    """
    if dialect != "postgresql":
        return _claimable
    found = _claimable.with_for_update(skip_locked=True, of=_box).cte("found")
    lane_is_ours = func.pg_try_advisory_xact_lock(func.hashtextextended(found.c.lane, t.NO))
    return (
        select(*found.c)
        .where(case((found.c.lane == t.NONE, literal_column("true")), else_=lane_is_ours))
        .order_by(found.c.due_at, found.c.id)
    )


CLAIMABLE = Sql(_claimable_for, rows=True)
CLAIM = change(
    update(_box)
    .where(_box.c.id == p("is_id"), _box.c.finished == t.NO, _box.c.due_at <= p("now"), ~_held_back)
    .values(attempts=_box.c.attempts + 1, claimed_until=p("until"), due_at=p("until"))
)

# The soonest time at which somebody is the first of a lane. One who stands behind a row that waits (to be tried again,
# or for the end of its lease) does not count: that row does.
_stands_behind = exists().where(
    _same_lane,
    _other.c.due_at > _box.c.due_at,
    _other.c.attempts > t.NO,
    or_(_other.c.claimed_until > t.NO, _goes_before(_other, _box)),
)
NEXT_DUE = question(
    select(_box.c.due_at, _box.c.id)
    .where(_box.c.finished == t.NO, _box.c.priority == p("priority"), ~_stands_behind)
    .order_by(_box.c.due_at, _box.c.id)
    .limit(literal_column("1"))
)

FIND = question(
    select(_box.c.key, _box.c.kind, _box.c.conversation, _box.c.referral, _box.c.officer, _box.c.state).where(
        _box.c.id == p("is_id")
    )
)
END = change(
    update(_box)
    .where(_box.c.id == p("is_id"), _box.c.state.in_([literal_column("'waiting'"), literal_column("'cancelled'")]))
    .values(
        finished=1,
        claimed_until=0,
        state=p("state"),
        done_at=p("done_at"),
        code=p("code"),
        message_ids=p("message_ids"),
    )
)
AGAIN = change(
    update(_box)
    .where(_box.c.id == p("is_id"), _box.c.finished == t.NO)
    .values(claimed_until=0, due_at=p("due_at"), code=p("code"))
)
GIVE_BACK = change(
    update(_box)
    .where(_box.c.finished == t.NO, _box.c.claimed_until > p("now"))
    .values(claimed_until=0, due_at=p("now"))
)
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
OFFICER_GONE = change(update(t.address).where(t.address.c.officer == p("is_id")).values(unreachable=1))

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


def claim(now: datetime, limit: int) -> Work[list[Row]]:
    """Hand out at most `limit` due rows, the most urgent first, each until its lease ends."""
    at = to_ms(now)
    rows: list[Row] = []
    for priority in PRIORITIES:
        if len(rows) >= limit:
            break
        found: list[Row] = yield CLAIMABLE, {"priority": priority, "now": at, "most": limit - len(rows)}
        for row in found:
            if (yield CLAIM, {"is_id": row[0], "now": at, "until": at + LEASE_MS}):
                rows.append(row)
    return rows


def give_back(now: datetime) -> Work[int]:
    """Make due now what is claimed: whoever claimed it is no more."""
    count: int = yield GIVE_BACK, {"now": to_ms(now)}
    return count


def read_claimed(row: Row, sealer: Sealer) -> Claimed:
    """Open a claimed row. The first attempt is number 1. One that cannot be opened is of kind `damaged`, with its kind."""
    row_id, key, kind, lane, priority, due_at, sealed, conversation, referral, attempts = row[:10]
    try:
        body = BODY.read(sealer.open(sealed, f"outbox/{key}".encode())) if sealed is not None else {}
        address = read_address(row[10:13], sealer) or read_address(row[13:16], sealer)
    except (StorageUnfit, ValueError):  # altered, or cut short: the others that were claimed with it must still go
        body, address, kind = {"kind": kind}, None, DAMAGED
    made = OutboxRow(key, kind, lane, priority, from_ms(due_at), body, conversation, referral)
    return Claimed(row_id, made, address, attempts + 1)


def read_address(row: Row, sealer: Sealer) -> Address | None:
    """An address from its id, channel and sealed platform id; None where the row leads to none."""
    where, channel, sealed = row
    if where is None:
        return None
    return Address(channel, sealer.open(sealed, f"address/{where}".encode()).decode())


def finish(done: Sequence[Done], more: Sequence[OutboxRow], at: datetime, sealer: Sealer) -> Work[tuple[str, ...]]:
    """Mark rows as ended and queue what follows. Answers with the intakes whose referrals changed."""
    changed: list[str] = []
    for each in done:
        found = yield FIND, {"is_id": each.id}
        if found:
            changed += yield from _finish_one(each, found[0])
    yield from add_outbox(tuple(outbox_values(row, to_ms(at), sealer) for row in more))
    return tuple(changed)


def _finish_one(done: Done, row: Row) -> Work[list[str]]:
    key, kind, conversation, referral, officer, state = row
    if not (yield from _end(done, state)):
        return []  # ended before: a lease that ran out, or the same report twice
    at = to_ms(done.at)
    if done.blocked:
        yield (CONVERSATION_GONE, {"is_id": conversation}) if conversation else (OFFICER_GONE, {"is_id": officer})
    changed: list[str] = []
    if done.delivered and referral and (yield DELIVERED, {"is_id": referral, "delivered_at": at}):
        changed = [intake for (intake,) in (yield INTAKE_OF, {"is_id": referral})]
    if done.outcome in ("dead", "cancelled") or (done.outcome == "done" and kind in _SPOKEN):
        yield ADD_AUDIT, audit_values(_entry(done, key, kind, referral or conversation or key))
    return changed


def _end(done: Done, state: str) -> Work[bool]:
    if done.outcome == "later":
        if done.again_at is None:
            raise ValueError("a row that is to be tried later needs a time")
        again = yield AGAIN, {"is_id": done.id, "due_at": to_ms_or_none(done.again_at), "code": done.code}
        return bool(again)
    if state == "cancelled" and done.outcome != "done":
        return False  # it was cancelled while it was tried; only that it went out all the same is news
    ended = yield (
        END,
        {
            "is_id": done.id,
            "state": done.outcome,
            "done_at": to_ms(done.at),
            "code": done.code,
            "message_ids": write_json(done.message_ids) if done.message_ids else "",
        },
    )
    return bool(ended)


_ENDINGS: Final[Mapping[Outcome, Literal["sent", "dead", "cancelled"]]] = {
    "done": "sent",
    "dead": "dead",
    "cancelled": "cancelled",
}


def _entry(done: Done, key: str, kind: str, subject: str) -> AuditEntry:
    detail = {"row": key, "code": done.code} if done.code else {"row": key}
    return AuditEntry("outbox", f"{kind}.{_ENDINGS[done.outcome]}", subject, done.at, detail)


def next_due() -> Work[int | None]:
    """When somebody can next be performed, in UTC milliseconds."""
    soonest: int | None = None
    for priority in PRIORITIES:
        found = yield NEXT_DUE, {"priority": priority}
        if found and (soonest is None or found[0][0] < soonest):
            soonest = found[0][0]
    return soonest


def first_waiting(now: datetime) -> Work[int | None]:
    """The due row that would be claimed first."""
    for priority in PRIORITIES:
        found = yield NEXT_DUE, {"priority": priority}
        if found and found[0][0] <= to_ms(now):
            return int(found[0][1])
    return None


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
