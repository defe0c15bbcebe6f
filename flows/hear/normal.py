"""One spelling for what people type, so that phrases can be compared with it. Touches nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from unicodedata import is_normalized, normalize

# Characters written without spaces between words; each counts as a word of its own.
SCRIPTS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3400-\u9fff"
_EMOJI = "\U0001f170-\U0001f251\U0001f300-\U0001faff"
_TOKEN = re.compile(rf"[{SCRIPTS}{_EMOJI}]|\d+|[^\W\d_{SCRIPTS}]+|[.!?;:\n…。！？；，,]+")
_WORD = re.compile(rf"[{SCRIPTS}{_EMOJI}]|\d+|[^\W\d_{SCRIPTS}]+")

# Controls, zero-width, direction and variation marks: they hide words and carry none. Line breaks and tabs stay.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
_MARK = re.compile("[\u0300-\u036f]+")
_RUN = re.compile(r"([^\W\d_])\1{2,}")
_DOUBLE = re.compile(r"([^\W\d_])\1+")
LONGEST_WORD: Final = 8
"""Code points: the longest syllable of Vietnamese is seven ("nghiêng")."""
_SPACES = re.compile(r"[ \t\r\f\v\u00a0\u2000-\u200a\u3000]+")


@dataclass(frozen=True, slots=True)
class Normal:
    """A text made comparable: `text` keeps the Vietnamese marks, `folded` has none, `words` are the words of `text`."""

    text: str
    folded: str
    words: tuple[str, ...]

    @property
    def is_command(self) -> bool:
        """A command ("/start", an officer's "/canbo" with a code): what follows is letters by chance, and tells nothing."""
        return self.text.lstrip().startswith("/")


def fold(text: str) -> str:
    """Drop Vietnamese (and any Latin) diacritics: "Cứu đi" → "Cuu di". Other scripts stay as they are."""
    if text.isascii():
        return text
    return _MARK.sub("", normalize("NFD", text)).replace("đ", "d").replace("Đ", "D")


def clean(text: str) -> str:
    """NFC, case-folded, nothing hidden, no stacked marks, at most two of a letter in a row, single spaces."""
    text = _HIDDEN.sub("", text).casefold()
    if not text.isascii():
        text = text if is_normalized("NFC", text) else normalize("NFC", text)
        text = _MARK.sub("", text)
    return _SPACES.sub(" ", _RUN.sub(r"\1\1", text)).strip()


@lru_cache(maxsize=4)
def normalise(text: str) -> Normal:
    """Make a text comparable. Never raises; about 10 µs for 50 code points.

    A turn asks for the same text four times, so the last few are at hand; they are forgotten with the next ones.
    """
    cleaned = clean(text)
    return Normal(cleaned, fold(cleaned), tuple(_WORD.findall(cleaned)))


def tokens(cleaned: str) -> list[str]:
    """The words and the punctuation of a cleaned text, in order."""
    return _TOKEN.findall(cleaned)


def spelt(word: str) -> tuple[str, frozenset[str]]:
    """One word as it is compared: without its marks, and its marks.

    Words come again and again, so short ones of letters only are remembered, each by itself and of nobody. A number or
    the name of an account never is.
    """
    return _remembered(word) if len(word) <= LONGEST_WORD and word.isalpha() else (fold(word), marks(word))


@lru_cache(maxsize=16_384)
def _remembered(word: str) -> tuple[str, frozenset[str]]:
    return fold(word), marks(word)


def single(word: str) -> str:
    """The word with every run of a letter made one: "cứuu" → "cứu"."""
    return _DOUBLE.sub(r"\1", word)


def marks(word: str) -> frozenset[str]:
    """The diacritics of a word, wherever they stand ("hoà" as "hòa"); hỏi and ngã are one: many write them alike."""
    if word.isascii():
        return frozenset()
    found = {"\u0309" if c == "\u0303" else c for c in normalize("NFD", word) if "\u0300" <= c <= "\u036f"}
    return frozenset(found | {"đ"} if "đ" in word else found)
