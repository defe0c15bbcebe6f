"""A person's text without what nobody typed. Touches nothing."""

from __future__ import annotations

import re

_UNWANTED = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tab and line feed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks and overrides: they make a text show as another
    "\ufeff\ufff9-\ufffb\ud800-\udfff"  # byte order mark, annotations, halves of code points
    "]"
)


def tidy(text: str, longest: int | None = None) -> str:
    """The text without control characters, direction overrides and broken characters, cut to `longest` code points."""
    if _UNWANTED.search(text):
        text = bare(text.replace("\r\n", "\n").replace("\r", "\n"))
    return text.strip()[:longest].rstrip()


def bare(text: str) -> str:
    """The text without the same characters, and otherwise as it came."""
    return _UNWANTED.sub("", text)
