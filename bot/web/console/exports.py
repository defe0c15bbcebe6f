"""The weekly exports: which there are, and each as a file to save."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from bot.web.console.access import Desk, list_exports, open_export
from bot.web.console.frame import page_values
from bot.web.look import look_of
from bot.web.pages import render

TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_WEEK = re.compile(r"weekly-(\d{4})-W(\d{2})\.(\w+)")


async def show(request: Request, desk: Desk) -> Response:
    """GET /exports: one line a week."""
    say = look_of(request).say
    weeks: dict[str, list[tuple[str, str]]] = {}
    for name in list_exports(desk):
        found = _WEEK.fullmatch(name)
        if found:
            weeks.setdefault(say("Tuần {week} năm {year}", week=int(found[2]), year=found[1]), []).append(
                (found[3].upper(), name)
            )
    return render(request, "console/exports.html", **page_values(desk, look_of(request)), weeks=weeks)


async def download(request: Request, desk: Desk) -> Response:
    """GET /exports/<name>: the file, after its audit entry."""
    path = await open_export(desk, request.path_params["name"])
    content = await asyncio.to_thread(path.read_bytes)
    return Response(
        content,
        media_type=TYPES[path.suffix[1:]],
        headers={"Content-Disposition": f'attachment; filename="{path.name}"'},
    )
