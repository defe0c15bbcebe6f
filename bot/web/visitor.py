"""Who a browser is to us: a random token in a cookie of the session, and nothing else.

The cookie names no path, so the browser binds it to the folder in which it found the page (RFC 6265, 5.1.4): with a service
below `/chat/` of a shared host no other page of that host is sent it. All pages that set or clear it lie side by side there.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

COOKIE: Final = "nc"
LEFT: Final = "di"
"""Set by the page's script as it is left, and gone with the first answer of ours: it stays only where no network was there."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """32 random bytes: nobody can guess an address."""
    return secrets.token_urlsafe(32)


def token_of(request: Request) -> str:
    """The token that the browser sent, or empty."""
    token = request.cookies.get(COOKIE, "")
    return token if _TOKEN.fullmatch(token) else ""


def has_left(request: Request) -> bool:
    """True where somebody left by quick exit and nothing of it has reached us: their token must lead nowhere."""
    return LEFT in request.cookies


def set_token(request: Request, response: Response, token: str) -> None:
    """A cookie until the browser closes, out of reach of scripts and of other sites."""
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=is_https(request), path=None)


def clear_token(response: Response) -> None:
    """The browser forgets the chat."""
    response.set_cookie(COOKIE, "", max_age=0, expires=0, httponly=True, samesite="strict", path=None)
    clear_left(response)


def clear_left(response: Response) -> None:
    """That they left has been heard."""
    response.set_cookie(LEFT, "", max_age=0, expires=0, samesite="strict", path=None)


def is_https(request: Request) -> bool:
    """Whether the browser speaks https, to us or to what stands before us."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))
