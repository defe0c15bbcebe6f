"""The drawings and the table, as read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

EVERYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Pictures:
    """`drawn`: a drawing's name → its paths and circles; `chosen`: a choice (`flow.step.id` or `*.id`) → a drawing's name."""

    drawn: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, str] = field(default_factory=dict)

    def of(self, place: str, choice: str) -> str:
        """The drawing of a choice of the question at a place (`flow.step`), empty where it has none."""
        name = self.chosen.get(f"{place}.{choice}") or self.chosen.get(f"{EVERYWHERE}.{choice}", "")
        return self.drawn.get(name, "")
