"""What somebody types where a place that was understood is shown: yes, no, which of several, or another one. Touches nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from flows.answer import answer_place, remember
from flows.hear.choice import LONGEST, match, typed_whole
from flows.hear.normal import fold, marks, normalise
from flows.model import SKIPPED, Choice, Turned
from flows.place import ELSEWHERE, UNSURE, confirms, not_slot, without
from flows.walk import UnderWay, advance, ask, units

_YES = "đúng chỗ đó|đúng chỗ này|đúng nơi đó|đúng nơi này|chỗ đó|chỗ này|ở đó|đúng đó|đúng đấy|that one|correct|right"
_NO = (
    "không phải chỗ đó|không phải chỗ này|không phải nơi đó|không phải nơi này|không phải ở đó|không phải đó|không đúng"
    "|sai|sai rồi|nhầm|nhầm rồi|nơi khác|chỗ khác|ở chỗ khác|ở nơi khác|không nơi nào|không chỗ nào|không có nơi nào|wrong"
    "|none|none of them|not there|elsewhere|somewhere else|不对|都不是"
)
_PLAIN = (("yes", "có"), ("no", "không"))
_SAID = tuple((id, label) for id, listed in (("yes", _YES), ("no", _NO)) for label in listed.split("|"))
_BEGINS = (
    ("no", "không phải|không đúng|không|ko phải|k phải|hông phải|hong phải|ko|not"),
    ("yes", "đúng rồi|đúng|có|phải|yes"),
)
"""How an answer begins that goes on with a name, the longer words first."""
_LEADS = frozenset("o cho noi cai la tai thuoc ben no in at the it is".split())
_TAILS = frozenset("ay do nay kia nhe nha a nhi ma".split())
"""Before and after a name these say nothing."""
_TYPES = frozenset("xa phuong tinh huyen quan thi tran thanh pho dac khu".split())


def said_of_place(now: UnderWay, text: str) -> Turned | None:
    """What follows where a text says something of the place shown; None where none is shown, or it says nothing of it."""
    found = units(now)
    if not found or len(text) > LONGEST:
        return None
    plain, rest = _plain(text)
    name = _named(found, rest) if rest else ""
    if plain == "no" and (not rest or (name and len(found) == 1)):
        return answer_place(now, ELSEWHERE)
    if name and plain != "no":
        return answer_place(now, name)
    if plain == "yes" and not rest:
        return answer_place(now, found[0].id) if len(found) == 1 else _which(now)
    return None


def another_place(now: UnderWay, text: str) -> Turned | None:
    """Where nothing but the place is asked and their words name one again: that is the answer now, and shown in its turn."""
    slot = now.step.place
    if not confirms(now.step) or len(text) > LONGEST:
        return None
    plain, _ = _plain(text)
    # Whoever names a place that they said no to before means it now.
    kept = {name: one for name, one in without(now.talk.answers, slot).items() if name != not_slot(slot)}
    told = replace(now.talk, answers={**kept, slot: text})
    named, shown = ({one.id for one in among} for among in (now.given.places(slot, told), units(now)))
    if not named:
        return None
    if named == shown and plain != "no":
        return answer_place(now, shown.pop()) if len(shown) == 1 else _which(now)
    before = now.talk.answers.get(slot, "")
    now = now.note(before) if isinstance(before, str) and before else now
    return ask(now.keep(answers=told.answers, unclear=0))


def _which(now: UnderWay) -> Turned:
    """A yes to several: asked once which. After that the words count as they are, and nobody is held up by a name."""
    if not now.talk.unclear:
        return ask(now.keep(unclear=1).tell("place_which"), again=True)
    if any(choice.id == UNSURE for choice in now.step.choices):
        return advance(remember(now, now.step, UNSURE))
    return advance(remember(now, now.step, SKIPPED)) if now.step.ask == "text" else ask(now, again=True)


def _plain(text: str) -> tuple[str, str]:
    """Whether it is a yes or a no, and what it goes on with."""
    if not any(letter.isalpha() for letter in text):
        return "", ""
    if said := (*match(_PLAIN, text), *typed_whole(_SAID, text)):
        return said[0], ""
    words = normalise(text).words
    begun = ((plain, begin.split()) for plain, listed in _BEGINS for begin in listed.split("|"))
    plain, first = next((one for one in begun if _same(words[: len(one[1])], one[1])), ("", []))
    return plain, " ".join(words[len(first) :])


def _named(found: Sequence[Choice], text: str) -> str:
    """The one of them whose name, or part of whose name, the text is; a single word only where it is a whole part."""
    typed = list(normalise(text).words)
    while typed and fold(typed[0]) in _LEADS:
        typed.pop(0)
    while typed and fold(typed[-1]) in _TAILS:
        typed.pop()
    if begun := match([(one.id, one.label) for one in found], " ".join(typed)):
        return begun[0] if len(begun) == 1 else ""
    for types in (frozenset[str](), _TYPES):
        wanted = _but(typed, types)
        hits = [one.id for one in found if wanted and _holds(one.label, wanted, types)]
        if len(hits) == 1:
            return hits[0]
    return ""


def _holds(label: str, wanted: Sequence[str], types: frozenset[str]) -> bool:
    parts = [_but(normalise(part).words, types) for part in label.split(",")]
    if len(wanted) == 1:
        return any(_same(wanted, part) for part in parts)
    words = [word for part in parts for word in part]
    return any(_same(wanted, words[at : at + len(wanted)]) for at in range(len(words)))


def _same(typed: Sequence[str], known: Sequence[str]) -> bool:
    """The same words, with the same marks or fewer."""
    return len(typed) == len(known) and all(
        fold(one) == fold(other) and marks(one) <= marks(other) for one, other in zip(typed, known, strict=True)
    )


def _but(words: Iterable[str], gone: frozenset[str]) -> list[str]:
    return [word for word in words if fold(word) not in gone]
