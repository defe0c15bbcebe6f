"""An officer's action: a form becomes an event, and the event goes the same way as everything else."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.events import OfficerDid
from bot.receive import Refusal
from bot.web.console.access import OPEN_REASONS, OPENS, PATH, Desk, find_code, open_case
from bot.web.console.cases import OPENED, opened_page

ACTIONS: Final = frozenset(
    {"acknowledge", "accept", "return", "transfer", "close", "ask", "classify", "link", "unlink"}
)
CANNOT_BE_UNDONE: Final = frozenset({"return", "transfer", "close"})
"""Nothing of these happens unless the box beside them, that it cannot be undone, came ticked."""
NOT_SURE: Final = (
    "Việc này không hoàn tác được. Bạn đánh dấu ô “Tôi biết việc này không hoàn tác được” rồi gửi lại giúp."
)
NO_SUCH: Final = "Hệ thống không có việc này. Hồ sơ chưa có gì thay đổi."
PASSES_ON: Final = frozenset({"return", "transfer"})
"""After these another office has the matter."""
FIELDS: Final = ("reason", "outcome", "office", "other")
NOWHERE: Final = "-"
"""Stands for a case that was not found, so that the action is refused by the same gate as every other."""


async def act(request: Request, desk: Desk) -> Response:
    """POST /r/<id>: do it and go back to the case; a refusal is shown on the case with status 409, what is no action with 400."""
    referral = request.path_params["referral"]
    form = request.state.form
    do = str(form.get("do", ""))
    if desk.officer.role not in OPENS:
        raise HTTPException(404)
    why = str(form.get(OPENED, ""))
    why = why if why in OPEN_REASONS else ""
    if do not in ACTIONS:
        return await opened_page(request, desk, referral, why, refusal=NO_SUCH, status=400)
    if do in CANNOT_BE_UNDONE and not form.get("sure"):
        return await opened_page(request, desk, referral, why, refusal=NOT_SURE, status=409)
    reason, outcome, office, other = (str(form.get(name, ""))[:60] for name in FIELDS)
    if do == "link":
        other = await _meant(desk, str(form.get("code", "")), referral)
    did = OfficerDid(
        desk.officer,
        do,
        referral,
        reason=reason,
        outcome=outcome,
        office=office,
        text=str(form.get("text", "")),
        other=other,
    )
    try:
        await desk.parts.receiver.officer(did)
    except Refusal as refusal:
        return await opened_page(request, desk, referral, why, refusal=str(refusal), status=409)
    if do in PASSES_ON:
        await open_case(desk, referral)  # which gives the next office the keys, should this browser never come back
    return RedirectResponse(f"{PATH}/r/{referral}{f'?{OPENED}={why}' if why else ''}", 303)


async def _meant(desk: Desk, code: str, referral: str) -> str:
    """The case of this office that was named by its code, and is not the one at hand."""
    return next((one.id for one in await find_code(desk, code) if one.id != referral), NOWHERE)
