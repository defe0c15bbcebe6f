"""Questions about all flows together, asked before the first message: can every step be reached, does every step lead on, is
every sentence there in every language? Returns problems; an error stops the start, a warning is printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set

from flows.book import FIRST, FlowBook
from flows.decoy import decoy_problems
from flows.model import LABEL_MAX, SKIPPED, Condition, Everywhere, FlowDef, Problem, Step
from flows.place import unit_slot
from flows.read import PLACEHOLDERS
from flows.readable import unreadable
from flows.story import unasked

TEXT_MAX = 600
PROMPT_MAX = 2000
"""Code points; the smallest channel (Zalo) takes 2,000 a message."""
CHOICES_MAX = 14
"""More than this cannot be read as a numbered list on a small phone."""
WAYS = ("back", "skip", "person", "language", "helper", "stop", "danger")
GOES = ("danger", "stop", "person", "language", "helper", "staff")
SENTENCES = frozenset(
    """kept_text kept_photo kept_voice kept_video kept_document kept_location kept_contact kept_sticker kept_after
    kept_edit not_understood notes_full ask_them code_theirs
    not_told not_told_quiet matter_quiet matter_other matter_self_harm matter_injury
    translated matter_fire matter_home matter_child matter_smuggling matter_wages matter_fraud
    old_button early_number pick_more done choose_by_number choose_numbers or_words write_or_words
    not_understood_typed perhaps_person_typed expired empty_event safe_sentence too_many_codes code_unknown too_fast
    nothing_to_go_back sent_to_nobody files_full file_too_large file_lost
    write_again officer_wrote officer_wrote_before write_a_word numbers_now numbers_now_quiet perhaps_person
    status_waiting status_taken status_elsewhere status_closed status_nobody
    right_erased right_not_erased right_withdrawn right_restricted right_seen right_corrected right_none right_agency_stopped
    right_agency_has right_agency_by_law right_answer_by right_done_by right_how right_asked_see right_asked_correct
    right_asked_restrict right_asked_withdraw right_asked_erase right_state_open right_state_done right_state_kept place_which
    place_one place_told place_many place_near place_before place_within place_yes place_elsewhere place_kept""".split()
)
"""The fixed sentences that the engine and the shell say by name."""
NO_ANSWER = frozenset({SKIPPED})

Texts = Mapping[tuple[str, str], str]
"""A catalogue: (context, Vietnamese source) → translation."""


def problems(
    book: FlowBook, catalogues: Mapping[str, Texts], numbers: Set[str], partly: Mapping[str, Callable[[str], bool]] = {}
) -> list[Problem]:
    """Everything wrong with the flows. `numbers` are the only telephone numbers a text may hold (digits only).

    `partly`: languages that need not have every sentence, and which contexts they must have.
    """
    found: list[Problem] = list(_ways_to_nowhere(book))
    if FIRST not in book.flows:
        return [*found, Problem("flows/definitions", f"the flow `{FIRST}` is missing", "everybody begins there")]
    for flow in book.flows.values():
        for step in flow.steps.values():
            found += _step_problems(book, flow, step)
    found += _unreachable(book)
    found += _silent_loops(book)
    found += _everywhere_problems(book.everywhere)
    found += decoy_problems(book.everywhere.decoy, book.lexicon)
    found += _sensitive_before_consent(book)
    found += _endless(book)
    found += unasked(book)
    found += unreadable(sentences(book))
    for context, text in sentences(book):
        found += _text_problems(context, text, numbers)
        for locale, catalogue in catalogues.items():
            if (context, text) in catalogue or partly.get(locale, _always)(context):
                found += _translation_problems(locale, catalogue, context, text)
    return found


def sentences(book: FlowBook) -> Iterator[tuple[str, str]]:
    """Every text that a person can be shown, with its context in the catalogue."""
    for flow in book.flows.values():
        for step in flow.steps.values():
            place = f"{flow.id}.{step.id}"
            yield from ((place, text) for text in (*step.say, *step.quiet_say))
            yield from ((choice.context, choice.label) for choice in step.choices)
            if step.review:
                yield f"{place}.review", step.review
    yield from ((way.context, way.label) for way in book.everywhere.ways)
    yield from ((f"everywhere.quiet.{name}", text) for name, text in book.everywhere.quiet_labels.items())
    yield from ((f"everywhere.{name}", text) for name, text in book.everywhere.sentences.items())


# ------------------------------------------------------------------------------------------------------- one step


def _step_problems(book: FlowBook, flow: FlowDef, step: Step) -> Iterator[Problem]:
    where = f"flows/definitions/{flow.id}.yaml {step.id}"
    for way in step.next:
        if way.go != "back" and not _exists(book, way.go):
            yield Problem(where, f"goes to `{way.go}`, which is no step", "name an existing step")
    if not step.end and not (step.next and step.next[-1].when is None):
        yield Problem(where, "has no last way on", "end `next` with an item without `if`")
    if step.end and (step.next or step.ask != "nothing"):
        yield Problem(where, "is final and still asks or leads on", "remove `end` or `ask` and `next`")
    if step.ask not in {"nothing", "staff"} and not step.say:
        yield Problem(where, "asks without a question", "give `say`")
    if step.ask in {"choice", "many"} and not (step.choices or step.choices_from):
        yield Problem(where, "asks for a choice and offers none", "give `choices`")
    if step.ask not in {"nothing", "staff"} and not step.remember and step.choices_from != "answered":
        yield Problem(where, "asks and forgets the answer", "give `remember`")
    if len(step.choices) > CHOICES_MAX:
        yield Problem(
            where, f"offers {len(step.choices)} choices", f"at most {CHOICES_MAX} can be read on a small phone"
        )
    if sum(map(len, step.say)) + sum(len(choice.label) + 5 for choice in step.choices) > PROMPT_MAX:
        yield Problem(where, "is longer than the smallest channel takes", f"stay below {PROMPT_MAX} characters")
    for name in sorted(set(step.alone) - {choice.id for choice in step.choices} - {"none"}):
        yield Problem(where, f"`alone: {name}` is no choice of this step", "name one of its choices")
    yield from _place_problems(book, where, step)
    for condition in _conditions(step):
        yield from _condition_problems(book, where, condition)


def _place_problems(book: FlowBook, where: str, step: Step) -> Iterator[Problem]:
    """A place can be confirmed only of words that were asked for, and never unseen."""
    if not step.place:
        return
    askers = [one for flow in book.flows.values() for one in flow.steps.values() if one.remember == step.place]
    if not any(one.ask == "text" for one in askers):
        yield Problem(
            where, f"`place: {step.place}` is no answer in words", "name what a step with `ask: text` remembers"
        )
    if step.ask not in {"choice", "text"} or not any("{place}" in text for text in step.say):
        yield Problem(where, "confirms a place and does not show it", "ask, with {place} in `say`")


def _conditions(step: Step) -> Iterator[Condition]:
    if step.pass_if:
        yield step.pass_if
    yield from (way.when for way in step.next if way.when)


def _condition_problems(book: FlowBook, where: str, condition: Condition) -> Iterator[Problem]:
    for part in condition.parts:
        yield from _condition_problems(book, where, part)
    if condition.op not in {"answer", "answered"} or condition.name in {"story", "code_found"}:
        return
    steps = [step for flow in book.flows.values() for step in flow.steps.values()]
    askers = [step for step in steps if step.remember == condition.name]
    if condition.name in {unit_slot(step.place) for step in steps if step.place}:
        return
    if not askers:
        yield Problem(where, f"looks at `{condition.name}`, which no step remembers", "name a remembered answer")
        return
    if any(step.choices_from or step.ask == "text" for step in askers):
        return
    known = {choice.id for step in askers for choice in step.choices} | NO_ANSWER
    for value in sorted(set(condition.values) - known):
        yield Problem(
            where, f"waits for `{condition.name}: {value}`, which nobody can choose", "name one of its choices"
        )


def _exists(book: FlowBook, place: str) -> bool:
    flow, _, step = place.partition(".")
    return flow in book.flows and step in book.flows[flow].steps


# ------------------------------------------------------------------------------------------------------ all together


def _starts(book: FlowBook) -> list[str]:
    return [book.flows[FIRST].start, *(go for go in book.everywhere.goes.values() if _exists(book, go))]


def _walk(book: FlowBook, starts: Iterable[str], stop: Set[str] = frozenset()) -> set[str]:
    """All places reachable from the starts without passing through `stop`."""
    seen: set[str] = set()
    open_places = [place for place in starts if place not in stop]
    while open_places:
        place = open_places.pop()
        if place in seen:
            continue
        seen.add(place)
        open_places += [
            way.go for way in book.step(place).next if way.go != "back" and _exists(book, way.go) and way.go not in stop
        ]
    return seen


def _unreachable(book: FlowBook) -> Iterator[Problem]:
    reached = _walk(book, _starts(book))
    for flow in book.flows.values():
        for step in flow.steps:
            if f"{flow.id}.{step}" not in reached:
                yield Problem(
                    f"flows/definitions/{flow.id}.yaml {step}", "cannot be reached", "lead to it or remove it"
                )


def _silent_loops(book: FlowBook) -> Iterator[Problem]:
    """A ring of steps that only speak would turn for ever within one message."""
    silent = {
        f"{flow.id}.{step.id}" for flow in book.flows.values() for step in flow.steps.values() if step.ask == "nothing"
    }
    for place in sorted(silent):
        onward = [way.go for way in book.step(place).next]
        speaking = {f"{f.id}.{s}" for f in book.flows.values() for s in f.steps} - silent
        if place in _walk(book, [go for go in onward if go != "back" and _exists(book, go)], speaking):
            yield Problem(_where(place), "leads back to itself without asking anything", "ask something on the way")


def _endless(book: FlowBook) -> Iterator[Problem]:
    """From every step some final step must be reachable: nobody is kept in a conversation."""
    ends = {f"{f.id}.{s.id}" for f in book.flows.values() for s in f.steps.values() if s.end}
    for flow in book.flows.values():
        for step in flow.steps.values():
            place = f"{flow.id}.{step.id}"
            reached = _walk(book, [place])
            goes_back = any(way.go == "back" for at in reached for way in book.step(at).next)
            if not (reached & ends or goes_back):
                yield Problem(
                    f"flows/definitions/{flow.id}.yaml {step.id}", "never comes to an end", "lead to a final step"
                )


def _sensitive_before_consent(book: FlowBook) -> Iterator[Problem]:
    """No sensitive question to somebody who was not asked, did not answer or said no to `talk_consent` (screening.md §8)."""
    reached: set[str] = set()
    for answer in ("no", SKIPPED):
        reached |= _walk_with(book, _starts(book), {"talk_consent": answer})
    for place in sorted(reached):
        if book.step(place).sensitive:
            yield Problem(_where(place), "a sensitive question can come before `talk_consent`", "ask for it first")


def _walk_with(book: FlowBook, starts: Iterable[str], fixed: Mapping[str, str]) -> set[str]:
    """All places that somebody with these fixed answers can come to, whatever else is answered."""
    seen: set[str] = set()
    open_places = list(starts)
    while open_places:
        place = open_places.pop()
        if place not in seen:
            seen.add(place)
            open_places += [go for go in _ways_on(book.step(place), fixed) if _exists(book, go)]
    return seen


def _ways_to_nowhere(book: FlowBook) -> Iterator[Problem]:
    """Where everybody can go from everywhere, and where removed steps lead, must exist."""
    for name, go in book.everywhere.goes.items():
        if not _exists(book, go):
            yield Problem("flows/definitions/everywhere.yaml", f"`{name}` goes to `{go}`, which is no step", "name one")
    for flow in book.flows.values():
        for old, new in flow.moved.items():
            if not _exists(book, new):
                where = f"flows/definitions/{flow.id}.yaml moved"
                yield Problem(where, f"`{old}` goes to `{new}`, which is no step", "name an existing step")


def _everywhere_problems(everywhere: Everywhere) -> Iterator[Problem]:
    where = "flows/definitions/everywhere.yaml"
    ways = {way.id for way in everywhere.ways}
    for name in sorted(set(WAYS) - ways):
        yield Problem(where, f"the way `{name}` is missing: nobody could take it", "add it to `ways`")
    for name in sorted(set(GOES) - set(everywhere.goes)):
        yield Problem(where, f"`{name}` leads nowhere from anywhere", "add it to `goes`")
    for name in sorted(set(everywhere.quiet_labels) - ways):
        yield Problem(where, f"`quiet_labels: {name}` is no way", "name one of `ways`")
    for name in sorted(SENTENCES - set(everywhere.sentences)):
        yield Problem(where, f"the sentence `{name}` is missing", "add it to `sentences`")
    for name in sorted(set(everywhere.sentences) - SENTENCES):
        yield Problem(where, f"the sentence `{name}` is never said", "remove it")


# ------------------------------------------------------------------------------------------------------------- texts


def _is_label(context: str) -> bool:
    return context.count(".") > 1 or (context.startswith("everywhere.") and context.split(".")[-1] in WAYS)


def _text_problems(context: str, text: str, numbers: Set[str]) -> Iterator[Problem]:
    if _is_label(context) and len(text) > LABEL_MAX:
        yield Problem(_where(context), f"a label of {len(text)} characters", f"at most {LABEL_MAX}")
    if len(text) > TEXT_MAX:
        yield Problem(_where(context), f"a text of {len(text)} characters", f"at most {TEXT_MAX}; make it two messages")
    for name in sorted(set(_placeholders(text)) - PLACEHOLDERS):
        yield Problem(
            _where(context), f"{{{name}}} is filled by nobody", f"known are {', '.join(sorted(PLACEHOLDERS))}"
        )
    for number in _phone_like(text):
        if number not in numbers:
            found = f"shows the number {number}, which is not in referral/directory/hotlines.yaml"
            yield Problem(_where(context), found, "remove it")


def _always(_: str) -> bool:
    return True


def _where(context: str) -> str:
    """The file of a place or sentence, and what follows the flow's name in it."""
    flow, _, rest = context.partition(".")
    return f"flows/definitions/{flow}.yaml {rest}"


def _translation_problems(locale: str, catalogue: Texts, context: str, text: str) -> Iterator[Problem]:
    translation = catalogue.get((context, text), "")
    if not translation:
        yield Problem(f"locales/{locale} {context}", f"no translation of “{text[:60]}”", "translate it")
    elif sorted(_placeholders(text)) != sorted(_placeholders(translation)):
        yield Problem(f"locales/{locale} {context}", "the placeholders differ from the Vietnamese", "use the same ones")
    elif _digits(text) != _digits(translation):
        yield Problem(f"locales/{locale} {context}", "shows other numbers than the Vietnamese", "show the same ones")
    elif len(translation) > (LABEL_MAX if _is_label(context) else TEXT_MAX):
        yield Problem(f"locales/{locale} {context}", f"is {len(translation)} characters long", "make it shorter")


def _digits(text: str) -> set[str]:
    return {re.sub(r"\D", "", run) for run in _phone_like(text)}


def _placeholders(text: str) -> list[str]:
    return re.findall(r"\{(\w*)\}", text)


def _phone_like(text: str) -> list[str]:
    """Digit runs that a thumb could dial: three digits and more, spaces and dots within allowed; hours and years are not."""
    runs = re.findall(r"(?<![\d/])\+?\d[\d .]*\d(?![\d/%])", text)
    digits = [re.sub(r"\D", "", run) for run in runs]
    return [run for run in digits if len(run) >= 3 and not (len(run) == 4 and run.startswith(("19", "20")))]


# ------------------------------------------------------------------------------------- which questions a profile meets


def asked(book: FlowBook, start: str, fixed: Mapping[str, str]) -> set[str]:
    """The slots of every question that somebody with these fixed answers can come to, whatever else is answered.

    Conditions on other answers may go either way, so the result holds for every combination of them.
    """
    seen: set[str] = set()
    slots: set[str] = set()
    open_places = [start]
    flow = start.partition(".")[0]
    while open_places:
        place = open_places.pop()
        if place in seen or not place.startswith(f"{flow}."):
            continue
        seen.add(place)
        step = book.step(place)
        may_pass = _may(step.pass_if, fixed) if step.pass_if else frozenset({False})
        if False in may_pass and step.ask != "nothing":
            slots.add(step.remember)
        open_places += _ways_on(step, fixed)
    return slots


def _ways_on(step: Step, fixed: Mapping[str, str]) -> list[str]:
    onward: list[str] = []
    for way in step.next:
        may = _may(way.when, fixed) if way.when else frozenset({True})
        if True in may:
            onward.append(way.go)
        if may == {True}:
            break
    return [go for go in onward if go != "back"]


def _may(condition: Condition, fixed: Mapping[str, str]) -> frozenset[bool]:
    """The truth values a condition can take when only some answers are fixed."""
    both = frozenset({True, False})
    if condition.op == "not":
        return frozenset(not value for value in _may(condition.parts[0], fixed))
    if condition.op in {"all", "any"}:
        parts = [_may(part, fixed) for part in condition.parts]
        decisive = condition.op == "any"
        if any(part == {decisive} for part in parts):
            return frozenset({decisive})
        if all(part == {not decisive} for part in parts):
            return frozenset({not decisive})
        return both
    if condition.name not in fixed or condition.op not in {"answer", "answered"}:
        return both
    if condition.op == "answered":
        return frozenset({fixed[condition.name] != SKIPPED})
    return frozenset({fixed[condition.name] in condition.values})
