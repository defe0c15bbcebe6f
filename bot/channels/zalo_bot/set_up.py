"""What is told to Zalo once at start: how events reach us (channels.md §1.1 setWebhook, deleteWebhook)."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Final

from bot import log
from bot.channels.base import SendError
from bot.channels.wire.receiving import Told
from bot.channels.wire.waits import rest
from bot.channels.zalo_bot.api import ZaloApi
from bot.channels.zalo_bot.poll import say_why

SECRET: Final = re.compile(r"[A-Za-z0-9_-]{16,256}", re.ASCII)
"""Zalo takes 8 to 256 characters; long enough not to be guessed."""
BASIC: Final = "BASIC"


@dataclass(frozen=True, slots=True)
class Way:
    """How events come: to this https address with this secret, or by getUpdates if the address is empty."""

    webhook_url: str = ""
    secret: str = field(default="", repr=False)


async def set_up(api: ZaloApi, way: Way) -> str:
    """Point Zalo's events at us; returns the bot's plan (`BASIC`). Raises SendError, and ValueError on an unfit secret."""
    if way.webhook_url and not SECRET.fullmatch(way.secret):
        raise ValueError("the Zalo webhook's secret must be 16 to 256 of A-Z a-z 0-9 _ - ; set another")
    me = await api.call("getMe", {})
    if way.webhook_url:
        await api.call("setWebhook", {"url": way.webhook_url, "secret_token": way.secret})
    else:
        await _without_webhook(api)
    return str(me.get("account_type") or BASIC) if isinstance(me, dict) else BASIC


async def _without_webhook(api: ZaloApi) -> None:
    try:
        await api.call("deleteWebhook", {})
    except SendError as error:
        if error.code != "answer_404":  # a bot that has no webhook may say so (channels.md §1.1 getWebhookInfo)
            raise


async def set_up_at_last(
    api: ZaloApi, way: Way, stop: asyncio.Event, *, first_wait_s: float = 1.0, told: Told = lambda code: None
) -> str:
    """`set_up`, tried until Zalo takes it: a network that is away at the start must not leave the bot mute.

    Returns the bot's plan, or empty if `stop` was set before. Each failure is logged with what to do about it.
    """
    failures = 0
    while not stop.is_set():
        try:
            plan = await set_up(api, way)
        except SendError as error:
            failures += 1
            told(error.code)
            say_why(error)
            await rest(stop, first_wait_s, failures)
        else:
            told("")
            log.say("zalo_bot.ready", mode="webhook" if way.webhook_url else "polling")
            return plan
    return ""
