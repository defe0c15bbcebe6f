"""The list of an office's referrals: what waits, whose it is, what is late, what is over. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.book import Book
from bot.web import words
from bot.web.console.access import OPENS, PATH, Desk, find_code, list_open, list_unfiled, may_audit
from bot.web.console.frame import officer_names, page_values
from bot.web.console.live import mark_of
from bot.web.look import Look, look_of
from bot.web.pages import render
from referral.clocks import due_at, legal_deadlines
from referral.model import Referral, is_left

OPEN, MINE, LATE, UNFILED, ALL, CLOSED = "", "toi", "quahan", "phanloai", "tatca", "xong"
TABS: Final[Mapping[str, str]] = {
    OPEN: "Đang mở", MINE: "Của tôi", LATE: "Quá hạn", UNFILED: "Chưa phân loại", ALL: "Tất cả", CLOSED: "Đã xong",
}  # fmt: skip
"""What of the list is shown, by the value of `xem`."""
MOST: Final = 200
_LEVELS: Final = {"L4": 0, "L3": 1, "L2": 2}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. `due` is our own clock while nobody took it, `law` the next ceiling of the law after that.

    `unfiled`: nobody has classified the report yet, though every one is to be within a day.
    """

    referral: Referral
    shape: str
    urgency: str
    because: str
    area: str
    made: str
    age: str
    due: str
    late: bool
    law: str
    law_late: bool
    state: str
    taken_by: str
    waits: bool
    unfiled: bool = False
    unfiled_late: bool = False


async def show_list(request: Request, desk: Desk) -> Response:
    """GET /: what must be done now, then what was asked for: `xem` is one of TABS, `ma` a code to find.

    Who opens no cases has no list: an auditor begins at the audit, statistics at the weekly figures.
    """
    if desk.officer.role not in OPENS:
        return RedirectResponse(f"{PATH}/{'audit' if may_audit(desk) else 'exports'}", 303)
    look, now = look_of(request), desk.parts.now()
    tab = request.query_params.get("xem", "")
    tab = tab if tab in TABS else OPEN
    sought = request.query_params.get("ma", "")[:20].strip()
    opened = await list_open(desk)
    closed = await list_open(desk, closed=True) if tab in (CLOSED, ALL) and not sought else ()
    unfiled = await list_unfiled(desk)
    waiting = [one for one in sorted(opened, key=_order(now)) if one.state in words.WAITING]
    found = await find_code(desk, sought) if sought else _of_tab(tab, opened, closed, unfiled, desk.officer.id, now)
    names, counts = await officer_names(desk), _counts(opened, unfiled, desk.officer.id, now)
    over = tab == CLOSED and not sought
    rows = [
        _marked(row_of(desk.parts.book, one, names, now, look), unfiled, desk, now)
        for one in (found if over else sorted(found, key=_order(now)))
    ]
    return render(
        request, "console/list.html", **page_values(desk, look), rows=rows, tab=tab, sought=sought, tabs=TABS,
        counts=counts, must_do=words.must_do(waiting, now, look.say, counts[MINE]),
        is_urgent=any(one.urgent for one in waiting), waiting=len(waiting), at="list",
        cut=MOST if len(opened) >= MOST or len(closed) >= MOST else 0, mark=(await mark_of(desk)).mark,
    )  # fmt: skip


def row_of(book: Book, referral: Referral, names: Mapping[str, str], now: datetime, look: Look) -> Row:
    """A referral in words."""
    shape, urgency = words.URGENCY["L4" if referral.urgent else referral.level]
    due, late = words.due(referral, now, look.say)
    law, law_late = _law(book, referral, now, look)
    area = book.referral.provinces.get(referral.province) or look.say(words.NO_PROVINCE)
    return Row(
        referral, shape, look.say(urgency), because(book, referral, look), area,
        words.when(referral.created_at), words.ago(referral.created_at, now, look.say), due, late, law, law_late,
        look.say(state_of(referral)), names.get(referral.officer, ""), referral.state in words.WAITING,
    )  # fmt: skip


def state_of(referral: Referral) -> str:
    """How far it is, in Vietnamese."""
    return words.LEFT if is_left(referral) else words.STATES[referral.state]


def because(book: Book, referral: Referral, look: Look) -> str:
    """Why it came here: the rule's sentence in the officer's language, or what was written when it was passed on."""
    if look.lang == "vi":
        return referral.because
    rule = next((one for one in book.referral.routing if one.id == referral.rule), None)
    return rule.because_en if rule is not None else look.say(referral.because)


def _marked(row: Row, unfiled: Mapping[str, datetime], desk: Desk, now: datetime) -> Row:
    """The line with what is said of a report that nobody has classified."""
    since = unfiled.get(row.referral.id)
    if since is None:
        return row
    return replace(row, unfiled=True, unfiled_late=due_at(desk.parts.book.referral.clocks["classify"], since) < now)


def _of_tab(
    tab: str, opened: Sequence[Referral], closed: Sequence[Referral], unfiled: Mapping[str, datetime], officer: str,
    now: datetime,
) -> Sequence[Referral]:  # fmt: skip
    if tab in (CLOSED, ALL):
        return (*opened, *closed) if tab == ALL else closed
    kept: Callable[[Referral], bool] = {
        MINE: lambda one: one.officer == officer,
        LATE: lambda one: words.due(one, now)[1],
        UNFILED: lambda one: one.id in unfiled,
    }.get(tab, lambda one: True)
    return [one for one in opened if kept(one)]


def _counts(
    opened: Sequence[Referral], unfiled: Mapping[str, datetime], officer: str, now: datetime
) -> Mapping[str, int]:
    return {tab: len(_of_tab(tab, opened, (), unfiled, officer, now)) for tab in (OPEN, MINE, LATE, UNFILED)}


def _order(now: datetime) -> Callable[[Referral], Any]:
    """What must be taken now, then what is late, what waits, what somebody holds, what is over; then level and age."""

    def place(one: Referral) -> Any:
        waits, ended = one.state in words.WAITING, one.closed_at is not None
        group = (not (waits and one.urgent), not words.due(one, now)[1], not waits, ended)
        return (*group, not one.urgent, _LEVELS.get(one.level, 3), one.created_at)

    return place


def _law(book: Book, referral: Referral, now: datetime, look: Look) -> tuple[str, bool]:
    """The ceiling of the law that comes next, for a case that somebody holds; of those that all have passed, the last."""
    if referral.state in words.WAITING or referral.closed_at is not None:
        return "", False
    ends = sorted(at for _, at in legal_deadlines(book.referral, referral))
    end = next((at for at in ends if at >= now), ends[-1] if ends else None)
    if end is None:
        return "", False
    left, passed = words.until(end, now, look.say)
    return look.say("luật: {left}", left=left), passed
