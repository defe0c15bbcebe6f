"""The whole service as a process of its own: started in a folder, killed, started again, and looked into.

    with Service(tmp_path) as service:            # or: async with
        urllib.request.urlopen(service.url)

`python -m tests.service` is how it runs here: `python -m bot serve` (or `work`, if that is said) with Telegram's pace lifted
and notices that do not wait, so that a story is not told at one line a second. `Service(…, paced=True)` starts the real command.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any, Self

from bot import commands
from bot.settings import Settings
from storage.open import open_storage
from storage.seal import Sealer
from storage.store import DatabaseStorage
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.fakes.zalo_bot import TOKEN as ZALO_TOKEN
from tests.fakes.zalo_bot import FakeZaloBot
from tests.fakes.zalo_oa import FakeZaloOa

ROOT = Path(__file__).resolve().parent.parent
SECRET = "a-secret-of-32-signs-for-the-test"
STARTS_WITHIN_S = 120.0
STOPS_WITHIN_S = 90.0
LAST_LINE = "Telegram:"
"""How the last line of the banner begins; it is written once the port is open."""


class NotStarted(Exception):
    """The process ended, or said nothing in time; the text is what it said on standard error."""


class Service:
    """One home folder and the process that serves it. Every start is on the same port."""

    def __init__(
        self, home: Path, *, paced: bool = False, environ: Mapping[str, str] | None = None, command: Sequence[str] = ()
    ) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = home / "nhipcau.db"
        usual = [sys.executable, "-m", "bot", "serve"] if paced else [sys.executable, "-m", "tests.service"]
        self._command = list(command) or usual
        self._environ = dict(environ or {})
        self._said: list[str] = []
        self._warned: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    def with_telegram(self, telegram: FakeTelegram, *, webhook: bool) -> Self:
        """Talk to this Bot API server, by webhook or by polling."""
        self._environ |= {"NHIPCAU_TELEGRAM_TOKEN": TOKEN, "NHIPCAU_TELEGRAM_API": telegram.url}
        if webhook:
            self._environ |= {
                "NHIPCAU_TELEGRAM_WEBHOOK": f"{self.url}/telegram",
                "NHIPCAU_TELEGRAM_SECRET": SECRET,
            }
        return self

    def with_zalo_bot(self, zalo: FakeZaloBot, *, webhook: bool) -> Self:
        """The same with this Zalo Bot Platform."""
        self._environ |= {"NHIPCAU_ZALO_BOT_TOKEN": ZALO_TOKEN, "NHIPCAU_ZALO_BOT_API": zalo.url}
        if webhook:
            self._environ |= {
                "NHIPCAU_ZALO_BOT_WEBHOOK": f"{self.url}/zalo-bot",
                "NHIPCAU_ZALO_BOT_SECRET": SECRET,
            }
        return self

    def with_zalo_oa(self, zalo: FakeZaloOa) -> Self:
        """The same with this Zalo Official Account; `zalo.save_webhook` points its events here."""
        self._environ |= {
            "NHIPCAU_ZALO_OA_APP": zalo.app_id, "NHIPCAU_ZALO_OA_APP_SECRET": zalo.app_secret,
            "NHIPCAU_ZALO_OA_KEY": zalo.key, "NHIPCAU_ZALO_OA_ID": zalo.account,
            "NHIPCAU_ZALO_OA_REFRESH_TOKEN": zalo.refresh, "NHIPCAU_ZALO_OA_API": zalo.url,
            "NHIPCAU_ZALO_OA_OAUTH": zalo.url,
        }  # fmt: skip
        return self

    @property
    def environ(self) -> dict[str, str]:
        """The environment of its process."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("NHIPCAU_")}
        return {**inherited, "NHIPCAU_HOME": str(self.home), "NHIPCAU_PORT": str(self.port), **self._environ}

    # ------------------------------------------------------------------------------------------------------- running

    def start(self) -> Self:
        """Start it, and return when it answers. Raises NotStarted."""
        assert self._process is None, "it runs already"
        before = len(self._said)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            self._command,
            cwd=ROOT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        answers = threading.Event()
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._listen(self._process.stdout, self._said, answers)
        self._listen(self._process.stderr, self._warned, threading.Event())
        if not answers.wait(STARTS_WITHIN_S) or not any(line.startswith(LAST_LINE) for line in self._said[before:]):
            self.kill()
            raise NotStarted("".join(self._warned))
        return self

    def _listen(self, stream: IO[str], lines: list[str], answers: threading.Event) -> None:
        def read() -> None:
            with stream:
                for line in stream:
                    lines.append(line)
                    if line.startswith(LAST_LINE):
                        answers.set()
            answers.set()

        threading.Thread(target=read, daemon=True).start()

    def stop(self) -> int:
        """End it as an operator does (SIGTERM); its exit status."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.terminate()
        try:
            return process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def kill(self) -> None:
        """End it in the middle of whatever it does (SIGKILL)."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.wait()

    @property
    def pid(self) -> int:
        assert self._process is not None, "it does not run"
        return self._process.pid

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.kill)

    # ------------------------------------------------------------------------------------------------- looking into it

    @property
    def output(self) -> str:
        """All that it has written so far, of all its starts."""
        return "".join((*self._said, *self._warned))

    @property
    def key(self) -> bytes:
        return bytes.fromhex((self.home / "keys" / "service.key").read_text("ascii"))

    @property
    def sealer(self) -> Sealer:
        return Sealer(self.key)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a question to its database answers, whether it runs or not."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            return database.execute(sql, values).fetchall()

    def count(self, sql: str, *values: Any) -> int:
        return int(self.rows(sql, *values)[0][0])

    @asynccontextmanager
    async def storage(self) -> AsyncIterator[DatabaseStorage]:
        """Its storage, opened beside it as the command line does."""
        storage = await open_storage(self.database, self.key)
        try:
            yield storage
        finally:
            await storage.close()

    async def invite(self, office: str, role: str = "duty", name: str = "Cán bộ thử") -> str:
        """A one-time code for a new officer of this office."""
        settings = Settings(home=self.home, database=str(self.database))
        return (await commands.invite(settings, office, name, role)).partition("\n")[0]

    async def until(self, check: Callable[[], Any] | Callable[[], Awaitable[Any]], seconds: float = 10.0) -> None:
        """Return as soon as `check()` holds; TimeoutError after `seconds`. Another process rings no bell, so it looks often."""
        async with asyncio.timeout(seconds):
            while True:
                found = check()
                if await found if isinstance(found, Awaitable) else found:
                    return
                await asyncio.sleep(0.02)

    async def at_rest(self, seconds: float = 10.0) -> None:
        """Return when nothing in the outbox is due any more."""
        due = "SELECT count(*) FROM outbox WHERE finished = 0 AND (attempts > 0 OR due_at <= ?)"
        await self.until(lambda: self.count(due, int(time.time() * 1000) + 1000) == 0, seconds)


def free_port() -> int:
    """A port that nobody listens on, below those that are given out for connections, so that it is free at a restart too."""
    for _ in range(100):
        port = random.randint(10_000, 30_000)  # noqa: S311 - a port is no secret
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port between 10000 and 30000 after 100 tries")


def _serve() -> int:
    from bot import app, perform
    from bot.__main__ import main
    from bot.channels.pace import Pace

    vars(perform)["notice_after"] = lambda clock, number: timedelta()
    vars(app)["Pace"] = partial(Pace, per_second=10_000.0, per_address_s=0.0, burst=64)
    return main(sys.argv[1:] or ["serve"])


if __name__ == "__main__":
    sys.exit(_serve())
