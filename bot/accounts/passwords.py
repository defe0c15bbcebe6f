"""Whether a password is easily guessed: how many tries a guesser needs who knows the common ones, the office and the name.

The estimate follows zxcvbn (Wheeler, USENIX Security 2016): the cheapest way to put the password together from common
passwords, words of this account, repeats, runs of the alphabet or keyboard, years, and single characters. Length alone
would let `password1234` and `nhipcau2026!` pass.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from math import inf, log2
from pathlib import Path
from typing import Final

ENOUGH_BITS: Final = 40.0
"""2^40 tries take one core 1,700 years at the 20 a second that Argon2id leaves it, and a thousand cores almost two."""
LONGEST_READ: Final = 64
"""Characters of a password that are looked at: what comes after only makes it harder to guess."""
LIST: Final = Path(__file__).parent / "definitions" / "common.txt"
LONGEST_WORD: Final = 24
SHORTEST_WORD: Final = 3

_CHARACTER_BITS: Final = log2(36)
_RUN_BITS: Final = 6.0
_MARK_BITS: Final = 4.0
_YEAR_BITS: Final = log2(150)
_ROWS: Final = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv")
_STAND_FOR: Final = str.maketrans("@4013$57!|", "aaoiesstil")


def is_guessable(password: str, of_account: Iterable[str] = ()) -> bool:
    """Whether it takes too few guesses. `of_account`: what a guesser knows, such as the login and the office's name."""
    known = {part: 1 for text in of_account for part in _parts(text)}
    return bits(password, known) < ENOUGH_BITS


def bits(password: str, known: Mapping[str, int]) -> float:
    """How many bits guessing it takes at most. `known` are more words, by their rank."""
    text = plain(password)[:LONGEST_READ]
    joined = "".join(filter(str.isalnum, text))  # `cau-nhip` is guessed like `caunhip`, with another mark between
    return min(_cheapest(text, known), _cheapest(joined, known) + _MARK_BITS if joined != text else inf)


def _cheapest(text: str, known: Mapping[str, int]) -> float:
    spelt = text.translate(_STAND_FOR)
    best = [0.0]
    for end in range(1, len(text) + 1):
        cheapest = best[end - 1] + _CHARACTER_BITS
        for begin in range(max(0, end - LONGEST_READ), end - SHORTEST_WORD + 1):
            cost = _cost(text[begin:end], spelt[begin:end], known)
            if cost is not None:
                cheapest = min(cheapest, best[begin] + cost)
        best.append(cheapest)
    return best[-1]


def plain(text: str) -> str:
    """Small letters without the marks of Vietnamese: đ and ơ are as easily guessed as d and o."""
    apart = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(one for one in apart if not unicodedata.combining(one))


def _parts(text: str) -> Iterable[str]:
    """A name as it is typed into a password: its words, the whole without spaces, and its initials."""
    words = "".join(one if one.isalnum() else " " for one in plain(text)).split()
    yield from (word for word in words if len(word) >= SHORTEST_WORD)
    for first in range(len(words)):
        yield from ("".join(words[first:last]) for last in range(first + 2, len(words) + 1))
    yield "".join(word[0] for word in words)


def _cost(piece: str, spelt: str, known: Mapping[str, int]) -> float | None:
    """Bits of a piece that is guessed as a whole; None where it has to be guessed by its characters."""
    if _is_run(piece):
        return _RUN_BITS
    if len(piece) == 4 and piece.isdecimal() and "1900" <= piece <= "2049":
        return _YEAR_BITS
    unit = _unit(piece)
    if unit:
        return _CHARACTER_BITS * len(unit) + log2(len(piece) // len(unit))
    if len(piece) > LONGEST_WORD and piece not in known:
        return None
    for word, extra in ((piece, 1.0), (spelt, 2.0)):
        rank = known.get(word) or common().get(word)
        if rank:
            return log2(rank) + extra  # a bit for capitals, one more for @ in place of a
    return None


def _is_run(piece: str) -> bool:
    """One character again and again, or a stretch of the alphabet or of the keyboard, either way round."""
    if len(set(piece)) == 1:
        return True
    return any(piece in row or piece[::-1] in row for row in _ROWS)


def _unit(piece: str) -> str:
    """What a piece repeats: `ab1` of `ab1ab1ab1`; empty where it repeats nothing."""
    again = (piece + piece).find(piece, 1)
    return piece[:again] if again < len(piece) else ""


@cache
def common() -> Mapping[str, int]:
    """The shipped list: a password by its place in it, the most common first. Read at the first use."""
    words = (line for line in LIST.read_text("utf-8").splitlines() if not line.startswith("#"))
    return {word: rank for rank, word in enumerate(dict.fromkeys(words), 1)}
