"""Cleaning a file for viewing, seen from the service: a child process does it, and whatever becomes of it, we go on."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Final

import msgspec

from bot import log
from bot.media.result import Clean, Quarantined
from bot.media.worker import Answer, Task

WITHIN_S: Final = 60.0
LARGEST_COPY: Final = 128 * 1024 * 1024
"""Bytes that are taken from a child: one that was taken over must not fill the memory of the service."""
ROOT: Final = Path(__file__).resolve().parent.parent.parent
COMMAND: Final = (sys.executable, "-m", "bot.media.worker")
ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1"}
"""All that the child is given: none of the service's settings, and so none of its secrets."""


async def cleaned(
    content: bytes, *, changed: bool = False, within_s: float = WITHIN_S, command: tuple[str, ...] = COMMAND
) -> Clean | Quarantined:
    """A copy of a file that can be shown, or why there is none. Never raises for anything in the file.

    `changed`: voices in it are to sound otherwise. A child that dies, hangs or talks nonsense is a file that is not shown.
    """
    child = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=ROOT, env=ENVIRONMENT, start_new_session=True
    )
    try:
        async with asyncio.timeout(within_s):
            said = await _exchange(child, msgspec.json.encode(Task(changed)) + b"\n" + content)
            status = await child.wait()
    except TimeoutError:
        return _given_up("time")
    finally:
        await _end(child)
    return _read(said) if status == 0 else _given_up("gave_up")


async def _exchange(child: Process, given: bytes) -> bytes:
    """Hand the file over and take what comes back, both at once so that neither waits for the other."""
    assert child.stdin is not None  # noqa: S101 - both are pipes, see above
    assert child.stdout is not None  # noqa: S101
    _, said = await asyncio.gather(_hand(child.stdin, given), _take(child.stdout))
    return said


async def _hand(pipe: asyncio.StreamWriter, given: bytes) -> None:
    pipe.write(given)
    try:
        await pipe.drain()
        pipe.close()
        await pipe.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        return  # it died while reading; its status says so


async def _take(pipe: asyncio.StreamReader) -> bytes:
    parts, size = [], 0
    while part := await pipe.read(1 << 18):
        size += len(part)
        if size > LARGEST_COPY:
            return b""
        parts.append(part)
    return b"".join(parts)


async def _end(child: Process) -> None:
    if child.returncode is None:
        child.kill()
        await child.wait()
    if child.stdin is not None:
        child.stdin.close()


def _read(said: bytes) -> Clean | Quarantined:
    line, _, content = said.partition(b"\n")
    try:
        answer = msgspec.json.decode(line, type=Answer)
    except msgspec.DecodeError:
        return _given_up("gave_up")
    if answer.why:
        return Quarantined(answer.why)
    return Clean(content, answer.content_type, answer.ending, answer.changed)


def _given_up(why: str) -> Quarantined:
    log.warn("media.given_up", what=why)
    return Quarantined(why)
