"""The console's table of routes. Whatever is not sign-in or join goes through `signed_in`."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.web.console import (
    actions,
    audit,
    cases,
    doors,
    exports,
    files,
    joining,
    live,
    looks,
    own,
    queue,
    requests,
    sheet,
    signin,
    staff,
    unlock,
)
from bot.web.console.access import PATH, signed_in


async def _home(request: Request) -> Response:
    return RedirectResponse(f"{PATH}/", 303)


OPEN: Final[tuple[BaseRoute, ...]] = (
    Route("/officers", _home, methods=["GET"]),
    Route("/officers/sign-in", signin.show, methods=["GET"]),
    Route("/officers/sign-in", signin.post, methods=["POST"]),
    Route("/officers/join", joining.show, methods=["GET"]),
    Route("/officers/join", joining.post, methods=["POST"]),
    Route("/officers/sw.js", doors.worker, methods=["GET"]),
    Route("/officers/look", looks.switch, methods=["GET"]),
)
"""What can be reached without a session; nothing of a case is behind it."""

CLOSED: Final[tuple[BaseRoute, ...]] = (
    Route("/officers/", signed_in(queue.show_list), methods=["GET"]),
    Route("/officers/sign-out", signed_in(signin.leave), methods=["POST"]),
    Route("/officers/r/{referral}", signed_in(cases.show_case), methods=["GET"]),
    Route("/officers/r/{referral}", signed_in(actions.act), methods=["POST"]),
    Route("/officers/r/{referral}/sheet", signed_in(sheet.show), methods=["GET"]),
    Route("/officers/live", signed_in(live.stream), methods=["GET"]),
    Route("/officers/r/{referral}/file/{number:int}", signed_in(files.show_file), methods=["GET"]),
    Route("/officers/r/{referral}/file/{number:int}/view", signed_in(files.show_view), methods=["GET"]),
    Route("/officers/r/{referral}/file/{number:int}/original", signed_in(files.take_original), methods=["POST"]),
    Route("/officers/requests", signed_in(requests.show), methods=["GET"]),
    Route("/officers/requests", signed_in(requests.answer), methods=["POST"]),
    Route("/officers/staff", signed_in(staff.show), methods=["GET"]),
    Route("/officers/staff", signed_in(staff.act), methods=["POST"]),
    Route("/officers/me", signed_in(own.show), methods=["GET"]),
    Route("/officers/me", signed_in(own.act), methods=["POST"]),
    Route("/officers/keys", signed_in(unlock.show), methods=["GET"]),
    Route("/officers/keys", signed_in(unlock.give), methods=["POST"]),
    Route("/officers/exports", signed_in(exports.show), methods=["GET"]),
    Route("/officers/audit", signed_in(audit.show), methods=["GET"]),
    Route("/officers/exports/{name}", signed_in(exports.download), methods=["GET"]),
)
"""What needs a session."""

ROUTES: Final = (*OPEN, *CLOSED)
