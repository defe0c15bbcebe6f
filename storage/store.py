"""The methods of `Storage`, once for every database. A driver adds how work is read, written and closed.

Encoding and sealing happen here, before the writer's turn comes; the writer only runs statements.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from functools import partial
from typing import Any

from referral.model import Referral
from storage import cases, claims, doors, erasing, files, matters, outbox, parked, periods, pieces, plans, sealing
from storage.base import (
    NO_KEYS,
    Address,
    Allowed,
    AlreadyHandled,
    Case,
    Claimed,
    Commit,
    Done,
    Door,
    Officer,
    Opener,
    OutboxRow,
    Period,
    Snapshot,
    StaleConversation,
    StorageAway,
    Visible,
    Wanted,
    nothing_allowed,
)
from storage.cache import MOST, Snapshots
from storage.envelope import new_key
from storage.parked import Parked
from storage.rows import BODY, from_ms, to_ms
from storage.seal import Sealer
from storage.statements import Piece, T
from storage.turns import Ready, address_id, intake_of, prepare, write_turn


class DatabaseStorage(ABC):
    """`Storage` over any database for which work can be read and written."""

    def __init__(self, sealer: Sealer, most_snapshots: int = MOST) -> None:
        self.sealer = sealer
        self._snapshots = Snapshots(most_snapshots)

    # ------------------------------------------------------------------------------------------------ for the driver

    @abstractmethod
    async def read(self, work: Piece[T], *, long: bool = False) -> T:
        """Run work that only asks. `long` is as of one moment, and keeps out of the way of people who wait.

        Other work may see each of its answers at a moment of its own: what is decided on it is checked at commit.
        """

    @abstractmethod
    async def write(self, work: Piece[T], then: Callable[[T], None] | None = None) -> T:
        """Run work in a transaction: whole and lasting when this returns, or not at all.

        `then` is called with the result once it lasts, even if the caller was cancelled meanwhile.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finish what is being written, then let go of the database. Everything afterwards is StorageAway."""

    @abstractmethod
    async def listen(self, woken: Callable[[], None]) -> None:
        """Call `woken` whenever another process may have queued something, until closed."""

    async def hold(self, name: str) -> bool:
        """Whether this process, of all that share the database, holds this name now. Taken where nobody does, kept until closed.

        Ask again at least every 10 s: a process that stands still loses it, as does one that dies or is cut off, and
        another takes over. A file has one process, which holds everything.
        """
        return True

    async def others(self) -> int:
        """How many other processes use the database now. Of a file nobody knows: who serves from it holds its lock."""
        return 0

    @abstractmethod
    async def settled(self) -> int:
        """A row of the audit up to which nobody is still writing: none with a lower number can come any more.

        0 where none is known now: ask again later.
        """

    # --------------------------------------------------------------------------------------------------------- turns

    async def load(
        self, address: Address, *, invite: str = "", receipt: str = "", referral: str = "",
        left_after: datetime | None = None,
    ) -> Snapshot:  # fmt: skip
        """What is known about an address; `invite` and `receipt` are codes as they were typed.

        With `left_after`, an address that leads nowhere still stands for the conversation that was left through it at that
        moment or later, and `way_gone` says so: for what was on its way then, never for a page.
        """
        key = address_id(address, self.sealer)
        if not (invite or receipt or referral) and (kept := self._snapshots.get(key)) is not None:
            return kept
        turn = self._snapshots.begin(key)
        hashed = [
            self.sealer.lookup(kind, code) if code else "" for kind, code in (("invite", invite), ("receipt", receipt))
        ]
        try:
            snapshot = await self.read(lambda: cases.load(key, hashed[0], hashed[1], referral, self.sealer, left_after))
        except BaseException:
            self._snapshots.drop(key)
            raise
        if snapshot.way_gone:
            self._snapshots.drop(key)  # kept, it would be a way in again
        elif snapshot.officer is None:
            # An officer may be revoked from the command line beside this process, and must be nobody at once.
            self._snapshots.put(key, turn, snapshot)
        return snapshot

    async def load_conversation(self, conversation: str) -> tuple[Snapshot, Address | None]:
        """A conversation by its pseudonym, and where the person is reached. An empty snapshot where there is none."""
        return await self.read(lambda: cases.load_conversation(conversation, self.sealer))

    async def forget_way_in(self, address: Address, left_at: datetime | None = None) -> None:
        """From this address nobody comes back into the conversation. It stays, with its draft, for as long as the rules say.

        `left_at` is kept where something may still be on its way (`load`); without it nothing is heard in it any more.
        """
        key = address_id(address, self.sealer)
        await self.write(lambda: cases.forget_way_in(key, left_at), lambda _: self._snapshots.drop(key))

    async def load_referral(self, referral: str) -> Snapshot:
        """A referral, its intake, that intake's referrals and conversation. An empty snapshot where there is none."""
        return await self.read(lambda: cases.load_referral(referral, self.sealer))

    async def commit(self, commit: Commit) -> None:
        """Store a turn. Raises AlreadyHandled, StaleConversation or StorageAway, and then nothing of it was stored."""
        ready = prepare(commit, self.sealer, await self._held(commit))
        try:
            write = erasing.turn_and_erasure if commit.erase_report[0] else write_turn
            await self.write(lambda: write(ready, self.sealer), lambda _: self._remember(ready))
        except (StaleConversation, AlreadyHandled):
            self._snapshots.drop(ready.address_id)
            raise

    async def _held(self, commit: Commit) -> sealing.Held | None:
        """The keys that a turn seals with, and those of the offices it is for."""
        if commit.intake is None or commit.sealing is None:
            return None
        conversation, intake = commit.conversation.id if commit.conversation else "", commit.intake.id
        offices = [office for office, parts in commit.sealing.holders if parts]
        return await self.read(lambda: sealing.look(conversation, intake, offices, self.sealer))

    def _remember(self, ready: Ready) -> None:
        commit = ready.commit
        for intake in {each.intake for each in (*commit.referrals, *(moved for moved, _ in commit.moved))}:
            self._snapshots.drop_intake(intake)
        if commit.intake or commit.erase_report[0]:
            self._snapshots.drop_intake(commit.intake.id if commit.intake else commit.erase_report[0])
        if not ready.address_id:
            if commit.conversation and commit.expects:
                self._snapshots.drop_conversation(commit.conversation.id)
            return
        if ready.state is None or commit.intake or commit.referrals or commit.moved or commit.join:
            self._snapshots.drop(ready.address_id)
        else:
            new = not commit.expects
            self._snapshots.committed(ready.address_id, ready.state.id, ready.plain, intake_of(commit), new=new)

    def _forget(self, intakes: Sequence[str]) -> None:
        for intake in intakes:
            self._snapshots.drop_intake(intake)

    async def abandoned(self, before: datetime, limit: int) -> Sequence[tuple[str, int]]:
        """Conversations without a word since `before` whose draft is still there, and their version, the oldest first."""
        return await self.read(lambda: cases.abandoned(before, limit))

    # -------------------------------------------------------------------------------------------------------- outbox

    async def exchange(
        self, now: datetime, wanted: Iterable[Wanted], done: Sequence[Done] = (), more: Sequence[OutboxRow] = ()
    ) -> Sequence[Claimed]:
        """How rows ended, what follows from that, and then due rows as wanted, in one transaction.

        The rows come the most urgent first, one a lane, each for 10 s unless it is renewed.
        """
        rows, _ = await self.write(
            lambda: outbox.exchange(now, done, more, wanted, self.sealer), lambda result: self._forget(result[1])
        )
        return [claims.read_claimed(row, self.sealer) for row in rows]

    async def claim(self, now: datetime, limit: int, sender: str = "") -> Sequence[Claimed]:
        """At most so many due rows of one sender, the most urgent first."""
        return await self.exchange(now, (Wanted(sender, limit),))

    async def renew(self, ids: Sequence[int], now: datetime) -> int:
        """Hold claimed rows for another 10 s: whoever has them is alive. How many were still held."""
        return await self.write(lambda: claims.renew(ids, now))

    async def give_back(self, now: datetime) -> int:
        """Make due now what is claimed; how many rows. Only for the one process that delivers, before it begins."""
        return await self.write(lambda: claims.give_back(now))

    async def catch_up(self, now: datetime) -> int:
        """After the clock went back: what was due before is due now; how many rows. Harmless at any other time."""
        return await self.write(lambda: claims.catch_up(now))

    async def finish(self, done: Sequence[Done], more: Sequence[OutboxRow] = ()) -> None:
        """How rows ended, and the rows that follow from it, in one transaction."""
        if done or more:
            at = max((each.at for each in done), default=None) or min(each.due_at for each in more)
            await self.exchange(at, (), done, more)

    async def parked(self) -> Sequence[Parked]:
        """Rows that failed again and again and were set aside, the oldest first."""
        return await self.read(lambda: parked.parked())

    async def waiting(self) -> Mapping[str, int]:
        """How many rows wait to leave through each channel."""
        return await self.read(lambda: parked.waiting(), long=True)

    async def try_again(self, ids: Sequence[int], at: datetime) -> int:
        """Make rows that were set aside due now; how many of these numbers were."""
        return await self.write(lambda: parked.try_again(ids, at))

    async def next_due(self) -> datetime | None:
        """When a row can next be performed: perhaps in the past, None where nothing waits."""
        return min((await self.next_due_by_sender()).values(), default=None)

    async def next_due_by_sender(self) -> Mapping[str, datetime]:
        """The same for each sender that has rows."""
        soonest = await self.read(lambda: claims.next_due())
        return {sender: from_ms(due_at) for sender, due_at in soonest.items()}

    async def first_waiting(self, now: datetime) -> int | None:
        """The due row that would be claimed first; None where none is due."""
        return await self.read(lambda: claims.first_waiting(now))

    async def says(self, conversation: str) -> Sequence[Mapping[str, Any]]:
        """What was said in a conversation since the person was last heard, in order."""
        rows = await self.read(lambda: outbox.says(conversation))
        return [BODY.read(self.sealer.open(sealed, f"outbox/{key}".encode())) for key, sealed in rows]

    async def shown(self, conversation: str, since: datetime) -> Sequence[str]:
        """The platform's ids of the messages shown and received since then, for clearing the chat."""
        return await self.read(lambda: outbox.shown(conversation, since))

    # ------------------------------------------------------------------------------------------------------ officers

    async def open_case(
        self,
        referral: str,
        officer: Officer,
        at: datetime,
        visible: Visible,
        allowed: Allowed = nothing_allowed,
        opener: Opener = NO_KEYS,
    ) -> Case | None:
        """A case, and the audit entry that it was read. None where there is none that they may open.

        The first opening by an officer of its own office delivers a referral that no phone took. What the keys of `opener`
        open is granted at once to the other offices that have this matter and do not hold it yet.
        """
        return await self.write(
            lambda: cases.open_case(referral, officer.id, at, visible, allowed, opener, self.sealer),
            lambda case: self._forget((case.intake.id,) if case is not None else ()),
        )

    async def list_referrals(self, officer: Officer, *, closed: bool = False, limit: int = 200) -> Sequence[Referral]:
        """The referrals of the officer's office: urgent, then unacknowledged first, then by age; closed: newest first."""
        return await self.read(lambda: cases.list_referrals(officer.id, closed, limit), long=True)

    async def unfiled(self, officer: Officer, *, limit: int = 200) -> Mapping[str, datetime]:
        """When the report behind each open referral of the officer's list came, where nobody has classified it yet."""
        return await self.read(lambda: matters.unfiled(officer, limit), long=True)

    async def linked(self, intake: str, officer: Officer) -> Sequence[Referral]:
        """The referrals of the officer's office whose intakes are linked with this one, each once."""
        return await self.read(lambda: matters.linked(intake, officer.office))

    async def by_code(self, code: str, officer: Officer) -> Sequence[Referral]:
        """The referrals of the officer's office under this code, the newest first."""
        return await self.read(lambda: matters.by_code(code, officer.office))

    async def doors_of(self, office: str) -> Sequence[Door]:
        """Where the active officers of an office are reached: every address of each."""
        return await self.read(lambda: doors.of_office(office, self.sealer))

    async def hand_over(self, referral: str, at: datetime) -> Referral | None:
        """Proposed → sent, checked at the moment of sending; None where it no longer stands."""
        return await self.write(
            lambda: cases.hand_over(referral, at), lambda sent: self._forget((sent.intake,) if sent is not None else ())
        )

    # ------------------------------------------------------------------------------------------------------- exports

    async def keep_file(
        self,
        ref: str,
        conversation: str,
        kind: str,
        content: bytes | AsyncIterator[bytes],
        at: datetime,
        since: datetime | None = None,
    ) -> None:
        """Store a file under the channel's handle for it, sealed; `since` is when it was sent, if that was earlier.

        Bytes that come one after the other are sealed and stored as they come: memory holds a piece at a time. Raises what
        they raise; nothing is kept then.
        """
        if isinstance(content, bytes) and len(content) <= pieces.WHOLE:
            small = content
            await self.write(lambda: files.keep_file(ref, conversation, kind, small, at, since, self.sealer))
            return
        stream, key = secrets.token_hex(16), new_key()
        source = pieces.once(content) if isinstance(content, bytes) else content
        try:
            size = await self._keep_pieces(source, stream, key, files.file_id(ref, self.sealer), to_ms(at))
            await self.write(
                lambda: files.keep_stream(ref, conversation, kind, size, stream, key, at, since, self.sealer)
            )
        except BaseException:
            with suppress(StorageAway):  # the nightly sweep finds what stays
                await self.write(lambda: pieces.drop(stream))
            raise

    async def _keep_pieces(self, source: AsyncIterator[bytes], stream: str, key: bytes, where: str, at: int) -> int:
        """Seal and store what comes; how many bytes it was."""
        size = number = 0
        async with aclosing(pieces.in_pieces(source)) as coming:
            async for piece, last in coming:
                sealed = pieces.sealed(piece, key, where, number, last=last)
                await self.write(partial(pieces.add_piece, stream, number, at, sealed))
                size, number = size + len(piece), number + 1
        return size

    async def open_file(self, ref: str, opener: Opener = NO_KEYS) -> pieces.OpenedFile | None:
        """A file that was kept and not erased, to be read piece by piece. Raises Locked where `opener` does not open it."""
        found = await self.read(lambda: files.find_file(ref, opener, self.sealer), long=True)
        if found is None:
            return None
        if found.content is not None:
            return pieces.KeptWhole(found.content)
        stream = found.stream

        async def piece(number: int) -> bytes | None:
            return await self.read(lambda: pieces.piece_of(stream, number), long=True)

        return pieces.InPieces(found.size, found.key, found.where, piece)

    async def read_file(self, ref: str, opener: Opener = NO_KEYS) -> bytes | None:
        """The same, all of it at once."""
        opened = await self.open_file(ref, opener)
        return None if opened is None else await opened.read()

    async def drop_loose(self, before: datetime, most: int) -> int:
        """Forget files since before then that belong to nobody's turn, and pieces of files that never came to their end."""
        at = to_ms(before)
        whole = await self.write(lambda: files.drop_loose(at, most))
        return whole + await self.write(lambda: pieces.drop_loose(at, most))

    async def period(self, start: datetime, end: datetime) -> Period:
        """Everything of the intakes made from `start` until before `end`, in one read."""
        return await self.read(lambda: periods.period(start, end), long=True)

    async def plan_used(self, since: datetime) -> tuple[int, int]:
        """People known on the Zalo Bot Platform, and messages that left for there since then."""
        return await self.read(lambda: plans.used(since), long=True)

    async def record_export(self, key: str, sha256: str, counts: Mapping[str, int], at: datetime) -> bool:
        """Keep what an export contained. False where this key was recorded before: nothing is changed then."""
        return await self.write(lambda: periods.record_export(key, sha256, counts, at))
