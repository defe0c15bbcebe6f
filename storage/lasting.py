"""That what was written outlasts a loss of power."""

from __future__ import annotations

import os
from pathlib import Path


def make_lasting(path: Path) -> None:
    """The bytes of a file, or the names in a folder, are on the disk and not only in memory. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
