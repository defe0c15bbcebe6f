"""From `python -m bot serve` to the first reply that a browser gets, in seconds of the wall clock."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from tempfile import TemporaryDirectory

TRIES = 2000
EVERY_S = 0.01


async def start_s() -> float:
    """Seconds of a second start (the first one also makes the database and the demo officers)."""
    with TemporaryDirectory() as home:
        await started(home)
        return await started(home)


async def started(home: str) -> float:
    """Seconds of one start in this home."""
    port = _free_port()
    environ = {**os.environ, "NHIPCAU_HOME": home, "NHIPCAU_PORT": str(port)}
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "serve", env=environ,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await _first_reply(port)
        return time.perf_counter() - began
    finally:
        process.terminate()
        await process.wait()


async def _first_reply(port: int) -> None:
    for _ in range(TRIES):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(EVERY_S)
            continue
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        status = await reader.readline()
        writer.close()
        if b" 200 " in status:
            return
    raise RuntimeError("the service did not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
