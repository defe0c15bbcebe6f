"""A conversation's draft → the intake it leaves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from bot import clues
from bot.book import Book
from bot.candidates import PLACE_TEXT_MAX, Where, confirmed, shared, written
from bot.events import Event, fresh, fresh_digits
from bot.place import Whereabouts, home_of, place_of
from flows.conditions import values_of
from flows.model import SKIPPED, Conversation
from flows.place import unit_slot
from flows.together import helper_of
from referral.model import Content, Facts, Intake, Screening
from referral.routing import route
from referral.screening import facts_of, judge, may_tell_of_danger
from referral.screening import is_danger as screened_danger
from referral.screening import level_of as screened_level

CRISES = {
    "self_harm": "self_harm",
    "domestic": "domestic_violence",
    "about_home": "domestic_violence",
    "child_abuse": "child_abuse",
    "about_child": "child_abuse",
    "about_wages": "labour_dispute",
    "about_fraud": "online_fraud",
    "about_smuggling": "irregular_migration",
}
"""What the lists of understanding call other trouble (flows/matters.py) → the sign that rules know it by."""
ABOUT_OTHERS = frozenset({"emergency_other", "missing_person", "tip"})
PLACES = ("danger_place", "province_text", "support_place", "tip_place", "missing_place")
"""Questions that ask for a place in the person's own words, the surest first."""
STORY_MAX = 2000
"""Code points looked through for where somebody is from."""
PLACE_FROM = "place_from"
"""Among an intake's answers: on what its place rests."""
CLUE_KINDS = "clue_kinds"
"""Among an intake's answers: what there is to look up in its words, by kind and never by value."""
RECEIPT_DIGITS = 16
"""53 bits: grouped in fours it is read over the telephone and typed with a thumb, in any language."""


def facts_from(book: Book, talk: Conversation, kind: str) -> Facts:
    """The coded facts of a draft, and the province or country of a place that was written in words."""
    return _with_home(book, talk, _located(book, talk, _coded_facts(book, talk, kind)))


def _with_home(book: Book, talk: Conversation, facts: Facts) -> Facts:
    """Of somebody who is looked for the home province counts beside the place (procedure-vn.md §2.3 H), where it is told."""
    if facts.kind != "missing" or facts.home_province:
        return facts
    told = (*values_of(talk.answers, "missing_text"), *values_of(talk.answers, "story"), *talk.notes)
    home = next((found for text in told if (found := home_of(book, text[:STORY_MAX]))), "")
    return replace(facts, home_province=home) if home not in ("", facts.province) else facts


def _coded_facts(book: Book, talk: Conversation, kind: str) -> Facts:
    """What the answers say. Once the alert was raised the danger is `now`, whatever was answered before or after."""
    facts = facts_of(book.referral.instruments, kind, talk.answers)
    heard = {CRISES[name] for name in talk.heard if name in CRISES}
    if heard:
        facts = replace(facts, signs=facts.signs | heard)
    if "medical" in talk.heard:
        facts = replace(facts, needs=facts.needs | {"medical"})
    if helper := helper_of(talk.answers):
        facts = replace(facts, helper=helper)
    return replace(facts, danger="now") if talk.alerted else facts


def _located(book: Book, talk: Conversation, facts: Facts) -> Facts:
    """A place in words leads to the offices there, unless a button named the province. In danger all that was written counts.

    What the person confirmed goes before what was only understood; a country that somebody is to be taken to is not where
    they are, unless they said that they are abroad.
    """
    if facts.province or facts.home_province or facts.country:
        return facts
    sure = next(_confirmed(book, talk), None)
    if sure is not None:
        return _at(facts, sure.province, sure.country, is_there=True)
    place = next(_places(book, talk), None)
    if place is None:
        return facts
    is_there = facts.where == "abroad" or (facts.where == "unknown" and not place.towards)
    return _at(facts, place.province, place.country, is_there=is_there)


def _at(facts: Facts, province: str, country: str, *, is_there: bool) -> Facts:
    """The facts with the place: of somebody abroad a province here is home. Another country counts where they `is_there`."""
    if province:
        is_home = facts.where == "abroad"
        return replace(facts, home_province=province) if is_home else replace(facts, province=province)
    if country not in {"", "VN"} and is_there:
        return replace(facts, where="abroad", country=country)
    return facts


def _confirmed(book: Book, talk: Conversation) -> Iterator[Where]:
    """The places that the person said yes to, the surest question first."""
    found = (confirmed(book, talk, slot) for slot in PLACES)
    return (one for one in found if one is not None)


def _places(book: Book, talk: Conversation) -> Iterator[Whereabouts]:
    """Where a place was asked for: what is near the point that was sent, and what was written, the surest question first; in
    danger all that was written as well."""
    yield from (place for slot in PLACES if (place := shared(book, slot, talk)) is not None)
    asked = [(text, True) for slot in PLACES for text in values_of(talk.answers, slot)]
    told = [(text, False) for text in (*values_of(talk.answers, "story"), *talk.notes)] if talk.alerted else []
    for text, is_asked in (*asked, *told):
        place = None if text == SKIPPED else place_of(book, text[:PLACE_TEXT_MAX], asked=is_asked)
        if place is not None:
            yield place


def place_from(book: Book, talk: Conversation) -> str:
    """On what the place rests: `confirmed` by the person, a `point` or their `words` alone, or nothing (empty)."""
    if next(_confirmed(book, talk), None) is not None:
        return "confirmed"
    place = next(_places(book, talk), None)
    return "" if place is None else "point" if place.shared else "words"


def level_of(book: Book, talk: Conversation) -> str:
    """The screening level of a draft as it stands; where it is makes no difference to it."""
    return screened_level(book.referral, _coded_facts(book, talk, kind_of(book, talk, "")))


def is_danger(book: Book, talk: Conversation) -> bool:
    """True where the draft as it stands is of level L4."""
    return screened_danger(book.referral, _coded_facts(book, talk, kind_of(book, talk, "")))


def may_have_come_to_danger(book: Book, before: Conversation, talk: Conversation) -> bool:
    """False where nothing that was said since tells whether the level is L4."""
    return before.heard != talk.heard or may_tell_of_danger(book.referral, before.answers, talk.answers)


def kind_of(book: Book, talk: Conversation, before: str) -> str:
    """The kind of intake: what the flow says, else what it was before, else what the person came for.

    `person` is self or other by who it is about, or by what was understood of the first words.
    """
    flow = book.flows.flows.get(talk.flow)
    kind = flow.intake if flow else ""
    if before and kind in {"", "info"}:
        # Reading a card takes nothing away from a report that is there.
        return before
    kind = kind or _came_for(talk)
    if kind != "person":
        return kind
    who = set(values_of(talk.answers, "who")) - {"skip"}
    if who:
        return "self" if "self" in who else "other"
    return "other" if set(talk.heard) & ABOUT_OTHERS else "self"


def _came_for(talk: Conversation) -> str:
    """By the door they took; an alert without a door is about a person."""
    doors = {"tip": "tip", "missing": "missing", "support": "support", "screening": "person"}
    door = next(iter(values_of(talk.answers, "door")), "")
    return doors.get(door) or ("person" if talk.alerted else "info")


def new_intake(book: Book, event: Event, talk: Conversation) -> Intake:
    """The intake that this draft leaves for the first time, with fresh id and receipt."""
    empty = Intake(
        id=fresh(event, "intake"), conversation=talk.id, kind="info", level="L0", urgent=False, facts=Facts(),
        screening=Screening("L0", False, False, False), channel=talk.channel, locale=talk.locale, province="",
        created_at=event.at, updated_at=event.at, content=Content(), receipt=fresh_digits(event, "receipt", RECEIPT_DIGITS),
    )  # fmt: skip
    return updated(book, empty, talk, event.at, kind_of(book, talk, ""))


def updated(book: Book, intake: Intake, talk: Conversation, at: datetime, kind: str) -> Intake:
    """The intake with everything coded that the draft holds now; the words are sealed beside it."""
    facts = facts_from(book, talk, kind)
    screening = judge(book.referral, facts)
    routing = route(book.referral, facts, screening)
    return replace(
        intake,
        kind=kind, level=screening.level, urgent=screening.level == "L4", facts=facts, screening=screening,
        province=facts.province, updated_at=at, answers=_coded(book, talk),
        form=routing.form, articles=routing.articles,
    )  # fmt: skip


def added_to(intake: Intake, talk: Conversation, at: datetime) -> Intake:
    """The intake with what somebody who came back with its receipt has added: no code changes, their words are sealed."""
    return replace(intake, updated_at=at, conversation=talk.id)


def said_in(book: Book, talk: Conversation) -> Content:
    """Everything that the draft holds in a person's own words. It is sealed whole with every turn that adds to it."""
    texts: dict[str, str] = {}
    units = {unit_slot(slot) for slot in PLACES}
    # Numbers of the first words are in these as they were written, and among the clues: shown there as long as they are kept.
    for slot in sorted((book.free_text & set(talk.answers)) - (clues.ARE_CLUES & set(talk.told))):
        said = talk.answers[slot]
        if isinstance(said, str) and said != "skip" and slot != "code":
            texts[slot] = written(book, said) if slot in units else said
    return Content(
        {slot: text for slot, text in texts.items() if text},
        _each_once(talk.notes),
        _media(talk),
        clues=clues.kept(book, talk),
        clues_out=clues.taken_out(book, talk),
    )


def _media(talk: Conversation) -> tuple[tuple[str, str, str], ...]:
    return tuple((one.kind, one.ref, one.caption) for one in talk.media)


def _each_once(notes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))


def _coded(book: Book, talk: Conversation) -> dict[str, str | tuple[str, ...]]:
    """The answers in codes, on what the place rests (an officer must know whether it was confirmed), and the kinds of clues."""
    coded = {slot: answer for slot, answer in talk.answers.items() if slot not in book.free_text}
    rests_on = place_from(book, talk)
    kinds = tuple(dict.fromkeys(kind for kind, _ in clues.kept(book, talk)))
    found: dict[str, str | tuple[str, ...]] = {PLACE_FROM: rests_on, CLUE_KINDS: kinds}
    return {**coded, **{name: answer for name, answer in found.items() if answer}}
