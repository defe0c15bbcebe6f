"""The Zalo Bot Platform as a part of the service (channels.md §1.1). Imported where there is a token only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.routing import Route

from bot.channels.base import Channel
from bot.channels.zalo_bot.poll import poll
from bot.channels.zalo_bot.send import ZaloBotChannel
from bot.channels.zalo_bot.set_up import Way, set_up_at_last
from bot.channels.zalo_bot.webhook import webhook_route
from bot.receive import Receiver
from bot.settings import Settings


def channel_of(settings: Settings) -> ZaloBotChannel:
    """The bot of these settings."""
    return ZaloBotChannel(settings.zalo_bot_token.value, api=settings.zalo_bot_api, proxy=settings.zalo_bot_proxy)


async def keep_up(
    channel: Channel, settings: Settings, receiver: Receiver, told: Callable[[str], None], stop: asyncio.Event
) -> None:
    """Tell Zalo how events come, and poll them where no webhook is set, until `stop` is set.

    `told` hears what came of each try: a code of what went wrong, empty where nothing did.
    """
    zalo = _ours(channel)
    await set_up_at_last(zalo.api, Way(settings.zalo_bot_webhook, settings.zalo_bot_secret.value), stop, told=told)
    if settings.zalo_bot_webhook:
        await stop.wait()
    else:
        await poll(zalo, receiver.citizen, stop, told=told)


def door(channel: Channel, settings: Settings, receiver: Receiver) -> Route:
    """Where Zalo's webhook knocks."""
    return webhook_route(_ours(channel), settings.zalo_bot_secret.value, receiver.citizen)


def _ours(channel: Channel) -> ZaloBotChannel:
    if not isinstance(channel, ZaloBotChannel):
        raise TypeError("the channel named zalo_bot is another")
    return channel
