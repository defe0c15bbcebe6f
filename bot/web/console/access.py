"""The only functions through which an officer sees anything: session → officer, case, file, export. Each look is audited."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec.structs import replace
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.web.console.refused import noting_refusals
from bot.web.pages import render
from bot.web.parts import Site, site_of
from referral.disclose import allowed, visible
from referral.model import Consent, Content, Intake, Referral
from storage.audit import Audit, Head
from storage.audit_pages import READS_AUDIT, Asked
from storage.audit_pages import Page as AuditPage
from storage.base import AuditEntry, Case, Commit, Officer, Opener, Visible
from storage.base import Request as Request_
from storage.envelope import Locked
from storage.keyring import Keyring
from storage.pieces import FileGone, OpenedFile
from storage.requested import Requests

COOKIE: Final = "canbo"
DEVICE_COOKIE: Final = "canbo_may"
"""The secret of a browser: its sessions are bound to it, and its own wrong tries are all that delays it."""
PATH: Final = "/officers"
NOTHING_MORE: Final[Mapping[str, str]] = {}
OPENS: Final = frozenset({"duty", "chief", "admin"})
TAKES_ORIGINALS: Final = frozenset({"chief"})
OWNS: Final = frozenset({"acknowledged", "accepted", "closed"})
"""States in which an office has the case as its own: its officers hear voices as they are, its chief has the originals."""
EXPORT: Final = "weekly"
HANDLING, FOR_SHEET = "1", "phieu"
OPEN_REASONS: Final[Mapping[str, str]] = {
    HANDLING: "handling", "thay": "cover", "xemlai": "review", "yeucau": "requested", FOR_SHEET: "sheet",
}  # fmt: skip
"""Why the words of a person are opened: by what stands in an address, as the audit has it."""
FILES: Final = frozenset({"photo", "voice", "video", "document"})
"""Kinds of media that are kept as files; the others are words (a place, a contact)."""
EXPORT_NAME: Final = re.compile(r"weekly-\d{4}-W\d{2}\.(?:xlsx|csv)")
_NEXT = re.compile(r"/officers/(?:r/[0-9a-zA-Z]{1,64}(?:/sheet)?|exports|requests|staff|me|keys)?")
_CODE = re.compile(r"[0-9A-Z]{4,12}")


class ReasonNeeded(Exception):
    """The words were not opened: a colleague holds the case, so another reason has to be given. Has the case without them."""

    def __init__(self, case: Case) -> None:
        super().__init__("a reason is needed")
        self.case = case


@dataclass(frozen=True, slots=True)
class Desk:
    """A signed-in officer and what their pages work with."""

    officer: Officer
    token: str
    parts: Site
    device: str = ""

    @property
    def csrf(self) -> str:
        """What every form of this session carries."""
        return csrf(self.token)


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it came. `held`: the officer's own office has taken the case. `altered`: it was another at an earlier opening."""

    referral: Referral
    number: int
    kind: str
    opened: OpenedFile
    sha256: str
    mark: str
    held: bool
    altered: bool


Page = Callable[[Request, Desk], Awaitable[Response]]


def signed_in(page: Page) -> Callable[[Request], Awaitable[Response]]:
    """A page for officers: without a session, to the sign-in; a form without its token is refused with 403.

    A form whose session was over when it came is shown again after signing in, if it was a form of that session.
    """

    async def door(request: Request) -> Response:
        token = request.cookies.get(COOKIE, "")
        parts = site_of(request)
        device = request.cookies.get(DEVICE_COOKIE, "")
        # What a page asks for by itself (news of the list) does not keep a session that nobody sits at.
        used = request.headers.get("sec-fetch-dest") != "empty"
        officer = await parts.accounts.session(token, parts.now(), device, used=used) if token else None
        if officer is None:
            return await _to_sign_in(request, token)
        desk = Desk(officer, token, parts, device)
        if request.method == "POST":
            request.state.form = await checked_form(request, token)
        return await noting_refusals(page, request, desk)

    return door


async def checked_form(request: Request, token: str) -> FormData:
    """The form of a POST. Raises HTTPException 403 when it does not carry this session's token."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise HTTPException(403)
    form = await request.form(max_fields=20)
    given = form.get("csrf")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), csrf(token).encode()):
        raise HTTPException(403)
    return form


def csrf(token: str) -> str:
    """The mark of a session's own forms: nobody without the session's cookie can make it."""
    return hmac.digest(token.encode(), b"nhip-cau form", hashlib.sha256).hex()


def where_to(wished: str) -> str:
    """A page of the console to go on to after signing in; anything else leads to the list."""
    return wished if _NEXT.fullmatch(wished) else f"{PATH}/"


async def still_signed_in(desk: Desk) -> bool:
    """Whether the session of an open stream still stands."""
    return await desk.parts.accounts.session(desk.token, desk.parts.now(), desk.device, used=False) is not None


async def list_open(desk: Desk, *, closed: bool = False) -> Sequence[Referral]:
    """The referrals of the officer's office (an administrator's: of all), coded; nothing for who may not open cases."""
    return await desk.parts.storage.list_referrals(desk.officer, closed=closed)


async def list_unfiled(desk: Desk) -> Mapping[str, datetime]:
    """When the report behind each open referral of the list came that nobody has classified; nothing for who opens no cases."""
    return await desk.parts.storage.unfiled(desk.officer) if desk.officer.role in OPENS else {}


async def find_code(desk: Desk, typed: str) -> Sequence[Referral]:
    """The referrals of the officer's own office under a code, however it was typed; the newest first."""
    code = "".join(typed.split()).upper().replace("-", "")
    if desk.officer.role not in OPENS or not _CODE.fullmatch(code):
        return ()
    return await desk.parts.storage.by_code(code, desk.officer)


async def linked_cases(desk: Desk, case: Case) -> Sequence[Referral]:
    """Cases of the officer's own office that were said to be about the same matter as one that they opened."""
    return await desk.parts.storage.linked(case.intake.id, desk.officer)


async def opener(desk: Desk) -> Opener:
    """The offices' keys that this session opens: what is sealed is read with them and with nothing else."""
    return await Keyring(desk.parts.storage).opener(desk.token)


async def open_case(desk: Desk, referral: str) -> Case:
    """A case of the officer's own office without the person's words; it is in the audit. Raises HTTPException 404 otherwise."""
    return await _opened(desk, referral, _nothing)


async def open_content(desk: Desk, referral: str, why: str) -> Case:
    """The same with every word that this office may read: the one place where a person's words are opened.

    It is written down with its reason (a key of OPEN_REASONS) before anything is shown. Raises ReasonNeeded where a colleague
    holds the case and another reason has to be given, HTTPException 404 where there is nothing that they may open. Where it
    is shut nothing is opened.
    """
    case = await _opened(desk, referral, visible)
    if is_shut(case):
        return case
    if why not in reasons_for(desk, case):
        raise ReasonNeeded(replace(case, intake=replace(case.intake, content=Content())))
    await note(desk, "content.opened", referral, {"reason": OPEN_REASONS[why]})
    return case


def is_shut(case: Case) -> bool:
    """No words are read here: the matter was handed on, or its person took it back before this office had it."""
    return bool(case.now_with) or case.referral.state == "withdrawn"


def reasons_for(desk: Desk, case: Case) -> Sequence[str]:
    """The reasons for which this officer may open the words: handling it is none where a colleague holds it."""
    by_other = case.referral.officer not in ("", desk.officer.id)
    return [one for one in OPEN_REASONS if not (one == HANDLING and by_other)]


async def _opened(desk: Desk, referral: str, shown: Visible) -> Case:
    case = None
    if desk.officer.role in OPENS:
        case = await desk.parts.storage.open_case(
            referral, desk.officer, desk.parts.now(), shown, allowed, await opener(desk)
        )
    if case is None:
        raise HTTPException(404)
    return case


def _nothing(intake: Intake, referral: Referral, consents: Sequence[Consent]) -> Content:
    return Content()


async def open_file(desk: Desk, referral: str, number: int) -> SentFile:
    """A file, by its place in a case that the officer may open, for making a copy to view.

    Raises HTTPException 404 otherwise, 410 where it was said to come and is not here: not yet, too large, or erased.
    """
    file = await _file(desk, referral, number)
    await note(desk, "file.opened", referral, {"file": file.mark.partition("/")[0], "mark": file.mark})
    return file


async def open_original(desk: Desk, referral: str, number: int, reason: str) -> SentFile:
    """A file as it came, for a chief of an office that holds the case, with the reason written down.

    Raises HTTPException 403 for other roles, 404 where they open no such file, 409 while their office has not taken the case.
    """
    if desk.officer.role not in TAKES_ORIGINALS:
        raise HTTPException(403)
    file = await _file(desk, referral, number)
    if not file.held:
        raise HTTPException(409)
    detail = {"file": file.mark.partition("/")[0], "mark": file.mark, "reason": reason}
    await note(desk, "file.original", referral, detail)
    return file


async def how_it_stands(desk: Desk, referral: str) -> str:
    """A mark of this case and its consents as they are now, and of who asks. What was made for an officer while it was
    another (not taken yet, not passed on yet, before a consent was withdrawn) is theirs no more."""
    now = await desk.parts.storage.load_referral(referral)
    seen = (desk.token, desk.officer, now.referral, now.intake, now.consents)
    return hashlib.sha256(msgspec.json.encode(seen, order="deterministic")).hexdigest()


async def _file(desk: Desk, referral: str, number: int) -> SentFile:
    case = await _opened(desk, referral, visible)
    media = case.intake.content.media
    kind, ref, _ = media[number] if 0 <= number < len(media) else ("", "", "")
    try:
        opened = await desk.parts.storage.open_file(ref, await opener(desk)) if ref and kind in FILES else None
        sha256 = await _sha256(opened) if opened is not None else ""
    except Locked:
        raise HTTPException(404) from None  # the case says that it is locked, and what to do
    except FileGone:
        opened = None
    if opened is None:
        raise HTTPException(410 if ref and kind in FILES else 404)
    mark = _mark(ref, sha256)
    before = {
        entry.detail.get("mark", mark) for entry in case.timeline if entry.detail.get("file") == mark.partition("/")[0]
    }
    held = case.referral.office == desk.officer.office and case.referral.state in OWNS
    return SentFile(case.referral, number, kind, opened, sha256, mark, held, altered=bool(before - {mark}))


async def _sha256(file: OpenedFile) -> str:
    """Of a whole file, piece by piece."""
    made = hashlib.sha256()
    async for piece in file.pieces():
        await asyncio.to_thread(made.update, piece)
    return made.hexdigest()


def _mark(ref: str, sha256: str) -> str:
    """Which file it was, and a seal on what was in it, for the audit: by two hashes that begin with the channel's handle.

    Who has the case can work both out again and so prove that a file is still what it was. Who has the audit only cannot:
    a plain SHA-256 would tell the owner of a picture that somebody handed it to us.
    """
    which = hashlib.sha256(b"file " + ref.encode()).hexdigest()[:16]
    return f"{which}/{hashlib.sha256(f'{ref} {sha256}'.encode()).hexdigest()}"


def may_export(desk: Desk) -> bool:
    """Whether this officer may have the log of all offices: a role of its plan; a chief only of a national office."""
    book, officer = desk.parts.book.referral, desk.officer
    plan = book.exports.get(EXPORT)
    if plan is None or officer.role not in plan.roles:
        return False
    return officer.role != "chief" or any(one.id == officer.office and not one.provinces for one in book.offices)


def list_exports(desk: Desk) -> list[str]:
    """The names of the weekly exports, newest first. Raises HTTPException 404 for whoever may not have them."""
    if not may_export(desk):
        raise HTTPException(404)
    folder = desk.parts.settings.exports
    if not folder.is_dir():
        return []
    return sorted((path.name for path in folder.iterdir() if EXPORT_NAME.fullmatch(path.name)), reverse=True)


async def open_export(desk: Desk, name: str) -> Path:
    """The file of an export, after its audit entry. Raises HTTPException 404 for anything else."""
    if name not in list_exports(desk):
        raise HTTPException(404)
    await note(desk, "export.downloaded", name)
    return desk.parts.settings.exports / name


async def sheet_made(desk: Desk, referral: str, office: str) -> None:
    """Write down that a sheet was made of a case that was opened, and for whom."""
    await note(desk, "sheet.made", referral, {"office": office})


def may_audit(desk: Desk) -> bool:
    """Whether this officer reads the audit: a role of its own, which opens no case."""
    return desk.officer.role == READS_AUDIT


async def open_audit(desk: Desk, asked: Asked) -> AuditPage:
    """A page of the audit, codes and ids only, with the entry that it was read. Raises HTTPException 404 otherwise."""
    page = await Audit(desk.parts.storage).page(desk.officer, asked, desk.parts.now()) if may_audit(desk) else None
    if page is None:
        raise HTTPException(404)
    return page


async def chain_of_audit(desk: Desk) -> tuple[Head | None, int]:
    """Where the audit's chain ends, and how many rows are not in it yet. Raises HTTPException 404 for who may not read it."""
    if not may_audit(desk):
        raise HTTPException(404)
    audit = Audit(desk.parts.storage)
    return await audit.head(), await audit.unlinked()


def may_answer(desk: Desk) -> bool:
    """Whether this officer answers what people ask about their data: the national hotline's duty and chief, and admins."""
    officer = desk.officer
    if officer.role not in OPENS:
        return False
    national = any(one.id == officer.office and not one.provinces for one in desk.parts.book.referral.offices)
    return officer.role == "admin" or (officer.route == "hotline_111" and national)


async def list_requests(desk: Desk) -> list[tuple[Request_, list[str]]]:
    """What waits, and the codes of the referrals it is about; the look is audited. Raises HTTPException 404 for others."""
    if not may_answer(desk):
        raise HTTPException(404)
    await note(desk, "requests.opened", "requests")
    return await Requests(desk.parts.storage).open()


async def answer_request(desk: Desk, request: str, how: str) -> None:
    """`answered`, `done` or `kept`; one that has ended stays as it is. Raises HTTPException 404 for others."""
    if not may_answer(desk):
        raise HTTPException(404)
    await Requests(desk.parts.storage).answer(request, how, desk.officer.id, desk.parts.now())


async def note(desk: Desk, action: str, subject: str, detail: Mapping[str, str] = NOTHING_MORE) -> None:
    """Write down in the audit what an officer looked at."""
    at = desk.parts.now()
    await desk.parts.storage.commit(Commit(at=at, audit=(AuditEntry(desk.officer.id, action, subject, at, detail),)))


async def _to_sign_in(request: Request, token: str) -> Response:
    """To the sign-in and afterwards back. A link followed from another site comes without our cookie: try once from here."""
    path = request.url.path
    from_elsewhere = request.headers.get("sec-fetch-site") == "cross-site"
    if request.method == "GET" and from_elsewhere and COOKIE not in request.cookies:
        return render(request, "console/again.html", path=where_to(path), officer=None)
    if request.method == "POST" and token and (form := await _own_form(request, token)) is not None:
        from bot.web.console.signin import sign_in_to_send  # which needs this module

        return await sign_in_to_send(request, form)
    go = where_to(path) if request.method == "GET" else f"{PATH}/"
    return RedirectResponse(f"{PATH}/sign-in?next={quote(go)}{'&ended=1' if token else ''}", 303)


async def _own_form(request: Request, token: str) -> FormData | None:
    """The form, if it is one of this session, though it may be over; None for any other."""
    try:
        return await checked_form(request, token)
    except HTTPException:
        return None
