"""Which rows of the outbox may be performed now, and by whom.

A lane keeps its order. A row goes before another of its lane where it is of priority 0 and the other is not, or else
where it was written first. It holds the other back once it is due, or was tried and waits to be tried again; a row that
only waits for its first time (a timer) holds nobody back. While one row of a lane is being performed, no other is.

Rows are looked for sender by sender, so that what waits for one platform costs nothing to those who write to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Update,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from storage import schema as t
from storage.base import DAMAGED, Address, Claimed, OutboxRow, StorageUnfit, Wanted
from storage.rows import BODY, from_ms, to_ms, write_json
from storage.seal import Sealer
from storage.statements import Row, Sql, Work, change, given, listed, question

p = bindparam

LEASE_MS: Final = 10_000
"""How long a claimed row is left to whoever claimed it and does not renew that: so long it waits where they died."""

LONGEST_MS: Final = 300_000
"""The longest wait for another try that is of our choosing (bot/perform.py): who waits longer has a clock that went back."""

PRIORITIES: Final = (0, 1, 2, 3)

# ------------------------------------------------------------------------------------------------------- statements

_box = t.outbox
_other = t.outbox.alias("other")
_officer_address = t.address.alias("officer_address")


def _is_no_timer(box: Any) -> ColumnElement[bool]:
    """Was tried, or was due when it was written: by the clock of whoever wrote it, which may be ahead of ours."""
    return or_(box.c.attempts > t.NO, box.c.due_at <= box.c.created_at)


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


def _another(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether there is such another row in the lane.

    OFFSET has PostgreSQL look by the lane, row for row. Left to choose, it would compare all that waits with all that waits, for
    it counts when nothing does: a claim took 4 s where 11,000 waited.
    """
    return select(literal_column("1")).where(_same_lane, which).offset(t.NO).exists()


_held_back = _another(
    or_(
        _other.c.claimed_until > p("now"),
        and_(_goes_before(_other, _box), or_(_other.c.due_at <= p("now"), _is_no_timer(_other))),
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
        _box.c.sender,
        _box.c.attempts,
        t.address.c.id.label("address"),
        t.address.c.channel,
        t.address.c.sealed_external,
        _officer_address.c.id.label("officer_address"),
        _officer_address.c.channel.label("officer_channel"),
        _officer_address.c.sealed_external.label("officer_external"),
        t.address.c.heard_at,
        _officer_address.c.heard_at.label("officer_heard_at"),
    )
    .select_from(
        _box.outerjoin(t.conversation, t.conversation.c.id == _box.c.conversation)
        .outerjoin(t.address, t.address.c.id == t.conversation.c.address)
        .outerjoin(
            _officer_address,
            and_(
                _officer_address.c.officer == _box.c.officer,
                _box.c.officer != t.NONE,
                or_(
                    _officer_address.c.id == _box.c.door,
                    and_(_box.c.door == t.NONE, _box.c.sender.in_([t.NONE, _officer_address.c.channel])),
                ),
            ),
        )
    )
    .where(_box.c.finished == t.NO, _box.c.sender == given("sender"), _box.c.due_at <= p("now"), ~_held_back)
    .order_by(_box.c.due_at, _box.c.id)
)


def _claimable_for(dialect: str) -> Select[Any]:
    """The first rows of each class of a sender, each class by its own place in the index, as far as it is read.

    On SQLite one writer claims at a time. On PostgreSQL whoever claims in a lane holds its lock until they commit. So once
    a lane's lock is ours, every claim in it that was made by others stands in the database, and CLAIM, whose look is newer
    than the lock, sees it. A lane that another process has now is left to it.
    """
    postgresql = dialect == "postgresql"
    free = _claimable.with_for_update(skip_locked=True, of=_box) if postgresql else _claimable
    classes = (
        free.where(_box.c.priority == literal_column(str(one))).limit(p(f"most_{one}")).subquery(f"class_{one}")
        for one in PRIORITIES
    )
    found = union_all(*(select(one) for one in classes)).subquery("found")
    if not postgresql:
        return select(found)
    lane_is_ours = func.pg_try_advisory_xact_lock(func.hashtextextended(found.c.lane, t.NO))
    return select(found).where(case((found.c.lane == t.NONE, literal_column("true")), else_=lane_is_ours))


CLAIMABLE = Sql(_claimable_for, rows=True)


def _claim(dialect: str) -> Update:
    """Take the rows listed. PostgreSQL looks once more, for what others committed before the lanes were ours."""
    at = listed(dialect)
    is_one = _box.c.id == at(0, BigInteger())
    still = (_box.c.finished == t.NO, _box.c.due_at <= p("now"), ~_held_back) if dialect == "postgresql" else ()
    taken = {"attempts": _box.c.attempts + 1, "claimed_until": p("until"), "due_at": p("until")}
    return update(_box).where(is_one, *still).values(taken).returning(_box.c.id)


def _renew(dialect: str) -> Update:
    at = listed(dialect)
    held = (_box.c.finished == t.NO, _box.c.claimed_until != t.NO)
    return (
        update(_box).where(_box.c.id == at(0, BigInteger()), *held).values(claimed_until=p("until"), due_at=p("until"))
    )


CLAIM = Sql(_claim, rows=True)
RENEW = Sql(_renew, rows=False)
_waits = and_(_box.c.finished == t.NO, _box.c.sender >= t.NONE)  # any sender: so the index by sender can be used
GIVE_BACK = change(update(_box).where(_waits, _box.c.claimed_until > p("now")).values(claimed_until=0, due_at=p("now")))
HELD_TOO_LONG = change(
    update(_box).where(_waits, _box.c.claimed_until > p("until")).values(claimed_until=p("until"), due_at=p("until"))
)
DUE_BY_NOW = change(
    update(_box)
    .where(_waits, _box.c.claimed_until == t.NO, _box.c.due_at > p("now"), _is_no_timer(_box))
    .where(or_(_box.c.attempts == t.NO, _box.c.due_at > p("longest")))
    .values(due_at=p("now"))
)

# The first of each class of each sender. One who stands behind a row that waits (to be tried again, or for the end of
# its lease) does not count: that row does.
_stands_behind = _another(
    and_(
        _other.c.due_at > _box.c.due_at,
        _is_no_timer(_other),
        or_(_other.c.claimed_until > t.NO, _goes_before(_other, _box)),
    )
)


def _heads() -> Select[Any]:
    """The senders that have rows are found by leaping from one to the next, so that nothing else of them is read."""
    by_name = select(_box.c.sender).order_by(_box.c.sender).limit(literal_column("1"))
    sender = select(by_name.where(_waits).scalar_subquery().label("name")).cte("sender", recursive=True)
    following = by_name.where(_box.c.finished == t.NO, _box.c.sender > sender.c.name).scalar_subquery()
    sender = sender.union_all(select(following).where(sender.c.name.is_not(None)))

    def of(priority: int) -> Select[Any]:
        def first(column: ColumnElement[Any]) -> ColumnElement[Any]:
            return (
                select(column)
                .where(_box.c.finished == t.NO, _box.c.sender == sender.c.name)
                .where(_box.c.priority == literal_column(str(priority)), ~_stands_behind)
                .order_by(_box.c.due_at, _box.c.id)
                .limit(literal_column("1"))
                .scalar_subquery()
            )

        # Twice the first, and no join: PostgreSQL reads a small table whole for a join, and 100,000 rows are small to it.
        return select(
            literal_column(str(priority)).label("priority"), first(_box.c.due_at).label("due_at"),
            first(_box.c.id).label("id"), sender.c.name,
        )  # fmt: skip

    found = union_all(*map(of, PRIORITIES)).subquery("found")
    return select(found).where(found.c.id.is_not(None))


HEADS = question(_heads())
IN_HAND = question(
    select(_box.c.id)
    .where(_box.c.finished == t.NO, _box.c.sender == given("sender"), _box.c.claimed_until > p("now"))
    .limit(literal_column("1"))
)

# -------------------------------------------------------------------------------------------------------------- work

_urgency = itemgetter(4, 5, 0)  # priority, due_at, id


def claim(now: datetime, wanted: Iterable[Wanted]) -> Work[list[Row]]:
    """Hand out what is wanted, the most urgent first, each row until its lease ends."""
    at = to_ms(now)
    rows: list[Row] = []
    for each in wanted:
        most = {f"most_{one}": max(each.room, each.least[one]) for one in PRIORITIES}
        if any(most.values()):
            rows += _chosen(each, (yield CLAIMABLE, {"sender": each.sender, "now": at, **most}))
    if not rows:
        return []
    claimed = yield CLAIM, {"rows": write_json([row[:1] for row in rows]), "now": at, "until": at + LEASE_MS}
    ours = {row[0] for row in claimed}
    return sorted((row for row in rows if row[0] in ours), key=_urgency)


def _chosen(wanted: Wanted, found: list[Row]) -> list[Row]:
    """The most urgent while there is room, and beyond it the least that is kept ready of each class."""
    chosen: list[Row] = []
    of_class = [0] * len(PRIORITIES)
    for row in sorted(found, key=_urgency):
        if len(chosen) < wanted.room or of_class[row[4]] < wanted.least[row[4]]:
            chosen.append(row)
            of_class[row[4]] += 1
    return chosen


def renew(ids: Sequence[int], now: datetime) -> Work[int]:
    """Hold these rows for another lease: whoever claimed them is alive and has them still."""
    rows = write_json([(one,) for one in ids])
    count: int = yield RENEW, {"rows": rows, "until": to_ms(now) + LEASE_MS}
    return count


def give_back(now: datetime) -> Work[int]:
    """Make due now what is claimed: whoever claimed it is no more."""
    count: int = yield GIVE_BACK, {"now": to_ms(now)}
    return count


def catch_up(now: datetime) -> Work[int]:
    """After the clock went back: what was due by it is due now, and no claim or wait is longer than any can be."""
    at = to_ms(now)
    held: int = yield HELD_TOO_LONG, {"until": at + LEASE_MS}
    due: int = yield DUE_BY_NOW, {"now": at, "longest": at + LONGEST_MS}
    return held + due


def read_claimed(row: Row, sealer: Sealer) -> Claimed:
    """Open a claimed row. The first attempt is number 1. One that cannot be opened is of kind `damaged`, with its kind."""
    row_id, key, kind, lane, priority, due_at, sealed, conversation, referral, sender, attempts = row[:11]
    try:
        body = BODY.read(sealer.open(sealed, f"outbox/{key}".encode())) if sealed is not None else {}
        address = read_address(row[11:14], sealer) or read_address(row[14:17], sealer)
    except (StorageUnfit, ValueError):  # altered, or cut short: the others that were claimed with it must still go
        body, address, kind = {"kind": kind}, None, DAMAGED
    heard_at = row[17] if row[11] is not None else row[18]
    made = OutboxRow(key, kind, lane, priority, from_ms(due_at), body, conversation, referral, sender)
    return Claimed(row_id, made, address, attempts + 1, from_ms(heard_at) if heard_at is not None else None)


def read_address(row: Row, sealer: Sealer) -> Address | None:
    """An address from its id, channel and sealed platform id; None where the row leads to none."""
    where, channel, sealed = row
    if where is None:
        return None
    return Address(channel, sealer.open(sealed, f"address/{where}".encode()).decode())


def next_due() -> Work[dict[str, int]]:
    """By sender, when a row of it can next be performed, in UTC milliseconds."""
    soonest: dict[str, int] = {}
    for _, due_at, _, sender in (yield HEADS, {}):
        soonest[sender] = min(due_at, soonest.get(sender, due_at))
    return soonest


def first_waiting(now: datetime) -> Work[int | None]:
    """The number of the due row that would be handed out first, of those senders of whose rows nobody has any."""
    at = to_ms(now)
    for _, due_at, row, sender in sorted((yield HEADS, {})):
        if due_at <= at and not (yield IN_HAND, {"sender": sender, "now": at}):
            return int(row)
    return None
