"""The Zalo Official Account as a part of the service. Imported where an app is set only."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
from starlette.routing import Route

from bot.channels.base import Channel
from bot.channels.pace import Pace
from bot.channels.zalo_oa.api import ZaloOaApi
from bot.channels.zalo_oa.send import ZaloOaChannel
from bot.channels.zalo_oa.tokens import RENEW_BEFORE_S, Pair, Tokens
from bot.channels.zalo_oa.webhook import webhook_route
from bot.held import pause
from bot.receive import Receiver, utc_now
from bot.settings import ZaloOa
from storage.base import Commit, OutboxRow
from storage.record import Record
from storage.store import DatabaseStorage

PER_MINUTE = 4000
"""Calls of one app (channels.md §1.2 "Rate limit")."""


def pace() -> Pace:
    """How fast messages leave: 4,000 a minute, spread; Zalo names no space between two to one person."""
    return Pace(per_second=PER_MINUTE / 60, per_address_s=0.0, per_minute=PER_MINUTE)


def channel_of(settings: ZaloOa, storage: DatabaseStorage, paced: Pace) -> ZaloOaChannel:
    """The account of these settings, with its tokens in this storage."""

    def left(calls: int) -> None:
        paced.left(calls, asyncio.get_running_loop().time())

    api = ZaloOaApi(
        app_id=settings.app, app_secret=settings.app_secret.value, api=settings.api,
        oauth=settings.oauth, proxy=settings.proxy, left=left,
    )  # fmt: skip
    tokens = Tokens(
        PairShelf(storage, settings.app), api.renew, Alarms(storage).ring,
        given=settings.refresh_token.value,
    )  # fmt: skip
    return ZaloOaChannel(api, tokens, account=settings.account)


async def keep_up(channel: Channel, stop: asyncio.Event) -> None:
    """Renew the tokens in time, until `stop` is set."""
    await _ours(channel).tokens.keep(stop, pause)


def door(channel: Channel, settings: ZaloOa, receiver: Receiver) -> Route:
    """Where Zalo's webhook knocks."""
    return webhook_route(_ours(channel), settings.app, settings.key.value, receiver.citizen)


async def token_of(settings: ZaloOa, storage: DatabaseStorage) -> tuple[datetime | None, str]:
    """Until when the stored token works, and what its last renewal came to grief by; None where there is none yet."""
    pair, _ = await PairShelf(storage, settings.app).read()
    if pair is None:
        return None, ""
    return (datetime.fromtimestamp(pair.expires_at, UTC) if pair.access else None), pair.trouble


async def late_since(settings: ZaloOa, storage: DatabaseStorage, now: datetime) -> datetime | None:
    """Since when the token should have been renewed; None while it need not be, or where there never was one."""
    until, _ = await token_of(settings, storage)
    due = until - timedelta(seconds=RENEW_BEFORE_S) if until else None
    return due if due is not None and due < now else None


class PairShelf:
    """The pair of tokens, sealed with the service key, for every process that shares the database."""

    def __init__(self, storage: DatabaseStorage, app: str) -> None:
        self._record = Record(storage, f"zalo_oa/tokens/{app}")

    async def read(self) -> tuple[Pair | None, bytes]:
        content, mark = await self._record.read()
        return (msgspec.json.decode(content, type=Pair) if content is not None else None), mark

    async def put(self, pair: Pair, mark: bytes) -> bool:
        return await self._record.replace(msgspec.json.encode(pair), mark)


class Alarms:
    """Tells the staff that nothing will leave soon unless somebody acts; once for each trouble of a pair."""

    def __init__(self, storage: DatabaseStorage) -> None:
        self._storage = storage

    async def ring(self, trouble: str, serial: int) -> None:
        number = f"zalo-oa-{trouble}-{serial}"
        body = {"error": number, "unsent": "yes"}
        row = OutboxRow(f"alarm/{number}", "alarm", f"alarm:{number}", 1, utc_now(), body)
        await self._storage.commit(Commit(at=utc_now(), outbox=(row,)))


def _ours(channel: Channel) -> ZaloOaChannel:
    if not isinstance(channel, ZaloOaChannel):
        raise TypeError("the channel named zalo_oa is another")
    return channel
