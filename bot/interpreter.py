"""How Python itself is set for a process that serves people who wait."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from typing import Final

SWITCH_S: Final = 0.001
"""How soon a busy event loop lets the database's thread go on: at Python's 5 ms a full loop leaves it 50 commits a second."""

YOUNG: Final = 5_000
"""After so many new objects the young ones are looked through, 3 ms. At Python's 700 it is done for what a few turns have in
hand, and costs each turn 29 µs instead of 10."""

PR_SET_DUMPABLE: Final = 4  # prctl(2)


def keep_memory_in() -> None:
    """Call first of all. No core dump holds what people wrote, and on Linux no other process of this user may look into ours."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # What the kernel pipes to a collector (core_pattern) ignores the limit, but not this.
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def begin() -> None:
    """Call first of all. What is built at start is no garbage, and looking for some takes a tenth of a second."""
    gc.disable()


def settle() -> None:
    """Call once everything is built. What was built stays, so the collector need never walk it again.

    Without this every full collection walks the flows, rules and catalogues: all who wait stand still for 150 ms.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
    gc.enable()
