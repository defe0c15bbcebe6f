"""A text cut to what a platform takes. Touches nothing."""

from __future__ import annotations

import unicodedata


def split(text: str, longest: int) -> tuple[str, ...]:
    """The text in parts of at most `longest` UTF-16 units, cut between paragraphs, lines or words where it has any."""
    parts = []
    rest = text.strip()
    while rest:
        end = _cut(rest, longest)
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return tuple(parts)


def _cut(text: str, longest: int) -> int:
    """How many code points of the text go into this part (at least one)."""
    end = fitting(text, longest)
    if end == len(text):
        return end
    for gap in ("\n\n", "\n", " "):
        at = text.rfind(gap, 1, end + len(gap))
        if at > end // 2:  # an early gap would leave a stub; the next smaller kind is better
            return at
    while end > 1 and unicodedata.combining(text[end]):
        end -= 1  # a Vietnamese letter written as letter and accents stays whole
    return end


def fitting(text: str, longest: int) -> int:
    """The number of leading code points that take at most `longest` UTF-16 units."""
    if len(text) * 2 <= longest:
        return len(text)
    units = 0
    for i, letter in enumerate(text):
        units += 2 if ord(letter) > 0xFFFF else 1
        if units > longest:
            return i
    return len(text)
