"""Signing in and out, and joining with a one-time code. A wrong name and a wrong password get the same answer."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.demo import PASSWORD, demo_officers
from bot.web.console.access import COOKIE, PATH, Desk, checked_form, csrf, where_to
from bot.web.pages import render
from bot.web.parts import Site, site_of
from bot.web.visitor import is_https
from storage.accounts import Account, LoginTaken, OfficerUnknown

DOOR_COOKIE: Final = "canbo_cua"
"""Before there is a session, this is what the form's token is made from."""
SESSION: Final = timedelta(hours=12)
FREE_TRIES: Final = 4
LONGEST_WAIT_S: Final = 60
"""A name is never locked: after each wrong password the wait doubles, up to a minute, and then the right one gets in."""
REMEMBERED: Final = 10_000
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 200
WRONG: Final = "Tên đăng nhập hoặc mật khẩu chưa đúng. Sau nhiều lần sai, phải chờ tối đa một phút giữa hai lần thử."
BAD_CODE: Final = "Mã không dùng được: đã dùng, hết hạn hoặc gõ chưa đúng. Xin mã mới từ người quản trị."
BAD_LOGIN: Final = "Tên đăng nhập cần 3 đến 40 ký tự: chữ không dấu, số, dấu chấm, gạch ngang, gạch dưới."
BAD_PASSWORD: Final = f"Mật khẩu cần từ {SHORTEST_PASSWORD} đến {LONGEST_PASSWORD} ký tự."
NOT_SAME: Final = "Hai lần gõ mật khẩu chưa giống nhau."
TAKEN: Final = "Tên đăng nhập này đã có người dùng. Mã của bạn vẫn còn dùng được."

_hasher = PasswordHasher()
_NOBODY: Final = (
    f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}${'A' * 22}${'A' * 43}"
)
"""What the password of an unknown name is checked against: it takes as long as any, and no password fits it."""
_at_once = asyncio.Semaphore(2)  # each check takes 64 MiB for a tenth of a second
_unknown: OrderedDict[str, tuple[int, datetime]] = OrderedDict()
"""Wrong tries at names that nobody has: they wait like the others, so that waiting tells nothing."""


async def show(request: Request) -> Response:
    """GET sign-in. In a trial with the demo officers, their office and the one password."""
    return await _door(request, next=where_to(request.query_params.get("next", "")))


async def post(request: Request) -> Response:
    """POST sign-in: a session of 12 hours, or one sentence that is the same whatever was wrong."""
    form = await checked_form(request, request.cookies.get(DOOR_COOKIE, ""))
    parts = site_of(request)
    login, password, onward = (str(form.get(name, "")) for name in ("login", "password", "next"))
    account = await _checked(parts, login.strip().lower(), password)
    token = secrets.token_urlsafe(32)
    at = parts.now()
    try:
        if account is None:
            raise OfficerUnknown
        await parts.accounts.open_session(account.officer.id, token, at=at, expires_at=at + SESSION)
    except OfficerUnknown:
        return await _door(request, 401, next=where_to(onward), wrong=WRONG, login=login[:40])
    response = RedirectResponse(where_to(onward), 303)
    response.set_cookie(
        COOKIE, token, max_age=int(SESSION.total_seconds()), path=PATH, httponly=True, samesite="strict",
        secure=is_https(request),
    )  # fmt: skip
    return response


async def leave(request: Request, desk: Desk) -> Response:
    """POST sign-out: the session ends here and in the browser."""
    await desk.parts.accounts.end_session(desk.token, at=desk.parts.now())
    response = RedirectResponse(f"{PATH}/sign-in", 303)
    response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict")
    return response


async def show_join(request: Request) -> Response:
    """GET join: one-time code, name, password."""
    return _page(request, "console/join.html")


async def post_join(request: Request) -> Response:
    """POST join: a used, expired or unknown code gets one answer; the code stays good when only the name was taken."""
    form = await checked_form(request, request.cookies.get(DOOR_COOKIE, ""))
    parts = site_of(request)
    code, login, password, again = (str(form.get(name, "")) for name in ("code", "login", "password", "again"))
    login = login.strip().lower()
    wrong = _unfit(login, password, again)
    if not wrong:
        wrong = await _joined(parts, code.strip(), login, password)
    if wrong:
        return _page(request, "console/join.html", 422, wrong=wrong, login=login[:40])
    return RedirectResponse(f"{PATH}/sign-in", 303)


def _unfit(login: str, password: str, again: str) -> str:
    if not 3 <= len(login) <= 40 or not all(one.isascii() and (one.isalnum() or one in "._-") for one in login):
        return BAD_LOGIN
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return BAD_PASSWORD
    return "" if password == again else NOT_SAME


async def _joined(parts: Site, code: str, login: str, password: str) -> str:
    if await parts.accounts.find_invite(code) is None:
        return BAD_CODE
    async with _at_once:
        hashed = await asyncio.to_thread(_hasher.hash, password)
    try:
        officer = await parts.accounts.redeem(code, login, hashed, at=parts.now())
    except LoginTaken:
        return TAKEN
    return "" if officer else BAD_CODE


async def _checked(parts: Site, login: str, password: str) -> Account | None:
    """The account, if the password is right and the name may be tried again by now."""
    now = parts.now()
    account = await parts.accounts.account(login)
    failed, failed_at = (account.failed, account.failed_at) if account else _unknown.get(login, (0, None))
    if failed_at is not None and now < failed_at + timedelta(seconds=_wait_s(failed)):
        return None
    async with _at_once:
        right = await asyncio.to_thread(_verify, account.password if account else _NOBODY, password)
    if right and account is not None:
        return account
    await parts.accounts.failed(login, at=now)
    if account is None:
        _remember(login, failed + 1, now)
    return None


def _wait_s(failed: int) -> int:
    """Seconds to wait after so many wrong passwords in a row."""
    over = failed - FREE_TRIES
    return 0 if over <= 0 else min(LONGEST_WAIT_S, 2 ** min(over, 10))


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password[:LONGEST_PASSWORD])
    except (Argon2Error, InvalidHashError):
        return False


def _remember(login: str, failed: int, now: datetime) -> None:
    _unknown[login] = (failed, now)
    _unknown.move_to_end(login)
    while len(_unknown) > REMEMBERED:
        _unknown.popitem(last=False)


async def _door(request: Request, status: int = 200, **values: str) -> Response:
    demo = await _demo(site_of(request))
    return _page(request, "console/signin.html", status, demo=demo, demo_password=PASSWORD, **values)


async def _demo(parts: Site) -> list[tuple[str, str]]:
    """(name of an office, login) of each demo officer that is there; nothing outside a trial."""
    if not parts.settings.trial:
        return []
    there = {officer.id for officer in await parts.accounts.officers() if officer.active}
    names = {office.id: office.name for office in parts.book.referral.offices}
    return [(names[one.office], one.id) for one in demo_officers(parts.book.referral) if one.id in there]


def _page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A form before there is a session; its token comes from a cookie of its own."""
    door = request.cookies.get(DOOR_COOKIE, "")
    fresh = secrets.token_urlsafe(32)
    given = {"wrong": "", "login": "", "next": "", **values}
    response = render(request, template, status, officer=None, csrf=csrf(door or fresh), **given)
    if not door:
        response.set_cookie(DOOR_COOKIE, fresh, path=PATH, httponly=True, samesite="strict", secure=is_https(request))
    return response
