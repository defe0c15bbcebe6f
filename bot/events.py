"""Everything that can happen, as one `Event`. Time and fresh ids arrive inside it, so that deciding needs neither."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from flows.model import CitizenEvent
from storage.base import Officer


class OfficerDid(Struct, frozen=True):
    """An officer's action on a referral: acknowledge, accept, return, transfer, ask, close, classify, link, unlink.

    `other` is the referral that a link is with.
    """

    officer: Officer
    do: str
    referral: str
    reason: str = ""
    outcome: str = ""
    office: str = ""
    text: str = ""
    other: str = ""


class ClockDue(Struct, frozen=True):
    """A rung of a referral's ladder came due."""

    referral: str
    rung: int


class WindowCloses(Struct, frozen=True):
    """The person of a referral, last heard at this moment, can be reached on their platform for a little while only."""

    referral: str
    heard_at: datetime


class Event(Struct, frozen=True):
    """One thing that happened, when, and the seed of every id that deciding on it needs.

    `seed` is random and never stored: ids derived from it tell nothing about each other. `press` and `message_id` are the
    platform's handles to the button pressed and the message sent. `codes_closed`: too many wrong receipts came from there,
    so this one was not looked up. `network` is the mark of where it came from (`Inbound.network`),
    `done_at` the platform's own time of it (`Inbound.done_at`), `left_after` as there.
    """

    seed: str
    at: datetime
    what: CitizenEvent | OfficerDid | ClockDue | WindowCloses
    channel: str = ""
    address: str = ""
    external_id: str = ""
    message_id: str = ""
    language: str = ""
    press: Mapping[str, str] = {}
    codes_closed: bool = False
    network: bytes = b""
    done_at: int = 0
    left_after: datetime | None = None


def fresh(event: Event, label: str) -> str:
    """A fresh id for `label` (20 hex digits, 80 bits). The same event and label give the same id."""
    return hashlib.blake2b(f"{event.seed}/{label}".encode(), digest_size=10).hexdigest()


def fresh_digits(event: Event, label: str, count: int) -> str:
    """A fresh number of `count` decimal digits, for a code that people type."""
    digest = hashlib.blake2b(f"{event.seed}/{label}".encode(), digest_size=16).digest()
    return str(int.from_bytes(digest) % 10**count).zfill(count)
