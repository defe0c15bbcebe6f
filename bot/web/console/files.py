"""One file that somebody sent: its page, the copy for viewing, and the original for evidence. Words beside codes."""

from __future__ import annotations

import base64
import re
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bot.media.result import PASSES, Clean, Quarantined
from bot.media.views import Key, View
from bot.web import words
from bot.web.console.access import TAKES_ORIGINALS, Desk, SentFile, how_it_stands, open_file, open_original
from bot.web.console.frame import page_values
from bot.web.look import look_of
from bot.web.pages import render

SANDBOX: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"
"""A copy opened by itself may do nothing at all."""
_RANGE = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")


async def show_file(request: Request, desk: Desk) -> Response:
    """GET /r/<id>/file/<n>: the copy for viewing, or why there is none. Opening it is written down."""
    return await _page(request, desk)


async def show_view(request: Request, desk: Desk) -> Response:
    """GET /r/<id>/file/<n>/view: the copy itself, whole or in part. 404 where there is none."""
    key = await _key(desk, request)
    view = desk.parts.views.get(key, desk.parts.now())
    if view is None:
        view = await _view(desk, key, await _opened(request, desk))
    if not isinstance(view, Clean):
        raise HTTPException(404)
    return _part(request, view, f"tep-{request.path_params['number'] + 1}.{view.ending}")


async def take_original(request: Request, desk: Desk) -> Response:
    """POST /r/<id>/file/<n>/original: the file as it came, to be saved; for a chief who says why. Written down first."""
    reason = request.state.form.get("reason", "")
    if desk.officer.role in TAKES_ORIGINALS and reason not in words.ORIGINAL_REASONS:
        return await _page(request, desk, refusal=words.NO_REASON, status=422)
    file = await open_original(desk, request.path_params["referral"], request.path_params["number"], reason)
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    headers = {
        "Content-Disposition": f'attachment; filename="tep-{file.number + 1}-goc.bin"',
        "Content-Security-Policy": SANDBOX,
        "X-Download-Options": "noopen",
        "Content-Length": str(file.opened.size),
        "Repr-Digest": f"sha-256=:{digest}:",  # RFC 9530
    }
    return StreamingResponse(file.opened.pieces(), media_type="application/octet-stream", headers=headers)


async def _page(request: Request, desk: Desk, *, refusal: str = "", status: int = 200) -> Response:
    file = await _opened(request, desk)
    view = await _view(desk, await _key(desk, request), file)
    shown = view if isinstance(view, Clean) else None
    look = look_of(request)
    reasons = [(code, look.say(reason)) for code, reason in words.ORIGINAL_REASONS.items()]
    return render(
        request, "console/file.html", status, **page_values(desk, look), refusal=look.say(refusal), at="case",
        referral=file.referral, number=file.number, name=f"{look.say(words.MEDIA.get(file.kind, file.kind))} {file.number + 1}",
        shown_as=shown.content_type.partition("/")[0] if shown else "", changed=bool(shown and shown.changed),
        why="" if isinstance(view, Clean) else look.say(words.NOT_SHOWN[view.why]),
        again=isinstance(view, Quarantined) and view.why in PASSES,
        sha256=file.sha256, size=words.size(file.opened.size), altered=file.altered, held=file.held,
        may_take=desk.officer.role in TAKES_ORIGINALS, reasons=reasons,
    )  # fmt: skip


async def _opened(request: Request, desk: Desk) -> SentFile:
    return await open_file(desk, request.path_params["referral"], request.path_params["number"])


async def _key(desk: Desk, request: Request) -> Key:
    """Of this session and of the case as it stands: a copy is never found by another officer, nor after anything changed."""
    referral, number = request.path_params["referral"], request.path_params["number"]
    return await how_it_stands(desk, referral), referral, str(number)


async def _view(desk: Desk, key: Key, file: SentFile) -> View:
    """The copy, made a moment ago or now. Whoever does not hold the case hears other voices."""
    views, now = desk.parts.views, desk.parts.now()
    return views.get(key, now) or await views.make(key, await file.opened.read(), now, changed=not file.held)


def _part(request: Request, view: Clean, name: str) -> Response:
    """The bytes that were asked for (RFC 9110 §14): players ask for a film in pieces."""
    whole = len(view.content)
    headers = {
        "Content-Disposition": f'inline; filename="{name}"',
        "Content-Security-Policy": SANDBOX,
        "Accept-Ranges": "bytes",
    }
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or not (asked[1] or asked[2]):
        return Response(view.content, media_type=view.content_type, headers=headers)
    first = int(asked[1]) if asked[1] else max(0, whole - int(asked[2]))
    last = min(int(asked[2]), whole - 1) if asked[1] and asked[2] else whole - 1
    if first > last:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{whole}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{whole}"
    return Response(view.content[first : last + 1], 206, headers, view.content_type)
