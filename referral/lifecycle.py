"""The life of a referral: opened, sent, delivered, then moved by officers only.

proposed → sent → delivered → acknowledged → accepted → closed
                                          ↘ returned, transferred          withdrawn: before an officer has it

What everybody gave back stays with the last who did (`is_left`), and can be taken or handed on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from referral.book import ReferralBook
from referral.clocks import clock_for, due_at
from referral.model import Level, Moved, Office, Referral, Refused, Route, State, is_left

_WAITING: tuple[State, ...] = ("sent", "delivered")
_HELD: tuple[State, ...] = ("acknowledged", "accepted")
_OPEN: tuple[State, ...] = (*_WAITING, *_HELD)
_TAKES = frozenset({"acknowledge", "accept", "transfer"})
"""What can be done with a matter that everybody gave back."""


@dataclass(frozen=True, slots=True)
class _Move:
    """What an action needs and does: the states it may start from, the state it leads to (None: the same), its code."""

    starts: tuple[State, ...]
    leads: State | None
    stamps: str = ""
    needs: str = ""


_MOVES: Mapping[str, _Move] = {
    "acknowledge": _Move(_WAITING, "acknowledged", stamps="acknowledged_at"),
    "accept": _Move((*_WAITING, "acknowledged"), "accepted", stamps="accepted_at"),
    "return": _Move(_OPEN, "returned", stamps="closed_at", needs="reason"),
    "transfer": _Move(_OPEN, "transferred", stamps="closed_at", needs="office"),
    "close": _Move(_HELD, "closed", stamps="closed_at", needs="outcome"),
    "classify": _Move(_OPEN, None),
    "withdraw": _Move(("proposed", *_OPEN), "withdrawn", stamps="closed_at"),
}

_STATES = {
    "proposed": "chưa gửi",
    "sent": "đã gửi",
    "delivered": "đã đến",
    "acknowledged": "đã nhận",
    "accepted": "đã thụ lý",
    "returned": "đã trả lại",
    "transferred": "đã chuyển nơi khác",
    "closed": "đã kết thúc",
    "withdrawn": "đã rút",
}


def open_referral(
    route: Route,
    office: Office,
    book: ReferralBook,
    *,
    id: str,
    intake: str,
    code: str,
    level: Level,
    urgent: bool,
    province: str,
    at: datetime,
) -> Referral:
    """A proposed referral of one intake to one office, with the time by which it must be acknowledged."""
    return Referral(
        id=id,
        intake=intake,
        code=code,
        to=route.to,
        office=office.id,
        identified=route.identified,
        rule=route.rule,
        because=route.because,
        source=route.source,
        ground=route.ground,
        level=level,
        urgent=urgent,
        province=province,
        state="proposed",
        created_at=at,
        due_at=due_at(clock_for(book, urgent=urgent), at),
    )


def sent(referral: Referral, at: datetime) -> Referral:
    """The referral handed to the outbox. Only a proposed one changes."""
    return replace(referral, state="sent", sent_at=at) if referral.state == "proposed" else referral


def delivered(referral: Referral, at: datetime) -> Referral:
    """A phone of the office took the notice, or an officer of it opened the case. One that an officer holds stays as it is."""
    return replace(referral, state="delivered", delivered_at=at) if referral.state == "sent" else referral


def move(
    referral: Referral,
    action: str,
    officer_id: str,
    at: datetime,
    *,
    book: ReferralBook,
    reason: str = "",
    outcome: str = "",
    office: str = "",
) -> Moved | Refused:
    """What an officer's action makes of the referral, or why it cannot be done, in Vietnamese for the officer.

    `return` needs a coded reason, `close` a coded outcome, `transfer` the id of another office (whose own referral the
    caller opens); `classify` takes a class as its reason, or none, and changes nothing in the referral but who did it.
    Without an officer only `withdraw` is possible, and only until it was delivered. Whoever acts first also delivers and
    acknowledges what was neither: nobody takes what has not reached them.
    """
    known = _MOVES.get(action)
    if known is None:
        return Refused("Không có thao tác này.")
    refused = _who(referral, action, officer_id) or _when(referral, action, known)
    refused = refused or _what(referral, action, known, book, reason, outcome, office)
    return refused or _moved(referral, action, known, officer_id, at, reason, outcome, office)


def _who(referral: Referral, action: str, officer_id: str) -> Refused | None:
    if officer_id or (action == "withdraw" and referral.state in ("proposed", "sent")):
        return None
    return Refused("Chỉ cán bộ được giao mới thực hiện được thao tác này.")


def _when(referral: Referral, action: str, known: _Move) -> Refused | None:
    if referral.state in known.starts or (is_left(referral) and action in _TAKES):
        return None
    return Refused(f"Không thực hiện được: tin này {_STATES[referral.state]}.")


def _what(
    referral: Referral, action: str, known: _Move, book: ReferralBook, reason: str, outcome: str, office: str
) -> Refused | None:
    if known.needs == "reason" and reason not in book.return_reasons:
        return Refused("Chọn một lý do trả lại trong danh sách.")
    if known.needs == "outcome" and outcome not in book.outcomes:
        return Refused("Chọn một kết quả trong danh sách.")
    if known.needs == "office" and (office == referral.office or all(o.id != office for o in book.offices)):
        return Refused("Chọn một nơi nhận khác trong danh bạ.")
    if action == "transfer" and reason and reason not in book.return_reasons:
        return Refused("Chọn một lý do trong danh sách.")
    if action == "classify" and reason and reason not in book.classes:
        return Refused("Chọn một loại trong danh sách.")
    return None


def _moved(
    referral: Referral,
    action: str,
    known: _Move,
    officer_id: str,
    at: datetime,
    reason: str,
    outcome: str,
    office: str,
) -> Moved:
    changes: dict[str, object] = {"officer": officer_id or referral.officer}
    if known.leads:
        changes["state"] = known.leads
    if known.stamps:
        changes[known.stamps] = at
    if action != "withdraw" and known.leads:
        changes["delivered_at"] = referral.delivered_at or at
        changes["acknowledged_at"] = referral.acknowledged_at or at
    if known.needs == "outcome":
        changes["outcome"] = outcome
    if known.leads and action != "withdraw":
        changes["reason"] = reason if action in ("return", "transfer") else ""
    return Moved(replace(referral, **changes), action, office)
