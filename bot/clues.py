"""Numbers, links, accounts and plates in what somebody wrote, as things that an officer can look up. Pure.

They are offered, never asked for: the person sees them in the review list and takes out what is not about the matter. How to
reach the writer is none of them (referral/disclose.py). The words in which they stand are kept as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache

from bot.book import Book
from flows.conditions import values_of
from flows.hear.clues import clues
from flows.hear.clues import legible as legible  # officers' pages write them the same way
from flows.model import SKIPPED, Choice, Conversation, fitting
from referral.disclose import WHO_WRITES

OUT = "clues_out"
"""The answer that holds what the person took out."""
ARE_CLUES = frozenset({"tip_clues"})
"""The question for clues: where the first words answered it, its answer is our list of them and nobody's words."""
MOST = 12
TEXT_MAX = 5000
"""Code points looked through of each text."""
_NEVER = WHO_WRITES | {"code", OUT}

Clue = tuple[str, str]
"""Kind (phone, plate, link, account, bank, email) and value as it is compared (E.164, capitals)."""


def kept(book: Book, talk: Conversation) -> tuple[Clue, ...]:
    """The clues of a draft but those that the person took out."""
    gone = taken_out(book, talk)
    return tuple(one for one in found(book, talk) if one not in gone)


def taken_out(book: Book, talk: Conversation) -> tuple[Clue, ...]:
    """Those that the person took out."""
    ids = set(values_of(talk.answers, OUT))
    return tuple(one for one in found(book, talk) if _id(one) in ids) if ids else ()


def found(book: Book, talk: Conversation) -> tuple[Clue, ...]:
    """Each clue in the words of a draft once, in the order in which it was written; captions are among the notes."""
    told = (one for text in _texts(book, talk) for one in clues(text[:TEXT_MAX]))
    return tuple(dict.fromkeys(told))[:MOST]


def _texts(book: Book, talk: Conversation) -> Iterator[str]:
    for slot in _slots(book.free_text):
        if slot in talk.answers:
            yield from (text for text in values_of(talk.answers, slot) if text != SKIPPED)
    yield from talk.notes


@cache
def _slots(free_text: frozenset[str]) -> tuple[str, ...]:
    """The answers in which somebody's words may stand, the first words first."""
    return ("story", *sorted(free_text - _NEVER))


def choices(book: Book, talk: Conversation) -> tuple[Choice, ...]:
    """The clues as choices, by what was written. Nothing is listed on the screen of somebody who is watched."""
    if talk.quiet:
        return ()
    return tuple(Choice(_id(one), fitting(legible(*one))) for one in found(book, talk))


def line(book: Book, talk: Conversation) -> str:
    """What is kept of them, in one line for the review list."""
    return ", ".join(fitting(legible(*one)) for one in kept(book, talk))


def _id(clue: Clue) -> str:
    """A name for a clue that a button can carry: no number is readable in it, and none is looked up by it."""
    return "k" + hashlib.blake2b("\n".join(clue).encode(), digest_size=6).hexdigest()
