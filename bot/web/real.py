"""How somebody sees that this is the real service: what it never asks for, its signed addresses, and what to check them with."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.accounts.qr import drawn
from bot.web.pages import dialable, locale_of, render
from bot.web.parts import site_of
from referral.clocks import VIET_NAM


async def real(request: Request) -> Response:
    """GET /that: readable by anybody, about nobody."""
    parts = site_of(request)
    official = parts.official
    today = parts.now().astimezone(VIET_NAM).date()
    return render(
        request, "real.html", locale=locale_of(request), official=official,
        over=official is not None and today > official.until,
        accounts=[(name, address, drawn(address)) for name, address in (official.accounts if official else ())],
        dial=lambda text: dialable(request, text),
    )  # fmt: skip


async def signed(request: Request) -> Response:
    """GET /that.txt, /that.txt.sig, /that.txt.pem: the very bytes that were signed, their signature, the public key."""
    official = site_of(request).official
    if official is None:
        raise HTTPException(404)
    ending = request.path_params.get("ending", "")
    found = {"": official.text, ".sig": official.signature, ".pem": official.key}
    if ending not in found:
        raise HTTPException(404)
    media_type = "application/octet-stream" if ending == ".sig" else "text/plain; charset=utf-8"
    return Response(found[ending], media_type=media_type)
