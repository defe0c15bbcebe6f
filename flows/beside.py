"""Words that answer nothing where a button was expected: kept, told so, and the question again. Touches nothing."""

from __future__ import annotations

from msgspec.structs import replace

from flows.matters import SECRETS
from flows.model import Turned
from flows.walk import UnderWay, ask

UNCLEAR_FOR_A_PERSON = 2
"""So many texts in a row that fit no answer, and a person is offered in words (screening.md §6)."""


def beside(now: UnderWay, text: str) -> Turned:
    """What a text beside the question is answered: other trouble gets its number, secrets are told to nobody who asks."""
    news = now.news(text)
    now = now.note(text).hears(news).keep(unclear=now.talk.unclear + 1).tell_matters(news)
    if now.talk.intake:
        return ask(replace(now.tell("kept_after"), do=(*now.do, "append")), again=True)
    if text in now.talk.notes and SECRETS not in news:
        now = now.tell("kept_text")
    if now.talk.unclear >= UNCLEAR_FOR_A_PERSON and not now.talk.quiet:
        now = now.tell("perhaps_person")
    return ask(now, again=True)
