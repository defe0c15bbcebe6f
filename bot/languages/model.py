"""A language as it is offered: its own name, how much of it there is, who checked it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from flows.model import Problem

SOURCE: Final = "vi"
OTHER: Final = "other"
"""The language of somebody who speaks none of ours: shown English and Vietnamese, and a person is told."""
Extent = Literal["source", "complete", "emergency", "phrases"]
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
    is_offered: bool = True

    @property
    def is_checked(self) -> bool:
        """Whether it may be shown without saying that nobody checked it: the source, or signed with name and day. Of a set of
        phrases nothing is shown that is not signed by itself."""
        return self.extent in ("source", "phrases") or bool(self.checked_by and self.checked_on)


@dataclass(frozen=True, slots=True)
class Phrase:
    """One sentence in a language of a small people: empty until somebody fills it in, off until a native speaker signs it."""

    context: str
    vietnamese: str
    purpose: str = ""
    say: str = ""
    signed_by: str = ""
    signed_on: str = ""

    @property
    def is_signed(self) -> bool:
        """Whether it may be shown: it says something, and somebody stands by it with name and day."""
        return bool(self.say.strip() and self.signed_by.strip() and self.signed_on.strip())


@dataclass(frozen=True, slots=True)
class PhraseSet:
    """The phrases of a language, and its own name, which is signed like them."""

    id: str
    vietnamese: str
    name: Phrase
    phrases: tuple[Phrase, ...]

    @property
    def signed(self) -> dict[tuple[str, str], str]:
        """What may be shown, as a catalogue holds it. Nothing else of this set reaches anybody."""
        return {(one.context, one.vietnamese): one.say for one in self.phrases if one.is_signed}

    def as_language(self) -> Language:
        """How it is offered: once its name, and all that is said first and in danger, is signed."""
        first = [one for one in self.phrases if one.context in SAFE]
        is_offered = self.name.is_signed and bool(first) and all(one.is_signed for one in first)
        name = self.name.say if self.name.is_signed else self.vietnamese
        return Language(self.id, name, "phrases", "signed entry by entry", is_offered=is_offered)


def is_urgent(context: str) -> bool:
    """Whether a sentence belongs to the emergency set."""
    flow, _, rest = context.partition(".")
    return flow in EMERGENCY_FLOWS or (flow == "everywhere" and rest in EMERGENCY_SENTENCES)


def partly(languages: Iterable[Language]) -> dict[str, Callable[[str], bool]]:
    """The languages that need not have every sentence, and which they must have."""
    needed = {"emergency": is_urgent, "phrases": _nothing}
    return {one.id: needed[one.extent] for one in languages if one.extent in needed}


def _nothing(_: str) -> bool:
    return False


def turned_on(languages: Iterable[Language], wished: Iterable[str], *, trial: bool) -> frozenset[str]:
    """The languages that people are offered: all in a trial; else the checked ones and those the operator turned on."""
    allowed = set(wished)
    return frozenset(one.id for one in languages if trial or one.is_checked or one.id in allowed)


def unsigned(sets: Iterable[PhraseSet], said: Container[tuple[str, str]]) -> list[Problem]:
    """A warning for each set that a native speaker has to go on with, and for a phrase that is said no more."""
    found = []
    for one in sets:
        where, left = f"locales/phrases/{one.id}.yaml", sum(not phrase.is_signed for phrase in one.phrases)
        if left:
            what = f"{left} of {len(one.phrases)} phrases in {one.vietnamese} are not signed, so nobody is shown them"
            found.append(Problem(where, what, "have a native speaker fill in and sign them", warning=True))
        gone = [phrase for phrase in one.phrases if (phrase.context, phrase.vietnamese) not in said]
        found += [
            Problem(where, f"`{phrase.context}` says other words now", "take over the new `vi`", warning=True)
            for phrase in gone
        ]
    return found


def unchecked(languages: Iterable[Language]) -> list[Problem]:
    """A warning for each language that no native speaker has signed."""
    what = "was not checked by a native speaker, and people are told so"
    remedy = "have it read; write `checked_by` and `checked_on`"
    found = (one for one in languages if not one.is_checked)
    return [Problem(f"locales/languages.yaml {one.id}", f"{one.name} {what}", remedy, warning=True) for one in found]
