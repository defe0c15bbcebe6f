"""Joining with a one-time code: name, password, and the second factor, all on one page and in one commit."""

from __future__ import annotations

import secrets
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.accounts import qr, totp
from bot.accounts.passwords import is_guessable
from bot.web.console import tries
from bot.web.console.access import PATH, checked_form
from bot.web.console.signin import DOOR_COOKIE, LONGEST_PASSWORD, door_page, hashed
from bot.web.parts import Site, site_of
from storage.accounts import LoginTaken
from storage.base import Invite, Officer, StorageUnfit

SHORTEST_PASSWORD: Final = 12
CODES: Final = "\0codes"
"""No name to sign in with: under it wrong codes are counted."""
FREE_CODES: Final = 10
"""Unknown codes from one network before it has to wait."""
BAD_CODE: Final = "Mã không dùng được: đã dùng, hết hạn hoặc gõ chưa đúng. Xin mã mới từ người phụ trách."
BAD_LOGIN: Final = "Tên đăng nhập cần 3 đến 40 ký tự: chữ không dấu, số, dấu chấm, gạch ngang, gạch dưới."
BAD_PASSWORD: Final = f"Mật khẩu cần từ {SHORTEST_PASSWORD} đến {LONGEST_PASSWORD} ký tự."
GUESSABLE: Final = (
    "Mật khẩu này dễ đoán: có từ nhiều người dùng, tên đăng nhập, tên cơ quan hoặc dãy số. "
    "Nên ghép bốn từ trở lên không liên quan với nhau."
)
NOT_SAME: Final = "Hai lần gõ mật khẩu chưa giống nhau."
TAKEN: Final = "Tên đăng nhập này đã có người dùng. Mã của bạn vẫn còn dùng được."
BAD_TOTP: Final = "Mã 6 số chưa đúng. Xem lại giờ trên điện thoại, rồi nhập mã đang hiện. Mã một lần vẫn còn dùng được."
SERVICE: Final = ("nhip cau", "cau nhip thu nghiem", "can bo", "mua ban nguoi")
"""What is known of every account here."""
ABOUT_KEY: Final = b"joining/key"


async def show(request: Request) -> Response:
    """GET join: one-time code, name, password, and a fresh key for the second factor."""
    return _page(request, secrets.token_bytes(totp.SECRET_BYTES))


async def post(request: Request) -> Response:
    """POST join: a used, expired or unknown code gets one answer; the code stays good when anything else was wrong."""
    form = await checked_form(request, request.cookies.get(DOOR_COOKIE, ""))
    code, login, password, again, six, key = (
        str(form.get(name, "")).strip() if name not in ("password", "again") else str(form.get(name, ""))
        for name in ("code", "login", "password", "again", "six", "key")
    )
    parts, login = site_of(request), login.lower()
    secret = _opened(parts, key)
    wrong = _unfit(login, password, again)
    if not wrong:
        wrong = await _joined(request, code, login, password, secret, six)
    if wrong:
        return _page(request, secret or secrets.token_bytes(totp.SECRET_BYTES), 422, wrong=wrong, login=login[:40])
    return RedirectResponse(f"{PATH}/sign-in", 303)


def _unfit(login: str, password: str, again: str) -> str:
    if not 3 <= len(login) <= 40 or not all(one.isascii() and (one.isalnum() or one in "._-") for one in login):
        return BAD_LOGIN
    return unfit_password(password, again)


def unfit_password(password: str, again: str) -> str:
    """What is wrong with a new password before it is compared with what others use; empty for nothing."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return BAD_PASSWORD
    return "" if password == again else NOT_SAME


async def _joined(request: Request, code: str, login: str, password: str, secret: bytes, six: str) -> str:
    """Empty when they joined, else what was wrong."""
    parts = site_of(request)
    invite = await _invite(request, code)
    if invite is None:
        return BAD_CODE
    if is_guessable(password, (login, *SERVICE, *known_of(parts, invite.officer))):
        return GUESSABLE
    step = totp.matching_step(secret, six, parts.now()) if secret else 0
    if not step and (six or not parts.settings.trial):
        return BAD_TOTP
    stored = await hashed(parts, password)
    try:
        officer = await parts.accounts.redeem(
            code, login, stored, at=parts.now(), totp=secret if step else b"", step=step
        )
    except LoginTaken:
        return TAKEN
    if officer is None:
        return BAD_CODE
    return ""


async def _invite(request: Request, code: str) -> Invite | None:
    """The invite of a code that may be tried by now: who guesses codes waits, and is told nothing of it."""
    parts = site_of(request)
    now, network = parts.now(), tries.network_of(request)
    # Where the network is not known, one who guesses would hold up everybody; and no guess finds one of 2^64 codes.
    if network and parts.tries.must_wait(CODES, network, now, FREE_CODES):
        return None
    invite = await parts.accounts.find_invite(code)
    if invite is None or invite.expires_at < now:
        parts.tries.failed(CODES, network, now)
        return None
    return invite


def known_of(parts: Site, officer: Officer) -> tuple[str, ...]:
    """What a guesser knows of an officer: their office, its province, their name and id."""
    book = parts.book.referral
    office = next((one for one in book.offices if one.id == officer.office), None)
    provinces = (
        [book.provinces.get(code, "") for code in office.provinces] if office and len(office.provinces) < 4 else []
    )
    return (officer.name, officer.id, officer.office, office.name if office else "", *provinces)


def _opened(parts: Site, key: str) -> bytes:
    """The secret that a page of ours showed; empty for anything else."""
    try:
        return parts.storage.sealer.open(bytes.fromhex(key), ABOUT_KEY)
    except (StorageUnfit, ValueError):
        return b""


def _page(request: Request, secret: bytes, status: int = 200, **values: Any) -> Response:
    parts = site_of(request)
    sealed = parts.storage.sealer.seal(secret, ABOUT_KEY).hex()
    uri = totp.uri_of(secret, values.get("login") or "can bo")
    return door_page(
        request, "console/join.html", status, key=sealed, shown=totp.key_of(secret), uri=uri, picture=qr.drawn(uri),
        required=not parts.settings.trial, **values,
    )  # fmt: skip
