"""How many files one conversation may bring, and how large. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flows.model import Media

FILES: Final = frozenset({"photo", "voice", "video", "document"})
"""What is kept as a file; the rest is a place, a contact, a sticker."""
MOST_FILES: Final = 100
"""Of one conversation until it ends: as many as can be passed on at once on Telegram, all of which may be evidence."""
MOST_BYTES: Final = 500 * 1024 * 1024
"""Of all of them, as far as the platform says how large they are."""
LARGEST: Final = 100 * 1024 * 1024
"""Bytes of one file."""


def why_not_kept(file: Media, kept: Iterable[Media]) -> str:
    """The sentence for a file that is not kept beside those kept before, or empty where it is. Whatever is no file is kept.

    A file without a handle is larger than its platform lets anybody fetch.
    """
    if file.kind not in FILES:
        return ""
    if file.size > LARGEST or not file.ref:
        return "file_too_large"
    before = [one for one in kept if one.kind in FILES]
    if len(before) >= MOST_FILES or sum(one.size for one in before) + file.size > MOST_BYTES:
        return "files_full"
    return ""
