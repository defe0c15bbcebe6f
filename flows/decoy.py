"""What a stranger is answered who picks up the phone after somebody left the chat: a harmless sentence of the operator's. Pure.

It is said once, only after the chat was stopped and cleared, and only to texts that are nothing but a word of its list. A
danger word, a receipt, a button, any story, and whatever is written after it are answered as always: nobody in need is fooled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flows.hear.choice import typed_whole, way
from flows.hear.hear import hear
from flows.hear.lexicon import Lexicon
from flows.model import Decoy, Problem

LONGEST: Final = 160
"""Code points: what one reads at a glance, and thinks no more of."""
TELLING: Final = ("nhịp cầu", "công an", "bán người", "nạn nhân", "đường dây", "trợ giúp", "khẩn", "an toàn", "cán bộ")
"""Words that would tell a stranger what this chat is."""
IDLE: Final = frozenset({"greeting", "info", "offtopic"})
"""What somebody wants who picks up a strange telephone and asks whose it is."""
WHERE: Final = "flows/definitions/everywhere.yaml decoy"


def fools(decoy: Decoy, text: str) -> bool:
    """Whether this text, whole, is one that the decoy answers."""
    return bool(decoy.say) and bool(typed_whole([("decoy", one) for one in decoy.to], text))


def decoy_problems(decoy: Decoy, lexicon: Lexicon) -> Iterator[Problem]:
    """A decoy must give nothing away, promise nothing, and stand before no word with which somebody asks for help."""
    if len(decoy.say) > LONGEST:
        yield Problem(WHERE, f"a sentence of {len(decoy.say)} characters", f"at most {LONGEST}")
    if any(letter.isdigit() or letter in "{}" for letter in decoy.say):
        yield Problem(
            WHERE, "a number or a brace in `say`", "words only: a number would be dialled, a brace is filled by nobody"
        )
    for word in TELLING:
        if word in decoy.say.casefold():
            yield Problem(WHERE, f"`say` holds `{word}`, which tells what this chat is", "remove it")
    for text in decoy.to:
        heard = hear(lexicon, text)
        if heard.urgent or heard.alarmed or way(text) or heard.intent not in IDLE:
            yield Problem(WHERE, f"`to` holds `{text}`, with which somebody may ask for help", "remove it")
