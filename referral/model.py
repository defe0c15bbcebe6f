"""The nouns of referral: facts, signs, levels, routes, agencies, referrals, consent, sources.

Frozen structs (what a decision makes) and dataclasses (what a file holds), without behaviour. The codes are those of
the `route` door (docs/doors.md). Times are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from msgspec import Struct

RouteId = str
"""police, border_guard, coast_guard, social_affairs, hotline_111, legal_aid, womens_union, consular, emergency_113,
medical_115, labour_authority."""

Level = Literal["L0", "L1", "L2", "L3", "L4"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a data file: where it is, what is wrong, what to do about it."""

    where: str
    what: str
    remedy: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what} → {self.remedy}"


@dataclass(frozen=True, slots=True)
class Source:
    """A law, circular, guideline or study behind a rule, and the day somebody checked it."""

    id: str
    title: str
    article: str = ""
    link: str = ""
    checked_on: str = ""
    confidence: str = ""


# ------------------------------------------------------------------------------------------------------------ facts


class Facts(Struct, frozen=True):
    """What was answered, in codes. A field left at its default is unknown, never no.

    `share` is None when consent was not asked, else the route ids agreed to (`all` and the empty set are allowed).
    `unknown` counts screening questions answered unsure or skipped. `signs_seen` are indicator ids for the officer.
    `held_now` is true when the writer is the person affected and violence or confinement was answered yes. `helper` is the
    role of who filled in with the person, empty where nobody did; no rule looks at it.
    """

    kind: str = "tip"
    reporter: str = "unknown"
    danger: str = "unknown"
    age: str = "unknown"
    where: str = "unknown"
    country: str = ""
    province: str = ""
    home_province: str = ""
    stage: str = "unknown"
    act: frozenset[str] = frozenset()
    means: frozenset[str] = frozenset()
    purpose: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    share: frozenset[str] | None = None
    retaliation: bool = False
    unknown: int = 0
    held_now: bool = False
    indicators: tuple[str, ...] = ()
    helper: str = ""


class Reason(Struct, frozen=True):
    """Why something was decided: the rule's id, one sentence in Vietnamese for the officer, its source."""

    rule: str
    because: str
    source: str


class Screening(Struct, frozen=True):
    """What the facts add up to: level, the elements of the law, reasons, and the ILO dimensions for the reviewer."""

    level: Level
    act: bool
    means: bool
    purpose: bool
    reasons: tuple[Reason, ...] = ()
    dimensions: Mapping[str, bool] = {}
    classification: str = ""
    provisional: bool = True


class Route(Struct, frozen=True):
    """Where the rules send an intake. `identified`: this agency may learn who the person is, on consent or a ground.

    `ground` is the id of the GroundRule, empty where there is consent or the agency may not know. `home_too`: it goes to the
    agency's offices of the home province as well.
    """

    to: RouteId
    identified: bool
    rule: str
    because: str
    source: str
    ground: str = ""
    home_too: bool = False


class Routing(Struct, frozen=True):
    """Everything decided about one intake: who really gets it, the numbers to show, a suggestion for staff."""

    routes: tuple[Route, ...]
    numbers: tuple[str, ...]
    articles: tuple[str, ...] = ()
    form: str = ""


# -------------------------------------------------------------------------------------------------------- directory


@dataclass(frozen=True, slots=True)
class Hotline:
    """A number that may be shown: as a thumb dials it, who answers, when, at what cost, and who checked it."""

    number: str
    name: str
    name_en: str
    hours: str
    cost: str
    note: str = ""
    source: str = ""
    checked_on: str = ""


@dataclass(frozen=True, slots=True)
class Office:
    """One body that receives referrals: its route, the provinces it covers (empty: the whole country), its dates.

    `phone` is empty until the operator supplies and signs it; `check` lists the empty ones.
    """

    id: str
    route: RouteId
    name: str
    name_en: str
    provinces: tuple[str, ...] = ()
    old_names: tuple[str, ...] = ()
    hours: str = ""
    phone: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Province:
    """One of the 34 provincial units: code, names people still use, land neighbours (ISO codes), whether at sea."""

    code: str
    name: str
    old_names: tuple[str, ...] = ()
    borders: tuple[str, ...] = ()
    sea: bool = False
    source: str = ""


# --------------------------------------------------------------------------------------------------------- referrals

State = Literal[
    "proposed", "sent", "delivered", "acknowledged", "accepted", "returned", "transferred", "closed", "withdrawn"
]


OPEN: frozenset[State] = frozenset({"proposed", "sent", "delivered", "acknowledged", "accepted"})
"""Somebody has it, or is still to be told of it."""


class Consent(Struct, frozen=True):
    """What a person agreed to: which agency, which wording, when, on which channel. `given` false is a refusal."""

    to: RouteId
    given: bool
    wording: str
    at: datetime
    channel: str


class Referral(Struct, frozen=True):
    """One intake sent to one agency, and how far it has come. `code` is what a notice and a telephone call may name."""

    id: str
    intake: str
    code: str
    to: RouteId
    office: str
    identified: bool
    rule: str
    because: str
    source: str
    ground: str
    level: Level
    urgent: bool
    province: str
    state: State
    created_at: datetime
    due_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    acknowledged_at: datetime | None = None
    accepted_at: datetime | None = None
    closed_at: datetime | None = None
    officer: str = ""
    reason: str = ""
    outcome: str = ""


def is_left(referral: Referral) -> bool:
    """Given back, and nobody else had it or could get it: it stays with who gave it back last, without a `closed_at`."""
    return referral.state == "returned" and referral.closed_at is None


class Moved(Struct, frozen=True):
    """A referral after an officer's action (or a timer's). `passed_to` is the office a transfer goes on to."""

    referral: Referral
    action: str
    passed_to: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """An action that the life of a referral does not allow, and why, in Vietnamese for the officer."""

    because: str


class Intake(Struct, frozen=True):
    """What a conversation leaves. Coded facts are readable for routing and counting; `content` is stored encrypted.

    `conversation` is the pseudonym through which a question can go back. `receipt` is the code in the turn that makes
    it; only its keyed hash is stored, so an intake that was read has none. `revision` counts its commits. `filed_as` is
    the class that an officer gave it.
    """

    id: str
    conversation: str
    kind: str
    level: Level
    urgent: bool
    facts: Facts
    screening: Screening
    channel: str
    locale: str
    province: str
    created_at: datetime
    updated_at: datetime
    content: Content
    answers: Mapping[str, str | tuple[str, ...]] = {}
    receipt: str = ""
    classified_at: datetime | None = None
    filed_as: str = ""
    form: str = ""
    articles: tuple[str, ...] = ()
    revision: int = 0


class Content(Struct, frozen=True):
    """The person's own words and how to reach them. Never in a log, a notice, an export, an error or a metric.

    `clues` are the numbers, plates, links and accounts in them that the person kept, as (kind, value); `clues_out` those that
    they took out of the list: shown to nobody, and what takes an earlier entry's clue away.

    `asked` are the words that officers wrote to the person: whoever holds the receipt reads them on any channel.
    `asked_rows` are the outbox's keys of the latest of them, one each (empty where none was sent): who has read them at one
    door needs them at no other.
    """

    texts: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()
    media: tuple[tuple[str, str, str], ...] = ()
    asked: tuple[str, ...] = ()
    asked_rows: tuple[str, ...] = ()
    clues: tuple[tuple[str, str], ...] = ()
    clues_out: tuple[tuple[str, str], ...] = ()
