"""A signed-in officer chooses another password. It is proved again who they are, and their key goes under the new one."""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.accounts import totp
from bot.accounts.passwords import is_guessable
from bot.web.console import tries
from bot.web.console.access import COOKIE, PATH, Desk
from bot.web.console.joining import GUESSABLE, SERVICE, known_of, unfit_password
from bot.web.console.signin import SESSION, hashed, set_cookie, verify
from storage.accounts import CodeReplayed, OfficerUnknown
from storage.envelope import Locked
from storage.keyring import Keyring
from storage.staff import Own

NOT_PROVED: Final = (
    "Mật khẩu hiện tại hoặc mã 6 số chưa đúng; không có gì thay đổi. Mỗi mã chỉ dùng một lần. "
    "Sau nhiều lần sai, phải chờ tối đa một phút giữa hai lần thử."
)
SAME: Final = "Mật khẩu mới giống mật khẩu đang dùng."
LOCKED: Final = "Phiên này chưa mở được khóa của bạn. Đăng xuất, đăng nhập lại rồi đổi mật khẩu."
CHANGED: Final = "doi"
"""With this in its address the page says that the password was changed."""


async def change(request: Request, desk: Desk) -> Response | str:
    """Back to the account with another session, or the sentence why nothing was changed."""
    form = request.state.form
    now, new, again, six = (str(form.get(name, "")) for name in ("now", "password", "again", "six"))
    own = await desk.parts.accounts.own(desk.officer.id)
    if own is None:
        return NOT_PROVED
    wrong = unfit_password(new, again) or (SAME if new == now else "")
    if wrong:
        return wrong
    if is_guessable(new, (own.login, *SERVICE, *known_of(desk.parts, desk.officer))):
        return GUESSABLE
    step = await _proved(desk, own, now, six)
    return NOT_PROVED if step is None else await _set(request, desk, own, new, step)


async def _proved(desk: Desk, own: Own, password: str, six: str) -> int | None:
    """The step of the code that was given (0 without a second factor); None where the password or the code is wrong.

    Who finds an open page and guesses waits like at the door: the wrong tries count at this browser, and delay no other.
    """
    parts, now = desk.parts, desk.parts.now()
    async with parts.tries.one_of_known:
        tried = await parts.accounts.tried_from(desk.officer.id, desk.device)
        if tried is not None and tries.waits(tried.failed, tried.failed_at, now):
            return None
        right = await asyncio.to_thread(verify, own.password, password)
        step = totp.matching_step(own.totp, six, now, own.totp_step) if own.totp else 0
        if right and (step or not own.totp):
            return step
        await parts.accounts.failed(own.login, at=now, officer=desk.officer.id, device=desk.device)
    return None


async def _set(request: Request, desk: Desk, own: Own, password: str, step: int) -> Response | str:
    parts, at, keyring = desk.parts, desk.parts.now(), Keyring(desk.parts.storage)
    try:
        key = await keyring.under_password(desk.officer.id, desk.token, password)
    except Locked:
        return LOCKED
    try:
        await parts.accounts.set_password(
            desk.officer.id, own.password, await hashed(parts, password), key,
            token=desk.token, device=desk.device, step=step, at=at,
        )  # fmt: skip
    except (CodeReplayed, OfficerUnknown):
        return NOT_PROVED
    fresh = secrets.token_urlsafe(32)
    await parts.accounts.open_session(desk.officer.id, fresh, at=at, expires_at=at + SESSION, device=desk.device)
    await keyring.move(desk.token, fresh)
    await parts.accounts.end_session(desk.token, at=at)
    response = RedirectResponse(f"{PATH}/me?{CHANGED}=1", 303)
    set_cookie(request, response, COOKIE, fresh, SESSION)
    return response
