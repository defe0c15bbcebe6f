"""Random bytes from the operating system, fetched by the page.

Each fetch gives Python's lock away, and the database's thread takes it: under load a dozen bytes cost a turn 10 µs, which
here a hundred of them share. No byte is given twice: a process that is forked begins with nothing.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Final

PAGE: Final = 4096


class Chance:
    """So many random bytes at a time. Safe to ask from any thread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left: deque[bytes] = deque()
        os.register_at_fork(after_in_child=self._left.clear)

    def __call__(self) -> bytes:
        while True:
            try:
                return self._left.popleft()
            except IndexError:
                page = os.urandom(PAGE - PAGE % self._size)
                self._left.extend(page[at : at + self._size] for at in range(0, len(page), self._size))
