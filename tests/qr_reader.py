"""Reads an undamaged QR code (ISO/IEC 18004:2015) of versions 5 to 9, level M, so that ours is not judged by who drew it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

Matrix = Sequence[Sequence[bool]]

BLOCKS: Final = {5: (43, 43), 6: (27,) * 4, 7: (31,) * 4, 8: (38, 38, 39, 39), 9: (36, 36, 36, 37, 37)}
"""Bytes of data in each block of level M (table 9)."""
ALIGNED: Final = {5: (6, 30), 6: (6, 34), 7: (6, 22, 38), 8: (6, 24, 42), 9: (6, 26, 46)}
"""Where alignment patterns stand (table E.1)."""
MASKS: Final[Sequence[Callable[[int, int], bool]]] = (
    lambda row, column: (row + column) % 2 == 0,
    lambda row, column: row % 2 == 0,
    lambda row, column: column % 3 == 0,
    lambda row, column: (row + column) % 3 == 0,
    lambda row, column: (row // 2 + column // 3) % 2 == 0,
    lambda row, column: row * column % 2 + row * column % 3 == 0,
    lambda row, column: (row * column % 2 + row * column % 3) % 2 == 0,
    lambda row, column: ((row + column) % 2 + row * column % 3) % 2 == 0,
)
"""Table 10."""
LEVEL_M: Final = 0
BYTES: Final = 4


def modules(svg: str) -> tuple[int, Matrix]:
    """(quiet zone, dark modules) of a drawing whose one path with a stroke is runs of dark, one unit high."""
    [side] = re.findall(r'viewBox="0 0 (\d+) \1"', svg)
    [path] = re.findall(r'stroke="#000" d="([^"]+)"', svg)
    dark = [[False] * int(side) for _ in range(int(side))]
    x, y = 0.0, 0.0
    for sort, one, other in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path):
        if sort == "h":
            for at in range(int(x), int(x + float(one))):
                dark[int(y)][at] = True
            x += float(one)
        else:
            x, y = (float(one), float(other)) if sort == "M" else (x + float(one), y + float(other))
    quiet = next(at for at, row in enumerate(dark) if any(row))
    inner = slice(quiet, int(side) - quiet)
    assert sum(map(sum, dark)) == sum(sum(row[inner]) for row in dark[inner]), "something is drawn in the quiet zone"
    return quiet, [row[inner] for row in dark[inner]]


def read(matrix: Matrix) -> str:
    """The text in a code."""
    side = len(matrix)
    version = (side - 17) // 4
    form = sum(matrix[8][column] << 14 - at for at, column in enumerate((0, 1, 2, 3, 4, 5, 7, 8))) >> 10 ^ 0b10101
    assert form >> 3 == LEVEL_M
    mask = MASKS[form & 7]
    bits = [matrix[row][column] ^ mask(row, column) for row, column in _path(side, _reserved(side, version))]
    words = [sum(bit << 7 - at for at, bit in enumerate(bits[n : n + 8])) for n in range(0, len(bits) - 7, 8)]
    data = bytes(_in_order(words, BLOCKS[version]))
    assert data[0] >> 4 == BYTES
    whole = int.from_bytes(data, "big") << 4 & (1 << 8 * len(data)) - 1  # without the four bits that say: bytes
    said = whole.to_bytes(len(data), "big")
    return said[1 : 1 + said[0]].decode()


def _reserved(side: int, version: int) -> set[tuple[int, int]]:
    """Where no data stands: finders with formats, timing, alignment, version."""
    corners = {(r, c) for r in range(9) for c in range(9)}
    corners |= {(r, side - 1 - c) for r in range(9) for c in range(8)} | {
        (side - 1 - r, c) for r in range(8) for c in range(9)
    }
    timing = {(6, at) for at in range(side)} | {(at, 6) for at in range(side)}
    first, last = ALIGNED[version][0], ALIGNED[version][-1]
    centres = {(r, c) for r in ALIGNED[version] for c in ALIGNED[version]} - {
        (first, first),
        (first, last),
        (last, first),
    }
    aligned = {(r + down, c + right) for r, c in centres for down in range(-2, 3) for right in range(-2, 3)}
    told = {(r, side - 9 - c) for r in range(6) for c in range(3)} if version >= 7 else set()
    return corners | timing | aligned | told | {(c, r) for r, c in told}


def _path(side: int, reserved: set[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Up and down in strips of two, from the lower right (§7.7.3)."""
    rights = [*range(side - 1, 6, -2), *range(5, 0, -2)]
    for turn, right in enumerate(rights):
        for row in range(side) if turn % 2 else range(side - 1, -1, -1):
            yield from (one for one in ((row, right), (row, right - 1)) if one not in reserved)


def _in_order(words: Sequence[int], blocks: Sequence[int]) -> list[int]:
    """The data blocks one after another; in the code their bytes take turns (§7.6)."""
    rest = iter(words)
    out: list[list[int]] = [[] for _ in blocks]
    for at in range(max(blocks)):
        for block, length in zip(out, blocks, strict=True):
            if at < length:
                block.append(next(rest))
    return [one for block in out for one in block]
