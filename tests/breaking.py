"""A storage that stops its caller at one chosen call: before it, in the middle of it, or after it was done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal, cast

from storage.base import Storage, StorageAway

Moment = Literal["cancelled before", "cancelled during", "cancelled after", "away before", "away after"]
MOMENTS: tuple[Moment, ...] = (
    "cancelled before", "cancelled during", "cancelled after", "away before", "away after",
)  # fmt: skip


class Breaking:
    """Hands every call on to a real storage, but for call number `at` (from 1), which it breaks off at this moment."""

    def __init__(self, storage: Storage, at: int, moment: Moment) -> None:
        self._storage = storage
        self._at = at
        self._moment = moment
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._storage, name)

        async def called(*arguments: Any, **named: Any) -> Any:
            self.calls.append(name)
            if len(self.calls) != self._at:
                return await method(*arguments, **named)
            return await self._broken(method(*arguments, **named))

        return called

    @property
    def broke(self) -> bool:
        return len(self.calls) >= self._at

    async def _broken(self, call: Any) -> Any:
        if self._moment == "away before":
            call.close()
            raise StorageAway("as the test wishes")
        if self._moment == "cancelled before":
            call.close()
            raise asyncio.CancelledError
        if self._moment == "cancelled during":
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_soon(task.cancel)
            return await call
        await call
        raise StorageAway("as the test wishes") if self._moment == "away after" else asyncio.CancelledError


def breaking(storage: Storage, at: int, moment: Moment) -> tuple[Storage, Breaking]:
    """The storage as others know it, and the same as the test knows it."""
    broken = Breaking(storage, at, moment)
    return cast(Storage, broken), broken


class Refusing:
    """Hands every call on, but for those named, which raise what the test gives for as long as it gives something."""

    def __init__(self, storage: Storage, **errors: Callable[[], Exception | None]) -> None:
        self._storage = storage
        self._errors = errors

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._storage, name)
        if name not in self._errors:
            return method

        async def called(*arguments: Any, **named: Any) -> Any:
            error = self._errors[name]()
            if error is not None:
                raise error
            return await method(*arguments, **named)

        return called


def refusing(storage: Storage, **errors: Callable[[], Exception | None]) -> Storage:
    """A storage whose named methods raise what these give."""
    return cast(Storage, Refusing(storage, **errors))


def times(count: int, make: Callable[[], Exception]) -> Callable[[], Exception | None]:
    """An error so many times, and then none."""
    left = [count]

    def error() -> Exception | None:
        left[0] -= 1
        return make() if left[0] >= 0 else None

    return error
