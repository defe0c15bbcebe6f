"""The keys behind a session: made or opened with the right password, handed on to a colleague who waits for them."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.demo import PASSWORD, demo_officers
from bot.web.console.access import OPENS, PATH, Desk
from bot.web.console.frame import page_values
from bot.web.look import look_of
from bot.web.pages import render
from bot.web.parts import Site
from storage.base import Officer
from storage.keyring import WAITING, Keyring

KEYS_PATH: Final = f"{PATH}/keys"


async def on_signed_in(parts: Site, officer: Officer, password: str, token: str) -> None:
    """Open the officer's key for this session; at their first time make it. In a trial nobody waits for a colleague."""
    keyring, at = Keyring(parts.storage), parts.now()
    if await keyring.sign_in(officer, password, token, at) != WAITING or not parts.settings.trial:
        return
    colleague = next((one for one in demo_officers(parts.book.referral) if one.office == officer.office), None)
    if colleague is not None:
        await keyring.give(colleague, await keyring.opener_by_password(colleague.id, PASSWORD), officer.id, at)


async def show(request: Request, desk: Desk) -> Response:
    """GET /keys: whether this officer opens what their office may read, and who waits to be confirmed."""
    _refuse_others(desk)
    keyring = Keyring(desk.parts.storage)
    opens = bool((await keyring.opener(desk.token)).keys)
    waiting = await keyring.waiting(desk.officer.office)
    return render(
        request, "console/keys.html", **page_values(desk, look_of(request)), at="keys", opens=opens,
        waiting=[one for one in waiting if one.id != desk.officer.id],
    )  # fmt: skip


async def give(request: Request, desk: Desk) -> Response:
    """POST /keys: an officer who holds the office's key confirms a colleague, who from then on opens the same."""
    _refuse_others(desk)
    keyring = Keyring(desk.parts.storage)
    to = str(request.state.form.get("officer", ""))[:200]
    await keyring.give(desk.officer, await keyring.opener(desk.token), to, desk.parts.now())
    return RedirectResponse(KEYS_PATH, 303)  # the page says who still waits


def _refuse_others(desk: Desk) -> None:
    if desk.officer.role not in OPENS:
        raise HTTPException(404)
