"""What people submit, sealed in parts: written with every turn of a draft, opened by whoever was granted its keys.

The draft that leaves an intake makes one key a part. While it lives, the service keeps these keys beside it, under the
service key; they go with it. They are wrapped to the escrow and to every office that may come to have the matter. Where
there is no escrow yet, the service keeps them (`service`): never is anything sealed that nobody can open.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import bindparam, literal_column, select, update

from referral.model import Content
from storage import schema as t
from storage.base import Commit, Opener
from storage.envelope import Keys, Locked, joined, lock, new_key, read_keys, unlock, unwrap, wrap, write_keys
from storage.rows import CONTENT, to_ms
from storage.seal import Sealer
from storage.statements import Change, Work, change, insert_once, question

p = bindparam

ESCROW: Final = "escrow"
SERVICE: Final = "service"
PARTS: Final = ("words", "contact")
"""What a draft makes keys for (referral.disclose)."""
FILES_PART: Final = "words"
"""The part whose key opens the files' own keys."""

ADD_KEY = insert_once(t.intake_key)
ADD_PART = insert_once(t.intake_part, "id")
ADD_GRANT = insert_once(t.intake_grant)
FORGET_KEYS = change(
    update(t.intake_key)
    .where(t.intake_key.c.conversation == p("is_conversation"), t.intake_key.c.sealed_keys.is_not(None))
    .values(sealed_keys=literal_column("NULL"))
)
CURRENT = question(
    select(t.office_key.c.id, t.office_key.c.office).where(t.office_key.c.retired == t.NO).order_by(
        t.office_key.c.created_at, t.office_key.c.id
    )
)  # fmt: skip
PUBLIC = question(select(t.office_key.c.public).where(t.office_key.c.id == p("is_id")))
OF_DRAFT = question(
    select(t.intake_key.c.id, t.intake_key.c.intake, t.intake_key.c.sealed_keys).where(
        t.intake_key.c.conversation == p("is_conversation"), t.intake_key.c.sealed_keys.is_not(None)
    )
)
KEYS_OF = question(
    select(t.intake_key.c.id, t.intake_key.c.sealed_keys)
    .where(t.intake_key.c.intake == p("is_intake"))
    .order_by(t.intake_key.c.created_at, t.intake_key.c.id)
)
GRANTS_OF = question(
    select(
        t.intake_grant.c.intake_key, t.intake_grant.c.office_key, t.intake_grant.c.parts, t.intake_grant.c.wrapped
    ).where(t.intake_grant.c.intake == p("is_intake"))
)
PARTS_OF = question(
    select(t.intake_part.c.intake_key, t.intake_part.c.part, t.intake_part.c.sealed)
    .where(t.intake_part.c.intake == p("is_intake"))
    .order_by(t.intake_part.c.id)
)


class Grant(Struct, frozen=True):
    """The keys of some parts, wrapped to one office's key."""

    intake_key: str
    office_key: str
    parts: frozenset[str]
    wrapped: bytes


class Held(Struct, frozen=True):
    """What sealing needs to know before a turn is prepared: the keys of the draft, who was granted them, offices' keys.

    `intake_key` and `keys` are fresh where the draft has left this intake nothing yet.
    """

    intake_key: str
    keys: Keys
    is_new: bool
    grants: tuple[Grant, ...]
    offices: Mapping[str, tuple[str, bytes]]


# ------------------------------------------------------------------------------------------------------------ sealing


def look(conversation: str, intake: str, offices: Iterable[str], sealer: Sealer) -> Work[Held]:
    """What sealing for this intake of this draft needs."""
    known = yield from public_keys((*offices, ESCROW))
    found = yield OF_DRAFT, {"is_conversation": conversation}
    for number, of, sealed in found:
        if of == intake:
            keys = read_keys(sealer.open(sealed, about_draft(number)))
            grants = yield from grants_of(intake)
            return Held(number, keys, False, tuple(one for one in grants if one.intake_key == number), known)
    return Held(secrets.token_hex(16), {part: new_key() for part in PARTS}, True, (), known)


def public_keys(offices: Iterable[str]) -> Work[dict[str, tuple[str, bytes]]]:
    """(id, public key) by office, of those that have one."""
    rows = yield CURRENT, {}
    current = {office: number for number, office in rows}
    known: dict[str, tuple[str, bytes]] = {}
    for office in dict.fromkeys(offices):
        if office in current:
            found = yield PUBLIC, {"is_id": current[office]}
            known[office] = (current[office], found[0][0])
    return known


def writes(commit: Commit, held: Held, sealer: Sealer) -> list[Change]:
    """The rows of a turn's sealed parts and of the keys granted with it. The intake's own row is written before them."""
    assert commit.intake is not None and commit.sealing is not None  # noqa: S101, PT018 - the caller looked
    intake, at = commit.intake.id, to_ms(commit.at)
    conversation = commit.conversation.id if commit.conversation else ""
    made: list[Change] = []
    if held.is_new:
        kept = None if commit.erase else sealer.seal(write_keys(held.keys), about_draft(held.intake_key))
        row = {"id": held.intake_key, "intake": intake, "conversation": conversation, "created_at": at}
        made.append((ADD_KEY, {**row, "sealed_keys": kept}))
    for part, content in commit.sealing.parts.items():
        if content != Content():
            made.append(add_part(intake, held, part, content, at))
    wanted = {office: frozenset(parts) for office, parts in commit.sealing.holders if parts}
    return made + granted(intake, held, wanted, at, sealer)


def add_part(intake: str, held: Held, part: str, content: Content, at: int) -> Change:
    """One sealed part of an intake."""
    sealed = lock(CONTENT.write(content), held.keys[part], about_part(held.intake_key, intake, part))
    row = {"intake_key": held.intake_key, "intake": intake, "part": part, "created_at": at}
    return ADD_PART, {**row, "sealed": sealed}


def granted(intake: str, held: Held, wanted: Mapping[str, frozenset[str]], at: int, sealer: Sealer) -> list[Change]:
    """A row for each office that is to hold more keys than it holds. The escrow, or else the service, holds all."""
    made = _given(intake, held, {**wanted, ESCROW: frozenset(PARTS)}, at)
    if ESCROW not in held.offices and not _has(held.grants, held.intake_key, SERVICE, frozenset(PARTS)):
        parts = frozenset(PARTS)
        sealed = sealer.seal(_written(held.keys, parts), about_grant(held.intake_key, SERVICE, parts).encode())
        made.append(granting(intake, held.intake_key, SERVICE, parts, sealed, at))
    return made


def _given(intake: str, held: Held, wanted: Mapping[str, frozenset[str]], at: int) -> list[Change]:
    """A row for each office that has a key of its own and is to hold more than it holds; of the keys that are held here."""
    made: list[Change] = []
    for office, asked in wanted.items():
        parts = asked & held.keys.keys()
        if not parts or office not in held.offices:
            continue
        number, public = held.offices[office]
        if not _has(held.grants, held.intake_key, number, parts):
            wrapped = wrap(_written(held.keys, parts), public, about_grant(held.intake_key, number, parts))
            made.append(granting(intake, held.intake_key, number, parts, wrapped, at))
    return made


def granting(intake: str, intake_key: str, office_key: str, parts: frozenset[str], wrapped: bytes, at: int) -> Change:
    """The row of keys that are granted."""
    named = " ".join(sorted(parts))
    return ADD_GRANT, {
        "id": f"{intake_key}/{office_key}/{named}", "intake_key": intake_key, "intake": intake,
        "office_key": office_key, "parts": named, "wrapped": wrapped, "created_at": at,
    }  # fmt: skip


def _has(grants: Iterable[Grant], intake_key: str, office_key: str, parts: frozenset[str]) -> bool:
    return any(one.intake_key == intake_key and one.office_key == office_key and one.parts >= parts for one in grants)


def _written(keys: Keys, parts: frozenset[str]) -> bytes:
    return write_keys({part: keys[part] for part in sorted(parts)})


def key_for_file(intake: str, conversation: str, at: int, sealer: Sealer) -> Work[tuple[str, bytes]]:
    """(id, key) under which a file that came after its intake was left is sealed: the draft's while it lives, else a
    fresh one for whoever holds the intake's words now."""
    rows = yield OF_DRAFT, {"is_conversation": conversation}
    for number, of, sealed in rows:
        if of == intake:
            return number, read_keys(sealer.open(sealed, about_draft(number)))[FILES_PART]
    held = yield from look("", intake, (), sealer)
    row = {"id": held.intake_key, "intake": intake, "conversation": conversation, "created_at": at}
    yield ADD_KEY, {**row, "sealed_keys": None}
    readers = {one.office_key for one in (yield from grants_of(intake)) if FILES_PART in one.parts}
    offices: dict[str, tuple[str, bytes]] = {}
    for number in sorted(readers - {SERVICE}):
        found = yield PUBLIC, {"is_id": number}
        offices[number] = (number, found[0][0])
    known = Held(held.intake_key, held.keys, True, (), {**held.offices, **offices})
    wanted = dict.fromkeys(offices, frozenset({FILES_PART}))
    for each in granted(intake, known, wanted, at, sealer):  # noqa: UP028 - `yield from` would hand the answers to the list
        yield each
    return held.intake_key, held.keys[FILES_PART]


# ------------------------------------------------------------------------------------------------------------ opening


class Unsealed(Struct, frozen=True):
    """The keys of an intake that could be opened, by its keys' ids, and the grants there are."""

    keys: Mapping[str, Keys]
    grants: tuple[Grant, ...]


def unseal(intake: str, opener: Opener, sealer: Sealer, *, with_draft: bool = False) -> Work[Unsealed]:
    """The keys of this intake that these offices' keys open; `with_draft` those too that its living draft still has."""
    grants = yield from grants_of(intake)
    found: dict[str, dict[str, bytes]] = {}
    for one in grants:
        opened = _opened(one, opener, sealer)
        if opened:
            found.setdefault(one.intake_key, {}).update(opened)
    if with_draft:
        rows = yield KEYS_OF, {"is_intake": intake}
        for number, sealed in rows:
            if sealed is not None:
                found.setdefault(number, {}).update(read_keys(sealer.open(sealed, about_draft(number))))
    return Unsealed(found, grants)


def _opened(grant: Grant, opener: Opener, sealer: Sealer) -> Keys:
    about = about_grant(grant.intake_key, grant.office_key, grant.parts)
    if grant.office_key == SERVICE:
        return read_keys(sealer.open(grant.wrapped, about.encode()))
    private = opener.keys.get(grant.office_key)
    if private is None:
        return {}
    try:
        return read_keys(unwrap(grant.wrapped, private, about))
    except Locked:
        return {}


def read_content(intake: str, parts: Sequence[str], unsealed: Unsealed) -> Work[tuple[Content, bool]]:
    """What these parts hold, as far as they open, and whether some of it did not."""
    rows = yield PARTS_OF, {"is_intake": intake}
    opened: dict[str, list[Content]] = {part: [] for part in parts}
    locked = False
    for number, part, sealed in rows:
        if part not in opened:
            continue
        try:
            key = unsealed.keys[number][part]
            opened[part].append(CONTENT.read(unlock(sealed, key, about_part(number, intake, part))))
        except (KeyError, Locked):
            locked = True
    return joined(joined(entries) for entries in opened.values()), locked


def share(intake: str, wanted: Mapping[str, frozenset[str]], unsealed: Unsealed, at: int) -> Work[int]:
    """Grant offices what they may open and do not hold yet, as far as it was opened here; how many keys were given."""
    given = 0
    if not wanted or not unsealed.keys:
        return given
    known = yield from public_keys(wanted)
    for number, keys in unsealed.keys.items():
        for each in _given(intake, Held(number, keys, False, unsealed.grants, known), wanted, at):
            given += yield each
    return given


def grants_of(intake: str) -> Work[tuple[Grant, ...]]:
    """Every key of an intake that somebody was granted."""
    rows: Sequence[Any] = yield GRANTS_OF, {"is_intake": intake}
    return tuple(Grant(row[0], row[1], frozenset(row[2].split()), row[3]) for row in rows)


def about_draft(intake_key: str) -> bytes:
    """What a draft's keys are sealed about."""
    return f"draft-keys/{intake_key}".encode()


def about_part(intake_key: str, intake: str, part: str) -> str:
    """What a sealed part is."""
    return f"part/{intake}/{intake_key}/{part}"


def about_grant(intake_key: str, office_key: str, parts: frozenset[str]) -> str:
    """What keys that were granted are wrapped about."""
    return f"nhip-cau grant 1/{intake_key}/{office_key}/{' '.join(sorted(parts))}"
