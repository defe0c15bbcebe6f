"""The empty room in which strangers' files are decoded: little memory and time, no files, no network, no other process.

Limits by setrlimit(2), and on Linux a seccomp(2) filter that refuses what a decoder never asks for, so that code which a
crafted picture smuggles in can neither read the service's memory nor its disk. Numbers of calls: Linux'
arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h. Elsewhere the limits stand alone.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from typing import Final, NamedTuple

MEMORY: Final = 1_500_000_000
"""Bytes of address space: libraries, and a picture of 50 megapixels three times."""
CPU_S: Final = 45

_X86 = (
    2, 41, 42, 49, 53, 57, 58, 59, 62, 76, 82, 83, 84, 85, 86, 87, 88, 90, 92, 94, 101, 133, 141, 160, 165, 166, 169, 175,
    200, 234, 246, 248, 250, 257, 258, 259, 260, 263, 264, 265, 266, 268, 272, 298, 302, 304, 308, 310, 311, 313, 316, 319,
    321, 322, 323, 424, 425, 434, 437, 438, 440, 452,
)  # fmt: skip
_ARM = (
    33, 34, 35, 36, 37, 38, 39, 40, 45, 53, 54, 56, 97, 104, 105, 117, 129, 130, 131, 140, 142, 164, 198, 199, 200, 203, 217,
    219, 221, 241, 261, 265, 268, 270, 271, 273, 276, 279, 280, 281, 282, 424, 425, 434, 437, 438, 440, 452,
)  # fmt: skip


class _Machine(NamedTuple):
    """A processor as the filter knows it. `refused`: open, socket, exec, fork, signals, names on the disk, other memories."""

    audit: int
    seccomp: int
    refused: tuple[int, ...]


_MACHINES: Final = {"x86_64": _Machine(0xC000003E, 317, _X86), "aarch64": _Machine(0xC00000B7, 277, _ARM)}
_LOAD, _IS, _AT_LEAST, _ANSWER = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001
_X32: Final = 0x40000000
_NO_NEW_PRIVILEGES: Final = 38
_SET_FILTER, _ALL_THREADS = 1, 1


def take_little() -> None:
    """Before anything is read: no core file, nothing written to a disk, so much memory and time and no more."""
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_AS, MEMORY),
    ):
        resource.setrlimit(what, (most, most))


def lock() -> None:
    """Once the decoder is loaded: from here on nothing can be opened, started or reached. There is no way back."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    uname = os.uname()
    machine = _MACHINES.get(uname.machine)
    if uname.sysname == "Linux" and machine is not None:
        _refuse(machine)


def _refuse(machine: _Machine) -> None:
    """Install the filter. A kernel without it leaves the limits, which is why its answer does not matter."""
    steps = _steps(machine)
    code = ctypes.create_string_buffer(b"".join(steps), 8 * len(steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    libc.syscall(machine.seccomp, _SET_FILTER, _ALL_THREADS, ctypes.create_string_buffer(program, len(program)))


def _steps(machine: _Machine) -> list[bytes]:
    """Classic BPF over struct seccomp_data (number at 0, architecture at 4): refuse another architecture, then by number."""
    left = len(machine.refused)
    checks = [_step(_IS, number, yes=left - at) for at, number in enumerate(machine.refused)]
    return [
        _step(_LOAD, 4),
        _step(_IS, machine.audit, yes=1),
        _step(_ANSWER, _REFUSE),
        _step(_LOAD, 0),
        _step(_AT_LEAST, _X32, yes=left + 1),
        *checks,
        _step(_ANSWER, _ALLOW),
        _step(_ANSWER, _REFUSE),
    ]


def _step(code: int, value: int, *, yes: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, 0, value)
