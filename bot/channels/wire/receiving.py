"""Taking in what a platform posts: its body within bounds, and whether what it says was stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request

from bot.channels.base import Inbound

LARGEST_BODY: Final = 1024 * 1024
"""Bytes. A real event takes a few kilobytes."""

Receive = Callable[[Inbound], Awaitable[None]]
"""Commits one thing a person did. Raises if nothing was written."""
Told = Callable[[str], None]
"""Hears what came of each try to reach a platform: a code of what went wrong, empty where nothing did."""


async def body_of(request: Request) -> bytes | None:
    """The body, or None as soon as it is known to be larger than `LARGEST_BODY`."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > LARGEST_BODY:
        return None
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                return None
    except ClientDisconnect:
        return None  # nobody is left to read the answer, and what the platform got no 200 for it sends again
    return bytes(body)


async def why_not_stored(receive: Receive, inbound: Inbound) -> str:
    """Empty where it was stored, else the kind of the error and nothing more: its text could hold what the person wrote.

    Whatever the reason, nothing was written, so the platform must give it again, or it must be tried again here.
    """
    try:
        await receive(inbound)
    except Exception as error:
        return type(error).__name__
    return ""
