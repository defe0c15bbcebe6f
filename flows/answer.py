"""An answer that was chosen, and how it is remembered. Touches nothing."""

from __future__ import annotations

from msgspec.structs import replace

from flows.correct import correct
from flows.hear.choice import match
from flows.model import Answer, Step, Turned
from flows.place import ELSEWHERE, confirms, not_there, unit_slot
from flows.staff import TRAIL_MOST
from flows.story import ALL, taken
from flows.walk import DONE, HEARD, UnderWay, advance, ask, label_of, offered, units


def meant(now: UnderWay, text: str) -> tuple[str, ...]:
    """The offered choices that a typed text means. Of what is only to be confirmed "có" and "không" are enough."""
    found = units(now)
    plain = {ELSEWHERE: "no"} if found else {}
    plain |= {found[0].id: "yes"} if len(found) == 1 else {}
    plain = {ALL: "yes", "none": "no"} if now.step.choices_from == HEARD else plain
    spelt = {word: id for id, word in plain.items()}
    choices = [(plain.get(one.id, one.id), label_of(now, one)) for one in offered(now)]
    return tuple(spelt.get(id, id) for id in match(choices, text))


def answer_choice(now: UnderWay, ids: tuple[str, ...], *, typed: bool) -> Turned:
    """What follows from the ids that were picked; those that are not offered are none."""
    step, ids_offered = now.step, {choice.id for choice in offered(now)}
    known = tuple(choice for choice in ids if choice in ids_offered)
    if step.ask == "many":
        return _pick(now, step, known, finish=typed or DONE in ids)
    if not known:
        return ask(now.tell("not_understood"), again=True)
    if step.choices_from == "answered":
        return correct(now, known[0])
    if known[0] in place_ids(now):
        return answer_place(now, known[0])
    return advance(remember(now, step, known[0]))


def place_ids(now: UnderWay) -> frozenset[str]:
    """The choices here that are about a place which was understood."""
    found = frozenset(one.id for one in units(now))
    return found | {ELSEWHERE} if found and now.step.ask == "choice" else found


def answer_place(now: UnderWay, chosen: str) -> Turned:
    """A place is confirmed, or said to be another. Beside another question it takes nothing from that one, which stays."""
    step, slot = now.step, unit_slot(now.step.place)
    if chosen == ELSEWHERE:
        trail = (*now.talk.trail, now.place)[-TRAIL_MOST:]
        gone = not_there(now.talk, step.place, (one.id for one in units(now)))
        if step.ask == "text":
            # The question where stands already; what was shown above it is gone.
            return ask(replace(now, talk=gone).keep(unclear=0))
        return advance(replace(now, talk=gone).keep(trail=trail, picked=(), unclear=0))
    if confirms(step):
        return advance(remember(now, step, chosen))
    if step.ask == "text":
        # What was written before any question answers this one: nobody is asked twice (screening.md §8).
        name = next(one.label for one in units(now) if one.id == chosen)
        now = remember(now, step, name)
        return advance(now.keep(answers={**now.talk.answers, slot: chosen}))
    return ask(now.keep(answers={**now.talk.answers, slot: chosen}, unclear=0).tell("place_kept"))


def _pick(now: UnderWay, step: Step, known: tuple[str, ...], *, finish: bool) -> Turned:
    """Several may be picked: a tap adds (or takes back) one, `done` or a typed list finishes, a choice that stands alone too."""
    only = next((choice for choice in known if choice in step.alone), None)
    if only:
        return advance(remember(_told(now, step, (only,)), step, (only,)))
    before = now.talk.picked
    toggled = tuple(choice for choice in known if choice != DONE)
    picked = tuple(choice for choice in before if finish or choice not in toggled)
    picked += tuple(choice for choice in toggled if choice not in before)
    if finish and picked:
        return advance(remember(_told(now, step, picked), step, picked))
    return ask(now.keep(picked=picked).tell("pick_more"), again=True)


def _told(now: UnderWay, step: Step, picked: tuple[str, ...]) -> UnderWay:
    return taken(now, picked) if step.choices_from == HEARD else now


def remember(now: UnderWay, step: Step, answer: Answer) -> UnderWay:
    """The answer kept under the step's name; what was confirmed of an earlier one is forgotten with it."""
    answers = {**now.talk.answers, step.remember: answer} if step.remember else dict(now.talk.answers)
    answers.pop(unit_slot(step.remember), None)
    return now.keep(answers=answers, trail=(*now.talk.trail, now.place)[-TRAIL_MOST:], picked=(), unclear=0)
