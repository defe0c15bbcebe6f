"""What the data files of `referral/` say, as nouns: rules, instruments, clocks, exports, and the book of them all.

Frozen dataclasses without behaviour, built once at start by `read.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from referral.model import Hotline, Level, Office, Province, RouteId, Source


@dataclass(frozen=True, slots=True, eq=False)
class When:
    """One test over facts: a tree whose leaves look at a fact, an element of the law, the level or the signs' strength.

    `is`: fact `name` is one of `values`. `has`: at least `at_least` of `values` are in the set `name` (no values: of
    all its codes). `element`: Act, Means or Purpose is present. `level`: one of `values`. `count`: at least `at_least`
    of `name`: strong or medium indicators (in the dimensions `values`, or all), indicators, elements, unknown answers.

    A test is itself and equal to no other, so that what is made of it once is found again at once (when.py).
    """

    op: Literal["all", "any", "not", "is", "has", "element", "level", "count", "always"]
    name: str = ""
    values: tuple[str, ...] = ()
    at_least: int = 1
    parts: tuple[When, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class LevelRule:
    """The level is that of the first rule that holds, read from L4 down. A rule is equal to no other."""

    id: str
    level: Level
    when: When
    because: str
    because_en: str
    source: str


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """When its test holds, the intake goes `to` these routes (all rules that hold count).

    An `otherwise` rule counts only where no other rule holds. `home_too`: beside the offices of the place, those of the home
    province hear of it where both are known.
    """

    id: str
    when: When
    to: tuple[RouteId, ...]
    because: str
    because_en: str
    source: str
    otherwise: bool = False
    home_too: bool = False


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


@dataclass(frozen=True, slots=True, eq=False)
class Instrument:
    """A screening instrument: its questions' codings, profiles and the threshold of a dimension. Equal to no other."""

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

    Exactly one of `seconds`, `months` (calendar) and `working_days` (Monday to Friday, Viet Nam) is not zero. A notice under
    it reaches a phone after `notice_from_s` to `notice_to_s` seconds, by chance, so that its moment points at nobody.
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
    notice_from_s: int = 0
    notice_to_s: int = 0


@dataclass(frozen=True, slots=True)
class KeepRule:
    """How long something is kept: so many seconds since `since`, or (`agencies`) the period of the agencies that had it.

    `since`: last_word, left, ended (retention/periods.yaml says what they are).
    """

    id: str
    name: str
    name_en: str
    since: Literal["last_word", "left", "ended"]
    seconds: int = 0
    agencies: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class AgencyPeriod:
    """How many days after closure an agency wants what it had to be kept; 0 while it has not said. `id` is its route."""

    id: RouteId
    days: int = 0
    source: str = ""


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


@dataclass(frozen=True, slots=True, eq=False)
class ReferralBook:
    """Everything of `referral/` read from its data files. Built once at start. Names are (Vietnamese, English).

    Equal to no other.

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
    retention: Mapping[str, KeepRule] = field(default_factory=dict)
    agency_periods: Mapping[RouteId, AgencyPeriod] = field(default_factory=dict)
