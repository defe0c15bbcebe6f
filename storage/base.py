"""What storage promises: load a snapshot, commit a turn whole, hand out due outbox rows. No SQL here.

Every write of a turn is one `Commit`; it is stored whole or not at all. Times are UTC.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from msgspec import Struct

from flows.model import Conversation
from referral.model import Consent, Content, Intake, Referral, State


class StaleConversation(Exception):
    """Another turn of this conversation (or another move of this referral) came first: load again, decide again."""


class AlreadyHandled(Exception):
    """This update was committed before: nothing was written now, and nothing needs to be."""


class StorageAway(Exception):
    """The database did not take the commit (locked, full, gone). Nothing was written; the platform must send again.
    Where a server was lost in the moment of committing, it may have been written all the same: sent again, it is
    AlreadyHandled or StaleConversation.
    """


class StorageUnfit(Exception):
    """The database cannot be used as it is (newer, half migrated, damaged, wrong key). The message says what to do."""


class WrongKey(StorageUnfit):
    """The database was sealed with another service key."""


# ---------------------------------------------------------------------------------------------------------- officers


class Officer(Struct, frozen=True):
    """Someone who receives referrals for one office. `role`: duty, chief, admin, auditor, statistics."""

    id: str
    name: str
    office: str
    route: str
    role: str
    active: bool = True


class Invite(Struct, frozen=True):
    """A one-time code for joining an office, known by its keyed hash; it works once and until `expires_at`."""

    hash: str
    officer: Officer
    expires_at: datetime


# ---------------------------------------------------------------------------------------------------------- snapshot


class Request(Struct, frozen=True):
    """What somebody asked about their own data: see, correct, restrict, withdraw, erase; by when it is to be answered and done.

    `state`: open, answered, done, or kept (the law has it kept). `code` is what officers call it.
    """

    id: str
    code: str
    intake: str
    what: str
    at: datetime
    answer_by: datetime
    done_by: datetime
    channel: str = ""
    state: str = "open"
    answered_at: datetime | None = None
    done_at: datetime | None = None


class ReceiptView(Struct, frozen=True):
    """What a receipt leads to: intake, how far its referrals are, what officers wrote to the person and in which rows."""

    intake: str
    kind: str
    created_at: datetime
    states: tuple[tuple[str, State], ...] = ()
    asked: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()
    asked_rows: tuple[str, ...] = ()


class Snapshot(Struct, frozen=True):
    """What is known about the sender of an event at one moment.

    `conversation` is None for someone new. `referrals` are those of the conversation's own intake. `officer` is set
    when this address belongs to an active officer. `invite` and `receipt` answer the code that the event carried.
    `referral` is the one that an officer's action names, with the `consents` of its intake; `other` the one to link it with.
    `way_gone`: its person left the page for good, so nothing that is said in that conversation is read there.
    """

    conversation: Conversation | None = None
    intake: Intake | None = None
    referrals: tuple[Referral, ...] = ()
    officer: Officer | None = None
    invite: Invite | None = None
    receipt: ReceiptView | None = None
    referral: Referral | None = None
    consents: tuple[Consent, ...] = ()
    other: Referral | None = None
    way_gone: bool = False


# ------------------------------------------------------------------------------------------------------------ commit

DAMAGED = "damaged"
"""The kind of a claimed row that could not be opened; its body names the kind that it was written as."""


class OutboxRow(Struct, frozen=True):
    """Something that must happen outside. `key` says what it is for and is unique: a repeat cannot make a second row.

    kind: say (to a citizen), notice (to one officer), notify_agency (hand a referral to its office), wake (a timer),
    clear (delete a chat's messages), fetch (bring a file in), alarm (an error id for the staff),
    export, erase (the nightly sweep); `damaged` instead when it was claimed and could not be opened.
    `priority`: 0 danger and urgent notices, 1 other officers' notices, 2 replies, 3 the rest. `lane` is what
    must keep its order (an address); a stuck row holds back only its own lane; an empty lane has no order. `body` is
    JSON and is stored encrypted; its `officer` (an id) says whom the row is for, where it is not for its conversation.
    `sender` is the channel through which it leaves, whose pace it falls under; empty for what leaves through none.
    `door` is which of an officer's addresses it goes to (`Door.id`); empty for the one they have on that channel.
    """

    key: str
    kind: str
    lane: str
    priority: int
    due_at: datetime
    body: Mapping[str, Any]
    conversation: str = ""
    referral: str = ""
    sender: str = ""
    door: str = ""


class AuditEntry(Struct, frozen=True):
    """One line of the audit: who did what to what. `detail` holds codes and ids only, never a person's words."""

    actor: str
    action: str
    subject: str
    at: datetime
    detail: Mapping[str, str] = {}


class Address(Struct, frozen=True):
    """Where a person is reached on a channel: the platform's own id, stored once, encrypted, found by keyed hash."""

    channel: str
    external: str


class Classified(Struct, frozen=True):
    """An officer says what an intake is: the class, when it first got one, the revision that this was decided on."""

    intake: str
    filed_as: str
    at: datetime
    revision: int


class Link(Struct, frozen=True):
    """Two intakes are about the same matter, an officer says; or (`ended`) no longer are. `one` sorts before `other`."""

    id: str
    one: str
    other: str
    officer: str
    at: datetime
    ended: bool = False


class Sealing(Struct, frozen=True):
    """What this turn says for the officers' eyes only, in parts, and which offices may open which parts of the intake.

    `parts` is empty where nothing new was said. `holders` are (office, its parts): all that may come to have this matter,
    those too to which it climbs when nobody answers, so that nobody finds it locked. What is here is sealed with keys that
    only they and the escrow can open; the service cannot.
    """

    parts: Mapping[str, Content] = {}
    holders: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Commit(Struct, frozen=True):
    """Everything one turn changes, stored in one transaction.

    `expects` is the conversation version that `conversation` was decided on (0: it is new). `moved` are referrals with
    the state each was decided on. `heard`: they wrote where that lets them be reached for a while (window.py). `left`: they
    had left their page, so what stood there does not count as seen. `erase`
    empties the conversation's draft and what was said in it. `erase_report`
    (intake, certificate) erases a whole report that nobody has, because its person asked (`request`). What people said for
    an intake goes into `sealing`; the intake's own `content` is what the service may go on reading.
    """

    at: datetime
    channel: str = ""
    external_id: str = ""
    address: Address | None = None
    message_id: str = ""
    conversation: Conversation | None = None
    expects: int = 0
    intake: Intake | None = None
    new_intake: bool = False
    consents: tuple[Consent, ...] = ()
    referrals: tuple[Referral, ...] = ()
    moved: tuple[tuple[Referral, State], ...] = ()
    outbox: tuple[OutboxRow, ...] = ()
    cancel: tuple[str, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    join: tuple[str, Officer] | None = None
    classified: Classified | None = None
    link: Link | None = None
    blocked: bool = False
    heard: bool = False
    left: bool = False
    erase: bool = False
    request: Request | None = None
    erase_report: tuple[str, str] = ("", "")
    sealing: Sealing | None = None


class Claimed(Struct, frozen=True):
    """An outbox row handed out to be performed. `address` is the decrypted target, or None where a row has none.

    `heard_at` is when somebody there last wrote, on a platform where that counts.
    """

    id: int
    row: OutboxRow
    address: Address | None
    attempts: int
    heard_at: datetime | None = None


Outcome = Literal["done", "later", "dead", "cancelled"]


class Door(Struct, frozen=True):
    """One address of an officer. `taken_at`: when a notice was last taken there; `failing_since`: since when none is.

    `blocked`: the platform said that it leads nowhere any more. The `id` is a keyed hash and tells nothing.
    """

    id: str
    officer: Officer
    address: Address
    taken_at: datetime | None = None
    failing_since: datetime | None = None
    blocked: bool = False


class Done(Struct, frozen=True):
    """How a claimed row ended. `later` needs `again_at`. `blocked`: its address cannot be reached any more.

    `door` is what an officer's address proved to be by it: it `took` a notice, or was `failing` at one.
    `delivered` marks the row's referral delivered in the same transaction.
    """

    id: int
    outcome: Outcome
    at: datetime
    code: str = ""
    again_at: datetime | None = None
    message_ids: tuple[str, ...] = ()
    blocked: bool = False
    delivered: bool = False
    door: Literal["", "took", "failing"] = ""


class Wanted(Struct, frozen=True):
    """What of a sender's rows somebody can take: so many, the most urgent first, and at least so many of each priority.

    The least is what keeps a row ready of every class, whatever fills the room.
    """

    sender: str
    room: int
    least: tuple[int, int, int, int] = (0, 0, 0, 0)


class Case(Struct, frozen=True):
    """What an officer opens: the referral, its intake (content only if identified or agreed to), the timeline.

    `locked`: there is more that this office may read, and the keys that were given do not open it. `heard_at` is when the person
    last wrote, on a platform where nothing reaches them a while after that. `now_with`: the offices that have the matter since
    this one handed it on; no content then, whatever it could read before. `letters`: of each message to the person, letters.py.
    """

    referral: Referral
    intake: Intake
    consents: tuple[Consent, ...]
    timeline: tuple[AuditEntry, ...]
    locked: bool = False
    heard_at: datetime | None = None
    now_with: tuple[str, ...] = ()
    letters: tuple[str, ...] = ()


class Period(Struct, frozen=True):
    """Everything of the intakes made in a period, as of one moment. Coded: no content, no answers.

    `received` are the intakes that the audit says were received in it, `notified` the referrals of which an officer's
    phone took a notice.
    """

    intakes: tuple[Intake, ...]
    referrals: tuple[Referral, ...]
    received: tuple[str, ...]
    notified: tuple[str, ...]


Visible = Callable[[Intake, Referral, Sequence[Consent]], Content]
"""Which of a person's words an agency may see (`referral.disclose.visible`): asked within the transaction that reads."""
Allowed = Callable[[Intake, Referral, Sequence[Consent]], Sequence[str]]
"""Which parts of the sealed content an agency may open (`referral.disclose.allowed`)."""


def nothing_allowed(intake: Intake, referral: Referral, consents: Sequence[Consent]) -> Sequence[str]:
    """For who opens nothing that is sealed."""
    return ()


class Opener(Struct, frozen=True):
    """The offices' private keys that an officer's session opens, by the keys' ids. In memory only."""

    keys: Mapping[str, bytes] = {}

    def __repr__(self) -> str:
        return "Opener(…)"


NO_KEYS = Opener()
"""Of who holds none."""


class Storage(Protocol):
    """A place that remembers. Every method may raise StorageAway.

    `commit` raises StaleConversation or AlreadyHandled. `open_case` writes its audit entry in the transaction that
    reads. `says` is what was said since the person was last heard.
    """

    async def load(
        self, address: Address, *, invite: str = "", receipt: str = "", referral: str = "",
        left_after: datetime | None = None,
    ) -> Snapshot: ...  # fmt: skip
    async def load_conversation(self, conversation: str) -> tuple[Snapshot, Address | None]: ...
    async def load_referral(self, referral: str) -> Snapshot: ...
    async def commit(self, commit: Commit) -> None: ...
    async def exchange(
        self, now: datetime, wanted: Iterable[Wanted], done: Sequence[Done] = (), more: Sequence[OutboxRow] = ()
    ) -> Sequence[Claimed]: ...
    async def claim(self, now: datetime, limit: int, sender: str = "") -> Sequence[Claimed]: ...
    async def finish(self, done: Sequence[Done], more: Sequence[OutboxRow] = ()) -> None: ...
    async def renew(self, ids: Sequence[int], now: datetime) -> int: ...
    async def catch_up(self, now: datetime) -> int: ...
    async def hold(self, name: str) -> bool: ...
    async def next_due(self) -> datetime | None: ...
    async def next_due_by_sender(self) -> Mapping[str, datetime]: ...
    async def says(self, conversation: str) -> Sequence[Mapping[str, Any]]: ...
    async def shown(self, conversation: str, since: datetime) -> Sequence[str]: ...
    async def abandoned(self, before: datetime, limit: int) -> Sequence[tuple[str, int]]: ...
    async def open_case(
        self,
        referral: str,
        officer: Officer,
        at: datetime,
        visible: Visible,
        allowed: Allowed = nothing_allowed,
        opener: Opener = NO_KEYS,
    ) -> Case | None: ...
    async def list_referrals(
        self, officer: Officer, *, closed: bool = False, limit: int = 200
    ) -> Sequence[Referral]: ...
    async def linked(self, intake: str, officer: Officer) -> Sequence[Referral]: ...
    async def by_code(self, code: str, officer: Officer) -> Sequence[Referral]: ...
    async def hand_over(self, referral: str, at: datetime) -> Referral | None: ...
    async def doors_of(self, office: str) -> Sequence[Door]: ...
    async def keep_file(
        self,
        ref: str,
        conversation: str,
        kind: str,
        content: bytes | AsyncIterator[bytes],
        at: datetime,
        since: datetime | None = None,
    ) -> None: ...
    async def read_file(self, ref: str, opener: Opener = NO_KEYS) -> bytes | None: ...
    async def period(self, start: datetime, end: datetime) -> Period: ...
    async def record_export(self, key: str, sha256: str, counts: Mapping[str, int], at: datetime) -> bool: ...
    async def close(self) -> None: ...
