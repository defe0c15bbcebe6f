"""The nouns of referral: facts, signs, levels, routes, agencies, referrals, consent, sources.

Frozen dataclasses without behaviour. The codes are those of the `route` door (docs/doors.md). Times are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

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


@dataclass(frozen=True, slots=True)
class Facts:
    """What was answered, in codes. A field left at its default is unknown, never no.

    `share` is None when consent was not asked, else the route ids agreed to (`all` and the empty set are allowed).
    `unknown` counts screening questions answered unsure or skipped. `signs_seen` are indicator ids for the officer.
    `held_now` is true when the writer is the person affected and violence or confinement was answered yes.
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


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was decided: the rule's id, one sentence in Vietnamese for the officer, its source."""

    rule: str
    because: str
    source: str


@dataclass(frozen=True, slots=True)
class Screening:
    """What the facts add up to: level, the elements of the law, reasons, and the ILO dimensions for the reviewer."""

    level: Level
    act: bool
    means: bool
    purpose: bool
    reasons: tuple[Reason, ...] = ()
    dimensions: Mapping[str, bool] = field(default_factory=dict)
    classification: str = ""
    provisional: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """Where the rules send an intake. `identified`: this agency may learn who the person is, on consent or a ground.

    `ground` is the id of the GroundRule, empty where there is consent or the agency may not know.
    """

    to: RouteId
    identified: bool
    rule: str
    because: str
    source: str
    ground: str = ""


@dataclass(frozen=True, slots=True)
class Routing:
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


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to: which agency, which wording, when, on which channel. `given` false is a refusal."""

    to: RouteId
    given: bool
    wording: str
    at: datetime
    channel: str


@dataclass(frozen=True, slots=True)
class Referral:
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


@dataclass(frozen=True, slots=True)
class Moved:
    """A referral after an officer's action (or a timer's). `passed_to` is the office a transfer goes on to."""

    referral: Referral
    action: str
    passed_to: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """An action that the life of a referral does not allow, and why, in Vietnamese for the officer."""

    because: str


@dataclass(frozen=True, slots=True)
class Intake:
    """What a conversation leaves. Coded facts are readable for routing and counting; `content` is stored encrypted.

    `conversation` is the pseudonym through which a question can go back. `receipt` is the code in the turn that makes
    it; only its keyed hash is stored, so an intake that was read has none. `revision` counts its commits.
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
    answers: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    receipt: str = ""
    classified_at: datetime | None = None
    form: str = ""
    articles: tuple[str, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Content:
    """The person's own words and how to reach them. Never in a log, a notice, an export, an error or a metric.

    `asked` are the words that officers wrote to the person: whoever holds the receipt reads them on any channel.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    media: tuple[tuple[str, str, str], ...] = ()
    asked: tuple[str, ...] = ()


# ------------------------------------------------------------------------------------------------------------- rules


@dataclass(frozen=True, slots=True)
class When:
    """One test over facts: a tree whose leaves look at a fact, an element of the law, the level or the signs' strength.

    `is`: fact `name` is one of `values`. `has`: at least `at_least` of `values` are in the set `name` (no values: of
    all its codes). `element`: Act, Means or Purpose is present. `level`: one of `values`. `count`: at least `at_least`
    of `name`: strong or medium indicators (in the dimensions `values`, or all), indicators, elements, unknown answers.
    """

    op: Literal["all", "any", "not", "is", "has", "element", "level", "count", "always"]
    name: str = ""
    values: tuple[str, ...] = ()
    at_least: int = 1
    parts: tuple[When, ...] = ()


@dataclass(frozen=True, slots=True)
class LevelRule:
    """The level is that of the first rule that holds, read from L4 down."""

    id: str
    level: Level
    when: When
    because: str
    because_en: str
    source: str


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """When its test holds, the intake goes `to` these routes (all rules that hold count).

    An `otherwise` rule counts only where no other rule holds.
    """

    id: str
    when: When
    to: tuple[RouteId, ...]
    because: str
    because_en: str
    source: str
    otherwise: bool = False


@dataclass(frozen=True, slots=True)
class GroundRule:
    """A legal ground on which named agencies may learn who the person is without consent."""

    id: str
    when: When
    to: tuple[RouteId, ...]
    ground: str
    ground_en: str
    source: str


@dataclass(frozen=True, slots=True)
class NumberRule:
    """When its test holds, these numbers are shown, in this order of urgency (smaller `order` first)."""

    id: str
    when: When
    show: tuple[str, ...]
    order: int
    source: str


@dataclass(frozen=True, slots=True)
class SuggestionRule:
    """What staff may look at: an article of the Penal Code, or the form of exploitation. Never told to a citizen."""

    id: str
    when: When
    suggest: str
    source: str


@dataclass(frozen=True, slots=True)
class Coding:
    """What one answer means in codes: facts set, codes added, indicator ids, and whether it counts as unknown.

    `also` names other questions and the answers of which one must have been given too.
    """

    question: str
    answer: str
    sets: Mapping[str, str] = field(default_factory=dict)
    adds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    indicators: tuple[str, ...] = ()
    unknown: bool = False
    source: str = ""
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Indicator:
    """One ILO/EC operational indicator (2009) and how strong it is for adults and children; the officer sees `text_vi`.

    `adult` and `child` are the strengths of the labour sets; the sexual sets' are empty where they are not known, and
    then the labour set's stand in for them. `means`: a means of the law, so that it counts for that element.
    """

    id: str
    dimension: str
    text_vi: str
    text_en: str
    adult: str
    child: str
    provisional: bool = False
    adult_sexual: str = ""
    child_sexual: str = ""
    means: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Scoring:
    """How indicators add up: points and threshold of a dimension, and how many make the element Means present."""

    points: Mapping[str, int]
    threshold: int
    means_strong: int
    means_medium: int
    source: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Which screening questions a kind of person is asked: `never` are the questions that must not be reachable.

    `fits` are the answers by which such a person is known, one mapping for each way of being so.
    """

    id: str
    asks: tuple[str, ...]
    never: tuple[str, ...]
    source: str
    fits: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Instrument:
    """A screening instrument: its questions' codings, profiles and the threshold of a dimension."""

    id: str
    version: str
    codings: tuple[Coding, ...]
    profiles: tuple[Profile, ...] = ()


@dataclass(frozen=True, slots=True)
class ClockStep:
    """One rung of a ladder: after so many seconds without an acknowledgement, whom the next notice goes to."""

    after_s: int
    to: Literal["duty", "chief", "everyone", "next_office"]


@dataclass(frozen=True, slots=True)
class Clock:
    """A deadline and its ladder. `kind` is `ours` (a promise) or `law` (a legal ceiling shown on the case).

    Exactly one of `seconds`, `months` (calendar) and `working_days` (Monday to Friday, Viet Nam) is not zero.
    """

    id: str
    kind: Literal["ours", "law"]
    name: str
    name_en: str
    seconds: int
    ladder: tuple[ClockStep, ...] = ()
    source: str = ""
    months: int = 0
    working_days: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an export: key, heading, and the field its value is (`intake.`, `facts.`, `referrals.`)."""

    key: str
    heading: str
    heading_en: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What one export contains and who may see it."""

    id: str
    version: str
    columns: tuple[Column, ...]
    roles: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class ReferralBook:
    """Everything of `referral/` read from its data files. Built once at start. Names are (Vietnamese, English).

    `classes` are what an officer may classify an intake as; `areas` the provinces by code.
    """

    sources: Mapping[str, Source]
    indicators: Mapping[str, Indicator]
    instruments: tuple[Instrument, ...]
    levels: tuple[LevelRule, ...]
    routing: tuple[RoutingRule, ...]
    grounds: tuple[GroundRule, ...]
    numbers: tuple[NumberRule, ...]
    articles: tuple[SuggestionRule, ...]
    forms: tuple[SuggestionRule, ...]
    means_strength: Mapping[str, tuple[str, str]]
    offices: tuple[Office, ...]
    hotlines: Mapping[str, Hotline]
    route_names: Mapping[RouteId, tuple[str, str]]
    provinces: Mapping[str, str]
    clocks: Mapping[str, Clock]
    exports: Mapping[str, ExportPlan]
    outcomes: Mapping[str, tuple[str, str]]
    return_reasons: Mapping[str, tuple[str, str]]
    scoring: Scoring
    classes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    areas: Mapping[str, Province] = field(default_factory=dict)
