"""The citizens' web chat as a channel: what a form brought → Inbound. Answers are not sent: the page reads them from storage.

The address of a person is the token in their cookie. Nothing is deleted on leaving: the cookie goes, and with it the way in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from bot.channels.base import Ignored, Inbound, Limits, Message, Sent
from flows.model import Chose, CitizenEvent, Media, Opened, Said
from flows.model import Sent as SentMedia

CHANNEL: Final = "web"
LONGEST: Final = 64 * 1024
"""Bytes of UTF-8 of one text. The page says so before anything is lost."""
ECHO: Final = "echo"
"""What `press` holds here: the label of what was chosen, so that the next page can say it was heard."""

_BUTTON = re.compile(r"p(\d{1,9}):([A-Za-z0-9_]{1,60})")


class WebChannel:
    """Channel protocol. `send` carries nothing: what was said is already stored, and the person's page asks for it."""

    name = CHANNEL
    limits = Limits(text=LONGEST, buttons=100, has_buttons=True, can_clear=False)

    def read(self, raw: bytes, headers: Mapping[str, str]) -> Inbound | Ignored:
        """Not used: forms are read by `bot/web/chat.py`, which knows cookies and files."""
        return Ignored("forms come through the page")

    async def send(self, address: str, message: Message) -> Sent:
        """Nothing to carry."""
        return Sent(())

    async def clear(self, address: str, message_ids: tuple[str, ...]) -> None:
        """Nothing to delete: what was said is erased with the draft."""

    async def close(self) -> None:
        """Nothing is open."""


def opened(token: str, external_id: str, language: str) -> Inbound:
    """The person began."""
    return _inbound(token, external_id, Opened(), language=language)


def said(token: str, external_id: str, text: str, language: str) -> Inbound:
    """The person wrote."""
    return _inbound(token, external_id, Said(text), language=language)


def sent(token: str, external_id: str, kind: str, ref: str, language: str, size: int = 0) -> Inbound:
    """The person sent a file of so many bytes; `ref` is the stored file's id. Its name is never kept."""
    return _inbound(token, external_id, SentMedia(Media(kind, ref, size=size)), language=language)


def chose(token: str, external_id: str, buttons: Sequence[str], *, now: bool, language: str, echo: str = "") -> Inbound:
    """The person pressed a button or ticked boxes. `now`: for the present question, whatever number the buttons carry."""
    found = [_BUTTON.fullmatch(button) for button in buttons]
    ids = tuple(match[2] for match in found if match) or ("unknown",)
    numbers = {int(match[1]) for match in found if match}
    prompt = None if now else (numbers.pop() if len(numbers) == 1 else 0)
    return _inbound(token, external_id, Chose(ids, prompt), language=language, echo=echo)


def ask_again(token: str, external_id: str) -> Inbound:
    """Nothing was answered to the last press (a second tap): ask the present question once more."""
    return _inbound(token, external_id, Chose((), 0), language="")


def choice_of(button: str) -> str:
    """The id that a button names, or empty."""
    match = _BUTTON.fullmatch(button)
    return match[2] if match else ""


def _inbound(token: str, external_id: str, event: CitizenEvent, *, language: str, echo: str = "") -> Inbound:
    return Inbound(
        channel=CHANNEL,
        external_id=external_id,
        address=token,
        event=event,
        press={ECHO: echo} if echo else {},
        language=language,
    )
