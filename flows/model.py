"""The nouns of a conversation: flows as data, where a person is in one, what can happen, what came of it.

Frozen structs without behaviour: what a turn makes and copies are msgspec's (a copy costs 0.1 µs, a dataclass's 4 µs).
Times are UTC, lengths are code points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

# ------------------------------------------------------------------------------------------------- flows as data

Answer = str | tuple[str, ...]
"""What was answered to a question: one choice id or a text, or several choice ids. "skip" and "unsure" are unknown, never no."""

SKIPPED = "skip"

Asking = Literal["choice", "many", "text", "code", "staff", "nothing"]
"""How a step listens: one choice, several choices, free text, a receipt code, silently while one of the staff answers, or not at
all (it says and goes on)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One test over a conversation: a tree whose leaves compare an answer, the level or the channel.

    `op` is one of all, any, not, answer, answered, level, heard, channel; `name` the slot, `values` what it is compared
    with, `parts` the conditions below an all, any or not.
    """

    op: Literal["all", "any", "not", "answer", "answered", "level", "heard", "channel"]
    name: str = ""
    values: tuple[str, ...] = ()
    parts: tuple[Condition, ...] = ()


LABEL_MAX: Final = 40
"""Code points of a button."""


def fitting(label: str) -> str:
    """As much of a name as a button takes."""
    return label if len(label) <= LABEL_MAX else label[: LABEL_MAX - 1] + "…"


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: an id that never changes, and the Vietnamese source text of its label (at most LABEL_MAX code points).

    `context` is the catalogue's context of the label; empty when the label is already in the person's language.
    """

    id: str
    label: str
    context: str = ""


@dataclass(frozen=True, slots=True)
class Next:
    """Where to go on: `flow.step`, or `back` (the question before this side path). The first whose condition holds is taken."""

    go: str
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One place in a flow: what is said, how it listens, where it leads.

    `place` is the answer in words whose place is shown here, to be confirmed (flows/place.py).
    """

    id: str
    say: tuple[str, ...] = ()
    quiet_say: tuple[str, ...] = ()
    ask: Asking = "nothing"
    choices: tuple[Choice, ...] = ()
    choices_from: str = ""
    alone: tuple[str, ...] = ()
    remember: str = ""
    place: str = ""
    review: str = ""
    accepts: tuple[str, ...] = ()
    do: tuple[str, ...] = ()
    next: tuple[Next, ...] = ()
    pass_if: Condition | None = None
    skippable: bool = True
    sensitive: bool = False
    end: bool = False


@dataclass(frozen=True, slots=True)
class FlowDef:
    """One conversation as data. `intake` is the kind of intake that finishing it leaves, or empty."""

    id: str
    version: str
    start: str
    steps: Mapping[str, Step]
    intake: str = ""
    moved: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decoy:
    """What the first of these texts is answered after somebody stopped the chat; an empty `say` is none."""

    say: str = ""
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Everywhere:
    """What works at every step: the ways (id, label, where to), the fixed sentences by name, the operator's decoy."""

    ways: tuple[Choice, ...]
    goes: Mapping[str, str]
    quiet_labels: Mapping[str, str]
    sentences: Mapping[str, str]
    questions: Mapping[str, str] = field(default_factory=dict)
    decoy: Decoy = Decoy()


# ---------------------------------------------------------------------------------------- where one person stands


class Media(Struct, frozen=True):
    """A photo, voice message, video, document, location, contact or sticker that a person sent.

    `ref` is the platform's handle (or the stored file's id); never an address and never shown to anyone but officers. A file
    without one cannot be fetched. `size` is what a file weighs in bytes, 0 where the platform does not say. `album` is the same
    for all that was sent at once; empty for one alone.
    """

    kind: str
    ref: str = ""
    caption: str = ""
    size: int = 0
    album: str = ""


class Conversation(Struct, frozen=True):
    """Where one person on one channel is in a flow.

    `prompt` counts the questions asked; a button carries the number it was shown with, so that an old one is known.
    `trail` holds the questions answered on the way here (`flow.step`), the newest last. `correcting` is true while a
    corrected answer is walked forward to the next question that has none; `lapsed` after a draft was left alone and erased, until
    they are told so; `decoy_due` from when the chat was stopped to the next word. `told` are the answers that stood in the first
    words and were confirmed. `led_at` is when they did what led to the question that stands (milliseconds of their platform's
    clock, 0: unknown). `version` grows by one with each commit.
    """

    id: str
    version: int = 0
    channel: str = "web"
    locale: str = "vi"
    flow: str = ""
    step: str = ""
    prompt: int = 0
    answers: Mapping[str, Answer] = {}
    trail: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    picked: tuple[str, ...] = ()
    quiet: bool = False
    correcting: bool = False
    unclear: int = 0
    guesses: int = 0
    heard: tuple[str, ...] = ()
    intake: str = ""
    receipt: str = ""
    alerted: bool = False
    told: tuple[str, ...] = ()
    lapsed: bool = False
    decoy_due: bool = False
    campaign: str = ""
    started_at: datetime | None = None
    last_at: datetime | None = None
    led_at: int = 0


# ------------------------------------------------------------------------------------------------- what can happen


class Opened(Struct, frozen=True):
    """The person opened the chat (`/start`, a deep link, the web page). `payload` is the campaign code, or empty."""

    payload: str = ""


class Said(Struct, frozen=True):
    """The person wrote a text. `edited`: it is what they have made of an earlier one."""

    text: str
    edited: bool = False


class Chose(Struct, frozen=True):
    """The person pressed a button (or several boxes of a form). `prompt` is the number the buttons were shown with; None: now."""

    ids: tuple[str, ...]
    prompt: int | None = None


class Sent(Struct, frozen=True):
    """The person sent something that is not text."""

    media: Media


class Moved(Struct, frozen=True):
    """The place that a person shows live is another now. It comes every few seconds and asks for no answer."""

    media: Media


class Gone(Struct, frozen=True):
    """The person has shut us out on this platform: nothing that is sent there reaches them. They may come back."""


class Empty(Struct, frozen=True):
    """A platform event without content: possibly a child's or a disabled person's message that the platform withheld."""


class Woke(Struct, frozen=True):
    """A timer of this conversation came due: `abandoned` (24 h without a word)."""

    what: str


class StaffWrote(Struct, frozen=True):
    """One of the staff wrote to the person in the platform's own window: from here on a human answers them there."""


CitizenEvent = Opened | Said | Chose | Sent | Moved | Gone | Empty | Woke | StaffWrote

# ------------------------------------------------------------------------------------------------- what was understood


class Heard(Struct, frozen=True):
    """What a text was understood as, and the words that decided it. Intents are those of the triage door.

    `alarmed`: a phrase or a rule holds it for danger. That opens the danger path from an answer; of a first message, where
    people tell films and news as well, the weight of all its words decides, but for phrases that stand by themselves.
    `weighed`: urgent by that weight and by no phrase or rule. `crises`: what else harms somebody now, by the lists' names.
    `matters`: what else it is about without haste (`about_…`): wages, fraud, home, a child, or what nobody is told.
    """

    lang: str = "vi"
    intent: str = "greeting"
    urgent: bool = False
    child: bool | None = None
    trafficking: bool = False
    place: Mapping[str, str | None] | None = None
    words: tuple[str, ...] = ()
    weighed: bool = False
    alarmed: bool = False
    crises: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()


# ------------------------------------------------------------------------------------------------------ what came of it


class Line(Struct, frozen=True):
    """One sentence to say: its source text (the catalogue's key) and its context (`flow.step` or `everywhere.name`)."""

    text: str
    context: str


class Prompt(Struct, frozen=True):
    """What is shown after a turn: lines in order, the choices offered, the ways out, and how it listens."""

    lines: tuple[Line, ...]
    choices: tuple[Choice, ...] = ()
    context: str = ""
    ask: Asking = "nothing"
    picked: tuple[str, ...] = ()
    ways: tuple[Choice, ...] = ()
    number: int = 0
    quiet: bool = False


class Turned(Struct, frozen=True):
    """The engine's answer: the conversation after the turn, what to show, and the flow's own effects in order.

    `draft` is the conversation before a final step emptied it: what an intake is made from.
    """

    conversation: Conversation
    prompt: Prompt | None
    do: tuple[str, ...] = ()
    draft: Conversation | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a data file: where it is, what is wrong, what to do about it."""

    where: str
    what: str
    remedy: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what} → {self.remedy}"
