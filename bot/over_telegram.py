"""Telegram as a part of the service. Imported where there is a token only: its library takes half a second of a start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.routing import Route

from bot.channels.base import Channel
from bot.channels.telegram.poll import poll
from bot.channels.telegram.send import TelegramChannel
from bot.channels.telegram.set_up import Way, set_up_at_last
from bot.channels.telegram.webhook import webhook_route
from bot.receive import Receiver
from bot.settings import Settings


def channel_of(settings: Settings) -> TelegramChannel:
    """The bot of these settings."""
    return TelegramChannel(
        settings.telegram_token.value,
        api=settings.telegram_api,
        proxy=settings.telegram_proxy,
        files=settings.telegram_files,
    )


async def keep_up(
    channel: Channel, settings: Settings, receiver: Receiver, told: Callable[[str], None], stop: asyncio.Event
) -> None:
    """Tell Telegram who the bot is and how updates come, and poll them where no webhook is set, until `stop` is set.

    `told` hears what came of each try: a code of what went wrong, empty where nothing did.
    """
    telegram = _ours(channel)
    await set_up_at_last(telegram.bot, Way(settings.telegram_webhook, settings.telegram_secret.value), stop, told=told)
    if settings.telegram_webhook:
        await stop.wait()
    else:
        await poll(telegram, receiver.citizen, stop, told=told)


def door(channel: Channel, settings: Settings, receiver: Receiver) -> Route:
    """Where Telegram's webhook knocks."""
    return webhook_route(_ours(channel), settings.telegram_secret.value, receiver.citizen)


def _ours(channel: Channel) -> TelegramChannel:
    if not isinstance(channel, TelegramChannel):
        raise TypeError("the channel named telegram is another")
    return channel
