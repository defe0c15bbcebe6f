"""A platform's JSON as an object. Touches nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def decoded(raw: bytes) -> Mapping[str, Any] | None:
    """The JSON object in the bytes; None where there is none. A damaged character loses nothing but itself."""
    try:
        found = json.loads(raw.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
