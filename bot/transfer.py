"""A matter goes on to another office: by an officer's hand, because it was given back, or because nobody answered. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from bot.book import Book
from bot.events import Event, OfficerDid, fresh
from bot.referring import HOTLINE, OF_ONESELF, OPEN
from referral.directory import is_open
from referral.disclose import consent_stands
from referral.model import Office, Referral, Route
from referral.routing import route
from storage.base import Snapshot

CLOSED_OFFICE = "Nơi này không còn nhận tin. Chọn một nơi khác trong danh bạ."
HAS_IT = "Nơi này đang có tin này rồi."
NOT_AGREED = (
    "Người này kể về chính mình và chưa đồng ý cho cơ quan đó biết. Hãy nhắn hỏi người này trước, hoặc trả lại."
)
PASSED_ON = "{office} chuyển tới"


def refused(snapshot: Snapshot, event: Event, did: OfficerDid, book: Book) -> str:
    """Why this referral may not go to that office, in Vietnamese for the officer; empty where it may.

    What people tell of themselves goes to another agency only by consent or on a legal ground (decision 0006); offices of the
    same agency, and the 111 line, may take it over. An office that is not in the directory is left to `move`.
    """
    office = _office(book, did.office)
    if office is None:
        return ""
    if not is_open(office, event.at.date()):
        return CLOSED_OFFICE
    if any(one.office == office.id and one.state in OPEN for one in snapshot.referrals):
        return HAS_IT
    return "" if may_know(snapshot, office, book) else NOT_AGREED


def transferred(snapshot: Snapshot, event: Event, moved: Referral, office_id: str, book: Book) -> Referral:
    """The referral of the office that it goes to. `refused` and `move` were asked before."""
    office, here = _office(book, office_id), _office(book, moved.office)
    assert office is not None  # noqa: S101 - `move` looked
    because = PASSED_ON.format(office=here.name if here else moved.to)
    reason = book.referral.return_reasons.get(moved.reason)
    passed = passed_on(event, moved, office, "transferred", f"{because}: {reason[0]}." if reason else f"{because}.")
    return as_seen_by(replace(snapshot, referral=passed), office, book)


def as_seen_by(snapshot: Snapshot, office: Office, book: Book) -> Referral:
    """The snapshot's referral as if this office had it: whether it may learn who the person is, and on what ground."""
    referral = snapshot.referral
    assert referral is not None  # noqa: S101 - the caller has one
    ground = _ground(snapshot, office, book)
    identified = bool(ground) or consent_stands(office.route, snapshot.consents)
    return replace(referral, to=office.route, office=office.id, ground=ground, identified=identified)


def passed_on(event: Event, referral: Referral, office: Office, rule: str, because: str) -> Referral:
    """Consent named another agency, so the next one learns of the matter and not who it is about."""
    same_route = office.route == referral.to
    time_to_take = referral.due_at - referral.created_at if referral.due_at else None
    return replace(
        referral, id=fresh(event, f"referral/{office.id}"), to=office.route, office=office.id, rule=rule,
        because=because, state="proposed", created_at=event.at, due_at=event.at + time_to_take if time_to_take else None,
        identified=referral.identified and same_route, ground=referral.ground if same_route else "",
        sent_at=None, delivered_at=None, acknowledged_at=None, accepted_at=None, closed_at=None, officer="", reason="",
    )  # fmt: skip


def may_know(snapshot: Snapshot, office: Office, book: Book) -> bool:
    """Whether this office may learn of the matter at all, be it in codes only."""
    referral, intake = snapshot.referral, snapshot.intake
    if referral is None or intake is None:
        return False
    if intake.kind not in OF_ONESELF or office.route in (referral.to, HOTLINE):
        return True
    return bool(_ground(snapshot, office, book)) or consent_stands(office.route, snapshot.consents)


def _ground(snapshot: Snapshot, office: Office, book: Book) -> str:
    """The legal ground on which that agency may learn who it is: of the rules, or of the referral itself within one agency."""
    way = _way(snapshot, office, book)
    if way is not None and way.ground:
        return way.ground
    referral = snapshot.referral
    return referral.ground if referral is not None and referral.to == office.route else ""


def _way(snapshot: Snapshot, office: Office, book: Book) -> Route | None:
    intake = snapshot.intake
    if intake is None:
        return None
    ways = route(book.referral, intake.facts, intake.screening).routes
    return next((one for one in ways if one.to == office.route), None)


def _office(book: Book, name: str) -> Office | None:
    return next((one for one in book.referral.offices if one.id == name), None)
