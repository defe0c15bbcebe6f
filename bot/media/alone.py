"""Whether a file is one thing only: nothing after its own end, no second format, no page or script inside. Pure.

A file that two programs read as two different things is how harm is carried past a door. The viewing copy is made anew and
would not carry it on; who hides something in a picture is all the same not to be shown on an officer's screen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

PAGE: Final = re.compile(rb"<(?:script|html|!doctype html|svg|iframe|\?php|body)[\s>]", re.IGNORECASE)
ZIP_END: Final = b"PK\x05\x06"
ZIP_TAIL: Final = 22 + 65_535
"""Bytes before the end in which a reader of archives looks for their directory (APPNOTE 6.3.10, 4.3.16)."""
PDF_HEAD: Final = 1024
"""Bytes in which readers of PDF look for its beginning (ISO 32000-1, Annex H, note 13)."""
PROGRAMS: Final = (b"MZ", b"\x7fELF", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"PK\x03\x04", b"%PDF-", b"#!/")
PADDING: Final = b"\0 \r\n\t"
MOST_BLOCKS: Final = 200_000


def intruder(content: bytes, ending: str) -> str:
    """What else is in a file of this kind: `page`, `archive`, `document`, `trailing`; empty where it is one thing.

    A file that breaks off before its end is no intruder: whoever decodes it says so.
    """
    if PAGE.search(content):
        return "page"
    if ZIP_END in content[-ZIP_TAIL:]:
        return "archive"
    if b"%PDF-" in content[:PDF_HEAD]:
        return "document"
    end = END_OF[ending](content) if ending in END_OF else len(content)
    rest = content[end:]
    padded = rest.lstrip(PADDING)
    return "trailing" if padded and not (_by_camera(rest, ending) or _by_camera(padded, ending)) else ""


def _by_camera(rest: bytes, ending: str) -> bool:
    """What telephones themselves put behind a JPEG: a second picture (CIPA DC-007), a short film, Samsung's own trailer."""
    if ending != "jpg" or rest.startswith(PROGRAMS):
        return False
    return rest.startswith(b"\xff\xd8\xff") or rest[4:8] == b"ftyp" or rest.endswith(b"SEFT")


def _end_of_jpeg(content: bytes) -> int:
    """Segments by their lengths up to the scan, then to the end marker; in a scan ff is followed by 00 or a restart."""
    at = 2
    for _ in range(MOST_BLOCKS):
        at = content.find(b"\xff", at)
        if at < 0 or at + 2 > len(content):
            return len(content)
        marker = content[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker in {0x00, 0x01, 0xFF} or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
            at = _after_scan(content, at) if marker == 0xDA else at
    return len(content)


_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


def _after_scan(content: bytes, at: int) -> int:
    found = _MARKER.search(content, at)
    return found.start() if found else len(content)


def _end_of_png(content: bytes) -> int:
    at = 8
    for _ in range(MOST_BLOCKS):
        if at + 12 > len(content):
            return len(content)
        kind, at = content[at + 4 : at + 8], at + 12 + int.from_bytes(content[at : at + 4], "big")
        if kind == b"IEND":
            return at
    return len(content)


def _end_of_gif(content: bytes) -> int:
    at = 13 + _colours(content, 10)
    for _ in range(MOST_BLOCKS):
        sort = content[at : at + 1]
        if sort == b";":
            return at + 1
        if sort == b"!":
            at = _after_blocks(content, at + 2)
        elif sort == b",":
            at = _after_blocks(content, at + 11 + _colours(content, at + 9))
        else:
            return at if sort else len(content)
    return len(content)


def _colours(content: bytes, at: int) -> int:
    """Bytes of the table of colours that the flags there announce."""
    flags = content[at] if at < len(content) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(content: bytes, at: int) -> int:
    for _ in range(MOST_BLOCKS):
        length = content[at] if at < len(content) else 0
        at += 1 + length
        if not length:
            break
    return at


def _end_of_riff(content: bytes) -> int:
    length = int.from_bytes(content[4:8], "little")
    return 8 + length + length % 2


def _end_of_boxes(content: bytes) -> int:
    """Boxes one after another (ISO/IEC 14496-12, 4.2); length 0 is up to the end, 1 says that 8 bytes of length follow."""
    at = 0
    for _ in range(MOST_BLOCKS):
        if at + 8 > len(content):
            return at
        length, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if length == 1:
            length = int.from_bytes(content[at + 8 : at + 16], "big")
        if not all(32 <= letter < 127 or letter == 0xA9 for letter in name) or 0 < length < 8:
            return at
        if not length:
            return len(content)
        at += length
    return at


def _end_of_ogg(content: bytes) -> int:
    """Pages one after another (RFC 3533 §6): 27 bytes, a table of segments, the segments."""
    at = 0
    while content[at : at + 4] == b"OggS":
        segments = content[at + 26] if at + 26 < len(content) else 0
        at += 27 + segments + sum(content[at + 27 : at + 27 + segments])
    return at


END_OF: Final[Mapping[str, Callable[[bytes], int]]] = {
    "jpg": _end_of_jpeg,
    "png": _end_of_png,
    "gif": _end_of_gif,
    "webp": _end_of_riff,
    "heic": _end_of_boxes,
    "avif": _end_of_boxes,
    "mp4": _end_of_boxes,
    "mov": _end_of_boxes,
    "m4a": _end_of_boxes,
    "ogg": _end_of_ogg,
}
"""Where a file of each kind ends by its own account; the others say it nowhere."""
