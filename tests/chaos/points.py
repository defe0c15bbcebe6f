"""Every moment at which a process can be ended: where a task is left or taken up again, and before each statement of SQLite.

Counted from outside, by the event loop's task factory and by the trace of SQLite's driver: the product knows nothing of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Coroutine, Generator
from typing import Any, Literal

Kind = Literal["awaits", "statements"]


class Points:
    """Counts the points of one kind and ends this process with -9 at number `fatal` (0: never). The first is number 1."""

    def __init__(self, kind: Kind, fatal: int) -> None:
        self._passed = 0
        self._kind = kind
        self._fatal = fatal
        self._counting = False

    def count(self, on: bool) -> None:
        """Begin or end to count."""
        self._counting = on

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch every task that this loop makes from now on, and every connection to SQLite that is opened."""
        loop.set_task_factory(lambda loop, coro, **more: asyncio.Task(_Watched(coro, self), loop=loop, **more))
        connect = sqlite3.connect

        def watched(*where: Any, **how: Any) -> sqlite3.Connection:
            made = connect(*where, **how)
            made.set_trace_callback(lambda _: self.reach("statements"))
            return made

        vars(sqlite3)["connect"] = watched

    def reach(self, kind: Kind) -> None:
        """A point of this kind is reached."""
        if not self._counting or kind != self._kind:
            return
        self._passed += 1
        if self._passed == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class _Watched(Coroutine[Any, Any, Any]):
    """A coroutine of which each leaving and each taking up is a point."""

    def __init__(self, inner: Any, points: Points) -> None:
        self._inner = inner
        self._points = points

    def send(self, value: Any) -> Any:
        self._points.reach("awaits")
        left = self._inner.send(value)
        self._points.reach("awaits")
        return left

    def throw(self, *what: Any) -> Any:
        self._points.reach("awaits")
        left = self._inner.throw(*what)
        self._points.reach("awaits")
        return left

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, None, Any]:
        raise TypeError("a task's own coroutine is not awaited")
