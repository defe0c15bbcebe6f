"""Decide where a conversation goes on and what is shown. Touches nothing.

`turn(book, conversation, event, given)` is a pure function: the same four give the same answer. What flows may not know
(levels, agencies, languages, receipts) is handed in as `Given`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from flows.book import FIRST, FlowBook
from flows.conditions import LevelOf, answered, holds, values_of
from flows.hear.choice import match, way
from flows.hear.hear import hear
from flows.hear.receipt import parse_receipt
from flows.model import (
    SKIPPED,
    Answer,
    Choice,
    Chose,
    CitizenEvent,
    Conversation,
    Empty,
    Heard,
    Line,
    Media,
    Opened,
    Prompt,
    Said,
    Sent,
    Step,
    Turned,
    Woke,
)

DONE = "done"
MOVES_A_TURN = 60
"""More silent moves than this in one turn are a loop in the data; `flows.check` proves there is none."""
TRAIL_MOST = 100
"""So many questions back somebody can go; more would only make every turn heavier."""
CODE_GUESSES = 5
STAYS_FOR_MORE = frozenset({"photo", "video", "document"})
"""Of these people send several, so the question stays until they say they are done."""
ALWAYS = ("stop", "danger", "person", "language")
NO_STORY = frozenset({"greeting", "abuse", "spam", "offtopic"})
"""A first message of these intents is a note: it answers none of the questions to come, and may have been misunderstood."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the engine is told by the shell: the level so far, the choices that depend on the case, translation, the receipt."""

    level_of: LevelOf
    offers: Callable[[str, Conversation], tuple[Choice, ...]]
    translate: Callable[[str, str, str], str]
    receipt_found: bool = False
    locales: tuple[str, ...] = ("vi", "en")


@dataclass(frozen=True, slots=True)
class _Turn:
    """A turn under way: the conversation, what was said so far, the effects so far."""

    book: FlowBook
    given: Given
    talk: Conversation
    lines: tuple[Line, ...] = ()
    do: tuple[str, ...] = ()

    def keep(self, **changes: object) -> _Turn:
        return replace(self, talk=replace(self.talk, **changes))  # type: ignore[arg-type]

    def tell(self, sentence: str) -> _Turn:
        line = Line(self.book.everywhere.sentences[sentence], f"everywhere.{sentence}")
        return replace(self, lines=(*self.lines, line))

    @property
    def place(self) -> str:
        return f"{self.talk.flow}.{self.talk.step}"

    @property
    def step(self) -> Step:
        return self.book.step(self.place)


def turn(book: FlowBook, conversation: Conversation, event: CitizenEvent, given: Given) -> Turned:
    """What follows from one event. Raises FlowStuck only on a flow that `flows.check` would have refused."""
    now = _moved_steps(_Turn(book, given, conversation))
    if isinstance(event, Woke):
        return Turned(_emptied(now.talk), None, ("erase",), draft=now.talk)
    if isinstance(event, Opened):
        return _open(now, event)
    if not now.talk.flow:
        return _first(now, event)
    match event:
        case Said(text):
            return _said(now, text)
        case Chose(ids, prompt):
            return _chose(now, ids, prompt)
        case Sent(media):
            return _sent(now, media)
        case Empty():
            return _ask(replace(now.tell("empty_event"), do=("human",)), again=True)


# ------------------------------------------------------------------------------------------------------- beginning


def _open(now: _Turn, event: Opened) -> Turned:
    kept = {slot: answer for slot, answer in now.talk.answers.items() if slot not in {"safety", "door"}}
    return _enter(now.keep(answers=kept, campaign=event.payload or now.talk.campaign), _start(now))


def _first(now: _Turn, event: CitizenEvent) -> Turned:
    """The first event, or the first after an end: whatever it is, the numbers are in the reply."""
    match event:
        case Said(text):
            return _first_words(now, text)
        case Chose(ids, _) if ids and ids[0] in {"danger", "stop", "person"}:
            return _way(now, ids[0])
        case Chose():
            return _enter(now.tell("expired"), _start(now))
        case Sent(media):
            now = _keep_media(now, media)
            return _way(now, "danger") if _is_cry(now, media.caption) else _enter(now, _start(now))
        case Empty():
            return _enter(replace(now.tell("empty_event"), do=("human",)), _start(now))
    return _enter(now, _start(now))


def _first_words(now: _Turn, text: str) -> Turned:
    heard = hear(now.book.lexicon, text)
    now = now.keep(heard=(heard.intent,), locale=_locale(now, heard))
    if way(text) == "language":
        # Whoever asks for their language first sees the numbers first all the same.
        return _way(_at(now, _start(now), say=True).keep(flow="", step=""), "language")
    if way(text) in ALWAYS:
        return _way(now, way(text))
    if heard.intent in NO_STORY:
        now = now.keep(notes=(*now.talk.notes, text))
    else:
        now = now.keep(answers={**now.talk.answers, "story": text})
    return _way(now, "danger") if heard.urgent else _enter(now, _start(now))


def _locale(now: _Turn, heard: Heard) -> str:
    """Vietnamese unless the first words were clearly in something else, and then the language we have for strangers."""
    if heard.lang in now.given.locales or heard.lang == "unknown":
        return heard.lang if heard.lang != "unknown" else now.talk.locale
    return "en"


def _start(now: _Turn) -> str:
    return now.book.flows[FIRST].start


# ---------------------------------------------------------------------------------------------------------- events


def _said(now: _Turn, text: str) -> Turned:
    word = way(text)
    if word == "review" and _may_correct(now):
        return _review(now)
    if word and word != "review":
        return _way(now, word)
    step = now.step
    if step.ask in {"choice", "many"}:
        ids = match([(choice.id, _label(now, choice)) for choice in _choices(now)], text)
        if ids:
            return _answer_choice(now, ids, typed=True)
    cry = _is_cry(now, text)
    if step.ask == "text":
        now = _remember(now, step, text)
        return _way(now, "danger") if cry and now.talk.flow != "danger" else _advance(now)
    if step.ask == "code" and not cry:
        return _code(now, text)
    if not text.strip():
        return _ask(now.tell("not_understood"), again=True)
    now = now.keep(notes=(*now.talk.notes, text), unclear=now.talk.unclear + 1)
    if cry:
        return _way(now, "danger")
    if now.talk.intake:
        return _ask(replace(now.tell("kept_after"), do=(*now.do, "append")), again=True)
    return _ask(now.tell("kept_text"), again=True)


def _is_cry(now: _Turn, text: str) -> bool:
    """True when the words alone open the danger path."""
    return bool(text) and hear(now.book.lexicon, text).urgent


def _chose(now: _Turn, ids: tuple[str, ...], prompt: int | None) -> Turned:
    is_now = prompt is None or prompt == now.talk.prompt
    is_offered = is_now and bool(ids) and ids[0] in {choice.id for choice in _choices(now)}
    if ids and ids[0] in ALWAYS and not is_offered:
        return _way(now, ids[0])
    if not is_now and prompt is not None:
        return _old_button(now, ids, prompt)
    if ids and ids[0] in {"back", "skip"} and not is_offered:
        return _way(now, ids[0])
    if ids == (DONE,) and now.step.accepts and now.step.ask not in {"choice", "many"}:
        return _advance(_remember(now, now.step, now.talk.answers.get(now.step.remember, SKIPPED)))
    if now.step.ask not in {"choice", "many"}:
        return _ask(now.tell("not_understood"), again=True)
    return _answer_choice(now, _by_number(_choices(now), ids), typed=False)


def _sent(now: _Turn, media: Media) -> Turned:
    step = now.step
    now = _keep_media(now, media)
    cry = _is_cry(now, media.caption) and now.talk.flow != "danger"
    if media.kind not in step.accepts:
        return _way(now, "danger") if cry else _ask(now, again=True)
    if media.kind in STAYS_FOR_MORE:
        now = now.keep(answers={**now.talk.answers, step.remember: media.kind})
        return _way(now, "danger") if cry else _ask(now, again=True)
    now = _remember(now, step, media.caption or media.kind)
    return _way(now, "danger") if cry else _advance(now)


def _code(now: _Turn, text: str) -> Turned:
    if now.talk.guesses >= CODE_GUESSES:
        return _ask(now.tell("too_many_codes"), again=True)
    code = parse_receipt(text)
    if not code:
        return _ask(now.keep(notes=(*now.talk.notes, text)).tell("not_understood"), again=True)
    found = now.given.receipt_found
    now = now.keep(guesses=0 if found else now.talk.guesses + 1)
    answers: Mapping[str, Answer] = {**now.talk.answers, "code_found": "yes" if found else "no"}
    return _advance(_remember(now.keep(answers=answers), now.step, code))


def _old_button(now: _Turn, ids: tuple[str, ...], prompt: int) -> Turned:
    """A second tap on the button just pressed changes nothing; any other old button is told from the question that stands."""
    if prompt == now.talk.prompt - 1 and set(ids) & _just_given(now):
        return Turned(now.talk, None, draft=now.talk)
    return _ask(now.tell("old_button"), again=True)


def _just_given(now: _Turn) -> set[str]:
    """The answer given last; after a sending, which nobody goes back behind, any answer may have been the last."""
    if not now.talk.trail:
        return {value for slot in now.talk.answers for value in values_of(now.talk.answers, slot)}
    return set(values_of(now.talk.answers, now.book.step(now.talk.trail[-1]).remember))


# ------------------------------------------------------------------------------------------------------------ ways


def _way(now: _Turn, name: str) -> Turned:
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
    return _enter(now.keep(trail=trail, picked=()), go)


def _once_more(now: _Turn, go: str) -> Turned:
    """Somebody who is in a side path asks for it again: its first words (the numbers), then the question that stands."""
    said = _at(_do(now, now.book.step(go)), go, say=True)
    return _ask(_at(said, now.place, say=False))


def _back(now: _Turn) -> Turned:
    if not now.talk.trail:
        return _ask(now.tell("nothing_to_go_back"), again=True)
    place = now.talk.trail[-1]
    slot = now.book.step(place).remember
    answers = {name: answer for name, answer in now.talk.answers.items() if name != slot}
    now = now.keep(trail=now.talk.trail[:-1], answers=answers, picked=(), correcting=False)
    return _ask(_at(now, place, say=True))


def _skip(now: _Turn) -> Turned:
    if not now.step.skippable or now.step.ask == "nothing":
        return _ask(now, again=True)
    return _advance(_remember(now, now.step, SKIPPED))


# --------------------------------------------------------------------------------------------------------- answers


def _answer_choice(now: _Turn, ids: tuple[str, ...], *, typed: bool) -> Turned:
    step, offered = now.step, {choice.id for choice in _choices(now)}
    known = tuple(choice for choice in ids if choice in offered)
    if step.ask == "many":
        return _pick(now, step, known, finish=typed or DONE in ids)
    if not known:
        return _ask(now.tell("not_understood"), again=True)
    if step.choices_from == "answered":
        return _correct(now, known[0])
    return _advance(_remember(now, step, known[0]))


def _pick(now: _Turn, step: Step, known: tuple[str, ...], *, finish: bool) -> Turned:
    """Several may be picked: a tap adds (or takes back) one, `done` or a typed list finishes, a choice that stands alone too."""
    only = next((choice for choice in known if choice in step.alone), None)
    if only:
        return _advance(_remember(now, step, (only,)))
    before = now.talk.picked
    toggled = tuple(choice for choice in known if choice != DONE)
    picked = tuple(choice for choice in before if finish or choice not in toggled)
    picked += tuple(choice for choice in toggled if choice not in before)
    if finish and picked:
        return _advance(_remember(now, step, picked))
    return _ask(now.keep(picked=picked).tell("pick_more"), again=True)


def _remember(now: _Turn, step: Step, answer: Answer) -> _Turn:
    answers = {**now.talk.answers, step.remember: answer} if step.remember else now.talk.answers
    return now.keep(answers=answers, trail=(*now.talk.trail, now.place)[-TRAIL_MOST:], picked=(), unclear=0)


def _may_correct(now: _Turn) -> bool:
    """Answers can be listed for correcting: there are some, and nobody reads over the shoulder (screening.md §6)."""
    return not now.talk.quiet and bool(_corrects(now)) and bool(_answered_choices(now))


def _corrects(now: _Turn) -> str:
    """The place of this flow where an answer is picked for correcting, or empty."""
    steps = now.book.flows[now.talk.flow].steps.values()
    return next((f"{now.talk.flow}.{step.id}" for step in steps if step.choices_from == "answered"), "")


def _review(now: _Turn) -> Turned:
    """ "Sửa" at any question: which answer? Then on from there to the question that stands."""
    return _enter(now.keep(trail=(*now.talk.trail, now.place), picked=()), _corrects(now))


def _correct(now: _Turn, slot: str) -> Turned:
    flow = now.book.flows[now.talk.flow]
    step = next(step for step in flow.steps.values() if step.remember == slot)
    answers = {name: answer for name, answer in now.talk.answers.items() if name != slot}
    return _ask(_at(now.keep(answers=answers, correcting=True), f"{flow.id}.{step.id}", say=True))


def _keep_media(now: _Turn, media: Media) -> _Turn:
    notes = (*now.talk.notes, media.caption) if media.caption else now.talk.notes
    kept = now.keep(media=(*now.talk.media, media), notes=notes).tell(f"kept_{media.kind}")
    return replace(kept, do=(*now.do, "append")) if now.talk.intake else kept


# ---------------------------------------------------------------------------------------------------------- moving


def _advance(now: _Turn) -> Turned:
    return _enter(now, _go(now))


def _go(now: _Turn) -> str:
    return now.book.machines[now.talk.flow].move(now.talk, now.talk.step, now.given.level_of)


def _enter(now: _Turn, place: str) -> Turned:
    """Go to a place and on through all that only speaks or is passed over, to the next question or end."""
    for _ in range(MOVES_A_TURN):
        if place == "back":
            return _return(now)
        now = _at(now, place, say=False)
        step = now.step
        if _passed_over(now, step) or (now.talk.correcting and step.ask == "nothing" and not step.do):
            place = _go(now)
            continue
        now = _do(now, step)
        now = _at(now, place, say=True)
        if step.end:
            prompt = Prompt(now.lines, context=now.place, quiet=now.talk.quiet)
            return Turned(_ended(now.talk), prompt, now.do, draft=now.talk)
        if step.ask != "nothing":
            return _ask(_unanswered(now, step))
        place = _go(now)
    raise RuntimeError(f"{place}: more than {MOVES_A_TURN} silent moves; a loop in the flows")


def _return(now: _Turn) -> Turned:
    """Back from a side path to the question that was open when it began, or to the beginning."""
    trail = now.talk.trail
    while trail and trail[-1].partition(".")[0] == now.talk.flow:
        trail = trail[:-1]
    if not trail:
        return _enter(now.keep(trail=()), _start(now))
    now = _at(now.keep(trail=trail[:-1]), trail[-1], say=False)
    if _is_told(now.talk, now.step):
        return _advance(now.keep(trail=trail))
    return _ask(_at(now, now.place, say=True))


def _is_told(talk: Conversation, step: Step) -> bool:
    """What was asked here was written already, and its words led to the side path: nobody is asked twice (screening.md §8)."""
    answer = talk.answers.get(step.remember, SKIPPED)
    return step.ask == "text" and answer != SKIPPED and answer not in STAYS_FOR_MORE


def _unanswered(now: _Turn, step: Step) -> _Turn:
    """A text that is asked for again has no answer yet; the one that was written before is kept as a note."""
    before = now.talk.answers.get(step.remember, SKIPPED)
    if step.ask != "text" or not isinstance(before, str) or before == SKIPPED:
        return now
    answers = {name: answer for name, answer in now.talk.answers.items() if name != step.remember}
    notes = now.talk.notes if before in step.accepts else (*now.talk.notes, before)
    return now.keep(answers=answers, notes=notes)


def _at(now: _Turn, place: str, *, say: bool) -> _Turn:
    flow, _, name = place.partition(".")
    # A correction belongs to its flow: whoever leaves it meanwhile is asked everything elsewhere as usual.
    now = now.keep(flow=flow, step=name, correcting=now.talk.correcting and flow == now.talk.flow)
    if not say:
        return now
    step = now.step
    texts = step.quiet_say if now.talk.quiet and step.quiet_say else step.say
    return replace(now, lines=(*now.lines, *(Line(text, place) for text in texts)))


def _passed_over(now: _Turn, step: Step) -> bool:
    if step.pass_if is not None and holds(step.pass_if, now.talk, now.given.level_of):
        return True
    return now.talk.correcting and step.ask != "nothing" and _has(now.talk, step) and not is_review(step)


def _has(talk: Conversation, step: Step) -> bool:
    return bool(step.remember) and (answered(talk.answers, step.remember) or step.remember in talk.answers)


def is_review(step: Step) -> bool:
    """The step that shows the answers before they are sent; walking forward after a correction always stops there."""
    return any("{summary}" in text for text in step.say)


def _do(now: _Turn, step: Step) -> _Turn:
    """The part of a step's effects that changes the conversation itself; the rest is handed to the shell in order."""
    if "quiet" in step.do:
        now = now.keep(quiet=True)
    if {"refer", "append"} & set(step.do):
        now = now.keep(correcting=False)
    if "refer" in step.do:
        # What was sent is sent: nobody is led back into questions that are over; adding to it is the way on.
        now = now.keep(trail=())
    if "alert" in step.do:
        now = now.keep(alerted=True)
    if "locale" in step.do:
        chosen = values_of(now.talk.answers, "language")
        now = now.keep(locale=chosen[0] if chosen and chosen[0] in now.given.locales else now.talk.locale)
    return replace(now, do=(*now.do, *step.do))


def _ended(talk: Conversation) -> Conversation:
    return replace(_emptied(talk), quiet=talk.quiet)


def _emptied(talk: Conversation) -> Conversation:
    """The conversation without anything the person said: what stays is the language and the count of prompts."""
    return Conversation(
        id=talk.id, version=talk.version, channel=talk.channel, locale=talk.locale, prompt=talk.prompt,
        guesses=talk.guesses, campaign=talk.campaign, started_at=talk.started_at, last_at=talk.last_at,
    )  # fmt: skip


def _moved_steps(now: _Turn) -> _Turn:
    """A step removed by a newer version of a flow leads where the file says (`moved`), else to the flow's start."""
    flow = now.book.flows.get(now.talk.flow)
    if not now.talk.flow or (flow and now.talk.step in flow.steps):
        return now
    place = flow.moved.get(now.talk.step, flow.start) if flow else _start(now)
    return _at(now.keep(trail=(), picked=()), place, say=False)


# --------------------------------------------------------------------------------------------------------- showing


def _ask(now: _Turn, *, again: bool = False) -> Turned:
    """Ask the question of the present step, with its lines if they are not yet there.

    `again`: the question that stood before the event, still unanswered, keeps its number: its buttons, which a person still
    has before them, are no old buttons.
    """
    if not any(line.context == now.place for line in now.lines):
        now = _at(now, now.place, say=True)
    step = now.step
    stop_correcting = now.talk.correcting and is_review(step)
    now = now.keep(prompt=now.talk.prompt + (not again), correcting=now.talk.correcting and not stop_correcting)
    prompt = Prompt(
        lines=now.lines, choices=_choices(now), context=now.place, ask=step.ask, picked=now.talk.picked,
        ways=_ways(now, step), number=now.talk.prompt, quiet=now.talk.quiet,
    )  # fmt: skip
    return Turned(now.talk, prompt, now.do, draft=now.talk)


def _choices(now: _Turn) -> tuple[Choice, ...]:
    step = now.step
    if step.choices_from == "answered":
        return _answered_choices(now)
    choices = (*now.given.offers(step.choices_from, now.talk), *step.choices) if step.choices_from else step.choices
    waits_for_more = step.accepts and step.remember in now.talk.answers
    if step.ask == "many" or (step.ask == "text" and waits_for_more):
        return (*choices, Choice(DONE, now.book.everywhere.sentences["done"], "everywhere.done"))
    return choices


def _answered_choices(now: _Turn) -> tuple[Choice, ...]:
    flow = now.book.flows[now.talk.flow]
    steps = [step for step in flow.steps.values() if step.review and step.remember in now.talk.answers]
    return tuple(Choice(step.remember, step.review, f"{flow.id}.{step.id}.review") for step in steps)


def _ways(now: _Turn, step: Step) -> tuple[Choice, ...]:
    shown = {"person", "stop", "danger"}
    if now.talk.trail:
        shown.add("back")
    if step.skippable:
        shown.add("skip")
    if now.talk.flow == FIRST:
        shown.add("language")
    hidden = {now.talk.flow, *(choice.id for choice in step.choices)}
    ways = (way for way in now.book.everywhere.ways if way.id in shown - hidden)
    if not now.talk.quiet:
        return tuple(ways)
    quiet = now.book.everywhere.quiet_labels
    return tuple(
        Choice(way.id, quiet[way.id], f"everywhere.quiet.{way.id}") if way.id in quiet else way for way in ways
    )


def _by_number(choices: tuple[Choice, ...], ids: tuple[str, ...]) -> tuple[str, ...]:
    """Ids as they are; a bare number is the place in the list, as a person on a channel without buttons types it."""
    known = {choice.id for choice in choices}
    return tuple(
        choices[int(one) - 1].id if one not in known and one.isdecimal() and 0 < int(one) <= len(choices) else one
        for one in ids
    )


def _label(now: _Turn, choice: Choice) -> str:
    if not choice.context:
        return choice.label
    return now.given.translate(now.talk.locale, choice.context, choice.label)
