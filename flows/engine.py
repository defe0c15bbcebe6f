"""Decide where a conversation goes on and what is shown. Touches nothing.

`turn(book, conversation, event, given)` is a pure function: the same four give the same answer. What flows may not know
(levels, agencies, languages, receipts) is handed in as `Given`.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from flows.answer import answer_choice, answer_place, meant, place_ids, remember
from flows.beside import beside
from flows.book import FIRST, FlowBook
from flows.brought import is_of_same_album, kept_silently, moved
from flows.conditions import values_of
from flows.correct import may_correct, review
from flows.decoy import fools
from flows.early import is_early
from flows.files import why_not_kept
from flows.hear.choice import way
from flows.hear.hear import alarmed, hear
from flows.hear.receipt import parse_receipt
from flows.matters import SECRETS
from flows.model import (
    SKIPPED,
    Answer,
    Chose,
    CitizenEvent,
    Conversation,
    Empty,
    Gone,
    Media,
    Moved,
    Opened,
    Said,
    Sent,
    StaffWrote,
    Turned,
    Woke,
)
from flows.place import without
from flows.spoken import chosen_by_speaking, in_their_words, is_ours, locale_of
from flows.staff import before_staff, silent, with_staff
from flows.story import taken
from flows.together import AGREED, HELPER, PRIVATE
from flows.typed import named_place, pressed_in_words, says_done
from flows.walk import (
    DONE,
    HEARD,
    STAYS_FOR_MORE,
    UnderWay,
    advance,
    ask,
    at,
    by_number,
    emptied,
    enter,
    keep_media,
    moved_steps,
    offered,
    perform,
    say_decoy,
    start,
)
from flows.walk import (
    Given as Given,  # whoever calls turn() needs it
)
from flows.which import another_place, said_of_place

CODE_GUESSES = 5
ALWAYS = ("stop", "danger", "person", "language", "helper")
ASKED_ANEW = frozenset({"safety", "door", HELPER, AGREED, PRIVATE})
"""What the chat opened anew forgets: somebody else may hold the phone by now."""
NO_STORY = frozenset({"greeting", "abuse", "spam", "offtopic"})
"""A first message of these intents is a note: it answers none of the questions to come, and may have been misunderstood."""


SAID_TO_BE_KEPT = NO_STORY | {"info"}
"""First words of these intents answer no question, and are kept all the same; what is kept is said to be."""
WORTH_SAYING = 4
"""Words: fewer are a greeting."""


def turn(book: FlowBook, conversation: Conversation, event: CitizenEvent, given: Given) -> Turned:
    """What follows from one event. Raises FlowStuck only on a flow that `flows.check` would have refused."""
    now = moved_steps(UnderWay(book, given, conversation))
    if isinstance(event, Woke):
        return Turned(replace(emptied(now.talk), lapsed=True), None, ("erase",), draft=now.talk)
    if isinstance(event, Opened):
        return _open(now, event)
    if isinstance(event, StaffWrote):
        return with_staff(now)
    if isinstance(event, Moved):
        return moved(now, event.media)
    if isinstance(event, Gone):
        return Turned(now.talk, None, draft=now.talk)
    if not now.talk.flow:
        return _first(now, event)
    match event:
        case Said(text, edited):
            return _edited(now, text) if edited else _said(now, text)
        case Chose(ids, prompt):
            return _chose(now, ids, prompt)
        case Sent(media):
            return _sent(now, media)
        case Empty():
            return ask(replace(now.tell("empty_event"), do=("human",)), again=True)


def put(book: FlowBook, conversation: Conversation, place: str, given: Given) -> Turned:
    """Put the question at a place to somebody who is in no flow: an officer wrote, and they may answer."""
    return ask(at(UnderWay(book, given, conversation), place, say=True))


def _said_to_staff(now: UnderWay, text: str) -> Turned:
    """Kept, and read by whoever answers them; only what must never be missed is answered here."""
    word = way(text) or pressed_in_words(now, text)
    if word == "back":
        return enter(now, "back")
    if word in ALWAYS:
        return _way(before_staff(now), word)
    now = now.note(text)
    if _is_cry(now, text):
        return _cry(now, text)
    return silent(replace(now, do=(*now.do, "append")) if now.talk.intake else now)


# ------------------------------------------------------------------------------------------------------- beginning


def _open(now: UnderWay, event: Opened) -> Turned:
    kept = {slot: answer for slot, answer in now.talk.answers.items() if slot not in ASKED_ANEW}
    return enter(now.keep(answers=kept, campaign=event.payload or now.talk.campaign), start(now))


def _first(now: UnderWay, event: CitizenEvent) -> Turned:
    """The first event, or the first after an end: whatever it is, the numbers are in the reply (but for flows/decoy.py)."""
    decoy_due, now = now.talk.decoy_due, now.keep(decoy_due=False)
    if now.talk.lapsed and not isinstance(event, Chose):
        now = now.tell("expired").keep(lapsed=False)
    match event:
        case Said(text) if decoy_due and not now.given.receipt_found and fools(now.book.everywhere.decoy, text):
            return say_decoy(now)
        case Said(text):
            return _first_words(now, text)
        case Chose(ids, _) if ids and ids[0] in {"danger", "stop", "person"}:
            return _way(now, ids[0])
        case Chose():
            return enter(now.tell("expired").keep(lapsed=False), start(now))
        case Sent(media):
            now = keep_media(now, media)
            return _cry(now, media.caption) if _is_cry(now, media.caption) else enter(now, start(now))
        case Empty():
            return enter(replace(now.tell("empty_event"), do=("human",)), start(now))
    return enter(now, start(now))


def _first_words(now: UnderWay, text: str) -> Turned:
    if now.given.receipt_found:
        return _came_back(now, text)
    if _is_closed(now, text):
        return enter(now.tell("too_many_codes"), start(now))
    if parse_receipt(text):
        return enter(_unknown_code(now, text), start(now))
    heard = hear(now.book.lexicon, text)
    if not now.talk.prompt or any(letter.isalpha() for letter in text):
        now = now.keep(locale=locale_of(heard))  # a bare number says nothing of a language
    now = now.keep(heard=(heard.intent, *heard.crises, *heard.matters))
    word = way(text) or pressed_in_words(now, text)
    if word in ("language", "rights", "helper"):
        return _numbers_first(now, word)
    if word in ALWAYS and not (word == "stop" and not now.talk.prompt):
        return _way(now, word)
    if heard.intent in NO_STORY or SECRETS in heard.matters:
        now = now.note(text)
    else:
        now = now.keep(answers={**now.talk.answers, "story": text})
    if heard.intent in SAID_TO_BE_KEPT and len(text.split()) >= WORTH_SAYING:
        now = now.hears(("kept",))
    if heard.urgent:
        return _way(now, "danger")
    return enter(now, start(now)) if is_ours(now) else _numbers_first(now, "language")


def _unknown_code(now: UnderWay, text: str) -> UnderWay:
    """A code that leads to nothing is told to be none: whoever mistyped theirs waits for an answer about their report."""
    if now.talk.guesses >= CODE_GUESSES:
        return now.tell("too_many_codes")
    return now.note(text).keep(guesses=now.talk.guesses + 1).tell("code_unknown")


def _is_closed(now: UnderWay, text: str) -> bool:
    """A receipt at a time when none is looked up: what it leads to is not known, so it is no story either."""
    return now.given.codes_closed and bool(parse_receipt(text))


def _numbers_first(now: UnderWay, word: str) -> Turned:
    """Whoever asks for their language or their data first, or is asked for it, sees the numbers first all the same."""
    return _way(at(now, start(now), say=True).keep(flow="", step=""), word)


# ---------------------------------------------------------------------------------------------------------- events


def _said(now: UnderWay, text: str) -> Turned:
    if now.given.receipt_found and now.talk.flow == FIRST and not now.talk.intake:
        return _came_back(now, text)
    if now.talk.flow == FIRST and _is_closed(now, text):
        return ask(now.tell("too_many_codes"), again=True)
    if now.talk.flow == FIRST and parse_receipt(text):
        return ask(_unknown_code(now, text), again=True)
    if now.step.ask == "staff":
        return _said_to_staff(now, text)
    word = way(text) or pressed_in_words(now, text)
    if word == "review" and may_correct(now):
        return review(now)
    if word and word != "review":
        return _way(now, word)
    step = now.step
    if step.ask in {"choice", "many"}:
        ids = meant(now, text)
        if ids and is_early(now, text):
            return ask(now.keep(unclear=now.talk.unclear + 1).tell("early_number"), again=True)
        if ids:
            return answer_choice(now, ids, typed=True)
    if says_done(now, text):
        return _done(now)
    if place := named_place(now, text):
        return answer_place(now, place)
    cry = _is_cry(now, text)
    if not cry and (told := said_of_place(now, text) or another_place(now, text)):
        return told
    if not cry and (spoken := chosen_by_speaking(now, text)):
        return answer_choice(now, spoken, typed=True)
    if step.ask == "text":
        now = remember(now, step, text)
        return _cry(now, text) if cry and now.talk.flow != "danger" else advance(now)
    if step.ask == "code" and not cry:
        return _code(now, text)
    if not text.strip():
        return ask(now.tell("not_understood"), again=True)
    now = in_their_words(now, text)
    if cry:
        return _cry(now.note(text).keep(unclear=now.talk.unclear + 1), text)
    if now.talk.flow == FIRST and not is_ours(now):
        return _way(now.note(text).keep(unclear=now.talk.unclear + 1).tell("kept_text"), "language")
    return beside(now, text)


def _edited(now: UnderWay, text: str) -> Turned:
    """An earlier message was changed: it answers nothing anew, but nothing of it is lost, and a cry in it is heard."""
    now = now.note(text)
    if _is_cry(now, text) and now.talk.flow != "danger":
        return _cry(now, text)
    do = (*now.do, "append") if now.talk.intake else now.do
    return ask(replace(now.tell("kept_edit"), do=do), again=True)


def _done(now: UnderWay) -> Turned:
    """They have sent all they wanted; what came stays the answer."""
    return advance(remember(now, now.step, now.talk.answers.get(now.step.remember, SKIPPED)))


def _came_back(now: UnderWay, text: str) -> Turned:
    """A receipt that is ours, typed where no code was asked for: they do what the ending told them."""
    answers = {**now.talk.answers, "code": parse_receipt(text), "code_found": "yes"}
    return enter(now.keep(answers=answers, trail=(), picked=()), now.book.everywhere.goes["receipt"])


def _is_cry(now: UnderWay, text: str) -> bool:
    """True when the words alone open the danger path: by a phrase or a rule, not by weights learned from first messages."""
    return bool(text) and alarmed(now.book.lexicon, text)


def _cry(now: UnderWay, text: str) -> Turned:
    """The danger path, with what else was heard in the words that opened it."""
    return _way(now.hears(now.news(text)), "danger")


def _chose(now: UnderWay, ids: tuple[str, ...], prompt: int | None) -> Turned:
    if now.step.ask == "staff":
        return _chose(before_staff(now), ids, prompt)
    is_now = prompt is None or prompt == now.talk.prompt
    is_offered = is_now and bool(ids) and ids[0] in {choice.id for choice in offered(now)}
    if ids and ids[0] in ALWAYS and not is_offered:
        return _way(now, ids[0])
    if not is_now and prompt is not None:
        return _old_button(now, ids, prompt)
    if ids and ids[0] in {"back", "skip"} and not is_offered:
        return _way(now, ids[0])
    if ids == (DONE,) and now.step.accepts and now.step.ask not in {"choice", "many"}:
        return _done(now)
    if now.step.ask not in {"choice", "many"}:
        place = next((one for one in ids if one in place_ids(now)), "")
        return answer_place(now, place) if place else ask(now.tell("not_understood"), again=True)
    return answer_choice(now, by_number(offered(now), ids), typed=False)


def _sent(now: UnderWay, media: Media) -> Turned:
    step, refused = now.step, why_not_kept(media, now.talk.media)
    cry = _is_cry(now, media.caption) and now.talk.flow != "danger"
    if step.ask == "staff" and not (cry or refused):
        return silent(keep_media(now, media))
    if is_of_same_album(now, media) and not (cry or refused):
        return kept_silently(now, media)
    now = keep_media(now, media)
    if media.kind not in step.accepts or refused:
        return _cry(now, media.caption) if cry else ask(now, again=True)
    if media.kind in STAYS_FOR_MORE:
        now = now.keep(answers={**now.talk.answers, step.remember: media.kind})
        return _cry(now, media.caption) if cry else ask(now, again=True)
    now = remember(now, step, media.caption or media.kind)
    return _cry(now, media.caption) if cry else advance(now)


def _code(now: UnderWay, text: str) -> Turned:
    code = parse_receipt(text)
    if now.talk.guesses >= CODE_GUESSES or _is_closed(now, text):
        return ask(now.tell("too_many_codes"), again=True)
    if not code:
        return ask(now.note(text).tell("not_understood"), again=True)
    found = now.given.receipt_found
    now = now.keep(guesses=0 if found else now.talk.guesses + 1)
    answers: Mapping[str, Answer] = {**now.talk.answers, "code_found": "yes" if found else "no"}
    return advance(remember(now.keep(answers=answers), now.step, code))


def _old_button(now: UnderWay, ids: tuple[str, ...], prompt: int) -> Turned:
    """A second tap on the button just pressed changes nothing; any other old button is told from the question that stands."""
    if prompt == now.talk.prompt - 1 and set(ids) & _just_given(now):
        return Turned(now.talk, None, draft=now.talk)
    return ask(now.tell("old_button"), again=True)


def _just_given(now: UnderWay) -> set[str]:
    """The answer given last; after a sending, which nobody goes back behind, any answer may have been the last."""
    if not now.talk.trail:
        return {value for slot in now.talk.answers for value in values_of(now.talk.answers, slot)}
    return set(values_of(now.talk.answers, now.book.step(now.talk.trail[-1]).remember))


# ------------------------------------------------------------------------------------------------------------ ways


def _way(now: UnderWay, name: str) -> Turned:
    if name == "back":
        return _back(now)
    if name == "skip":
        return _skip(now)
    go = now.book.everywhere.goes[name]
    if go.partition(".")[0] == now.talk.flow:
        return _once_more(now, go)
    trail = now.talk.trail
    if now.talk.flow and (not trail or trail[-1] != now.place):
        trail = (*trail, now.place)
    return enter(now.keep(trail=trail, picked=()), go)


def _once_more(now: UnderWay, go: str) -> Turned:
    """Somebody who is in a side path asks for it again: its first words (the numbers), then the question that stands."""
    said = at(perform(now, now.book.step(go)), go, say=True)
    return ask(at(said, now.place, say=False))


def _back(now: UnderWay) -> Turned:
    if not now.talk.trail:
        return ask(now.tell("nothing_to_go_back"), again=True)
    place = now.talk.trail[-1]
    answers = without(now.talk.answers, now.book.step(place).remember)
    now = now.keep(trail=now.talk.trail[:-1], answers=answers, picked=(), correcting=False)
    return ask(at(now, place, say=True))


def _skip(now: UnderWay) -> Turned:
    if not now.step.skippable or now.step.ask == "nothing":
        return ask(now, again=True)
    now = taken(now, ()) if now.step.choices_from == HEARD else now
    return advance(remember(now, now.step, SKIPPED))
