"""Ten thousand bodies a channel that no platform would send: no 5xx, and nothing is taken that was not signed.

Real updates in which something is something else, cut off, doubled or made noise, with the right secret, a wrong one, none.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from bot.channels.base import Inbound
from bot.channels.telegram import webhook as telegram
from bot.channels.telegram.send import TelegramChannel
from bot.channels.wire.decoded import decoded
from bot.channels.zalo_bot import webhook as zalo_bot
from bot.channels.zalo_bot.send import ZaloBotChannel
from bot.channels.zalo_oa import webhook as zalo_oa
from bot.channels.zalo_oa.send import ZaloOaChannel
from bot.channels.zalo_oa.signature import HEADER as ZALO_OA_HEADER
from bot.channels.zalo_oa.signature import signature_of
from tests.test_zalo_bot import AN, event

SECRET = "a-secret-of-32-signs-for-the-test"
BODIES, AT_ONCE = 10_000, 200
UPDATES = [
    json.loads(path.read_bytes()) for path in sorted((Path(__file__).parent / "channels/telegram/in").glob("*.json"))
]
EVENTS = [
    event("message.text.received", text="Xin chào"),
    {"ok": True, "result": event("message.image.received", photo="https://p.zdn.vn/x.jpg", caption="Xe")},
    event("message.voice.received", voice_url="https://f2.zdn.vn/a.aac"),
    event("message.unsupported.received"),
    {"event_name": "message.unsupported.received"},
]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("x" * 5000) | st.just(AN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def broken(chance: random.Random, real: Sequence[Any], odd: Sequence[Any]) -> bytes:
    """A real body with odd things in it, and perhaps its bytes spoiled."""
    body = json.loads(json.dumps(chance.choice(real)))
    for _ in range(chance.choice((0, 1, 1, 2))):
        at = body
        while isinstance(at, dict) and at:
            key = chance.choice(list(at))
            if not isinstance(at[key], dict) or chance.random() < 0.3:
                if chance.random() < 0.2:
                    del at[key]
                else:
                    at[key] = json.loads(json.dumps(chance.choice(odd)))  # a copy: it may be changed in turn
                break
            at = at[key]
    raw = json.dumps(body, ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")
    spoil = chance.random()
    if spoil < 0.15:
        return raw[: chance.randint(0, len(raw))]
    if spoil < 0.3:
        return b"".join((raw[:5], chance.randbytes(3), raw[5:]))
    return raw + raw if spoil > 0.95 else raw


class Posted:
    """A door without a network: what it answered, and what it took."""

    def __init__(self, route: Callable[[Any], Route], header: str) -> None:
        self.taken: list[Inbound] = []
        self._header = header.lower().encode()
        self._app = route(self._receive)

    async def _receive(self, inbound: Inbound) -> None:
        repr(inbound).encode()  # nothing in it that cannot be stored
        self.taken.append(inbound)

    async def post(self, body: bytes, secret: bytes | None) -> int:
        signed = [] if secret is None else [(self._header, secret)]
        headers = [(b"content-length", str(len(body)).encode()), *signed]
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
        status = 0

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)

        await self._app.app(scope, receive, send)
        return status


SECRETS = (SECRET.encode(), SECRET.encode(), None, b"", SECRET[:-1].encode(), b"\xe1\xba\xa1", SECRET.upper().encode())


@pytest.mark.parametrize("channel", ["telegram", "zalo_bot"])
def test_no_body_breaks_a_door_and_none_unsigned_comes_in(channel: str) -> None:
    if channel == "telegram":
        bot = TelegramChannel("1:x")
        door = Posted(lambda receive: telegram.webhook_route(bot, SECRET, receive), telegram.HEADER)
        real: Sequence[Any] = UPDATES
    else:
        door = Posted(lambda r: zalo_bot.webhook_route(ZaloBotChannel("1:x"), SECRET, r), zalo_bot.HEADER)
        real = EVENTS
    count = 0

    @settings(max_examples=BODIES // AT_ONCE, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**64), st.lists(anything, min_size=8, max_size=40))
    def holds(seed: int, odd: list[Any]) -> None:
        nonlocal count
        chance = random.Random(seed)  # noqa: S311 - a seed is no secret

        async def all_of_them() -> None:
            nonlocal count
            for _ in range(AT_ONCE):
                body, secret = broken(chance, real, odd), chance.choice(SECRETS)
                before = len(door.taken)
                status = await door.post(body, secret)
                count += 1
                assert status < 500, body
                if secret != SECRET.encode():
                    assert len(door.taken) == before, body
                    assert status == (200 if channel == "zalo_bot" and not body else 403)

        asyncio.run(all_of_them())

    holds()
    assert count >= BODIES
    assert len(door.taken) > BODIES // 50, "some of it must come near enough to be read"


APP = "360846524940903967"
SIGNATURES: Sequence[Callable[[str], bytes | None]] = (
    lambda mac: f"mac={mac}".encode(), lambda mac: mac.encode(),
    lambda _: None, lambda _: b"", lambda mac: f"mac={mac[:-1]}".encode(), lambda mac: f"mac={mac[::-1]}".encode(),
    lambda _: b"mac=" + b"0" * 64, lambda _: b"mac=\xe1\xba\xa1",
)  # fmt: skip
RIGHT = 2
"""So many of them, the first, are Zalo's."""


def oa_events() -> list[Any]:
    from tests.test_zalo_oa import EVENTS as REAL

    return [body for body, _ in REAL]


def test_zalo_oa_hears_200_whatever_comes_and_only_what_is_signed_comes_in() -> None:
    """Another answer to what is not signed would have Zalo show the address as broken (channels.md §1.2)."""
    channel = ZaloOaChannel(None, None)  # type: ignore[arg-type]  # nothing is sent
    door = Posted(lambda receive: zalo_oa.webhook_route(channel, APP, SECRET, receive), ZALO_OA_HEADER)
    real = oa_events()
    count = unsigned = 0

    @settings(max_examples=BODIES // AT_ONCE, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**64), st.lists(anything, min_size=8, max_size=40))
    def holds(seed: int, odd: list[Any]) -> None:
        chance = random.Random(seed)  # noqa: S311 - a seed is no secret

        async def all_of_them() -> None:
            nonlocal count, unsigned
            for _ in range(AT_ONCE):
                body, way = broken(chance, real, odd), chance.choice(range(len(SIGNATURES)))
                moment = str((decoded(body) or {}).get("timestamp") or "")
                before, count = len(door.taken), count + 1
                header = SIGNATURES[way](signature_of(body, APP, moment, SECRET))
                assert await door.post(body, header) == 200, body
                if way >= RIGHT:
                    unsigned += 1
                    assert len(door.taken) == before, body

        asyncio.run(all_of_them())

    holds()
    assert count >= BODIES
    assert unsigned > BODIES // 2
    assert len(door.taken) > BODIES // 50, "some of it must come near enough to be read"
