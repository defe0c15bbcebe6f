"""A recording of one sentence in one language, and which of them may be heard. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SOURCE: Final = "vi"
COLUMNS: Final = (
    "context", "text", "text_hash", "file", "sha256", "seconds", "recorded_by", "recorded_on",
    "back_translation", "back_translated_by", "placeholder",
)  # fmt: skip
"""Of manifest.csv, in this order."""
TYPES: Final = {"ogg": "audio/ogg", "opus": "audio/ogg", "mp3": "audio/mpeg"}
MOST_BYTES: Final = 1024 * 1024
"""Of one recording: a minute of speech at 128 kbit/s, and none is so long."""


def text_hash(text: str) -> str:
    """16 hex digits that a sentence is known by, whatever its context: what is heard is the same."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Recording:
    """A row of the manifest. `back_translation`: what somebody who did not see the text heard, in Vietnamese, and who that was.

    `placeholder`: made by a machine, to try the way of it; nobody ever hears it in production.
    """

    context: str
    text: str
    text_hash: str
    file: str
    sha256: str
    seconds: float
    recorded_by: str
    recorded_on: str
    back_translation: str = ""
    back_translated_by: str = ""
    placeholder: bool = False

    @property
    def ending(self) -> str:
        """The file's ending, which says its format."""
        return self.file.rpartition(".")[2]

    def is_checked(self, language: str) -> bool:
        """Whether a person spoke it, and (but for Vietnamese) another said what they heard."""
        heard = language == SOURCE or bool(self.back_translation and self.back_translated_by)
        return heard and bool(self.recorded_by and self.recorded_on) and not self.placeholder


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording and where its file is: read when somebody listens, so that none of them takes memory."""

    recording: Recording
    path: Path

    @property
    def content_type(self) -> str:
        """MIME type."""
        return TYPES[self.recording.ending]


@dataclass(frozen=True, slots=True, repr=False)
class Sounds:
    """What can be heard, by language and by the hash of what is said. Empty where nothing was recorded."""

    of: Mapping[str, Mapping[str, Sound]] = field(default_factory=dict)

    def find(self, language: str, text: str) -> Sound | None:
        """The recording of these words, if there is one."""
        return self.of.get(language, {}).get(text_hash(text)) if self.of else None

    def allowed(self, *, trial: bool) -> Sounds:
        """In production only what people spoke and checked; in a trial all."""
        if trial:
            return self
        kept = {
            language: {key: one for key, one in sounds.items() if one.recording.is_checked(language)}
            for language, sounds in self.of.items()
        }
        return Sounds({language: sounds for language, sounds in kept.items() if sounds})


def playlist(sounds: Sounds, language: str, said: Iterable[str]) -> tuple[str, ...]:
    """The hashes of what can be heard of these texts, in their order."""
    found = ((text, sounds.find(language, text)) for text in said)
    return tuple(text_hash(text) for text, sound in found if sound is not None)
