"""A turn under way: on through a flow to the next question or end, and what is shown there. Touches nothing.

What an event means is decided in flows/engine.py; this is how a conversation moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from flows.book import FIRST, FlowBook
from flows.conditions import LevelOf, answered, holds, values_of
from flows.files import why_not_kept
from flows.hear.hear import hear
from flows.matters import SECRETS, sentences_of
from flows.model import SKIPPED, Answer, Choice, Conversation, Line, Media, Prompt, Step, Turned
from flows.place import ELSEWHERE, confirms
from flows.together import HELPER, said_around

DONE = "done"
OTHER_LANGUAGE = "other"
"""The language of somebody who speaks none of ours (bot/languages/model.py): a choice like another, and no translation."""
HEARD = "heard"
"""The source of choices of the step that shows what the first words answer; its first own choice stands first."""
CLUES = "clues"
"""The source of choices of the step at which numbers, accounts and plates found in the words can be taken out."""
MOVES_A_TURN = 60
"""More silent moves than this in one turn are a loop in the data; `flows.check` proves there is none."""
NOTES_MOST = 200_000
"""Code points of one conversation: a hundred pages. What cries for help is heard all the same."""
HELPER_FROM = frozenset({FIRST, "language"})
"""Where somebody may say that they write with another person: at the first question and where the language is chosen."""
QUIET_OF = {"not_told": "not_told_quiet"}
STAYS_FOR_MORE = frozenset({"photo", "video", "document"})
"""Of these people send several, so the question stays until they say they are done."""


class Given(Struct, frozen=True):
    """What the engine is told by the shell: the level so far, the choices that depend on the case, translation, the receipt.

    `codes_closed`: receipts are not looked up for now. `typed`: nothing can be pressed there, so nothing is said of buttons.
    `done_at`: when they did it, in milliseconds of their platform's clock; 0 where it does not say.
    `places`: the units that the words of an answer may mean and that are not confirmed yet, by their names. `told`: what the
    first words answer of the questions of this flow, with all that each brings.
    """

    level_of: LevelOf
    offers: Callable[[str, Conversation], tuple[Choice, ...]]
    translate: Callable[[str, str, str], str]
    receipt_found: bool = False
    codes_closed: bool = False
    locales: tuple[str, ...] = ("vi", "en")
    typed: bool = False
    done_at: int = 0
    places: Callable[[str, Conversation], tuple[Choice, ...]] = lambda *_: ()
    told: Callable[[Conversation], Mapping[str, Mapping[str, Answer]]] = lambda _: {}


class UnderWay(Struct, frozen=True):
    """A turn under way: the conversation, what was said so far, the effects so far."""

    book: FlowBook
    given: Given
    talk: Conversation
    lines: tuple[Line, ...] = ()
    do: tuple[str, ...] = ()

    def keep(self, **changes: object) -> UnderWay:
        return replace(self, talk=replace(self.talk, **changes))

    def tell(self, sentence: str) -> UnderWay:
        if self.given.typed and f"{sentence}_typed" in self.book.everywhere.sentences:
            sentence = f"{sentence}_typed"
        line = Line(self.book.everywhere.sentences[sentence], f"everywhere.{sentence}")
        return replace(self, lines=(*self.lines, line))

    def tell_matters(self, heard: Iterable[str]) -> UnderWay:
        """The right number and an honest word for what else was heard; whoever is watched has no name of it on the screen."""
        now = self
        for sentence in sentences_of(heard):
            now = now.tell(QUIET_OF.get(sentence, "matter_quiet") if self.talk.quiet else sentence)
        return now

    def news(self, text: str) -> tuple[str, ...]:
        """What else a text is about that was not heard before."""
        heard = hear(self.book.lexicon, text)
        return tuple(name for name in (*heard.crises, *heard.matters) if name not in self.talk.heard)

    def hears(self, names: Iterable[str]) -> UnderWay:
        """Remember what was heard; asking for secrets is nothing to remember, it is answered each time."""
        return self.keep(heard=(*self.talk.heard, *(name for name in names if name != SECRETS)))

    def note(self, text: str) -> UnderWay:
        """Keep what they wrote beside the answers, once however often it comes, and say so where there is no more room."""
        if text in self.talk.notes:
            return self
        if sum(map(len, self.talk.notes)) + len(text) > NOTES_MOST:
            return self.tell("notes_full")
        return self.keep(notes=(*self.talk.notes, text))

    @property
    def place(self) -> str:
        return f"{self.talk.flow}.{self.talk.step}"

    @property
    def step(self) -> Step:
        return self.book.flows[self.talk.flow].steps[self.talk.step]


def start(now: UnderWay) -> str:
    """Where everybody begins."""
    return now.book.flows[FIRST].start


def advance(now: UnderWay) -> Turned:
    """On from the question that was just answered."""
    return enter(now, _go(now))


def _go(now: UnderWay) -> str:
    return now.book.machines[now.talk.flow].move(now.talk, now.talk.step, now.given.level_of)


def enter(now: UnderWay, place: str) -> Turned:
    """Go to a place and on through all that only speaks or is passed over, to the next question or end."""
    for _ in range(MOVES_A_TURN):
        if place == "back":
            return _return(now)
        now = at(now, place, say=False)
        step = now.step
        if _passed_over(now, step) or (now.talk.correcting and step.ask == "nothing" and not step.do):
            place = _go(now)
            continue
        now = perform(now, step)
        now = at(now, place, say=True)
        if step.end:
            return _end(now, step)
        if step.ask != "nothing":
            return ask(_unanswered(now, step))
        place = _go(now)
    raise RuntimeError(f"{place}: more than {MOVES_A_TURN} silent moves; a loop in the flows")


def _return(now: UnderWay) -> Turned:
    """Back from a side path to the question that was open when it began, or to the beginning."""
    trail = now.talk.trail
    while trail and trail[-1].partition(".")[0] == now.talk.flow:
        trail = trail[:-1]
    if not trail:
        return enter(now.keep(trail=()), start(now))
    now = at(now.keep(trail=trail[:-1]), trail[-1], say=False)
    if _is_told(now.talk, now.step):
        return advance(now.keep(trail=trail))
    return ask(at(now, now.place, say=True))


def _is_told(talk: Conversation, step: Step) -> bool:
    """What was asked here was written already, and its words led to the side path: nobody is asked twice (screening.md §8)."""
    answer = talk.answers.get(step.remember, SKIPPED)
    return step.ask == "text" and answer != SKIPPED and answer not in STAYS_FOR_MORE


def keep_media(now: UnderWay, media: Media) -> UnderWay:
    """What was sent is kept, or said not to be; what was written with it is kept in any case."""
    # A contact's number stays with the contact: it may be the writer's own, and is not for whoever reads the words.
    now = now.note(media.caption) if media.caption and media.kind != "contact" else now
    refused = why_not_kept(media, now.talk.media)
    if refused:
        kept = now.tell(refused)
    else:
        kept = now.keep(media=(*now.talk.media, media)).tell(f"kept_{media.kind}")
    says = media.caption or not refused
    return replace(kept, do=(*now.do, "append")) if now.talk.intake and says else kept


def _unanswered(now: UnderWay, step: Step) -> UnderWay:
    """A text that is asked for again has no answer yet; the one that was written before is kept as a note."""
    before = now.talk.answers.get(step.remember, SKIPPED)
    if step.ask != "text" or not isinstance(before, str) or before == SKIPPED:
        return now
    answers = {name: answer for name, answer in now.talk.answers.items() if name != step.remember}
    return now.keep(answers=answers) if before in step.accepts else now.keep(answers=answers).note(before)


def at(now: UnderWay, place: str, *, say: bool) -> UnderWay:
    """Standing at a place, with its lines said or not."""
    flow, _, name = place.partition(".")
    # A correction belongs to its flow: whoever leaves it meanwhile is asked everything elsewhere as usual.
    now = now.keep(flow=flow, step=name, correcting=now.talk.correcting and flow == now.talk.flow)
    if not say:
        return now
    step = now.step
    texts = step.quiet_say if now.talk.quiet and step.quiet_say else step.say
    before, after = ((), ()) if now.talk.quiet else said_around(now.talk.answers, step)
    now = reduce(UnderWay.tell, before, now)
    now = replace(now, lines=(*now.lines, *(Line(text, place) for text in texts)))
    return reduce(UnderWay.tell, after, now)


def _passed_over(now: UnderWay, step: Step) -> bool:
    if confirms(step) and (now.talk.alerted or not units(now)):
        return True  # in danger nobody is asked one question more (screening.md §6)
    if step.choices_from == CLUES:
        return True  # seen in the review list, and asked about from there only
    if step.choices_from == HEARD and not told_choices(now):
        return True
    if step.remember in now.talk.told and _has(now.talk, step):
        return True  # it stood in the first words, and they said that it is right
    if step.pass_if is not None and holds(step.pass_if, now.talk, now.given.level_of):
        return True
    return now.talk.correcting and step.ask != "nothing" and _has(now.talk, step) and not is_review(step)


def _has(talk: Conversation, step: Step) -> bool:
    return bool(step.remember) and (answered(talk.answers, step.remember) or step.remember in talk.answers)


def is_review(step: Step) -> bool:
    """The step that shows the answers before they are sent; walking forward after a correction always stops there."""
    return any("{summary}" in text for text in step.say)


def perform(now: UnderWay, step: Step) -> UnderWay:
    """The part of a step's effects that changes the conversation itself; the rest is handed to the shell in order."""
    if "quiet" in step.do:
        now = now.keep(quiet=True)
    if "aloud" in step.do:
        now = now.keep(quiet=False)
    if {"refer", "append"} & set(step.do):
        now = now.keep(correcting=False)
    if "refer" in step.do:
        # What was sent is sent: nobody is led back into questions that are over; adding to it is the way on.
        now = now.keep(trail=())
    if "matters" in step.do:
        now = now.tell_matters(now.talk.heard)
        now = now.keep(heard=tuple(name for name in now.talk.heard if name != SECRETS))
    if "alert" in step.do:
        now = now.keep(alerted=True)
    if "locale" in step.do:
        chosen = values_of(now.talk.answers, "language")
        now = now.keep(locale=_chosen_locale(now, chosen[0] if chosen else ""))
    return replace(now, do=(*now.do, *step.do))


def _chosen_locale(now: UnderWay, chosen: str) -> str:
    """What was chosen; where it is none of ours, the language that their words were heard in says more than that."""
    if chosen == OTHER_LANGUAGE and now.talk.locale in now.given.locales:
        return OTHER_LANGUAGE
    return chosen if chosen in now.given.locales else now.talk.locale


def _end(now: UnderWay, step: Step) -> Turned:
    """The last words of a flow; where a decoy waits for a stranger, who leaves is told that it may answer them once too."""
    decoy_due = "clear" in step.do and bool(now.book.everywhere.decoy.say)
    now = now.tell("write_again") if decoy_due else now
    prompt = Prompt(now.lines, context=now.place, quiet=now.talk.quiet)
    ended = replace(emptied(now.talk), quiet=now.talk.quiet, decoy_due=decoy_due)
    return Turned(ended, prompt, now.do, draft=now.talk)


def say_decoy(now: UnderWay) -> Turned:
    """The operator's harmless sentence and nothing else: no button, nothing kept, no flow begun."""
    line = Line(now.book.everywhere.decoy.say, "everywhere.decoy")
    return Turned(now.talk, Prompt((line,), context="everywhere.decoy", quiet=True), draft=now.talk)


def emptied(talk: Conversation) -> Conversation:
    """The conversation without anything the person said: what stays is the language and the count of prompts."""
    return Conversation(
        id=talk.id, version=talk.version, channel=talk.channel, locale=talk.locale, prompt=talk.prompt,
        guesses=talk.guesses, campaign=talk.campaign, started_at=talk.started_at, last_at=talk.last_at,
    )  # fmt: skip


def ask(now: UnderWay, *, again: bool = False) -> Turned:
    """Ask the question of the present step, with its lines if they are not yet there.

    `again`: the question that stood before the event, still unanswered, keeps its number: its buttons, which a person still
    has before them, are no old buttons.
    """
    if not any(line.context == now.place for line in now.lines):
        now = at(now, now.place, say=True)
    step = now.step
    stop_correcting = now.talk.correcting and is_review(step)
    now = now.keep(prompt=now.talk.prompt + (not again), correcting=now.talk.correcting and not stop_correcting)
    prompt = Prompt(
        lines=now.lines, choices=offered(now), context=now.place, ask=step.ask, picked=now.talk.picked,
        ways=_ways(now, step), number=now.talk.prompt, quiet=now.talk.quiet,
    )  # fmt: skip
    return Turned(now.talk, prompt, now.do, draft=now.talk)


def offered(now: UnderWay) -> tuple[Choice, ...]:
    """The choices of the question that stands: its own, those of the case, and "done" where several may be given."""
    step = now.step
    if step.choices_from == "answered":
        return answered_choices(now)
    if step.choices_from == HEARD:
        told = told_choices(now)
        choices = (*step.choices[:1], *(told if len(told) > 1 else ()), *step.choices[1:])
    else:
        choices = (*now.given.offers(step.choices_from, now.talk), *step.choices) if step.choices_from else step.choices
    choices = (*_places(now, step), *choices)
    waits_for_more = step.accepts and step.remember in now.talk.answers
    if step.ask == "many" or (step.ask == "text" and waits_for_more):
        return (*choices, Choice(DONE, now.book.everywhere.sentences["done"], "everywhere.done"))
    return choices


def told_choices(now: UnderWay) -> tuple[Choice, ...]:
    """The questions of this flow that the first words answer, by their names in the review list."""
    understood, flow = now.given.told(now.talk), now.book.flows[now.talk.flow]
    steps = [step for step in flow.steps.values() if step.review and step.remember in understood]
    return tuple(Choice(step.remember, step.review, f"{flow.id}.{step.id}.review") for step in steps)


def units(now: UnderWay) -> tuple[Choice, ...]:
    """The units that may be meant where a place was told, for confirming one; none where this step shows no place."""
    return now.given.places(now.step.place, now.talk) if now.step.place else ()


def _places(now: UnderWay, step: Step) -> tuple[Choice, ...]:
    """The same as choices. One alone, whose name stands in the question, is a yes; another place can be said everywhere."""
    found, said = units(now), now.book.everywhere.sentences
    if not found or step.ask == "text":
        return found
    shown = (Choice(found[0].id, said["place_yes"], "everywhere.place_yes"),) if len(found) == 1 else found
    has_other = any(choice.id == ELSEWHERE for choice in step.choices)
    return shown if has_other else (*shown, Choice(ELSEWHERE, said["place_elsewhere"], "everywhere.place_elsewhere"))


def answered_choices(now: UnderWay) -> tuple[Choice, ...]:
    """The questions of this flow that were answered, as choices for correcting one."""
    flow = now.book.flows[now.talk.flow]
    has_clues = bool(now.given.offers(CLUES, now.talk))
    steps = [
        step
        for step in flow.steps.values()
        if step.review and (has_clues if step.choices_from == CLUES else step.remember in now.talk.answers)
    ]
    return tuple(Choice(step.remember, step.review, f"{flow.id}.{step.id}.review") for step in steps)


def _ways(now: UnderWay, step: Step) -> tuple[Choice, ...]:
    shown = {"person", "stop", "danger"}
    if now.talk.trail:
        shown.add("back")
    if step.skippable:
        shown.add("skip")
    if now.talk.flow == FIRST:
        shown.add("language")
    if now.talk.flow in HELPER_FROM and not {"safety", HELPER} & now.talk.answers.keys() and not now.talk.quiet:
        shown.add("helper")
    hidden = {now.talk.flow, *(choice.id for choice in step.choices)}
    ways = (way for way in now.book.everywhere.ways if way.id in shown - hidden)
    if not now.talk.quiet:
        return tuple(ways)
    quiet = now.book.everywhere.quiet_labels
    return tuple(
        Choice(way.id, quiet[way.id], f"everywhere.quiet.{way.id}") if way.id in quiet else way for way in ways
    )


def moved_steps(now: UnderWay) -> UnderWay:
    """A step removed by a newer version of a flow leads where the file says (`moved`), else to the flow's start."""
    flow = now.book.flows.get(now.talk.flow)
    if not now.talk.flow or (flow and now.talk.step in flow.steps):
        return now
    place = flow.moved.get(now.talk.step, flow.start) if flow else start(now)
    return at(now.keep(trail=(), picked=()), place, say=False)


def by_number(choices: tuple[Choice, ...], ids: tuple[str, ...]) -> tuple[str, ...]:
    """Ids as they are; a bare number is the place in the list, as a person on a channel without buttons types it."""
    known = {choice.id for choice in choices}
    return tuple(
        choices[int(one) - 1].id if one not in known and one.isdecimal() and 0 < int(one) <= len(choices) else one
        for one in ids
    )


def label_of(now: UnderWay, choice: Choice) -> str:
    """A choice's label in the language of the conversation."""
    if not choice.context:
        return choice.label
    return now.given.translate(now.talk.locale, choice.context, choice.label)
