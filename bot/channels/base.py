"""What every channel promises. No library is imported here.

`read` turns the platform's bytes into an `Inbound` (or says why not); `send` performs one `Message`. Everything that
differs between platforms stays behind these two.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from flows.model import CitizenEvent


class Inbound(Struct, frozen=True):
    """One thing a person did, in our words. `external_id` is the platform's id of the update, unique per channel.

    `address` is where an answer goes (the platform's chat id). `press` is what the platform needs to close a pressed
    button: its ids, never our meaning. `message_id` is the person's own message, so that stop can delete it. `network` is
    the mark of where it came from, for the limits of this process; empty where nobody knows, and never stored. `done_at` is
    when the person did it, in milliseconds of the platform's own clock; 0 where it does not say so exactly. `left_after`: if
    the person left at that moment or later, this was on its way then and belongs to what they left (bot/web/away.py).
    """

    channel: str
    external_id: str
    address: str
    event: CitizenEvent
    press: Mapping[str, str] = {}
    message_id: str = ""
    language: str = ""
    network: bytes = b""
    done_at: int = 0
    left_after: datetime | None = None


class Ignored(Struct, frozen=True):
    """An update that asks nothing of us (our own echo, an unknown kind, a probe), and why. Never an error."""

    why: str


class Button(Struct, frozen=True, omit_defaults=True):
    """One thing that can be pressed. `data` comes back as it is (at most 64 bytes). `role` says how it may look."""

    data: str
    label: str
    role: Literal["answer", "way", "danger", "officer"] = "answer"
    id: str = ""
    picked: bool = False


class Message(Struct, frozen=True, omit_defaults=True):
    """What to show one person, finished and in their language; a channel only has to carry it.

    `texts` are bubbles in order; the buttons belong to the last. `many`: several buttons may be picked before `done`.
    `press` closes the button that led here (see `Inbound.press`). `link` is shown as a link where a channel can.
    `typed` says how to answer where nothing can be pressed, in their language (`bot/channels/wire/numbered.py`); empty elsewhere.
    """

    texts: tuple[str, ...]
    buttons: tuple[Button, ...] = ()
    quiet: bool = False
    many: bool = False
    free_text: bool = False
    press: Mapping[str, str] = {}
    chosen: str = ""
    link: str = ""
    step: str = ""
    typed: str = ""


class Sent(Struct, frozen=True):
    """The platform took it. `message_ids` are its ids for what was shown (needed to delete it within 48 h)."""

    message_ids: tuple[str, ...] = ()


What = Literal["again", "blocked", "held", "misconfigured", "unpaid", "never"]
"""What to do next about a message that did not go out; see `SendError`."""


class SendError(Exception):
    """A message did not (certainly) go out, typed by what to do next; carries no text, no address, no token.

    again: try again after `after_s` seconds · blocked: this person cannot be reached here any more · held: not until they
    write again · misconfigured: nothing will go out until an operator acts · unpaid: nor until somebody pays ·
    never: this message can never be sent.
    """

    def __init__(self, what: What, code: str, after_s: float = 0.0) -> None:
        super().__init__(f"not sent ({what}): {code}")
        self.what = what
        self.code = code
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Limits:
    """What a channel can show: code points a message, buttons a message, whether it has buttons and can delete.

    `window_s`: so many seconds after a person was last heard nothing reaches them any more; 0 where that never ends.
    """

    text: int
    buttons: int
    has_buttons: bool
    can_clear: bool
    window_s: float = 0.0


class Channel(Protocol):
    """A door. `send` raises only `SendError`."""

    name: str
    limits: Limits

    def read(self, raw: bytes, headers: Mapping[str, str]) -> Inbound | Ignored: ...

    async def send(self, address: str, message: Message) -> Sent: ...

    async def clear(self, address: str, message_ids: tuple[str, ...]) -> None: ...

    async def close(self) -> None: ...


@runtime_checkable
class Fetches(Protocol):
    """A channel that keeps files on its own servers for a while. `fetch` raises only `SendError`."""

    async def fetch(self, ref: str) -> bytes: ...


@runtime_checkable
class Streams(Protocol):
    """The same for files that come piece by piece, so that none need be in memory whole. Raises only `SendError`."""

    def pieces(self, ref: str) -> AsyncIterator[bytes]: ...


@runtime_checkable
class HasProblem(Protocol):
    """A channel that knows when nothing leaves until an operator acts: a sentence that says what to do, else empty."""

    def problem(self) -> str: ...
