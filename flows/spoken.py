"""Which language a conversation goes on in, by what the person writes. Touches nothing."""

from __future__ import annotations

from flows.book import FIRST
from flows.hear.language import UNKNOWN, language_of
from flows.hear.normal import normalise
from flows.model import Heard
from flows.walk import OTHER_LANGUAGE, UnderWay

UNSAID = frozenset({"vi", UNKNOWN})
"""What a text may be taken for only because nothing speaks for another language."""


def locale_of(heard: Heard) -> str:
    """The language of the first words, whether we speak it or not: it is what officers need to know, too."""
    return OTHER_LANGUAGE if heard.lang == UNKNOWN else heard.lang


def is_ours(now: UnderWay) -> bool:
    """Whether the conversation is in a language that we offer."""
    return now.talk.locale in now.given.locales


def in_their_words(now: UnderWay, text: str) -> UnderWay:
    """Who opened the chat without a word and then writes in another language is answered in that one, unless they chose."""
    has_spoken = bool(now.talk.notes) or not {"language", "story"}.isdisjoint(now.talk.answers)
    if has_spoken or now.talk.flow != FIRST:
        return now
    language = language_of(now.book.lexicon, normalise(text))
    return now if language in UNSAID else now.keep(locale=language)


def chosen_by_speaking(now: UnderWay, text: str) -> tuple[str, ...]:
    """Asked for their language, people often just speak it."""
    if now.step.remember != "language":
        return ()
    language = language_of(now.book.lexicon, normalise(text))
    return (language,) if language in now.given.locales and language not in UNSAID else ()
