"""An officer writes to the person behind a report, without either learning who the other is. Pure.

Only to somebody who agreed to be written to. While they are in quiet mode, or after they stopped, nothing is sent: a message
that comes by itself may be read by whoever watches them; nor after they left the page for good, where nobody would see it. The
words are kept, and they read them when they come back with the receipt, on any channel.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from bot.book import Book
from bot.channels.base import Message
from bot.events import Event, OfficerDid, fresh
from bot.say import TYPED, render
from flows.conditions import values_of
from flows.engine import Given, put
from flows.model import Conversation
from referral.model import Intake, Referral
from storage.base import AuditEntry, Commit, OutboxRow, Snapshot

PLACE = "reply.answer"
"""Where somebody answers an officer: what they write there is added to the report."""
LONGEST = 1000
"""Code points of one message: it is read on a small phone."""
PRIORITY = 1
HELD = frozenset({"acknowledged", "accepted"})
AGREED = {
    "ask_back": {"yes"},
    "contact_safe": {"chat"},
    "person_way": {"leave_word"},
    "danger_call": {"call_ok", "text_only"},
    "card": {"question"},
}
"""Answers by which a person agreed to be written to in the chat. Nothing else counts: unknown is never yes."""

TAKE_FIRST = "Hãy bấm “Tôi nhận” trước khi nhắn."
GONE = "Hồ sơ này không còn ở cơ quan bạn, không nhắn tiếp từ đây được."
ENDED = {
    "closed": "Hồ sơ này đã kết thúc, không nhắn tiếp từ đây được.",
    "returned": GONE,
    "transferred": GONE,
    "withdrawn": GONE,
}
NOT_AGREED = "Người này chưa đồng ý được nhắn lại."
NOBODY = "Không còn đường nhắn tới người này."
LENGTH = f"Lời nhắn cần từ 1 đến {LONGEST} ký tự."


def refused(snapshot: Snapshot, referral: Referral, text: str) -> str:
    """Why the officer may not write now, in Vietnamese for the officer; empty when they may."""
    if referral.state not in HELD:
        return ENDED.get(referral.state, TAKE_FIRST)
    if snapshot.intake is None or snapshot.conversation is None:
        return NOBODY
    if not agreed(snapshot.intake):
        return NOT_AGREED
    return "" if 0 < len(text.strip()) <= LONGEST else LENGTH


def agreed(intake: Intake) -> bool:
    """True when one of their answers allows to write to them."""
    return any(set(values_of(intake.answers, slot)) & answers for slot, answers in AGREED.items())


def decide_ask(snapshot: Snapshot, event: Event, did: OfficerDid, book: Book) -> Commit:
    """The officer's words are kept with the report and go out; a person in no flow is led to where an answer is added.

    `refused` was asked before. The referral itself does not change; its state is still checked at the commit.
    """
    referral, talk, intake = snapshot.referral, snapshot.conversation, snapshot.intake
    assert referral is not None and talk is not None and intake is not None  # noqa: S101, PT018 - `refused` looked
    words = did.text.strip()
    kept = talk.quiet or snapshot.way_gone
    key = "" if kept else fresh(event, "ask")
    said = intake.content
    content = replace(said, asked=(*said.asked, words), asked_rows=(*said.asked_rows, key))
    led, message = (None, Message(())) if kept else _message(talk, intake, words, event, book)
    action = "referral.asked_kept" if kept else "referral.asked"
    body = msgspec.to_builtins(message)
    row = OutboxRow(key, "say", f"c:{talk.id}", PRIORITY, event.at, body, talk.id, sender=talk.channel)
    return Commit(
        at=event.at, channel=talk.channel if led else "", conversation=led, expects=talk.version if led else 0,
        intake=replace(intake, content=content), moved=((referral, referral.state),),
        outbox=() if kept else (row,),
        audit=(AuditEntry(did.officer.id, action, referral.id, event.at, {"intake": intake.id}),),
    )  # fmt: skip


def _message(
    talk: Conversation, intake: Intake, words: str, event: Event, book: Book
) -> tuple[Conversation | None, Message]:
    intro = book.catalogues.translate(
        talk.locale, "everywhere.officer_wrote", book.flows.everywhere.sentences["officer_wrote"]
    )
    message = Message((intro, words))
    if talk.flow:
        return None, message
    led, asked = _led(talk, intake, event, book)
    return led, replace(asked, texts=(*message.texts, *asked.texts))


def _led(talk: Conversation, intake: Intake, event: Event, book: Book) -> tuple[Conversation, Message]:
    """The conversation at the place for an answer, knowing the intake it is about, and the question as a message."""
    given = Given(level_of=lambda _: "L0", offers=lambda *_: (), translate=book.catalogues.translate)
    # `code` marks that this conversation only adds to the intake, as after a receipt: its codes stay as they were sent.
    waiting = replace(talk, intake=intake.id, answers={"code": "officer"}, trail=(), last_at=event.at)
    turned = put(book.flows, waiting, PLACE, given)
    assert turned.prompt is not None  # noqa: S101 - a question was put
    by_hand = book.flows.everywhere.sentences if talk.channel in TYPED else None
    message = render(turned.prompt, talk.locale, book.catalogues, {}, by_hand)
    return replace(turned.conversation, version=talk.version + 1), message
