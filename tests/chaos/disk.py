"""A disk without room: a small file system that is filled, or, where nothing can be mounted, a limit on how long files may be."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

PAGE = 4096

ROOM = "96m"
"""More than SQLite's log may take before it is begun anew (storage/sqlite.py MOST_PAGES), and the file beside it: on a smaller
disk the service alone fills it, and cannot make room, for the file can no longer grow by what stands in the log."""


class Disk(Protocol):
    """Where a service keeps its files. `name` is what its being full is called in the table."""

    name: str

    def fill(self, pid: int) -> None:
        """From now on this process can write no more than it has."""

    def free(self, pid: int) -> None:
        """There is room again."""


class SmallDisk:
    """A tmpfs. What cannot be written is ENOSPC."""

    name = "disk full (tmpfs)"

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def fill(self, pid: int) -> None:
        with suppress(OSError), self._filler.open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(PAGE))

    def free(self, pid: int) -> None:
        self._filler.unlink()


class SizeLimit:
    """RLIMIT_FSIZE of the running process. What cannot be written is EFBIG, which SQLite takes for a broken disk."""

    name = "files cannot grow (RLIMIT_FSIZE)"

    def fill(self, pid: int) -> None:
        self._limit(pid, PAGE)

    def free(self, pid: int) -> None:
        self._limit(pid, resource.RLIM_INFINITY)

    def _limit(self, pid: int, most: int) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most if hard == resource.RLIM_INFINITY else hard, hard))


@contextmanager
def small_disk(folder: Path, size: str = ROOM) -> Iterator[Disk]:
    """A disk that can be filled, mounted at this folder if that is allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:  # noqa: S603 - fixed words
        yield SizeLimit()
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run([shutil.which("umount") or "umount", str(folder)], check=True)  # noqa: S603 - what we mounted
