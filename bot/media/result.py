"""What came of cleaning: a copy to be shown, or why there is none. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Clean(Struct, frozen=True):
    """A copy for viewing, made anew. `changed`: voices in it sound otherwise than they did."""

    content: bytes
    content_type: str
    ending: str
    changed: bool = False


class Quarantined(Struct, frozen=True):
    """There is no copy for viewing. `why` is one of WHY."""

    why: str


WHY: Final = frozenset(
    {"unknown", "document", "intruder", "too_large", "too_many_frames", "too_long", "damaged", "gave_up", "time"}
)
"""`unknown`: of no kind that can be cleaned. `gave_up`: the decoder died or ran out of memory. `time`: it took too long."""

PASSES: Final = frozenset({"gave_up", "time"})
"""Reasons that lie with the machine at that moment as well as with the file: another try may end otherwise."""


class Refused(Exception):
    """Within the worker: this file gets no copy. Carries one word of WHY and nothing of the file."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
