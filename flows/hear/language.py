"""Which language a text is in, as far as the right first reply needs it. Touches nothing.

A script tells at once. Latin letters are Vietnamese by their syllables (with or without diacritics: few languages have
only such), another language by its commonest words; what is neither is `unknown`, and the person is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from flows.hear.lexicon import Lexicon
from flows.hear.normal import Normal, fold, spelt

UNKNOWN: Final = "unknown"
_LATIN_ENDS = 0x0250
# Unicode blocks, first and last character → ISO 639-1, else 639-3. H'Mông has scripts of its own beside its Latin letters.
_SCRIPTS = (
    ("\u0e80", "\u0eff", "lo"),
    ("\u1780", "\u17ff", "km"),
    ("\u19e0", "\u19ff", "km"),
    ("\u0e00", "\u0e7f", "th"),
    ("\u1000", "\u109f", "my"),
    ("\u1100", "\u11ff", "ko"),  # a folded text has Hangul taken to pieces
    ("\uac00", "\ud7a3", "ko"),
    ("\u3040", "\u30ff", "ja"),
    ("\u3400", "\u9fff", "zh"),
    ("\u0400", "\u04ff", "ru"),
    ("\uaa80", "\uaadf", "blt"),
    ("\U00016b00", "\U00016b8f", "hmn"),
    ("\U0001e100", "\U0001e14f", "hmn"),
)
# A Vietnamese syllable without its marks: beginning, vowels, end. Teencode writes some beginnings its own way (j, f, w, z).
_SYLLABLE = re.compile(
    "(?:ngh|ng|gh|gi|kh|nh|ph|th|tr|ch|qu|dz|[bcdghklmnprstvxjfwz])?"
    "(?:iai|uay|uye|uya|uyu|oai|oay|oeo|ieu|yeu|uoi|uou|[aeo]o|[aeioy]u|[aouy]i|[aou]y|[iyuo][aeo]|[aeiouy])"
    "(?:ch|ng|nh|[cmnpt])?"
)
_SHORT = 2  # letters; every language has such words, so they speak for none
_WORDS_TO_TELL = 3
_SYLLABLES_OF_VIETNAMESE = 0.45
"""Of 5,800 Vietnamese messages of tests/hear none of three words has a smaller share, but for insults in teencode."""
_ONLY_VIETNAMESE = frozenset("đơưăạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịĩọỏốồổỗộớờởỡợụủũứừửữựỳỵỷỹ")
_ENGLISH = frozenset(
    """a about all an and any are as at be book but by can could day did do does for free get go good had has he how i in into is
    it just keep know me more need no not of on one only or our out she so some stop than thank that the them then they this to
    two up us use want was we were what when will with work would write yes you your""".split()
)
"""English words of which some are Vietnamese syllables too: asked only of a text that is not Vietnamese."""
_ENGLISH_SHARE = 0.15
_ENGLISH_LEAST = 2
_HMONG = frozenset(
    """kuv koj nws peb neb nej lawv nkawd tsis pab thov nyob yog muaj xav niam txiv hmoob ntawm yuav tuaj hais lus tus cov dab
    tsi paub txog hnub nrog tsev ntxhais pub ntaus ntshai tawm rov txhob hmôngz""".split()
)
"""H'Mông in the Latin letters that most write it with (RPA), and its name in Viet Nam's own letters for it."""


def language_of(lexicon: Lexicon, normal: Normal) -> str:
    """ISO 639 code, or `unknown`. Vietnamese where nothing speaks for another language: a number, a name, a single word, a
    command (an officer's mistyped `/canbo` code is letters by chance).
    """
    if normal.is_command:
        return "vi"
    if not normal.folded.isascii() and (script := _script(normal.folded)):
        return script
    scores = {language: 0 for language in lexicon.common}
    scores["hmn"] = sum(word in _HMONG for word in normal.words)
    for word in normal.words:
        folded, _ = spelt(word)
        for language, common in lexicon.common.items():
            scores[language] += folded in common or (language == "vi" and folded != word)
    best = max(scores, key=lambda language: (scores[language], language == "vi"), default="vi")
    if best == "vi" or not scores[best]:
        return _vietnamese_or_not(lexicon, normal.words)
    return best


def _vietnamese_or_not(lexicon: Lexicon, words: Sequence[str]) -> str:
    if not _ONLY_VIETNAMESE.isdisjoint("".join(words)):
        return "vi"
    said = [word for word in words if len(word) > _SHORT and word.isalpha()]
    syllables = sum(_is_syllable(lexicon, word) for word in said)
    if len(said) < _WORDS_TO_TELL or syllables >= _SYLLABLES_OF_VIETNAMESE * len(said):
        return "vi"
    english = sum(word in _ENGLISH for word in words)
    return "en" if english >= max(_ENGLISH_LEAST, _ENGLISH_SHARE * len(words)) else UNKNOWN


def _is_syllable(lexicon: Lexicon, word: str) -> bool:
    return word in lexicon.spellings or bool(_SYLLABLE.fullmatch(fold(word)))


def _script(folded: str) -> str:
    """The script that most letters are in, if a third of all are: a name in another does not change a message's language."""
    counts: dict[str, int] = {}
    for character in folded:
        if (character >= "\u0250" and character.isalpha()) or "\u0e00" <= character <= "\u17ff":
            name = next((name for low, high, name in _SCRIPTS if low <= character <= high), UNKNOWN)
            counts[name] = counts.get(name, 0) + 1
    best = max(counts, key=lambda name: counts[name], default="")
    latin = sum(character.isalpha() and ord(character) < _LATIN_ENDS for character in folded)
    return best if best and counts[best] * 3 >= latin else ""
