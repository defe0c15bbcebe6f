"""The sentences in every offered language, read from locales/*/LC_MESSAGES/messages.po. Pure once read.

A language that lacks a sentence (all but the emergency set, for some) shows it in English and Vietnamese side by side; what
each must have is proved by `python -m bot check` before anyone could see that.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from babel.messages.pofile import read_po

from bot.languages.model import SAFE, Language, PhraseSet
from flows.model import LABEL_MAX

SOURCE_LOCALE = "vi"
BESIDE: Final = "en"
"""The language for strangers: shown beside the Vietnamese where a sentence has no translation."""

Texts = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Catalogues:
    """Translations by locale. `vi` is the source and needs none. `languages`: what is known of each, in the order offered."""

    texts: Mapping[str, Texts]
    languages: Mapping[str, Language] = field(default_factory=dict)
    off: frozenset[str] = frozenset()
    phrases: tuple[PhraseSet, ...] = ()

    @cached_property
    def locales(self) -> tuple[str, ...]:
        """The offered languages, Vietnamese first."""
        known: Mapping[str, Language | None] = self.languages or dict.fromkeys((SOURCE_LOCALE, *sorted(self.texts)))
        return tuple(
            one
            for one, language in known.items()
            if one not in self.off
            and (one == SOURCE_LOCALE or one in self.texts)
            and (not language or language.is_offered)
        )

    @property
    def named(self) -> tuple[tuple[str, str], ...]:
        """The offered languages, each with its own name."""
        return tuple((one, self.name_of(one)) for one in self.locales)

    def offering(self, on: Iterable[str]) -> Catalogues:
        """With these languages on. Of the others only the numbers and who speaks are left (SAFE)."""
        off = frozenset(self.texts) - frozenset(on)
        texts = {locale: _safe(texts) if locale in off else texts for locale, texts in self.texts.items()}
        return replace(self, texts=texts, off=off)

    def translate(self, locale: str, context: str, text: str) -> str:
        """The sentence in the language; where that lacks it, English and Vietnamese, each on its own line if it is a sentence."""
        if locale == SOURCE_LOCALE:
            return text
        found = self.texts.get(locale, {}).get((context, text))
        return found or self._side_by_side(context, text)

    def label(self, locale: str, context: str, text: str) -> str:
        """The same for a button: in English alone where both languages would be too long."""
        label = self.translate(locale, context, text)
        is_own = locale == SOURCE_LOCALE or (context, text) in self.texts.get(locale, {})
        return label if is_own or len(label) <= LABEL_MAX else self._english(context, text)

    def says_unchecked(self, locale: str) -> bool:
        """Whether people are to be told that nobody checked this language."""
        return locale in self.texts and locale in self.languages and not self.languages[locale].is_checked

    def name_of(self, locale: str) -> str:
        """The language's own name."""
        return self.languages[locale].name if locale in self.languages else locale

    def _english(self, context: str, text: str) -> str:
        return self.texts.get(BESIDE, {}).get((context, text)) or text

    def _side_by_side(self, context: str, text: str) -> str:
        english = self._english(context, text)
        if english == text:
            return text
        between = "\n" if english.endswith((".", "?", ":")) else " / "
        return f"{english}{between}{text}"


def _safe(texts: Texts) -> dict[tuple[str, str], str]:
    return {key: text for key, text in texts.items() if key[0] in SAFE}


def read_catalogue(po: bytes) -> dict[tuple[str, str], str]:
    """(context, source) → translation, fuzzy and empty entries left out."""
    catalogue = read_po(io.BytesIO(po))
    return {
        (message.context or "", str(message.id)): str(message.string)
        for message in catalogue
        if message.id and message.string and not message.fuzzy
    }
