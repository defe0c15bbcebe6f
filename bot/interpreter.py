"""How Python itself is set for a process that serves people who wait."""

from __future__ import annotations

import gc
import sys
from typing import Final

SWITCH_S: Final = 0.0005
"""How soon a busy event loop lets the database's thread go on: at Python's 5 ms a full loop leaves it 50 commits a second."""


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
    gc.enable()
