"""Whether a number was typed before its question can have been read: twice in a row, or over each other. Touches nothing."""

from __future__ import annotations

from flows.walk import UnderWay

READ_MS = 2000
"""Nobody has a question sent to them, reads it and types its answer in less."""


def is_early(now: UnderWay, text: str) -> bool:
    """Whether these bare numbers were written before, or within `READ_MS` of, what led to the question that stands.

    Both times are of the person's platform, so our own clock plays no part. Only once for a question: whatever that
    clock says, the next number counts. Words are never early, for they say themselves what they mean.
    """
    done_at = now.given.done_at
    is_soon = 0 < done_at < now.talk.led_at + READ_MS
    return is_soon and not now.talk.unclear and not any(letter.isalpha() for letter in text)
