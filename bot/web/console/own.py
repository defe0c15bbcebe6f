"""An officer's own account: their password, where they get notices, where they are signed in, and signing out there."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.web import words
from bot.web.console import doors, password
from bot.web.console.access import PATH, Desk
from bot.web.console.frame import page_values
from bot.web.console.joining import SHORTEST_PASSWORD
from bot.web.look import look_of
from bot.web.pages import render


async def show(request: Request, desk: Desk) -> Response:
    """GET /me: own sessions, the newest first (this one is marked), and the form for another password."""
    return await _page(request, desk, done=request.query_params.get(password.CHANGED) == "1")


async def act(request: Request, desk: Desk) -> Response:
    """POST /me: another password; try or forget an address for notices; sign out elsewhere. Nothing of anybody else's."""
    form, at = request.state.form, desk.parts.now()
    match str(form.get("do", "")):
        case "end":
            await desk.parts.accounts.end_own(desk.officer.id, str(form.get("session", "")), at=at)
        case "add_mail" | "add_push" as do:
            given = {name: str(value).strip() for name, value in form.items()}
            refused = await (
                doors.add_mail(desk, given.get("mail", "")) if do == "add_mail" else doors.add_push(desk, given)
            )
            if refused:
                return await _page(request, desk, 422, no_door=refused)
        case "try_door":
            if not await doors.try_out(desk, str(form.get("door", ""))):
                raise HTTPException(404)
        case "drop_door":
            await doors.drop(desk, str(form.get("door", "")))
        case "end_others":
            await desk.parts.accounts.end_others(desk.officer.id, desk.token, desk.device, at=at)
        case "password":
            changed = await password.change(request, desk)
            return changed if isinstance(changed, Response) else await _page(request, desk, 422, wrong=changed)
        case _:
            raise HTTPException(404)
    return RedirectResponse(f"{PATH}/me", 303)


async def _page(
    request: Request, desk: Desk, status: int = 200, *, done: bool = False, wrong: str = "", no_door: str = ""
) -> Response:
    now, look = desk.parts.now(), look_of(request)
    this, own = desk.parts.accounts.session_id(desk.token), await desk.parts.accounts.own(desk.officer.id)
    found = await desk.parts.accounts.sessions(desk.officer.id, now)
    rows = [
        {
            "id": one.id,
            "since": words.when(one.created_at),
            "seen": words.ago(one.seen_at, now, look.say),
            "this": one.id == this,
        }
        for one in found
    ]
    return render(
        request, "console/own.html", status, **page_values(desk, look), **await doors.own_doors(desk, look),
        rows=rows, done=done, wrong=wrong, no_door=no_door,
        has_totp=own is not None and bool(own.totp), shortest=SHORTEST_PASSWORD, at="own",
    )  # fmt: skip
