"""Signing in and out. Whatever was wrong (name, password, code, a try too soon), the answer is the same."""

from __future__ import annotations

import asyncio
import re
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.accounts import totp
from bot.demo import PASSWORD, demo_officers
from bot.web.console import tries
from bot.web.console.access import COOKIE, DEVICE_COOKIE, PATH, Desk, checked_form, csrf, where_to
from bot.web.console.unlock import on_signed_in
from bot.web.pages import render
from bot.web.parts import Site, site_of
from bot.web.visitor import is_https
from storage.accounts import Account, CodeReplayed, OfficerUnknown

DOOR_COOKIE: Final = "canbo_cua"
"""Before there is a session, this is what the form's token is made from."""
SESSION: Final = timedelta(hours=12)
"""A session is over after this at the latest; after `storage.accounts.IDLE` without a page before."""
DEVICE_KEPT: Final = timedelta(days=180)
LONGEST_PASSWORD: Final = 200
WRONG: Final = (
    "Tên đăng nhập, mật khẩu hoặc mã 6 số chưa đúng. Mỗi mã chỉ dùng một lần. "
    "Sau nhiều lần sai, phải chờ tối đa một phút giữa hai lần thử."
)
ENDED: Final = "Phiên làm việc đã hết: sau 30 phút không dùng hoặc 12 giờ. Đăng nhập lại để tiếp tục."
KEPT: Final = "Phiên làm việc đã hết trước khi gửi. Nội dung bạn viết vẫn còn ở trang này: đăng nhập lại rồi gửi."
_KEPT_PATH = re.compile(r"/officers/r/[0-9a-zA-Z]{1,64}(?:/[a-z]{1,30})?")
_KEPT_NAME = re.compile(r"[a-z_]{1,30}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

_hasher = PasswordHasher()
_NOBODY: Final = (
    f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}${'A' * 22}${'A' * 43}"
)
"""What the password of an unknown name is checked against: it takes as long as any, and no password fits it."""


async def show(request: Request) -> Response:
    """GET sign-in. In a trial with the demo officers, their office and the one password."""
    said = ENDED if request.query_params.get("ended") else ""
    return await door(request, next=where_to(request.query_params.get("next", "")), said=said)


async def post(request: Request) -> Response:
    """POST sign-in: a session, or one sentence that is the same whatever was wrong. Kept text comes back to be sent."""
    form = await checked_form(request, request.cookies.get(DOOR_COOKIE, ""))
    parts, at = site_of(request), site_of(request).now()
    login, password, code, onward = (str(form.get(name, "")) for name in ("login", "password", "code", "next"))
    kept, token, device = kept_of(form), secrets.token_urlsafe(32), _device_of(request) or secrets.token_urlsafe(32)
    try:
        account, step = await _checked(request, login.strip().lower(), password, code)
        await parts.accounts.open_session(
            account.officer.id, token, at=at, expires_at=at + SESSION, device=device, step=step,
            instead=request.cookies.get(COOKIE, ""),
        )  # fmt: skip
    except (OfficerUnknown, CodeReplayed):
        return await door(request, 401, next=where_to(onward), wrong=WRONG, login=login[:40], kept=kept)
    await on_signed_in(parts, account.officer, password, token)
    response = _send_again(request, token, kept) if kept else RedirectResponse(where_to(onward), 303)
    set_cookie(request, response, COOKIE, token, SESSION)
    set_cookie(request, response, DEVICE_COOKIE, device, DEVICE_KEPT)
    return response


async def leave(request: Request, desk: Desk) -> Response:
    """POST sign-out: the session ends here and in the browser."""
    await desk.parts.accounts.end_session(desk.token, at=desk.parts.now())
    response = RedirectResponse(f"{PATH}/sign-in", 303)
    response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict")
    return response


async def hashed(parts: Site, password: str) -> str:
    """The password as it is stored (argon2id)."""
    async with parts.tries.one_of_strangers:
        return await asyncio.to_thread(_hasher.hash, password)


# --------------------------------------------------------------------------------------------------------- is it right


async def _checked(request: Request, login: str, password: str, code: str) -> tuple[Account, int]:
    """The account and the step of its code, if all is right and may be tried by now. Raises OfficerUnknown."""
    parts, device = site_of(request), _device_of(request)
    account = await parts.accounts.account(login)
    known = await parts.accounts.tried_from(account.officer.id if account else login, device)
    async with parts.tries.one_of_strangers if known is None else parts.tries.one_of_known:
        # Read within the queue: of many who try at once, each sees the wrong tries of those before.
        account = await parts.accounts.account(login)
        if await _must_wait(request, login, account):
            raise OfficerUnknown
        right = await asyncio.to_thread(verify, account.password if account else _NOBODY, password)
        step = _step(account, code, parts.now())
        if account is None or not right or step is None or not (step or parts.settings.trial):
            await _count(request, login, account, known is not None)
            raise OfficerUnknown
    parts.tries.right(login, tries.network_of(request))
    return account, step


async def _must_wait(request: Request, login: str, account: Account | None) -> bool:
    parts = site_of(request)
    now, network = parts.now(), tries.network_of(request)
    tried = await parts.accounts.tried_from(account.officer.id if account else login, _device_of(request))
    if tried is not None:
        return tries.waits(tried.failed, tried.failed_at, now)
    of_name = (account.failed, account.failed_at) if account else parts.tries.of_name(login)
    return parts.tries.must_wait(login, network, now) or tries.waits(*of_name, now, tries.FREE_OF_NAME)


async def _count(request: Request, login: str, account: Account | None, known: bool) -> None:
    parts = site_of(request)
    officer = account.officer.id if account else ""
    await parts.accounts.failed(login, at=parts.now(), officer=officer, device=_device_of(request))
    if not known:
        parts.tries.failed(login, tries.network_of(request), parts.now())


def _step(account: Account | None, code: str, at: datetime) -> int | None:
    """The step of a right code; 0 for an officer without a second factor; None for a wrong or a used one."""
    if account is None or not account.totp:
        return 0
    return totp.matching_step(account.totp, code, at, account.totp_step) or None


def verify(stored: str, password: str) -> bool:
    """Whether this is the password of that hash; slow, for a thread."""
    try:
        return _hasher.verify(stored, password[:LONGEST_PASSWORD])
    except (Argon2Error, InvalidHashError):
        return False


# --------------------------------------------------------------------------------------------------------------- pages


async def door(request: Request, status: int = 200, **values: Any) -> Response:
    """The sign-in page; `kept` is what somebody wrote when their session was over, `said` a sentence about it."""
    demo = await _demo(site_of(request))
    given = {"said": "", "kept": {}, "next": "", **values}
    return door_page(request, "console/signin.html", status, demo=demo, demo_password=PASSWORD, **given)


async def sign_in_to_send(request: Request, form: FormData) -> Response:
    """A form that came when its session was over: the sign-in page, with what was written on it. Nothing is stored."""
    kept = {name: str(value)[:10_000] for name, value in form.items() if _KEPT_NAME.fullmatch(name) and name != "csrf"}
    path = request.url.path
    if not _KEPT_PATH.fullmatch(path):
        return await door(request, 401, said=ENDED)
    return await door(
        request, 401, said=KEPT, kept={"kept_path": path, **{f"kept.{name}": kept[name] for name in kept}}
    )


def kept_of(form: FormData) -> dict[str, str]:
    """What was kept on a sign-in page: the path it goes to, and its fields, under the names they have there."""
    path = str(form.get("kept_path", ""))
    if not _KEPT_PATH.fullmatch(path):
        return {}
    named = {name: str(value) for name, value in form.items() if name.startswith("kept.")}
    return {"kept_path": path, **{name: value for name, value in named.items() if _KEPT_NAME.fullmatch(name[5:])}}


def _send_again(request: Request, token: str, kept: dict[str, str]) -> Response:
    """What was written, to be looked at and sent by hand: nothing is done by signing in alone."""
    fields = {name[5:]: value for name, value in kept.items() if name.startswith("kept.")}
    return render(
        request, "console/kept.html", officer=None, csrf=csrf(token), path=kept["kept_path"], fields=fields
    )  # fmt: skip


async def _demo(parts: Site) -> list[tuple[str, str]]:
    """(name of an office, login) of each demo officer that is there; nothing outside a trial."""
    if not parts.settings.trial:
        return []
    there = {officer.id for officer in await parts.accounts.officers() if officer.active}
    names = {office.id: office.name for office in parts.book.referral.offices}
    return [(names[one.office], one.id) for one in demo_officers(parts.book.referral) if one.id in there]


def door_page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A form before there is a session; its token comes from a cookie of its own."""
    before = request.cookies.get(DOOR_COOKIE, "")
    fresh = secrets.token_urlsafe(32)
    given = {"wrong": "", "login": "", **values}
    response = render(request, template, status, officer=None, csrf=csrf(before or fresh), **given)
    if not before:
        set_cookie(request, response, DOOR_COOKIE, fresh, None)
    return response


def _device_of(request: Request) -> str:
    """The secret that this browser keeps, or empty."""
    device = request.cookies.get(DEVICE_COOKIE, "")
    return device if _TOKEN.fullmatch(device) else ""


def set_cookie(request: Request, response: Response, name: str, value: str, lasts: timedelta | None) -> None:
    """Out of reach of scripts and of other sites; without `lasts` until the browser closes."""
    age = int(lasts.total_seconds()) if lasts else None
    response.set_cookie(
        name, value, max_age=age, path=PATH, httponly=True, samesite="strict", secure=is_https(request)
    )  # fmt: skip
