"""The list of an office's referrals, and one case. Nothing is decided here: words are put beside codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bot.asking import HELD, LONGEST, agreed
from bot.labels import coded_answers, text_name
from bot.web import words
from bot.web.console.access import FILES, Desk, may_export, open_case, open_file
from bot.web.files import kind_of
from bot.web.pages import render
from referral.clocks import legal_deadlines
from referral.disclose import REPORTS, is_identified
from referral.model import Referral
from storage.base import Case

WAITING = frozenset({"proposed", "sent", "delivered"})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    referral: Referral
    shape: str
    urgency: str
    area: str
    made: str
    age: str
    due: str
    late: bool
    state: str
    taken_by: str


async def show_list(request: Request, desk: Desk) -> Response:
    """GET /: what waits, by urgency and age; with ?xem=xong what is over."""
    closed = request.query_params.get("xem") == "xong"
    found = await desk.parts.storage.list_referrals(desk.officer, closed=closed)
    names = await officer_names(desk)
    rows = [_row(desk, one, names) for one in sorted(found, key=_order)]
    waiting = [row.referral for row in rows if row.referral.state in WAITING]
    line = "" if closed else words.must_do(waiting, desk.parts.now())
    return render(
        request, "console/list.html", **page_values(desk), rows=rows, closed=closed, must_do=line,
        is_urgent=any(one.urgent for one in waiting), waiting=len(waiting),
    )  # fmt: skip


async def show_case(request: Request, desk: Desk) -> Response:
    """GET /r/<id>: the case. Opening it is written down."""
    case = await open_case(desk, request.path_params["referral"])
    return await case_page(request, desk, case)


async def case_page(request: Request, desk: Desk, case: Case, *, refusal: str = "", status: int = 200) -> Response:
    """The page of an opened case; `refusal` says why an action was not taken."""
    return render(
        request, "console/case.html", status, **page_values(desk), **_case_values(desk, case, await officer_names(desk)),
        refusal=refusal,
    )  # fmt: skip


async def show_file(request: Request, desk: Desk) -> Response:
    """GET /r/<id>/file/<n>: a file somebody sent, to be saved, never shown or run in the page."""
    number = request.path_params["number"]
    kind, content = await open_file(desk, request.path_params["referral"], number)
    known = kind_of(content)
    name = f"{kind}-{number + 1}.{known[2] if known else 'bin'}"
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Download-Options": "noopen"},
    )


def page_values(desk: Desk) -> dict[str, Any]:
    """What the frame of every page of the console needs."""
    offices = {office.id: office.name for office in desk.parts.book.referral.offices}
    return {
        "officer": desk.officer,
        "office": offices.get(desk.officer.office, ""),
        "role": words.ROLES.get(desk.officer.role, desk.officer.role),
        "csrf": desk.csrf,
        "may_export": may_export(desk),
    }


async def officer_names(desk: Desk) -> dict[str, str]:
    """Officers' names by id, for the timeline and the list."""
    return {officer.id: officer.name for officer in await desk.parts.accounts.officers()}


def _order(referral: Referral) -> tuple[bool, str, Any]:
    return (not referral.urgent, {"L4": "0", "L3": "1", "L2": "2"}.get(referral.level, "3"), referral.created_at)


def _row(desk: Desk, referral: Referral, names: dict[str, str]) -> Row:
    now = desk.parts.now()
    shape, urgency = words.URGENCY["L4" if referral.urgent else referral.level]
    due, late = words.due(referral, now)
    return Row(
        referral, shape, urgency, desk.parts.book.referral.provinces.get(referral.province, words.NO_PROVINCE),
        words.when(referral.created_at), words.ago(referral.created_at, now), due, late,
        words.STATES[referral.state], names.get(referral.officer, ""),
    )  # fmt: skip


def _case_values(desk: Desk, case: Case, names: dict[str, str]) -> dict[str, Any]:
    book = desk.parts.book
    intake, referral = case.intake, case.referral
    coded = {**book.referral.outcomes, **book.referral.return_reasons, **book.referral.classes}
    details = {code: name[0] for code, name in coded.items()}
    return {
        "row": _row(desk, referral, names),
        "referral": referral,
        "intake": intake,
        "kind": words.KINDS.get(intake.kind, intake.kind),
        "place": words.place(intake.facts, book.referral.provinces),
        "level": words.LEVELS[referral.level],
        "came_by": words.CHANNELS.get(intake.channel, intake.channel),
        "language": words.LANGUAGES.get(intake.locale, intake.locale),
        "source": _source(desk, referral.source),
        "ground": next((rule.ground for rule in book.referral.grounds if rule.id == referral.ground), referral.ground),
        "reasons": [(reason.because, _source(desk, reason.source)) for reason in intake.screening.reasons],
        "elements": [
            ("Hành vi", intake.screening.act), ("Thủ đoạn", intake.screening.means), ("Mục đích", intake.screening.purpose),
        ],
        "dimensions": [(name, intake.screening.dimensions.get(code, False)) for code, name in words.DIMENSIONS.items()],
        "any_dimension": any(intake.screening.dimensions.values()),
        "answers": coded_answers(book, intake.answers),
        "texts": [(text_name(book, slot), text) for slot, text in intake.content.texts.items()],
        "notes": intake.content.notes,
        "media": [_medium(one) for one in intake.content.media],
        "withheld": intake.kind not in REPORTS and not is_identified(referral, case.consents),
        "consents": [
            (book.referral.route_names.get(one.to, ("Mọi cơ quan",))[0], one.given, words.when(one.at), one.wording)
            for one in case.consents
        ],
        "timeline": words.timeline(case.timeline, names, details),
        "clocks": [(clock.name, words.when(at), at < desk.parts.now()) for clock, at in legal_deadlines(book.referral, referral)],
        "actions": _actions(referral),
        "may_ask": referral.state in HELD and agreed(intake),
        "may_be_written_to": agreed(intake),
        "longest": LONGEST,
        "return_reasons": [(code, name[0]) for code, name in book.referral.return_reasons.items()],
        "outcomes": [(code, name[0]) for code, name in book.referral.outcomes.items()],
        "received": words.when(intake.created_at),
        "updated": words.when(intake.updated_at) if intake.updated_at != intake.created_at else "",
        "ended": details.get(referral.outcome or referral.reason, ""),
        "taken": words.when(referral.acknowledged_at),
    }  # fmt: skip


def _medium(media: tuple[str, str, str]) -> tuple[str, bool, str]:
    """What it is, whether it is a file, and the words with it: a caption, or the place or contact itself."""
    kind, ref, caption = media
    is_file = kind in FILES
    return words.MEDIA.get(kind, kind), is_file and ref != "", " ".join(filter(None, (caption, "" if is_file else ref)))


def _source(desk: Desk, name: str) -> str:
    source = desk.parts.book.referral.sources.get(name)
    if source is None:
        return name
    return f"{source.title}, {source.article}" if source.article else source.title


def _actions(referral: Referral) -> list[str]:
    """What can be done now; the life of a referral itself refuses anything else."""
    if referral.state in WAITING:
        return ["acknowledge", "accept", "return"]
    if referral.state == "acknowledged":
        return ["accept", "return", "close"]
    return ["return", "close"] if referral.state == "accepted" else []
