"""What somebody asks about their own data, what is done about it at once, and what they are told of it. Pure.

What the machine can do alone it does in the same turn: who has not got the report yet never gets it, and a report that nobody
got is erased whole. The rest is a request with the law's deadlines, on the page of the officers who answer it. Told is what
is so in this moment and the deadline; never that somebody else will do something.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from bot.book import Book
from bot.events import Event, fresh
from bot.names import agency_name
from bot.referring import notice_again, short_code
from flows.conditions import values_of
from flows.model import Conversation
from referral.clocks import VIET_NAM, due_at
from referral.lifecycle import move
from referral.model import OPEN, Consent, Intake, Moved, Referral, State
from storage.base import AuditEntry, OutboxRow, Request, Snapshot
from storage.requests import reminders

DONE_BY: Final = {
    "see": "right_view",
    "correct": "right_view",
    "restrict": "right_withdraw",
    "withdraw": "right_withdraw",
    "erase": "right_erase",
}
"""What may be asked, and the clock of the law by which it is done (referral/clocks)."""
ANSWER_BY: Final = "right_answer"
TOLD: Final = {
    "see": "right_seen",
    "correct": "right_corrected",
    "restrict": "right_restricted",
    "withdraw": "right_withdrawn",
    "erase": "right_not_erased",
}
TAKES_BACK: Final = frozenset({"restrict", "withdraw", "erase"})
"""After these no office that has not got the report gets it."""
NOT_THERE_YET: Final[frozenset[State]] = frozenset({"proposed", "sent"})
EARLY: Final = timedelta(days=1)
"""So long before a deadline the staff are told once more."""
WORDING: Final = "rights.which"


class Done(Struct, frozen=True):
    """What a request comes to in this turn."""

    request: Request | None = None
    moved: tuple[tuple[Referral, State], ...] = ()
    consents: tuple[Consent, ...] = ()
    rows: tuple[OutboxRow, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    erased: bool = False
    referrals: tuple[Referral, ...] = ()


def exercise(book: Book, snapshot: Snapshot, event: Event, draft: Conversation, do: Sequence[str]) -> Done:
    """The request of this turn and what follows from it at once; nothing where none was made or no report is known."""
    what = next(iter(values_of(draft.answers, "right")), "")
    # In danger the chat goes on about the danger: what was looked up before may be another report.
    if "right" not in do or what not in DONE_BY or snapshot.intake is None or draft.alerted:
        return Done()
    moved = _taken_back(book, snapshot, event) if what in TAKES_BACK else ()
    after = {one.id: one for one, _ in moved}
    referrals = tuple(after.get(one.id, one) for one in snapshot.referrals)
    erased = what == "erase" and all(one.state == "withdrawn" for one in referrals)
    request = _request(book, event, what, snapshot.intake, erased=erased)
    entry = AuditEntry("citizen", f"right.{what}", request.intake or request.id, event.at, {"request": request.code})
    entries = [AuditEntry("citizen", "referral.withdrawn", one.id, event.at, {"right": request.id}) for one, _ in moved]
    refusal = Consent(
        "none", False, f"{WORDING}/{book.flows.flows['rights'].version}/{draft.locale}", event.at, draft.channel
    )
    return Done(
        request=request, moved=moved, referrals=referrals, erased=erased, audit=(entry, *entries),
        consents=(refusal,) if what in TAKES_BACK and not erased else (),
        rows=() if erased else (*_reminders(request), *_told_offices(event, referrals)),
    )  # fmt: skip


def _taken_back(book: Book, snapshot: Snapshot, event: Event) -> tuple[tuple[Referral, State], ...]:
    """What no office has yet is taken back, unless somebody may be in danger: then there is a ground of the law."""
    found: list[tuple[Referral, State]] = []
    for one in snapshot.referrals:
        if one.state in NOT_THERE_YET and not _by_law(one):
            moved = move(one, "withdraw", "", event.at, book=book.referral)
            if isinstance(moved, Moved):
                found.append((moved.referral, one.state))
    return tuple(found)


def _by_law(referral: Referral) -> bool:
    return bool(referral.ground) or referral.urgent


def _request(book: Book, event: Event, what: str, intake: Intake, *, erased: bool) -> Request:
    clocks, number = book.referral.clocks, fresh(event, "right")
    return Request(
        id=number, code=short_code(number), intake="" if erased else intake.id, what=what, at=event.at,
        answer_by=due_at(clocks[ANSWER_BY], event.at), done_by=due_at(clocks[DONE_BY[what]], event.at),
        channel=event.channel, state="open",
    )  # fmt: skip


def _reminders(request: Request) -> list[OutboxRow]:
    """The staff are told now, and again a day before each deadline unless it was answered or done by then."""
    times = (request.at, request.answer_by - EARLY, request.done_by - EARLY)
    return [
        OutboxRow(key, "alarm", key, 1, max(at, request.at), {"right": request.code, "until": _day(until)})
        for key, at, until in zip(
            reminders(request.id), times, (request.answer_by, request.answer_by, request.done_by), strict=True
        )
    ]


def _told_offices(event: Event, referrals: Sequence[Referral]) -> list[OutboxRow]:
    """Who has the report is told that there is something new with it; what, is on the case."""
    have = [one for one in referrals if one.state in OPEN]
    return [notice_again(event, one, "duty", f"referral/{one.id}/right/{fresh(event, 'right')}") for one in have]


# ------------------------------------------------------------------------------------------------------- what is told


def told(book: Book, done: Done, locale: str) -> str:
    """What became of the request, line by line; where nothing could be done, who can be called."""
    say = _Sayer(book, locale)
    if done.request is None:
        return say("right_none")
    if done.erased:
        return say("right_erased")
    lines = [say(TOLD[done.request.what])]
    lines += dict.fromkeys(f"– {say.agency(one)}: {say(_standing(one))}" for one in done.referrals)
    lines.append(f"{say('right_answer_by')} {_day(done.request.answer_by)}")
    lines.append(f"{say('right_done_by')} {_day(done.request.done_by)}")
    return "\n".join([*lines, say("right_how")])


def request_lines(book: Book, requests: Sequence[Request], locale: str) -> list[str]:
    """For whoever comes back with the code: each request, how far it is, and until when."""
    say = _Sayer(book, locale)
    return [
        f"– {say(f'right_asked_{one.what}')}: {say('right_state_' + (one.state if one.state in ENDED else 'open'))}"
        + ("" if one.state in ENDED else f" ({say('right_done_by')} {_day(one.done_by)})")
        for one in requests
    ]


ENDED: Final = frozenset({"done", "kept"})


def _standing(referral: Referral) -> str:
    if referral.state == "withdrawn":
        return "right_agency_stopped"
    return "right_agency_by_law" if referral.state in NOT_THERE_YET and _by_law(referral) else "right_agency_has"


class _Sayer:
    """The fixed sentences in one language."""

    def __init__(self, book: Book, locale: str) -> None:
        self._book, self._locale = book, locale

    def __call__(self, name: str) -> str:
        sentence = self._book.flows.everywhere.sentences[name]
        return self._book.catalogues.translate(self._locale, f"everywhere.{name}", sentence)

    def agency(self, referral: Referral) -> str:
        return agency_name(self._book, referral.to, self._locale)


def _day(at: datetime) -> str:
    return at.astimezone(VIET_NAM).strftime("%d/%m/%Y")
