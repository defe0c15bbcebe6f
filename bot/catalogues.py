"""The sentences in every offered language, read from locales/*/LC_MESSAGES/messages.po. Pure once read.

A missing translation shows the Vietnamese source: `python -m bot check` refuses it before anyone could see that.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

from babel.messages.pofile import read_po

SOURCE_LOCALE = "vi"

Texts = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Translations by locale. `vi` is the source and needs none."""

    texts: Mapping[str, Texts]

    @property
    def locales(self) -> tuple[str, ...]:
        """The offered languages, Vietnamese first."""
        return (SOURCE_LOCALE, *sorted(self.texts))

    def translate(self, locale: str, context: str, text: str) -> str:
        """The sentence in the language; the source where the language is Vietnamese or lacks it."""
        if locale == SOURCE_LOCALE or locale not in self.texts:
            return text
        return self.texts[locale].get((context, text), text)


def read_catalogue(po: bytes) -> dict[tuple[str, str], str]:
    """(context, source) → translation, fuzzy and empty entries left out."""
    catalogue = read_po(io.BytesIO(po))
    return {
        (message.context or "", str(message.id)): str(message.string)
        for message in catalogue
        if message.id and message.string and not message.fuzzy
    }
