"""Until when a person can be reached on a platform that takes messages for a while only after they wrote (Zalo OA: seven days).

`heard_at` stands at their address. What could not be sent is held: it waits, and is due in the moment in which they write again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, literal_column, select, tuple_, update

from storage import schema as t
from storage.base import Commit
from storage.rows import from_ms
from storage.statements import Change, Work, change, given, question

p = bindparam

HELD: Final = "held"
"""The code of a row that waits until its person writes."""

_held = (
    t.outbox.c.kind == literal_column("'say'"),
    t.outbox.c.finished == t.NO,
    t.outbox.c.code == literal_column(f"'{HELD}'"),
)
_unseen = t.address.c.unreachable != t.NO
REACHABLE_AGAIN = change(
    update(t.address).where(t.address.c.id == p("is_id"), _unseen).values(unreachable=t.NO), many=True
)
HEARD = change(update(t.address).where(t.address.c.id == p("is_id")).values(unreachable=t.NO, heard_at=p("heard_at")))
RELEASE = change(
    update(t.outbox)
    .where(
        t.outbox.c.conversation.in_(select(t.conversation.c.id).where(t.conversation.c.address == p("is_address"))),
        *_held,
    )
    .values(due_at=p("now"))
)
CANCEL_HELD = change(
    update(t.outbox)
    .where(t.outbox.c.conversation == p("is_conversation"), *_held)
    .values(finished=1, state="cancelled", done_at=p("now"), sealed_body=None)
)
CLOSING = question(
    select(t.address.c.heard_at, t.referral.c.id)
    .select_from(t.address)
    .join(t.conversation, t.conversation.c.address == t.address.c.id)
    .join(t.intake, t.intake.c.conversation == t.conversation.c.id)
    .join(t.referral, t.referral.c.intake == t.intake.c.id)
    .where(
        t.address.c.channel == given("is_channel"),
        t.address.c.heard_at > p("after"),
        t.address.c.heard_at <= p("before"),
        t.address.c.unreachable == t.NO,
        t.referral.c.ended == t.NO,
        tuple_(t.address.c.heard_at, t.referral.c.id) > tuple_(p("last_at"), p("last")),
    )
    .order_by(t.address.c.heard_at, t.referral.c.id)
    .limit(p("most"))
)
HEARD_AT = question(
    select(t.address.c.heard_at)
    .select_from(t.conversation.join(t.address, t.address.c.id == t.conversation.c.address))
    .where(t.conversation.c.id == p("is_conversation"))
)


def reached(commit: Commit, at: int, where: str) -> list[Change]:
    """What an event of a person says of their address: that they are there, and can be written to from now on."""
    if not where or not commit.external_id or commit.blocked:
        return []
    if not commit.heard:
        return [(REACHABLE_AGAIN, {"is_id": where})] if commit.expects else []
    return [(HEARD, {"is_id": where, "heard_at": at}), (RELEASE, {"is_address": where, "now": at})]


def stopped(commit: Commit, at: int, conversation: str) -> list[Change]:
    """Whoever stops may not be alone, so nothing comes after it: what was held for them is read by their code only."""
    stops = any(row.kind == "clear" for row in commit.outbox)
    return [(CANCEL_HELD, {"is_conversation": conversation, "now": at})] if stops else []


def heard_at(conversation: str) -> Work[datetime | None]:
    """When the person behind a conversation was last heard, on a platform where that counts; else None."""
    found = yield HEARD_AT, {"is_conversation": conversation}
    return from_ms(found[0][0]) if found and found[0][0] is not None else None
