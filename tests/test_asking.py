"""An officer writes to the person behind a report; neither learns who the other is."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from bot.doors.talk import Talk
from referral.disclose import allowed, visible
from storage.accounts import Accounts
from storage.base import Officer
from storage.open import open_storage

AT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
async def talk(tmp_path, book):
    storage = await open_storage(tmp_path / "talk.db", bytes(32))
    yield Talk(storage, book)
    await storage.close()


async def play(talk, *lines):
    """The answers to these lines; a refusal is its sentence."""
    answers = []
    for line in lines:
        try:
            answers.append(await talk.answer(json.loads(json.dumps(line))))
        except ValueError as error:
            answers.append(str(error))
    return answers


def she(**did):
    return {"who": "lan", "channel": "telegram", **did}


async def read(talk):
    """What the officers of 111 read in the first report."""
    officer = Officer("hotline_111-1", "Cán bộ", "hotline-111", "hotline_111", "chief")
    await Accounts(talk._storage).add(officer, "code", AT, by="operator", at=AT)
    case = await talk._storage.open_case(next(iter(talk._names)), officer, AT, visible, allowed)
    return case.intake.content


ASKED_FOR_A_PERSON = (
    she(say="xin chào"),
    she(choose="safe"),
    she(choose="person"),
    she(choose="leave_word"),
    she(choose="skip"),
)
TAKEN = {"officer": "hotline_111-1", "do": "acknowledge", "referral": "R1"}


def asks(text="Bạn cần giấy tờ gì?"):
    return {"officer": "hotline_111-1", "do": "ask", "referral": "R1", "say": text}


async def test_she_reads_the_officers_words_and_her_answer_reaches_the_report(talk):
    await play(talk, *ASKED_FOR_A_PERSON, she(choose="information"), she(choose="done"), TAKEN)
    asked, answered = await play(talk, asks(), she(say="Em mất hộ chiếu"))
    assert asked["who"] == "lan"
    assert asked["bot"][0]["text"].startswith("Người trực nhắn cho bạn:\nBạn cần giấy tờ gì?\n")
    assert "stop" in [choice["id"] for choice in asked["bot"][0]["choices"]]
    assert {"effect": "alert_officer", "referral": "R1", "role": "duty"} in answered["did"]
    content = await read(talk)
    assert "Em mất hộ chiếu" in (*content.texts.values(), *content.notes)


async def test_in_the_middle_of_a_flow_the_question_that_stands_is_not_disturbed(talk):
    await play(talk, *ASKED_FOR_A_PERSON, TAKEN)
    (asked,) = await play(talk, asks())
    assert asked["step"] == "hello.door"
    assert asked["bot"][0]["choices"] == []


async def test_nobody_writes_before_taking_the_report(talk):
    await play(talk, *ASKED_FOR_A_PERSON)
    assert await play(talk, asks()) == ["do: Hãy bấm “Tôi nhận” trước khi nhắn."]


async def test_nobody_writes_to_somebody_who_did_not_agree(talk):
    tip = [she(choose=choice) for choice in ("safe", "tip", "karaoke", "done", "no", "in_vn", "send")]
    await play(talk, she(say="xin chào"), *tip, {"officer": "police-1", "do": "acknowledge", "referral": "R1"})
    (refused,) = await play(talk, {**asks(), "officer": "police-1"})
    assert refused == "do: Người này chưa đồng ý được nhắn lại."


async def test_after_stop_nothing_comes_to_the_phone_by_itself_and_the_words_wait_for_the_receipt(talk):
    *_, left = await play(talk, *ASKED_FOR_A_PERSON)
    await play(talk, TAKEN, she(choose="stop"))
    (asked,) = await play(talk, asks())
    assert asked["bot"] == []
    (back,) = await play(talk, {"who": "lan on another phone", "channel": "web", "say": left["receipt"]})
    assert "Người trực đã nhắn:\nBạn cần giấy tờ gì?" in back["bot"][0]["text"]


@pytest.mark.parametrize("text", ["", "  ", "a" * 1001])
async def test_an_empty_or_endless_message_is_refused(talk, text):
    await play(talk, *ASKED_FOR_A_PERSON, TAKEN)
    assert await play(talk, asks(text)) == ["do: Lời nhắn cần từ 1 đến 1000 ký tự."]


async def test_two_officers_writing_at_once_both_get_through(talk):
    await play(talk, *ASKED_FOR_A_PERSON, she(choose="information"), she(choose="done"), TAKEN)
    await asyncio.gather(talk.answer(asks("Một")), talk.answer(asks("Hai")))
    snapshot = await talk._storage.load_referral(next(iter(talk._names)))
    assert snapshot.conversation.flow == "reply"
