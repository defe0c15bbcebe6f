"""What there is to record in a language, and how far that is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bot.audio.model import SOURCE, Sound, text_hash
from bot.catalogues import Catalogues
from bot.languages.model import is_urgent
from flows.book import FlowBook
from flows.check import sentences
from flows.model import Problem

HEADINGS: Final = (
    "STT / No.", "Tên tệp / File name", "Câu / Context", "Loại / Kind", "Tiếng Việt", "Đọc câu này / Read this",
    "Trạng thái / State", "Dịch ngược / Back translation", "Người dịch ngược / Back-translated by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ToRead:
    """A sentence for the studio: where it is said, the Vietnamese, and what is read aloud."""

    context: str
    vietnamese: str
    spoken: str

    @property
    def hash(self) -> str:
        """What its recording is known by."""
        return text_hash(self.spoken)

    @property
    def is_button(self) -> bool:
        """Whether it stands on a button, and is read like one of a list."""
        return self.context.count(".") > 1


def script(book: FlowBook, catalogues: Catalogues, language: str) -> list[ToRead]:
    """Every sentence that the language has itself, each text once, what is urgent first; none with a part that changes."""
    known: dict[str, ToRead] = {}
    for context, text in _urgent_first(book):
        has_own = language == SOURCE or (context, text) in catalogues.texts.get(language, {})
        spoken = catalogues.translate(language, context, text)
        if has_own and "{" not in spoken:
            known.setdefault(text_hash(spoken), ToRead(context, text, spoken))
    return list(known.values())


def _urgent_first(book: FlowBook) -> Iterator[tuple[str, str]]:
    return iter(sorted(sentences(book), key=lambda one: not is_urgent(one[0])))


def sheet(to_read: list[ToRead], sounds: Mapping[str, Sound], stale: set[str]) -> list[list[str]]:
    """The recording sheet, its headings first; `stale`: contexts that were recorded with other words."""
    rows = [list(HEADINGS)]
    for number, one in enumerate(to_read, 1):
        rows.append(
            [
                str(number), f"{one.hash}.ogg", one.context, "nút / button" if one.is_button else "câu / sentence",
                one.vietnamese, one.spoken.removeprefix("‹ "), _state(one, sounds, stale), "", "",
            ]
        )  # fmt: skip
    return rows


def _state(one: ToRead, sounds: Mapping[str, Sound], stale: set[str]) -> str:
    if one.hash in sounds:
        is_placeholder = sounds[one.hash].recording.placeholder
        return "máy đọc, cần thu / machine voice" if is_placeholder else "đã thu / recorded"
    return "câu đã đổi, thu lại / text changed" if one.context in stale else "cần thu / to record"


def gaps(language: str, to_read: list[ToRead], sounds: Mapping[str, Sound]) -> list[Problem]:
    """What keeps a language from being heard whole: not recorded, another text by now, a machine's voice, not checked."""
    where, wanted = f"locales/{language}/audio", {one.hash for one in to_read}
    found = [
        Problem(
            f"{where} {one.context}", f"“{one.spoken[:60]}” is not recorded", "record it: `python -m bot audio sheet`"
        )
        for one in to_read
        if one.hash not in sounds
    ]
    for key, sound in sounds.items():
        one = sound.recording
        if key not in wanted:
            what, remedy = "was recorded with words that are said no more", "record the new words, or remove its row"
        elif one.placeholder:
            what, remedy = "is a machine's voice, which nobody hears in production", "have a person speak it"
        elif not one.is_checked(language):
            what, remedy = "was not translated back by anybody", "have somebody write in Vietnamese what they hear"
        else:
            continue
        found.append(Problem(f"{where}/{one.file}", what, remedy, warning=True))
    return found
