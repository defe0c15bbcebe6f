"""What a signed-in officer asked for and did not get is written down: who, which page, which case; never what they typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from storage.audit import Audit

if TYPE_CHECKING:
    from bot.web.console.access import Desk

NOT_YOURS: Final = frozenset({403, 404})


async def noting_refusals(
    page: Callable[[Request, Desk], Awaitable[Response]], request: Request, desk: Desk
) -> Response:
    """The page; where it refuses, the refusal is in the audit before the officer hears of it."""
    try:
        return await page(request, desk)
    except HTTPException as refused:
        if refused.status_code in NOT_YOURS:
            where = f"{page.__module__.rpartition('.')[2]}.{page.__name__}"
            case = str(request.path_params.get("referral", ""))
            await Audit(desk.parts.storage).refused(desk.officer.id, case, where, desk.parts.now())
        raise
