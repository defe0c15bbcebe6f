"""How long somebody waits between wrong tries to sign in. No name is ever locked: the wait ends, at most after a minute.

What a wait counts is chosen so that nobody can keep a colleague out. From a browser at which the officer signed in
before, only its own wrong tries count (they are in the database). From a strange one three counts hold, and the longest
wait: this name from this network, this network whatever the name, and, far later, this name from anywhere.
All is kept as hashes under a key of this process, in memory, and no more of them than `REMEMBERED`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from starlette.requests import Request

FREE_TRIES: Final = 4
"""Wrong tries without a wait: from one browser, or at one name from one network."""
FREE_OF_NETWORK: Final = 30
"""The same for a network, where a whole office may be."""
FREE_OF_NAME: Final = 40
"""The same for a name, from wherever it is tried."""
LONGEST_WAIT_S: Final = 60
REMEMBERED: Final = 10_000
_PAIR, _NETWORK, _NAME = "pair", "network", "name"


def wait_s(failed: int, free: int = FREE_TRIES) -> int:
    """Seconds to wait after so many wrong tries in a row: they double, up to a minute."""
    over = failed - free
    return 0 if over <= 0 else min(LONGEST_WAIT_S, 2 ** min(over, 10))


def waits(failed: int, failed_at: datetime | None, now: datetime, free: int = FREE_TRIES) -> bool:
    """Whether the next try has to wait."""
    return failed_at is not None and now < failed_at + timedelta(seconds=wait_s(failed, free))


class Tries:
    """Wrong tries from strange browsers, as this process saw them. Names that nobody has count like any other."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._counts: OrderedDict[bytes, tuple[int, datetime]] = OrderedDict()
        # A password's check takes 64 MiB for a tenth of a second. Known browsers queue apart: strangers do not hold them up.
        self.one_of_strangers, self.one_of_known = asyncio.Semaphore(1), asyncio.Semaphore(1)

    def must_wait(self, name: str, network: str, now: datetime, free: int = FREE_TRIES) -> bool:
        """Whether a try at this name, or from this network at any, has to wait."""
        pair = waits(*self._count(_PAIR, name, network), now, free)
        return pair or waits(*self._count(_NETWORK, network), now, FREE_OF_NETWORK)

    def of_name(self, name: str) -> tuple[int, datetime | None]:
        """Wrong tries at a name from anywhere: for a name that is not in the database."""
        return self._count(_NAME, name)

    def failed(self, name: str, network: str, now: datetime) -> None:
        """Count a wrong try. Where the network is not known, it holds against the name alone, and not against everybody."""
        counted = [self._of(_PAIR, name, network), self._of(_NAME, name)]
        counted += [self._of(_NETWORK, network)] if network else []
        for key in counted:
            self._counts[key] = (self._counts.get(key, (0, now))[0] + 1, now)
            self._counts.move_to_end(key)
        while len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)

    def right(self, name: str, network: str) -> None:
        """A right one: this name from this network begins anew."""
        for key in (self._of(_PAIR, name, network), self._of(_NAME, name)):
            self._counts.pop(key, None)

    def _count(self, kind: str, *whose: str) -> tuple[int, datetime | None]:
        return self._counts.get(self._of(kind, *whose), (0, None))

    def _of(self, kind: str, *whose: str) -> bytes:
        return blake2b("\0".join((kind, *whose)).encode(), digest_size=16, key=self._key).digest()


def network_of(request: Request) -> str:
    """The mark of the network that a request comes from, as `guard.py` made it: a keyed hash; empty where nobody knows."""
    mark: bytes = request.state.network
    return mark.hex()
