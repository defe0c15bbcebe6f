"""One case. Nothing is decided here: words are put beside codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from bot.asking import HELD, LONGEST, agreed
from bot.clues import legible
from bot.labels import CLUES, coded_answers, text_name
from bot.point import described
from bot.web import words
from bot.web.console.access import (
    FILES,
    FOR_SHEET,
    OPEN_REASONS,
    Desk,
    ReasonNeeded,
    is_shut,
    linked_cases,
    open_case,
    open_content,
    reasons_for,
)
from bot.web.console.frame import officer_names, page_values
from bot.web.console.queue import row_of
from bot.web.look import Look, look_of
from bot.web.pages import render
from bot.window import closes_at
from referral.clocks import due_at, legal_deadlines
from referral.directory import is_open
from referral.disclose import REPORTS, is_identified
from referral.model import Content, Office, Referral, Source, is_left
from referral.words import LANGUAGES
from storage.base import Case

OPENED: Final = "mo"
"""With a reason under this name in its address or its form, a page shows the person's own words: the officer asked for them."""
SAY_WHY: Final = "Hồ sơ này do đồng nghiệp giữ. Chọn lý do rồi mở nội dung."
REACH: Final = "Zalo chuyển tin tới người này đến {until}. Sau đó lời nhắn được giữ tới khi họ nhắn lại."
REACH_OVER: Final = (
    "Người này chưa nhắn lại đã lâu nên Zalo không chuyển tin tới họ nữa. Lời nhắn được giữ tới khi họ nhắn lại."
)
NEAR: Final = "{point}: gần {near}. Tính tới giữa xã, không có ranh giới: cần kiểm tra."
FAR: Final = "{point}: không gần giữa xã nào trong 20 km, có thể ở nước ngoài hoặc trên biển."
AWAY: Final = "{unit} (khoảng {km} km)"
POINTS_SHOWN: Final = 3
"""Of a place that is shown live, the latest."""
ANSWERS: Final = frozenset({"add_text"})
"""Free texts in which somebody answers an officer or adds to their report: they belong to the exchange."""


async def show_case(request: Request, desk: Desk) -> Response:
    """GET /r/<id>: the case; with a reason in `mo` the person's words too. Opening is written down, each of the two."""
    why = request.query_params.get(OPENED, "")
    return await opened_page(request, desk, request.path_params["referral"], why if why in OPEN_REASONS else "")


async def opened_page(
    request: Request, desk: Desk, referral: str, why: str, *, refusal: str = "", status: int = 200
) -> Response:
    """The page of a case, its words shown where `why` is a reason for it."""
    try:
        case = await (open_content(desk, referral, why) if why else open_case(desk, referral))
    except ReasonNeeded as needed:
        case, why, refusal = needed.case, "", refusal or SAY_WHY
    why = "" if is_shut(case) else why
    return await case_page(request, desk, case, opened=why, refusal=refusal, status=status)


async def case_page(
    request: Request, desk: Desk, case: Case, *, opened: str = "", refusal: str = "", status: int = 200
) -> Response:
    """The page of an opened case, its words if they were `opened` for a reason; `refusal` says why an action was not taken."""
    look = look_of(request)
    names = await officer_names(desk)
    content = _content_values(desk, case, look) if opened else {}
    return render(
        request, "console/case.html", status, **page_values(desk, look), **_case_values(desk, case, names, look),
        **_choices(desk, case, look), linked=await _linked(desk, case, names, look),
        why=[(one, look.say(words.OPENED_FOR[OPEN_REASONS[one]])) for one in reasons_for(desk, case) if one != FOR_SHEET],
        now_with=[details(desk, look).get(one, one) for one in case.now_with],
        content=content, opened=opened, withheld=_withheld(case), locked=case.locked, refusal=look.say(refusal), at="case",
    )  # fmt: skip


def _case_values(desk: Desk, case: Case, names: Mapping[str, str], look: Look) -> dict[str, Any]:
    """What every case has, in codes put into words."""
    book, say, now = desk.parts.book, look.say, desk.parts.now()
    intake, referral = case.intake, case.referral
    classify_by = due_at(book.referral.clocks["classify"], intake.created_at)
    return {
        "row": row_of(book, referral, names, now, look),
        "referral": referral,
        "kind": say(words.KINDS.get(intake.kind, intake.kind)),
        "place": words.place(intake.facts, book.referral.provinces, say),
        "level": say(words.LEVELS[referral.level]),
        "came_by": say(words.CHANNELS.get(intake.channel, intake.channel)),
        "language": say(LANGUAGES.get(intake.locale, intake.locale)),
        "source": source_line(book.referral.sources, referral.source),
        "ground": _ground(desk, referral, look),
        "answers": coded_answers(book, intake.answers),
        "consents": [
            (_route(desk, one.to, look), one.given, words.when(one.at), one.wording) for one in case.consents
        ],
        "timeline": words.timeline(case.timeline, names, details(desk, look), now, say),
        "clocks": [
            (look.of_two((clock.name, clock.name_en)), words.when(at), *words.until(at, now, say))
            for clock, at in legal_deadlines(book.referral, referral)
        ],
        "classified": look.of_two(book.referral.classes.get(intake.filed_as, ("", ""))),
        "classified_at": words.when(intake.classified_at),
        "classify_by": (words.when(classify_by), *words.until(classify_by, now, say)),
        "received": words.when(intake.created_at),
        "updated": words.when(intake.updated_at) if intake.updated_at - intake.created_at > timedelta() else "",
        "ended": details(desk, look).get(referral.outcome or referral.reason, ""),
        "taken": words.when(referral.acknowledged_at),
        "reach": _reach(case, now, look),
        **screening_values(desk, case, look),
    }  # fmt: skip


def _reach(case: Case, now: datetime, look: Look) -> str:
    """Until when the person can be written to, where their platform ends it; empty where it does not."""
    end = closes_at(case.intake.channel, case.heard_at)
    if end is None:
        return ""
    return look.say(REACH_OVER) if now >= end else look.say(REACH, until=words.when(end))


def screening_values(desk: Desk, case: Case, look: Look) -> dict[str, Any]:
    """The signs: reasons in words with their sources, the elements of the law, the ILO dimensions."""
    book, screening = desk.parts.book.referral, case.intake.screening
    in_english = {rule.id: rule.because_en for rule in book.levels}
    elements = ("Hành vi", screening.act), ("Thủ đoạn", screening.means), ("Mục đích", screening.purpose)
    return {
        "reasons": [
            (look.of_two((one.because, in_english.get(one.rule, one.because))), source_line(book.sources, one.source))
            for one in screening.reasons
        ],
        "elements": [(look.say(name), there) for name, there in elements],
        "dimensions": [
            (look.say(name), screening.dimensions.get(code, False)) for code, name in words.DIMENSIONS.items()
        ],
        "any_dimension": any(screening.dimensions.values()),
    }


def _content_values(desk: Desk, case: Case, look: Look) -> dict[str, Any]:
    """The person's own words, by what they answer, and what officers wrote to them with what came back."""
    content = case.intake.content
    return {
        "texts": [
            (text_name(desk.parts.book, slot), text) for slot, text in content.texts.items() if slot not in ANSWERS
        ],
        "added": [*content.notes, *(text for slot, text in content.texts.items() if slot in ANSWERS)],
        "media": [_medium(one) for one in content.media],
        "near": _near(desk, content, look),
        "clues": [(CLUES.get(kind, kind), legible(kind, value)) for kind, value in content.clues],
        "letters": _letters(case),
        "any": content != Content(),
    }


def _letters(case: Case) -> list[tuple[str, str, str]]:
    """(words, when, what became of it) of each letter. Another office's have no time here: their audit is not this case's."""
    written = [one for one in case.timeline if one.action in ("referral.asked", "referral.asked_kept")]
    asked = case.intake.content.asked
    known = len(written) == len(asked)
    return [
        (
            text,
            words.when(written[at].at) if known else "",
            words.LETTERS.get(case.letters[at], ""),
        )
        for at, text in enumerate(asked)
    ]


def _withheld(case: Case) -> bool:
    return case.intake.kind not in REPORTS and not is_identified(case.referral, case.consents)


async def _linked(desk: Desk, case: Case, names: Mapping[str, str], look: Look) -> list[Any]:
    found = await linked_cases(desk, case)
    return [row_of(desk.parts.book, one, names, desk.parts.now(), look) for one in found]


def _choices(desk: Desk, case: Case, look: Look) -> dict[str, Any]:
    """What can be chosen in the forms."""
    book, referral = desk.parts.book.referral, case.referral

    def named(table: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
        return [(code, look.of_two(name)) for code, name in table.items()]

    return {
        "actions": _actions(referral),
        "may_ask": referral.state in HELD and agreed(case.intake),
        "may_be_written_to": agreed(case.intake),
        "longest": LONGEST,
        "return_reasons": named(book.return_reasons),
        "outcomes": named(book.outcomes),
        "classes": named(book.classes),
        "directory": directory(desk, referral, look),
    }


def directory(desk: Desk, referral: Referral, look: Look) -> list[tuple[str, list[tuple[str, str]]]]:
    """(agency, its offices that receive today): the agencies as people know them, in each the case's own province first."""
    book, today = desk.parts.book.referral, desk.parts.now().date()

    def near(office: Office) -> tuple[bool, bool]:
        return referral.province not in office.provinces, bool(office.provinces)

    groups = []
    for route in book.route_names:
        offices = [
            one for one in book.offices if one.route == route and one.id != referral.office and is_open(one, today)
        ]
        named = [(one.id, look.of_two((one.name, one.name_en))) for one in sorted(offices, key=near)]
        groups += [(_route(desk, route, look), named)] if named else []
    return groups


def details(desk: Desk, look: Look) -> dict[str, str]:
    """Coded reasons, outcomes, classes and offices in words."""
    book = desk.parts.book.referral
    coded = {
        **book.outcomes,
        **book.return_reasons,
        **book.classes,
        **{one.id: (one.name, one.name_en) for one in book.offices},
    }
    told = {code: look.of_two(name) for code, name in coded.items()}
    looked = {**words.OPENED_FOR, **words.ORIGINAL_REASONS}
    return {code: look.say(why) for code, why in looked.items()} | told


def source_line(sources: Mapping[str, Source], name: str) -> str:
    """A source as it is cited: title and article."""
    source = sources.get(name)
    if source is None:
        return name
    return f"{source.title}, {source.article}" if source.article else source.title


def _ground(desk: Desk, referral: Referral, look: Look) -> str:
    rule = next((one for one in desk.parts.book.referral.grounds if one.id == referral.ground), None)
    return look.of_two((rule.ground, rule.ground_en)) if rule else referral.ground


def _route(desk: Desk, route: str, look: Look) -> str:
    name = desk.parts.book.referral.route_names.get(route)
    return look.of_two(name) if name else look.say("Mọi cơ quan")


def _near(desk: Desk, content: Content, look: Look) -> list[str]:
    """What lies near the last places that were shared. The table has no borders, so it says how far and no more."""
    points = [ref for kind, ref, _ in content.media if kind == "location"][-POINTS_SHOWN:]
    near = [(ref, list(described(desk.parts.book, ref))) for ref in dict.fromkeys(points)]
    return [
        look.say(
            NEAR if found else FAR, point=ref, near="; ".join(look.say(AWAY, unit=unit, km=km) for unit, km in found)
        )
        for ref, found in near
    ]


def _medium(media: tuple[str, str, str]) -> tuple[str, bool, str]:
    """What it is, whether it is a file, and the words with it: a caption, or the place or contact itself."""
    kind, ref, caption = media
    is_file = kind in FILES
    return words.MEDIA.get(kind, kind), is_file and ref != "", " ".join(filter(None, (caption, "" if is_file else ref)))


def _actions(referral: Referral) -> Sequence[str]:
    """What can be done now; the life of a referral itself refuses anything else."""
    if referral.state in words.WAITING:
        return ("acknowledge", "accept", "return", "transfer")
    if is_left(referral):
        return ("acknowledge", "accept", "transfer")
    if referral.state == "acknowledged":
        return ("accept", "return", "transfer", "close")
    return ("return", "transfer", "close") if referral.state == "accepted" else ()
