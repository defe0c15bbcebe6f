"""An officer's action: a form becomes an event, and the event goes the same way as everything else."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.events import OfficerDid
from bot.receive import Refusal
from bot.web.console.access import OPENS, PATH, Desk, open_case
from bot.web.console.cases import case_page

ACTIONS: Final = frozenset({"acknowledge", "accept", "return", "close", "ask"})


async def act(request: Request, desk: Desk) -> Response:
    """POST /r/<id>: do it and go back to the case; a refusal is shown on the case with status 409."""
    referral = request.path_params["referral"]
    form = request.state.form
    do, reason, outcome = (str(form.get(name, ""))[:60] for name in ("do", "reason", "outcome"))
    if do not in ACTIONS or desk.officer.role not in OPENS:
        raise HTTPException(404)
    did = OfficerDid(desk.officer, do, referral, reason=reason, outcome=outcome, text=str(form.get("text", "")))
    try:
        await desk.parts.receiver.officer(did)
    except Refusal as refusal:
        return await case_page(request, desk, await open_case(desk, referral), refusal=str(refusal), status=409)
    return RedirectResponse(f"{PATH}/r/{referral}", 303)
