"""An officer's turn: joining with a one-time code, taking and moving a referral, and the ladder when nobody does. Pure."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from bot import transfer
from bot.asking import decide_ask, refused
from bot.book import Book
from bot.channels.base import Message
from bot.events import ClockDue, Event, OfficerDid, fresh
from bot.matter import decide_classify, decide_link
from bot.referring import OPEN, announce, clock_of, notice_again, rung_key, rung_row
from bot.transfer import passed_on, transferred
from flows.model import Chose
from referral.directory import next_offices
from referral.lifecycle import move
from referral.model import Moved, Office, Referral, Refused
from storage.base import Address, AuditEntry, Commit, Invite, Officer, OutboxRow, Snapshot

PRESS = "o:"
"""How an officer's buttons begin: `o:<action>:<referral id>`. For anybody else they are unknown buttons."""
JOINED = "Bạn đã nhận thông báo của cơ quan mình trên máy này. Thông báo chỉ có mức độ, địa bàn, mã và đường dẫn."
NOT_YOURS = "Hồ sơ này không thuộc cơ quan bạn, hoặc không còn ở đây."
ONLY_NOTICES = (
    "Kênh này chỉ để nhận thông báo. Mở trang cán bộ để làm việc. Nếu chính bạn cần giúp, hãy gọi 111 hoặc 113."
)
NOBODY_ANSWERED = "Nơi nhận trước chưa có người nhận; chuyển lên nơi tiếp theo."
RETURNED = "Nơi nhận trước đã trả lại; chuyển tới nơi tiếp theo."
LAST = ("hotline_111", "police")
"""Whose national offices a matter goes to when everybody else has given it back."""
WAITING = frozenset({"proposed", "sent", "delivered"})
ABOUT_THE_MATTER = frozenset({"classify", "link", "unlink"})
"""What is written down about a matter and moves no referral."""


def press_referral(chose: Chose) -> str:
    """The referral that a pressed officer's button names, or empty."""
    parts = chose.ids[0].split(":") if chose.ids else []
    return parts[2] if len(parts) == 3 and chose.ids[0].startswith(PRESS) else ""


def is_officer_press(chose: Chose) -> tuple[str, str] | None:
    """(action, referral id) of an officer's button, or None."""
    referral = press_referral(chose)
    return (chose.ids[0].split(":")[1], referral) if referral else None


def decide_join(invite: Invite, event: Event) -> Commit:
    """Somebody sent an open one-time code: this phone now gets the notices of that officer."""
    return Commit(
        at=event.at, channel=event.channel, external_id=event.external_id, message_id=event.message_id,
        address=Address(event.channel, event.address), join=(invite.hash, invite.officer),
        outbox=(_answer(event, invite.officer, JOINED),),
        audit=(AuditEntry(invite.officer.id, "officer.joined", invite.officer.id, event.at, {"channel": event.channel}),),
    )  # fmt: skip


def officer_said(officer: Officer, event: Event) -> Commit:
    """Anything else from an officer's phone: said what this channel is for; nothing is recorded of it."""
    return Commit(
        at=event.at, channel=event.channel, external_id=event.external_id, message_id=event.message_id,
        address=Address(event.channel, event.address), outbox=(_answer(event, officer, ONLY_NOTICES),),
    )  # fmt: skip


def decide_officer(snapshot: Snapshot, event: Event, did: OfficerDid, book: Book) -> Commit:
    """An officer's action on a referral of their own office. A refusal is a commit without `moved` that says why."""
    referral = snapshot.referral
    if referral is None or referral.office != did.officer.office or not did.officer.active:
        return _refused(event, did, NOT_YOURS)
    if did.do == "ask":
        because = refused(snapshot, referral, did.text)
        return _refused(event, did, because) if because else decide_ask(snapshot, event, did, book)
    if did.do in ABOUT_THE_MATTER:
        is_class = did.do == "classify"
        noted = decide_classify(snapshot, event, did, book) if is_class else decide_link(snapshot, event, did)
        return _refused(event, did, noted) if isinstance(noted, str) else noted
    if did.do == "transfer" and (because := transfer.refused(snapshot, event, did, book)):
        return _refused(event, did, because)
    return _moves(snapshot, event, did, referral, book)


def _moves(snapshot: Snapshot, event: Event, did: OfficerDid, referral: Referral, book: Book) -> Commit:
    moved = move(
        referral,
        did.do,
        did.officer.id,
        event.at,
        book=book.referral,
        reason=did.reason,
        outcome=did.outcome,
        office=did.office,
    )
    if isinstance(moved, Refused):
        return _refused(event, did, moved.because)
    detail = {"reason": did.reason, "outcome": did.outcome, "code": moved.referral.code, "office": moved.passed_to}
    entry = AuditEntry(
        did.officer.id, f"referral.{did.do}", referral.id, event.at, {key: text for key, text in detail.items() if text}
    )
    after, new, rows = _goes_on(snapshot, event, moved, book)
    if event.address:
        rows = [*rows, _answer(event, did.officer, f"Bạn đã nhận hồ sơ {referral.code}.")]
    return Commit(
        at=event.at, channel=event.channel, external_id=event.external_id,
        address=Address(event.channel, event.address) if event.address else None,
        referrals=new, moved=((after, referral.state),), audit=(entry,), outbox=tuple(rows),
        cancel=tuple(rung_key(referral, rung) for rung in range(len(clock_of(book, referral).ladder))),
    )  # fmt: skip


def _goes_on(
    snapshot: Snapshot, event: Event, moved: Moved, book: Book
) -> tuple[Referral, tuple[Referral, ...], list[OutboxRow]]:
    """The referral, and what another office gets of it: after a return the next one up, after a transfer the one named."""
    if moved.action == "return":
        return _after_return(snapshot, event, moved.referral, book)
    if not moved.passed_to:
        return moved.referral, (), []
    passed = transferred(snapshot, event, moved.referral, moved.passed_to, book)
    return moved.referral, (passed,), announce(book, event, passed)


def _after_return(
    snapshot: Snapshot, event: Event, returned: Referral, book: Book
) -> tuple[Referral, tuple[Referral, ...], list[OutboxRow]]:
    """A matter that one office gave back goes to the next that has not had it; the citizen was told that it would.

    When every office has had it and none holds it, the staff of the national hotline are told by its code, and it stays open
    in the list of the office that gave it back last, for somebody to take it there or hand it on.
    """
    offices = [
        *_next_up(snapshot, event, returned, book),
        *(o for o in book.referral.offices if o.route in LAST and not o.provinces),
    ]
    had = {one.office for one in snapshot.referrals}
    office = next((one for one in offices if one.id not in had), None)
    if office is not None:
        passed = passed_on(event, returned, office, "returned", RETURNED)
        return returned, (passed,), announce(book, event, passed)
    others = [one for one in snapshot.referrals if one.id != returned.id and one.state in OPEN]
    if others:
        return returned, (), []
    key = f"nobody/{returned.id}/{fresh(event, 'nobody')}"
    return replace(returned, closed_at=None), (), [OutboxRow(key, "alarm", key, 1, event.at, {"nobody": returned.code})]


def decide_clock(snapshot: Snapshot, event: Event, due: ClockDue, book: Book) -> Commit:
    """Nobody acknowledged in time: the next notice goes up the ladder, and the next rung is set. Else nothing happens."""
    referral = snapshot.referral
    if referral is None or referral.state not in WAITING:
        return Commit(at=event.at)
    ladder = clock_of(book, referral).ladder
    if due.rung >= len(ladder):
        return Commit(at=event.at)
    rung = ladder[due.rung]
    rows = [notice_again(event, referral, rung.to, f"referral/{referral.id}/rung/{due.rung}")]
    new: tuple[Referral, ...] = ()
    if rung.to == "next_office":
        new = _next_office(snapshot, event, referral, book)
        rows = [row for one in new for row in announce(book, event, one)] or rows
    if due.rung + 1 < len(ladder):
        rows.append(rung_row(referral, due.rung + 1, ladder[due.rung + 1].after_s))
    entry = AuditEntry("service", "referral.escalated", referral.id, event.at, {"rung": str(due.rung), "to": rung.to})
    return Commit(at=event.at, referrals=new, outbox=tuple(rows), audit=(entry,))


def _next_office(snapshot: Snapshot, event: Event, referral: Referral, book: Book) -> tuple[Referral, ...]:
    """The same matter for the next office up, unless it has it already: what it may see stays what was allowed before."""
    had = {one.office for one in snapshot.referrals}
    offices = _next_up(snapshot, event, referral, book)
    return tuple(
        passed_on(event, referral, one, "nobody_answered", NOBODY_ANSWERED) for one in offices if one.id not in had
    )


def _next_up(snapshot: Snapshot, event: Event, referral: Referral, book: Book) -> tuple[Office, ...]:
    here = next(one for one in book.referral.offices if one.id == referral.office)
    return next_offices(book.referral, here, event.at.date())


def _refused(event: Event, did: OfficerDid, because: str) -> Commit:
    entry = AuditEntry(did.officer.id, "referral.refused", did.referral, event.at, {"do": did.do, "because": because})
    return Commit(
        at=event.at, channel=event.channel, external_id=event.external_id,
        address=Address(event.channel, event.address) if event.address else None,
        audit=(entry,), outbox=(_answer(event, did.officer, because),) if event.address else (),
    )  # fmt: skip


def _answer(event: Event, officer: Officer, text: str) -> OutboxRow:
    """A line to the officer's own phone, closing the button they pressed."""
    body = {"officer": officer.id, "message": msgspec.to_builtins(Message((text,), press=event.press))}
    return OutboxRow(
        fresh(event, "answer"), "notice", f"o:{officer.id}/{event.channel}", 1, event.at, body, sender=event.channel
    )
