"""When a platform says that something was done. Touches nothing."""

from __future__ import annotations

from typing import Any, Final

EARLIEST_MS: Final = 10**12
"""September 2001. What is less counts something else than milliseconds since 1970."""
LATEST_MS: Final = 10**13


def moment(given: Any) -> int:
    """Milliseconds since 1970, from a number or a text of digits; 0 for anything else."""
    text = str(given) if isinstance(given, int | str) and not isinstance(given, bool) else ""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LATEST_MS))):
        return 0
    return int(text) if EARLIEST_MS <= int(text) < LATEST_MS else 0
