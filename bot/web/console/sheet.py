"""The hand-over sheet: one page that is printed, or read over the telephone to the office that takes the matter over.

Codes only, until the office that receives it is named; then what that office may have of the person's words, and no more.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from bot import transfer
from bot.clues import legible
from bot.labels import CLUES, coded_answers, text_name
from bot.web import words
from bot.web.console.access import FOR_SHEET, Desk, open_case, open_content, sheet_made
from bot.web.console.cases import directory, screening_values, source_line
from bot.web.console.frame import officer_names, page_values
from bot.web.console.queue import row_of
from bot.web.look import Look, look_of
from bot.web.pages import render
from referral.disclose import visible
from referral.model import Content, Office
from storage.base import Case, Snapshot


async def show(request: Request, desk: Desk) -> Response:
    """GET /r/<id>/sheet?toi=<office>: the sheet for that office; that it was made is written down."""
    look, referral = look_of(request), request.path_params["referral"]
    office = next((one for one in desk.parts.book.referral.offices if one.id == request.query_params.get("toi")), None)
    case = await (open_content(desk, referral, FOR_SHEET) if office else open_case(desk, referral))
    may = office is None or transfer.may_know(_snapshot(case), office, desk.parts.book)
    if office is not None and may:
        await sheet_made(desk, referral, office.id)
    content = _for_office(desk, case, office) if office is not None and may else Content()
    return render(
        request, "console/sheet.html", **page_values(desk, look), **await _values(desk, case, content, look),
        receiver=office, receiver_name=look.of_two((office.name, office.name_en)) if office else "", may=may, at="case",
        directory=directory(desk, case.referral, look),
    )  # fmt: skip


def _snapshot(case: Case) -> Snapshot:
    return Snapshot(intake=case.intake, referrals=(case.referral,), referral=case.referral, consents=case.consents)


def _for_office(desk: Desk, case: Case, office: Office) -> Content:
    """What this office sees of the person's words, of what the other may have: what neither may see is in neither."""
    seen = transfer.as_seen_by(_snapshot(case), office, desk.parts.book)
    return replace(visible(case.intake, seen, case.consents), asked=())


async def _values(desk: Desk, case: Case, content: Content, look: Look) -> dict[str, Any]:
    book, intake, referral, now = desk.parts.book, case.intake, case.referral, desk.parts.now()
    here = next((one for one in book.referral.offices if one.id == referral.office), None)
    return {
        "row": row_of(book, referral, await officer_names(desk), now, look),
        "referral": referral,
        "spelled": " ".join(referral.code),
        "sender": look.of_two((here.name, here.name_en)) if here else "",
        "kind": look.say(words.KINDS.get(intake.kind, intake.kind)),
        "place": words.place(intake.facts, book.referral.provinces, look.say),
        "level": look.say(words.LEVELS[referral.level]),
        "source": source_line(book.referral.sources, referral.source),
        "answers": coded_answers(book, intake.answers),
        "texts": [(text_name(book, slot), text) for slot, text in content.texts.items()],
        "notes": content.notes,
        "clues": [(CLUES.get(kind, kind), legible(kind, value)) for kind, value in content.clues],
        "files": sum(bool(ref) for _, ref, _ in content.media),
        "received": words.when(intake.created_at),
        "made_at": words.when(now),
        **screening_values(desk, case, look),
    }
