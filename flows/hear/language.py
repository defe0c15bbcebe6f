"""Which language a text is in, as far as the right first reply needs it. Touches nothing."""

from __future__ import annotations

from flows.hear.lexicon import Lexicon
from flows.hear.normal import Normal, spelt

# Unicode blocks, first and last character → ISO 639-1.
_SCRIPTS = (
    ("\u0e80", "\u0eff", "lo"),
    ("\u1780", "\u17ff", "km"),
    ("\u0e00", "\u0e7f", "th"),
    ("\u1000", "\u109f", "my"),
    ("\uac00", "\ud7a3", "ko"),
    ("\u3040", "\u30ff", "ja"),
    ("\u3400", "\u9fff", "zh"),
    ("\u0400", "\u04ff", "ru"),
)


def language_of(lexicon: Lexicon, normal: Normal) -> str:
    """ISO 639-1 code: by script, else by the common words of the lists; Vietnamese when nothing speaks for another."""
    if not normal.folded.isascii() and (script := _script(normal.folded)):
        return script
    scores = {language: 0 for language in lexicon.common}
    for word in normal.words:
        folded, _ = spelt(word)
        for language, common in lexicon.common.items():
            scores[language] += folded in common or (language == "vi" and folded != word)
    best = max(scores, key=lambda language: (scores[language], language == "vi"), default="vi")
    return best if scores.get(best) else "vi"


def _script(folded: str) -> str:
    counts: dict[str, int] = {}
    for character in folded:
        name = next((name for low, high, name in _SCRIPTS if low <= character <= high), "")
        counts[name] = counts.get(name, 0) + (character > "\u007f")
    counts.pop("", None)
    best = max(counts, key=lambda name: counts[name], default="")
    letters = sum(character.isalpha() and character.isascii() for character in folded)
    # A name in another script inside a Vietnamese message does not change its language; Han words are short.
    return best if best and counts[best] * 3 >= letters else ""
