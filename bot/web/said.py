"""What a person is shown: everything said since they were last heard, an officer's words apart. Looking stores nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace
from starlette.requests import Request

from bot.channels import web
from bot.channels.base import Button, Message
from bot.decide import decide
from bot.events import Event
from bot.web.pages import locale_of
from bot.web.parts import Site, site_of
from storage.base import Address, Snapshot


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows: the message, the officer's words above it, the language, and whether the conversation goes on.

    `mark` is another whenever something else was said; empty where nobody was heard yet. `sent`: there is a report, so that
    an officer may write.
    """

    message: Message
    locale: str
    flow: str
    echo: str = ""
    letters: tuple[str, ...] = ()
    mark: str = ""
    sent: bool = False

    @property
    def quiet(self) -> bool:
        """True where somebody may read along: neutral words, no alarming colour, nothing that comes by itself."""
        return self.message.quiet

    @property
    def waits(self) -> bool:
        """True where an officer's words may be what the person waits for."""
        return self.sent and not self.quiet


@dataclass(frozen=True, slots=True)
class Stands:
    """A conversation as it stands, with the messages of its page: the officer's words taken out of them."""

    snapshot: Snapshot
    messages: tuple[Message, ...] = ()
    letters: tuple[str, ...] = ()
    mark: str = ""

    def of_many(self, button: str) -> bool:
        """True for a button of a question that can have several answers."""
        return any(message.many and any(one.data == button for one in message.buttons) for message in self.messages)

    @property
    def buttons(self) -> dict[str, Button]:
        """The buttons of the page, by what they send back."""
        return {button.data: button for message in self.messages for button in message.buttons}


async def stands(request: Request, token: str, left_after: datetime | None = None) -> Stands:
    """The conversation behind a token, and its page: for somebody not heard yet, the greeting.

    `left_after` as `Inbound` has it: for what came, never for what is shown.
    """
    parts = site_of(request)
    snapshot = await parts.storage.load(Address(web.CHANNEL, token), left_after=left_after) if token else Snapshot()
    if snapshot.conversation is None:
        return Stands(snapshot, (greeting(request).message,))
    said = await says(parts, snapshot.conversation.id)
    parted = [_parted(parts, message) for message in said]
    mark = hashlib.sha256(repr([message.texts for message in said]).encode()).hexdigest()[:16]
    letters = tuple(letter for letter, _ in parted if letter)
    return Stands(snapshot, tuple(message for _, message in parted), letters, mark)


async def shown(request: Request, token: str) -> Shown:
    """What the page of this person shows now."""
    now = await stands(request, token)
    talk = now.snapshot.conversation
    if talk is None:
        return greeting(request)
    message, echo = _joined(now.messages)
    if not message.texts and not now.letters:
        return greeting(request)
    return Shown(message, talk.locale, talk.flow, echo, now.letters, now.mark, bool(talk.intake))


async def says(parts: Site, conversation: str) -> list[Message]:
    """The messages since the person was last heard, in order."""
    return [msgspec.convert(body, Message) for body in await parts.storage.says(conversation)]


def greeting(request: Request) -> Shown:
    """What a newcomer would be told, decided on nothing and stored nowhere."""
    parts, locale = site_of(request), locale_of(request)
    event = Event(seed="", at=parts.now(), what=web.opened("", "", locale).event, channel=web.CHANNEL, language=locale)
    commit = decide(Snapshot(), event, parts.book)
    body: Mapping[str, Any] = next(row.body for row in commit.outbox if row.kind == "say")
    return Shown(msgspec.convert(body, Message), locale, "hello")


def _parted(parts: Site, message: Message) -> tuple[str, Message]:
    """An officer's words, which follow the sentence that introduces them (`bot/asking.py`), and the rest of the message."""
    catalogues, sentence = parts.book.catalogues, parts.book.flows.everywhere.sentences["officer_wrote"]
    intros = {catalogues.translate(locale, "everywhere.officer_wrote", sentence) for locale in catalogues.locales}
    if len(message.texts) < 2 or message.texts[0] not in intros:
        return "", message
    return message.texts[1], replace(message, texts=message.texts[2:])


def _joined(messages: Sequence[Message]) -> tuple[Message, str]:
    """Everything said since the person was last heard as one message: all bubbles, the buttons of the last question."""
    texts = tuple(text for message in messages for text in message.texts)
    asked = next((message for message in reversed(messages) if message.buttons), None)
    last = asked or (messages[-1] if messages else Message(()))
    echo = "" if last.quiet else next((m.press[web.ECHO] for m in messages if web.ECHO in m.press), "")
    return replace(last, texts=texts), echo
