"""Dataclass ↔ columns and JSON. Each JSON record carries its version; a reader brings old versions up to date.

A new field with a default needs nothing here. A field that is renamed or means something else needs an upgrade: a
function from the record of one version to that of the next, added at the end of its `Record`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec.structs import fields

from flows.model import Conversation
from referral.model import Consent, Content, Facts, Intake, Referral, Screening, is_left
from storage.base import AuditEntry, Officer, StorageUnfit
from storage.statements import Row

T = TypeVar("T")
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

# ------------------------------------------------------------------------------------------------------------- times

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """UTC milliseconds. Raises TypeError for a time without a zone. What is finer than a millisecond is dropped."""
    return (at - _START) // _MILLISECOND


def from_ms(ms: int) -> datetime:
    """The time in UTC."""
    return _START + timedelta(milliseconds=ms)


def to_ms_or_none(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def from_ms_or_none(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)


# ----------------------------------------------------------------------------------------------------------- records

_encode: Final = msgspec.json.Encoder().encode


class Record(Generic[T]):
    """One kind of JSON record: `{"v": version, "it": …}`. Its version is one more than the number of upgrades."""

    def __init__(self, name: str, kind: Any, upgrades: tuple[Upgrade, ...] = ()) -> None:
        self.name = name
        self.version = len(upgrades) + 1
        self._kind = kind
        self._upgrades = upgrades
        self._head = f'{{"v":{self.version},"it":'.encode()
        self._decode: Callable[[bytes], T] = msgspec.json.Decoder(kind).decode

    def write(self, it: T) -> bytes:
        """The record as JSON."""
        return b"%b%b}" % (self._head, _encode(it))

    def read(self, record: bytes) -> T:
        """The thing, whatever version wrote it. Raises StorageUnfit for a newer version and for nonsense."""
        try:
            if record.startswith(self._head):
                return self._decode(record[len(self._head) : -1])
            return self._read_old(record)
        except (msgspec.MsgspecError, KeyError, TypeError) as cause:
            # The cause names a field and a type, never a value; it is still left out of the sentence.
            raise StorageUnfit(f"a record of kind {self.name} cannot be read: restore a backup") from cause

    def _read_old(self, record: bytes) -> T:
        outer = msgspec.json.decode(record, type=dict[str, Any])
        version, it = outer["v"], outer["it"]
        if version > self.version:
            raise StorageUnfit(
                f"a record of kind {self.name} has version {version}, known here are those up to {self.version}: "
                "use the newer program"
            )
        for upgrade in self._upgrades[version - 1 :]:
            it = upgrade(it)
        made: T = msgspec.convert(it, self._kind)
        return made


CONVERSATION: Final = Record[Conversation]("conversation", Conversation)
CONTENT: Final = Record[Content]("content", Content)
ANSWERS: Final = Record[Mapping[str, str | tuple[str, ...]]]("answers", Mapping[str, str | tuple[str, ...]])
FACTS: Final = Record[Facts]("facts", Facts)
SCREENING: Final = Record[Screening]("screening", Screening)
BODY: Final = Record[Mapping[str, Any]]("outbox body", dict[str, Any])

# Small lists of codes, readable in the database and without a version: their shape cannot change.
_codes: Final = msgspec.json.Decoder(tuple[str, ...]).decode
_detail: Final = msgspec.json.Decoder(dict[str, str]).decode


def write_json(it: object) -> str:
    """A small list or table of codes as JSON text."""
    return _encode(it).decode()


def read_codes(text: str) -> tuple[str, ...]:
    return _codes(text) if text else ()


def read_detail(text: str) -> Mapping[str, str]:
    return _detail(text) if text else {}


# ----------------------------------------------------------------------------------------------------------- referral

_ENDED: Final = frozenset({"closed", "withdrawn", "transferred", "returned"})


def is_ended(it: Referral) -> bool:
    """Nothing is left to do for this office. What everybody gave back is not over for the last who did."""
    return it.state in _ENDED and not is_left(it)


_REFERRAL_FIELDS: Final = tuple(f.name for f in fields(Referral))
_REFERRAL_TIMES: Final = frozenset(name for name in _REFERRAL_FIELDS if name.endswith("_at"))
_REFERRAL_FLAGS: Final = frozenset({"identified", "urgent"})
REFERRAL_COLUMNS: Final = tuple("route" if name == "to" else name for name in _REFERRAL_FIELDS)
"""The columns of a referral in the order in which `read_referral` wants them. `to` is a word of SQL."""


def referral_values(it: Referral) -> dict[str, Any]:
    """The columns of a referral."""
    values = {name: getattr(it, name) for name in _REFERRAL_FIELDS}
    for name in _REFERRAL_TIMES:
        values[name] = to_ms_or_none(values[name])
    for name in _REFERRAL_FLAGS:
        values[name] = int(values[name])
    values["route"] = values.pop("to")
    values["ended"] = int(is_ended(it))
    return values


def read_referral(row: Row) -> Referral:
    """A referral from its columns, in the order of REFERRAL_COLUMNS."""
    values = dict(zip(_REFERRAL_FIELDS, row, strict=True))
    for name in _REFERRAL_TIMES:
        values[name] = from_ms_or_none(values[name])
    for name in _REFERRAL_FLAGS:
        values[name] = bool(values[name])
    return Referral(**values)


# ------------------------------------------------------------------------------------------------------------- intake

INTAKE_COLUMNS: Final = (
    "id",
    "conversation",
    "kind",
    "level",
    "urgent",
    "facts",
    "screening",
    "channel",
    "locale",
    "province",
    "form",
    "articles",
    "created_at",
    "updated_at",
    "classified_at",
    "filed_as",
    "revision",
)
"""The readable columns of an intake in the order in which `read_intake` wants them."""


def intake_values(it: Intake) -> dict[str, Any]:
    """The readable columns of an intake, one revision on. Content, answers and receipt are for whoever has the key."""
    return {
        "id": it.id,
        "conversation": it.conversation,
        "kind": it.kind,
        "level": it.level,
        "urgent": int(it.urgent),
        "facts": FACTS.write(it.facts).decode(),
        "screening": SCREENING.write(it.screening).decode(),
        "channel": it.channel,
        "locale": it.locale,
        "province": it.province,
        "form": it.form,
        "articles": write_json(it.articles),
        "created_at": to_ms(it.created_at),
        "updated_at": to_ms(it.updated_at),
        "classified_at": to_ms_or_none(it.classified_at),
        "filed_as": it.filed_as,
        "revision": it.revision + 1,
    }


def read_intake(row: Row, content: Content, answers: Mapping[str, str | tuple[str, ...]]) -> Intake:
    """An intake from its readable columns and its opened content."""
    values = dict(zip(INTAKE_COLUMNS, row, strict=True))
    return Intake(
        **{
            **values,
            "urgent": bool(values["urgent"]),
            "facts": FACTS.read(values["facts"].encode()),
            "screening": SCREENING.read(values["screening"].encode()),
            "articles": read_codes(values["articles"]),
            "created_at": from_ms(values["created_at"]),
            "updated_at": from_ms(values["updated_at"]),
            "classified_at": from_ms_or_none(values["classified_at"]),
        },
        content=content,
        answers=answers,
    )


# -------------------------------------------------------------------------------------------------------- small things

OFFICER_COLUMNS: Final = ("id", "name", "office", "route", "role", "active")


def read_officer(row: Row) -> Officer:
    """An officer from OFFICER_COLUMNS."""
    return Officer(row[0], row[1], row[2], row[3], row[4], bool(row[5]))


CONSENT_COLUMNS: Final = ("route", "given", "wording", "at", "channel")


def read_consent(row: Row) -> Consent:
    """A consent from CONSENT_COLUMNS."""
    to, given, wording, at, channel = row
    return Consent(to, bool(given), wording, from_ms(at), channel)


AUDIT_COLUMNS: Final = ("actor", "action", "subject", "at", "detail")


def audit_values(it: AuditEntry) -> dict[str, Any]:
    """The columns of an audit entry."""
    return {
        "at": to_ms(it.at),
        "actor": it.actor,
        "action": it.action,
        "subject": it.subject,
        "detail": write_json(it.detail) if it.detail else "",
    }


def read_audit(row: Row) -> AuditEntry:
    """An audit entry from AUDIT_COLUMNS."""
    actor, action, subject, at, detail = row
    return AuditEntry(actor, action, subject, from_ms(at), read_detail(detail))
