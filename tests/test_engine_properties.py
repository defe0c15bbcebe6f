"""Whatever anybody does in whatever order: what must be true after every single turn, and danger and stop from every step."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.book import Book
from flows.model import Chose, CitizenEvent, Conversation, Empty, Media, Opened, Said, Sent, Step, Woke
from flows.read import MEDIA, PLACEHOLDERS
from tests.paper import Paper

NEVER_OF_A_CHILD = {"promise", "papers", "debt", "hurt", "made_to"}
OTHERS = {"relative", "acquaintance", "seen"}
CRIES = ("cứu tôi với", "cuu em voi no nhot em", "help me they lock me up")
TEXTS = (
    *CRIES, "dừng lại", "quay lại", "bỏ qua", "gặp người thật", "english", "tiếng việt", "sửa", "1", "2, 3", "có", "không", "",
    "  ", "1234 5678 9012 3456", "ở Lạng Sơn", "<b>{receipt}</b>", "\u202e\x00", "…", "em 14 tuổi", "hello",
)  # fmt: skip
STORY = "chuyện thứ {} của em zqx"
"""What is typed in these tests and must never be lost: no way, no choice, no cry."""

moves = st.one_of(
    st.tuples(st.just("press"), st.integers(0, 30)),
    st.tuples(st.just("press"), st.integers(0, 30)),
    st.tuples(st.just("press"), st.integers(0, 3)),
    st.tuples(st.just("done"), st.just(0)),
    st.tuples(st.just("tell"), st.integers(0, 99)),
    st.tuples(st.just("say"), st.sampled_from(TEXTS)),
    st.tuples(
        st.just("old"), st.tuples(st.integers(0, 5), st.sampled_from(["yes", "no", "send", "unsure", "danger", "self"]))
    ),
    st.tuples(st.just("send"), st.sampled_from(MEDIA)),
    st.tuples(
        st.just("event"), st.sampled_from([Opened("x"), Empty(), Chose(()), Chose(("nonsense",)), Woke("abandoned")])
    ),
    st.tuples(st.just("code"), st.just(0)),
)
begun = st.sampled_from([[], ["safe", "screening", "yes"], ["safe", "tip"], ["safe", "screening", "yes", "self", "under_16"],
                         ["safe", "screening", "yes", "self", "unsure"], ["safe", "missing"], ["safe", "support", "no", "yes"],
                         ["watched", "go_on", "screening", "yes"]])  # fmt: skip
SAME_EVERY_TIME = settings(
    derandomize=True, deadline=None, database=None, max_examples=700, suppress_health_check=list(HealthCheck)
)


def test_whatever_happens(book: Book) -> None:
    @SAME_EVERY_TIME
    @given(begun, st.lists(moves, max_size=30), st.sampled_from(["web", "telegram", "zalo_bot"]))
    def plays(beginning: list[str], moves: list[tuple[str, Any]], channel: str) -> None:
        _play(Paper(book), beginning, moves, channel)

    plays()


def _play(paper: Paper, beginning: list[str], moves: list[tuple[str, Any]], channel: str) -> None:
    typed = set[str]()
    paper.turn(Opened(), channel)
    for id in beginning:
        paper.turn(Chose((id,), _number(paper)), channel)
        _holds_after_every_turn(paper)
    for move in moves:
        event, before = _event(paper, move), paper.conversation
        if move[0] == "tell":
            typed.add(STORY.format(move[1]))
        paper.turn(event, channel)
        _holds_after_every_turn(paper)
        _answers_something(paper, event, before)
        _nothing_typed_is_lost(paper, event, before, typed)
        if _is_stop(event):
            _is_erased(paper)


def _event(paper: Paper, move: tuple[str, Any]) -> CitizenEvent:
    kind, value = move
    buttons = paper.message.buttons if paper.message else ()
    match kind:
        case "press" if buttons:
            return Chose((buttons[value % len(buttons)].id,), _number(paper))
        case "done":
            return Chose(("done",), _number(paper))
        case "tell":
            return Said(STORY.format(value))
        case "say":
            return Said(value)
        case "old":
            return Chose((value[1],), max(0, _number(paper) - value[0]))
        case "send":
            return Sent(Media(value, "ref", "cửa sau" if value == "photo" else ""))
        case "event":
            return value
        case "code":
            return Said(next(iter(paper.receipts), "1234 5678 9012 3456"))
    return Opened()


def _number(paper: Paper) -> int:
    return paper.conversation.prompt if paper.conversation else 0


# ------------------------------------------------------------------------------------------------- after every turn


def _holds_after_every_turn(paper: Paper) -> None:
    talk = paper.conversation
    assert talk is not None
    offices = [(one.intake, one.office) for one in paper.referrals.values()]
    assert len(offices) == len(set(offices)), "two referrals of one intake to one office"
    if not talk.flow:
        return
    step = paper.book.flows.step(paper.place)  # raises on a step that does not exist
    assert step.ask != "nothing"
    _asks_only_what_it_may(talk, step)
    if paper.message is not None:
        _has_its_ways(paper, step)
        assert not any(
            f"{{{name}}}" in text for name in PLACEHOLDERS for text in paper.message.texts if "<b>" not in text
        )


def _asks_only_what_it_may(talk: Conversation, step: Step) -> None:
    if step.sensitive:
        assert talk.answers.get("talk_consent") == "yes", f"{step.id} was asked before consent"
    if step.remember in NEVER_OF_A_CHILD:
        is_for_other = talk.answers.get("who") in OTHERS
        assert is_for_other or talk.answers.get("age") == "adult", f"{step.id} was asked of a child"


def _has_its_ways(paper: Paper, step: Step) -> None:
    assert paper.message is not None
    assert paper.conversation is not None
    ids = {button.id for button in paper.message.buttons}
    assert {"stop", "danger", "person"} - {paper.conversation.flow} <= ids
    assert all(button.label.strip() for button in paper.message.buttons)
    if step.ask == "choice":
        assert {choice.id for choice in step.choices} <= ids


def _answers_something(paper: Paper, event: CitizenEvent, before: Conversation | None) -> None:
    """Silence is the one forbidden outcome: only a second tap on the same button and a timer say nothing."""
    if paper.message is not None and any(text.strip() for text in paper.message.texts):
        return
    assert before is not None
    is_second_tap = isinstance(event, Chose) and event.prompt == before.prompt - 1
    assert isinstance(event, Woke) or is_second_tap, f"nothing was said to {event}"


def _nothing_typed_is_lost(paper: Paper, event: CitizenEvent, before: Conversation | None, typed: set[str]) -> None:
    """What was typed is in the draft or in what was sent, unless the person took it back or the draft is gone."""
    talk = paper.conversation
    assert talk is not None
    kept = {text for one in paper.intakes.values() for text in (*one.content.texts.values(), *one.content.notes)}
    kept |= {*talk.notes, *(answer for answer in talk.answers.values() if isinstance(answer, str))}
    corrects = bool(before and before.flow) and paper.book.flows.step(_at(before)).choices_from == "answered"
    goes_back = event == Said("quay lại") or (isinstance(event, Chose) and event.ids[:1] == ("back",))
    if not talk.flow or goes_back or corrects:
        typed &= kept
    assert typed <= kept


def _at(talk: Conversation | None) -> str:
    return f"{talk.flow}.{talk.step}" if talk else ""


def _is_stop(event: CitizenEvent) -> bool:
    return event == Said("dừng lại") or (isinstance(event, Chose) and event.ids[:1] == ("stop",))


def _is_erased(paper: Paper) -> None:
    talk = paper.conversation
    assert talk is not None
    assert paper.commit.erase
    assert (talk.flow, dict(talk.answers), talk.notes, talk.media, talk.trail, talk.heard) == ("", {}, (), (), (), ())


# ------------------------------------------------------------------------------------------------- from every step


def standing(place: str, **changes: Any) -> Conversation:
    """Somebody who has come to this question."""
    flow, _, step = place.partition(".")
    answers = {"safety": "safe", "talk_consent": "yes", "who": "self", "age": "adult"}
    talk: dict[str, Any] = {"id": "somebody", "version": 1, "flow": flow, "step": step, "prompt": 5, "answers": answers}
    return Conversation(**(talk | changes))


def questions(book: Book) -> list[str]:
    steps = ((flow, step) for flow in book.flows.flows.values() for step in flow.steps.values())
    return [f"{flow.id}.{step.id}" for flow, step in steps if step.ask != "nothing"]


@pytest.mark.parametrize("quiet", [False, True], ids=["", "quiet"])
@pytest.mark.parametrize("locale", ["vi", "en"])
@pytest.mark.parametrize("event", [Chose(("danger",), 5), Chose(("danger",), 2), *map(Said, CRIES)], ids=str)
def test_danger_from_every_step_shows_the_numbers_and_alerts_the_police(
    book: Book, event: CitizenEvent, locale: str, quiet: bool
) -> None:
    for place in questions(book):
        is_told = isinstance(event, Said) and place.startswith("danger.") and book.flows.step(place).ask == "text"
        if is_told:
            continue  # the answer to "where is that?" may hold any word; the alert is out already
        paper = Paper(book, standing(place, locale=locale, quiet=quiet))
        message = paper.turn(event)
        assert message is not None, place
        shown = " ".join(message.texts)
        assert re.search(r"\b113\b", shown), place
        assert re.search(r"\b111\b", shown), place
        assert "+84 981 848 484" in shown, place
        urgent = {one.to for one in paper.own if one.urgent}
        assert {"police", "hotline_111"} <= urgent, place
        assert [row.priority for row in paper.commit.outbox if row.kind == "say"] == [0], place


@pytest.mark.parametrize(
    "event", [Chose(("stop",), 5), Chose(("stop",), 1), Said("dừng lại"), Said("Thoát"), Said("stop")], ids=str
)
def test_stop_from_every_step_erases_and_clears(book: Book, event: CitizenEvent) -> None:
    for place in questions(book):
        paper = Paper(book, standing(place, notes=("Lò Thị Hoa",), media=(Media("photo", "x"),)))
        paper.turn(event)
        _is_erased(paper)
        assert [row.kind for row in paper.commit.outbox] == ["clear", "say"], place


@pytest.mark.parametrize("event", [Chose(("person",), 5), Said("gặp người thật")], ids=str)
def test_a_person_from_every_step(book: Book, event: CitizenEvent) -> None:
    for place in questions(book):
        message = Paper(book, standing(place)).turn(event)
        assert message is not None
        assert "111" in " ".join(message.texts), place


@pytest.mark.parametrize("words", [*CRIES, "xin chào", "english", "asdf", "?", "con tôi đi lạc ba ngày rồi"])
@pytest.mark.parametrize("channel", ["web", "telegram", "zalo_bot", "zalo_oa"])
def test_the_first_reply_holds_the_numbers_whatever_was_typed(book: Book, words: str, channel: str) -> None:
    message = Paper(book).turn(Said(words), channel)
    assert message is not None
    shown = " ".join(message.texts)
    assert re.search(r"\b113\b", shown)
    assert re.search(r"\b111\b", shown)
