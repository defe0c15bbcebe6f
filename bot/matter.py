"""What officers write down about a matter: what kind of report it is, and which other case is about the same. Pure.

Neither moves the referral; both can be changed again. Linked cases stay two: nothing is merged, and who may open which does
not change.
"""

from __future__ import annotations

from bot.book import Book
from bot.events import Event, OfficerDid, fresh
from referral.lifecycle import move
from referral.model import Referral, Refused
from storage.base import AuditEntry, Classified, Commit, Link, Snapshot

NOT_FOUND = "Cơ quan bạn không có hồ sơ mang mã này."
SAME_MATTER = "Hai mã này là cùng một tin, không cần ghép."
CHOOSE = "Chọn một loại trong danh sách."


def decide_classify(snapshot: Snapshot, event: Event, did: OfficerDid, book: Book) -> Commit | str:
    """The intake's class, and when a person first gave it one; or why not."""
    referral, intake = snapshot.referral, snapshot.intake
    assert referral is not None  # noqa: S101 - the caller looked
    if not did.reason or intake is None:
        return CHOOSE
    moved = move(referral, "classify", did.officer.id, event.at, book=book.referral, reason=did.reason)
    if isinstance(moved, Refused):
        return moved.because
    detail = {"reason": did.reason, "intake": intake.id}
    return Commit(
        at=event.at, moved=((moved.referral, referral.state),),
        classified=Classified(intake.id, did.reason, intake.classified_at or event.at, intake.revision),
        audit=(AuditEntry(did.officer.id, "referral.classify", referral.id, event.at, detail),),
    )  # fmt: skip


def decide_link(snapshot: Snapshot, event: Event, did: OfficerDid) -> Commit | str:
    """Two cases of one office are about the same matter, or are no longer said to be; or why not."""
    referral, other = snapshot.referral, snapshot.other
    assert referral is not None  # noqa: S101 - the caller looked
    if other is None or other.office != referral.office:
        return NOT_FOUND
    if other.intake == referral.intake:
        return SAME_MATTER
    one, two = sorted((referral.intake, other.intake))
    ends = did.do == "unlink"
    link = Link(fresh(event, "link"), one, two, did.officer.id, event.at, ended=ends)
    action = "referral.unlinked" if ends else "referral.linked"
    return Commit(
        at=event.at, moved=((referral, referral.state),), link=link,
        audit=(_entry(did, action, referral, other, event), _entry(did, action, other, referral, event)),
    )  # fmt: skip


def _entry(did: OfficerDid, action: str, of: Referral, other: Referral, event: Event) -> AuditEntry:
    return AuditEntry(did.officer.id, action, of.id, event.at, {"with": other.code})
