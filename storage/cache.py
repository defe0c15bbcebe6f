"""The last snapshots of active conversations, so that a turn need not read. Bounded; an old one is harmless.

A snapshot that another turn overtook is found at commit by its version, dropped, and read again. What the version
does not cover (referrals moved by officers) is dropped by intake when it changes. Officers are never kept: a revoked
one must be gone at once, whoever revoked them.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from referral.model import Intake, Referral
from storage.base import Snapshot
from storage.rows import CONVERSATION

MOST: Final = 20_000


class _Kept(Struct, frozen=True):
    """A conversation as JSON (a quarter of its objects' memory, nothing for the collector to walk), and its intake."""

    conversation: str
    state: bytes
    intake: Intake | None = None
    referrals: tuple[Referral, ...] = ()


class Snapshots:
    """Least recently used out first. Keys are the keyed hashes of addresses."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._by_conversation: dict[str, str] = {}
        self._by_intake: dict[str, set[str]] = {}
        self._reading: dict[str, int] = {}
        self._turn = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> Snapshot | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return Snapshot(CONVERSATION.read(kept.state), kept.intake, kept.referrals)

    def begin(self, key: str) -> int:
        """Say that this address is being read from the database now. Give the number back to `put`."""
        self._turn += 1
        self._reading[key] = self._turn
        return self._turn

    def put(self, key: str, turn: int, snapshot: Snapshot) -> None:
        """Keep what was read, unless something was written while it was read."""
        if self._reading.get(key) != turn:
            return
        del self._reading[key]
        if snapshot.conversation is None or snapshot.officer is not None:
            return
        state = CONVERSATION.write(snapshot.conversation)
        self._keep(key, _Kept(snapshot.conversation.id, state, snapshot.intake, snapshot.referrals))

    def committed(self, key: str, conversation: str, state: bytes, intake: str, *, new: bool) -> None:
        """A turn that changed the conversation only: `state` is its record now, `intake` the intake it belongs to."""
        self._reading.pop(key, None)
        kept = self._kept.get(key)
        if kept is None:
            if new and not intake:
                self._keep(key, _Kept(conversation, state))
        elif intake == (kept.intake.id if kept.intake else ""):
            self._kept[key] = replace(kept, state=state)
        else:
            self.drop(key)

    def drop(self, key: str) -> None:
        self._reading.pop(key, None)
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self._by_conversation.pop(kept.conversation, None)
        if kept.intake is not None:
            same = self._by_intake.get(kept.intake.id, set())
            same.discard(key)
            if not same:
                self._by_intake.pop(kept.intake.id, None)

    def drop_conversation(self, conversation: str) -> None:
        """A conversation changed in a turn that did not come from its own address: an officer asked, a timer woke."""
        self._reading.clear()
        key = self._by_conversation.get(conversation)
        if key is not None:
            self.drop(key)

    def drop_intake(self, intake: str) -> None:
        """An intake or one of its referrals changed. Whose read is under way is not known, so none of those is kept."""
        self._reading.clear()
        for key in self._by_intake.pop(intake, set()):
            self.drop(key)

    def _keep(self, key: str, kept: _Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        self._by_conversation[kept.conversation] = key
        if kept.intake is not None:
            self._by_intake.setdefault(kept.intake.id, set()).add(key)
        if len(self._kept) > self._most:
            self.drop(next(iter(self._kept)))
