"""Requests of people about their own data: kept with the law's deadlines until an officer has answered and done them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from storage import schema as t
from storage.base import Request
from storage.rows import from_ms, from_ms_or_none
from storage.statements import Row, change, question

p = bindparam
_COLUMNS: Final = (
    "id",
    "code",
    "intake",
    "what",
    "at",
    "answer_by",
    "done_by",
    "channel",
    "state",
    "answered_at",
    "done_at",
)
_request: Final[list[Any]] = [t.right_request.c[name] for name in _COLUMNS]
ENDS: Final = frozenset({"done", "kept"})
"""How a request is ended: it was done, or the law has it kept."""

OPEN = question(
    select(*_request)
    .where(t.right_request.c.done_at.is_(None))
    .order_by(t.right_request.c.done_by, t.right_request.c.id)
    .limit(p("most"))
)
OF_REPORT = question(
    select(*_request)
    .where(t.right_request.c.intake == p("is_intake"), t.right_request.c.intake != t.NONE)
    .order_by(t.right_request.c.at)
)
ANSWER = change(
    update(t.right_request)
    .where(t.right_request.c.id == p("is_id"), t.right_request.c.done_at.is_(None))
    .values(
        answered_at=func.coalesce(t.right_request.c.answered_at, p("now")),
        done_at=p("ended"),
        state=p("state"),
        officer=p("officer"),
    )
)


def read_request(row: Row) -> Request:
    """A request from its columns."""
    id, code, intake, what, at, answer_by, done_by, channel, state, answered_at, done_at = row
    return Request(
        id, code, intake, what, from_ms(at), from_ms(answer_by), from_ms(done_by), channel, state,
        from_ms_or_none(answered_at), from_ms_or_none(done_at),
    )  # fmt: skip


def reminders(request: str) -> tuple[str, ...]:
    """The keys of the rows that remind the staff of a request; those of a request that has ended are taken back."""
    return tuple(f"right/{request}/{name}" for name in ("new", "answer", "done"))
