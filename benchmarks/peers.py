"""This service as one more peer of the harness that measures bot frameworks on one piece of work (an intake of 14 updates).

    PYTHONPATH=. python HARNESS/run.py pair benchmarks.peers:Product ptb-sqlite-full --transport loop

The harness hands in updates and counts requests; its own updates are replaced by those of one report of a
missing relative: as many turns of the same kinds, ending in one intake with its referral. Everything is
on: encryption, audit, catalogues, the proof that nothing is lost. As for the other peers, ending the button's waiting and
striking the old keyboard are left out, so that a turn makes one request. A turn ends when its reply has left.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from benchmarks.turns import CountingRequest, Running, service
from bot.book import read_book
from bot.channels.base import Inbound, Message, Sent
from bot.channels.telegram.request import AiohttpRequest
from bot.channels.telegram.send import TelegramChannel
from bot.interpreter import settle

SCRIPT: Final[tuple[tuple[str, str], ...]] = (
    ("text", "/start"),
    ("tap", "safe"),
    ("tap", "missing"),
    ("tap", "adult"),
    ("tap", "month"),
    ("tap", "in_vn"),
    ("tap", "normal"),
    ("location", "22.3364,104.8692"),
    ("tap", "c01153"),
    ("text", "Em gái tôi hai mươi tuổi, đi làm ở khu công nghiệp, lâu rồi chưa về thăm, phòng 1234567891"),
    ("text", "Tóc dài, cao khoảng một mét sáu, hay mặc áo khoác xanh số 1234567891"),
    ("tap", "chat"),
    ("tap", "none"),
    ("tap", "send"),
)
"""A relative is missed: /start, ten buttons, two texts and a location; the harness's own intake has nine buttons and three texts.
The button more confirms the place. The number in the texts becomes each person's own, so that no two write the same."""
CONV: Final = 1_234_567_891
UPDATE: Final = 909_090_909_090
_numbers = itertools.count(700_000_000_000)
COUNTS: Final = {
    "record": "SELECT COUNT(*) FROM intake",
    "outbox": "SELECT COUNT(DISTINCT intake) FROM referral",
}


class _ToStub(TelegramChannel):
    """Tells whoever waits for a reply that it has left."""

    def __init__(self, token: str, **how: Any) -> None:
        super().__init__(token, **how)
        self.waiting: dict[str, asyncio.Future[None]] = {}

    async def send(self, address: str, message: Message) -> Sent:
        sent = await super().send(address, message)
        waits = self.waiting.pop(address, None)
        if waits is not None and not waits.done():
            waits.set_result(None)
        return sent


class Product:
    """The interface of the harness's `peers.base.Peer`."""

    durable = "SQLite WAL FULL, group commit, before the reply; sealed, audited"
    service: str | None = None

    def __init__(self, workdir: Path, stub_url: str | None, service_url: str | None) -> None:
        self.workdir, self.stub_url, self.service_url = Path(workdir), stub_url, service_url
        self.out = self.out_bytes = 0
        self._stack = AsyncExitStack()
        self._running: Running
        self._channel: _ToStub

    def sent(self, body: bytes) -> None:
        """A request left."""
        self.out += 1
        self.out_bytes += len(body)

    async def start(self) -> None:
        book, _ = read_book()
        request = _Loopback(self) if self.stub_url else _InProcess(self)
        self._channel = _ToStub("1:bench", request=request, **({"api": self.stub_url} if self.stub_url else {}))
        self._running = await self._stack.enter_async_context(service(book, self.workdir / "bench.db", self._channel))
        settle()

    def prepare(self, conv: int, turn: int, raw: bytes) -> bytes:
        """Our own update in place of the harness's; its buttons carry the number of their question."""
        return _update(conv, turn)

    async def feed(self, conv: int, raw: bytes) -> None:
        inbound = self._running.channel.read(raw, {})
        if not isinstance(inbound, Inbound):
            raise RuntimeError("the bench's own update was not read")
        replied = self._channel.waiting[inbound.address] = asyncio.get_running_loop().create_future()
        await self._running.receiver.citizen(replace(inbound, press={}))
        await replied

    async def stop(self) -> None:
        await self._stack.aclose()

    async def counts(self) -> dict[str, int]:
        """Intakes, and intakes that were referred."""
        with sqlite3.connect(self.workdir / "bench.db") as database:
            return {name: database.execute(sql).fetchone()[0] for name, sql in COUNTS.items()}

    async def prefill(self, n: int, first: int) -> None:
        """So many conversations half way through, by their own turns."""
        await self.start()
        queue = iter(range(first, first + n))
        await asyncio.gather(*(self._half(queue) for _ in range(64)))
        await self.stop()

    async def _half(self, queue: Iterator[int]) -> None:
        for conv in queue:
            for turn in range(len(SCRIPT) // 2):
                await self.feed(conv, _update(conv, turn))

    async def stored_state(self, conv: int) -> str | None:
        """The step in which a conversation waits, for the harness's check after kill -9: by its place in the script."""
        raise NotImplementedError("tests/chaos checks what was acknowledged, with more faults than one")

    def extra_pids(self) -> list[int]:
        return []


def _update(conv: int, turn: int) -> bytes:
    """The update of one turn, made from a template by replacing numbers of the same length, so that it costs next to nothing."""
    template = _template()[turn].replace(b"%d" % CONV, b"%d" % conv)
    return template.replace(b"%d" % UPDATE, b"%d" % next(_numbers))


@cache
def _template() -> tuple[bytes, ...]:
    return tuple(_written(turn, kind, what) for turn, (kind, what) in enumerate(SCRIPT))


def _written(turn: int, kind: str, what: str) -> bytes:
    conv = CONV
    user = {"id": conv, "is_bot": False, "first_name": "Hồng", "last_name": "Nguyễn", "language_code": "vi"}
    chat = {"id": conv, "first_name": "Hồng", "last_name": "Nguyễn", "type": "private"}
    message: dict[str, Any] = {"message_id": 10 + 2 * turn, "from": user, "chat": chat, "date": 1_790_000_000 + turn}
    body: dict[str, Any] = {"update_id": UPDATE}
    if kind == "tap":
        shown = {**message, "from": {"id": 1, "is_bot": True, "first_name": "Nhịp Cầu"}, "text": "Bạn cần gì lúc này?"}
        body["callback_query"] = {
            "id": f"{conv}{turn}", "from": user, "chat_instance": "-1", "data": f"p{turn}:{what}", "message": shown,
        }  # fmt: skip
    elif kind == "text":
        body["message"] = {**message, "text": what}
    else:
        latitude, longitude = map(float, what.split(","))
        body["message"] = {**message, "location": {"latitude": latitude, "longitude": longitude}}
    return json.dumps(body, ensure_ascii=False).encode()


class _Loopback(AiohttpRequest):
    """The service's own client, counted."""

    def __init__(self, peer: Product) -> None:
        super().__init__()
        self._peer = peer

    async def _carried(self, url: str, method: str, request_data: Any, waits: Any) -> tuple[int, bytes]:
        self._peer.sent(request_data or b"")
        return await super()._carried(url, method, request_data, waits)


class _InProcess(CountingRequest):
    """No socket: the bytes of the request are made and counted."""

    def __init__(self, peer: Product) -> None:
        super().__init__()
        self._peer = peer

    async def _carried(self, url: str, method: str, request_data: Any, waits: Any) -> tuple[int, bytes]:
        self._peer.sent(request_data or b"")
        return await super()._carried(url, method, request_data, waits)
