"""What somebody typed who meant a button: its words, or the name that stands on it. Pure."""

from __future__ import annotations

from flows.hear.choice import match, typed_whole
from flows.model import Choice
from flows.walk import DONE, UnderWay, label_of, offered, units


def says_done(now: UnderWay, text: str) -> bool:
    """Somebody who sends photos one by one types what stands on the button that ends it."""
    done = [(one.id, label_of(now, one)) for one in offered(now) if one.id == DONE]
    return now.step.ask == "text" and bool(typed_whole(done, text))


def named_place(now: UnderWay, text: str) -> str:
    """The place shown above a question for words, where they type its name or its number."""
    shown = units(now) if now.step.ask == "text" else ()
    named = match([(one.id, one.label) for one in shown], text) if shown else ()
    return named[0] if len(named) == 1 else ""


def pressed_in_words(now: UnderWay, text: str) -> str:
    """The way whose button's words were typed whole: a label counts as an answer, the red one most of all."""
    quiet = now.book.everywhere.quiet_labels
    labels = [(one.id, label_of(now, one)) for one in now.book.everywhere.ways]
    labels += [(name, label_of(now, Choice(name, label, f"everywhere.quiet.{name}"))) for name, label in quiet.items()]
    same = typed_whole(labels, text)
    return same.pop() if len(same) == 1 else ""
