"""A language as it is offered: its own name, how much of it there is, who checked it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from flows.model import Problem

SOURCE: Final = "vi"
OTHER: Final = "other"
"""The language of somebody who speaks none of ours: shown English and Vietnamese, and a person is told."""
Extent = Literal["source", "complete", "emergency"]
EMERGENCY_FLOWS: Final = frozenset({"hello", "danger", "stop", "language", "person"})
EMERGENCY_SENTENCES: Final = frozenset(
    """back skip person language stop danger quiet.person quiet.stop quiet.danger
    kept_text not_understood not_understood_typed empty_event safe_sentence numbers_now numbers_now_quiet
    sent_to_nobody translated place_one place_told place_many place_before place_within place_yes place_elsewhere
    place_kept choose_by_number or_words write_or_words""".split()
)
"""Of `everywhere`: what an emergency set holds beside the whole flows above."""
SAFE: Final = frozenset({"hello.welcome", "danger.now", "everywhere.safe_sentence", "everywhere.numbers_now"})
"""The numbers and who speaks: shown in a language even where nobody checked it and the operator has not turned it on."""


@dataclass(frozen=True, slots=True)
class Language:
    """`checked_by` names the native speaker who read all of it, and is empty while nobody has.

    `agencies` and `hotlines`: names by route id and by number, with the Vietnamese name beside them; `paid`: said after a
    number that may cost money.
    """

    id: str
    name: str
    extent: Extent
    source: str
    checked_by: str = ""
    checked_on: str = ""
    agencies: Mapping[str, str] = field(default_factory=dict)
    hotlines: Mapping[str, str] = field(default_factory=dict)
    paid: str = ""

    @property
    def is_checked(self) -> bool:
        """Whether it may be shown without saying that nobody checked it: the source, or signed with name and day."""
        return self.extent == "source" or bool(self.checked_by and self.checked_on)


def is_urgent(context: str) -> bool:
    """Whether a sentence belongs to the emergency set."""
    flow, _, rest = context.partition(".")
    return flow in EMERGENCY_FLOWS or (flow == "everywhere" and rest in EMERGENCY_SENTENCES)


def partly(languages: Iterable[Language]) -> dict[str, Callable[[str], bool]]:
    """The languages that need not have every sentence, and which they must have."""
    return {one.id: is_urgent for one in languages if one.extent == "emergency"}


def turned_on(languages: Iterable[Language], wished: Iterable[str], *, trial: bool) -> frozenset[str]:
    """The languages that people are offered: all in a trial; else the checked ones and those the operator turned on."""
    allowed = set(wished)
    return frozenset(one.id for one in languages if trial or one.is_checked or one.id in allowed)


def unchecked(languages: Iterable[Language]) -> list[Problem]:
    """A warning for each language that no native speaker has signed."""
    what = "was not checked by a native speaker, and people are told so"
    remedy = "have it read; write `checked_by` and `checked_on`"
    found = (one for one in languages if not one.is_checked)
    return [Problem(f"locales/languages.yaml {one.id}", f"{one.name} {what}", remedy, warning=True) for one in found]
