"""Files that people sent: sealed, found by a keyed hash of the channel's handle, never by a name.

A file belongs to the draft it was sent in until an intake takes it over; with a draft that is erased its content goes too.
Each is sealed once, under a key of its own. While the draft is not submitted the service key opens that key; at submission
it is sealed anew under the intake's, which only officers open, and the file's bytes are left as they are. A large file is
stored piece by piece (pieces.py) as it comes in, before the row that says whose it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, delete, literal_column, or_, select, update

from storage import pieces, sealing
from storage import schema as t
from storage.base import Opener
from storage.envelope import Locked, lock, new_key, unlock
from storage.rows import to_ms
from storage.seal import Sealer
from storage.statements import Work, change, given, insert_once, question

p = bindparam

ADD_FILE = insert_once(t.attachment)
ADD_FILE_KEY = insert_once(t.attachment_key)
OWN_FILE = change(
    update(t.attachment).where(t.attachment.c.id == p("is_id"), t.attachment.c.conversation == t.NONE)
    .values(conversation=p("conversation"))
)  # fmt: skip
_UNCLAIMED = (t.attachment.c.conversation == given("is_conversation"), t.attachment.c.intake == t.NONE)
TAKE_OVER_FILES = change(update(t.attachment).where(*_UNCLAIMED).values(intake=p("intake")))
ERASE_FILES = change(
    update(t.attachment).where(*_UNCLAIMED).values(sealed_content=literal_column("NULL"), stream=t.NONE)
)
# A turn of the conversation waits until the file is there, or the file until the turn is. (Says nothing on SQLite.)
HOLD = question(
    select(t.conversation.c.id).where(t.conversation.c.id == p("is_conversation")).with_for_update(read=True)
)
LEFT_SINCE = question(
    select(t.intake.c.id)
    .where(t.intake.c.conversation == p("is_conversation"), t.intake.c.updated_at >= p("since"))
    .order_by(t.intake.c.created_at)
    .limit(literal_column("1"))
)
_in_pieces = select(t.attachment.c.stream).where(*_UNCLAIMED, t.attachment.c.stream != t.NONE)
ERASE_PIECES = change(delete(t.attachment_piece).where(t.attachment_piece.c.stream.in_(_in_pieces)))
_erased = select(t.attachment.c.id).where(*_UNCLAIMED)
ERASE_FILE_KEYS = change(
    update(t.attachment_key).where(t.attachment_key.c.id.in_(_erased)).values(sealed_key=literal_column("NULL"))
)
UNCLAIMED_KEYS = question(
    select(t.attachment_key.c.id, t.attachment_key.c.sealed_key)
    .join_from(t.attachment, t.attachment_key, t.attachment_key.c.id == t.attachment.c.id)
    .where(*_UNCLAIMED, t.attachment_key.c.intake_key == t.NONE, t.attachment_key.c.sealed_key.is_not(None))
)
SEAL_KEY = change(
    update(t.attachment_key)
    .where(t.attachment_key.c.id == p("is_id"))
    .values(intake_key=p("intake_key"), sealed_key=p("sealed_key"))
)
FILE = question(
    select(
        t.attachment.c.sealed_content,
        t.attachment.c.intake,
        t.attachment_key.c.intake_key,
        t.attachment_key.c.sealed_key,
        t.attachment.c.stream,
        t.attachment.c.size,
    )
    .select_from(t.attachment.outerjoin(t.attachment_key, t.attachment_key.c.id == t.attachment.c.id))
    .where(t.attachment.c.id == p("is_id"))
)
# Files that no turn said anything of: it was refused, or the process ended between the two.
_LOOSE = (
    t.attachment.c.conversation == t.NONE,
    t.attachment.c.intake == t.NONE,
    or_(t.attachment.c.sealed_content.is_not(None), t.attachment.c.stream != t.NONE),
)
LOOSE = question(
    select(t.attachment.c.id, t.attachment.c.stream)
    .where(*_LOOSE, t.attachment.c.created_at < p("before"))
    .limit(p("most"))
)
DROP_FILE = change(delete(t.attachment).where(t.attachment.c.id == p("is_id"), *_LOOSE[:2]))
DROP_FILE_KEY = change(delete(t.attachment_key).where(t.attachment_key.c.id == p("is_id")))


def file_id(ref: str, sealer: Sealer) -> str:
    """The keyed hash under which a file is stored."""
    return sealer.lookup("file", ref)


class Found(Struct, frozen=True):
    """A file that is there and whose key is open: `content` where it is in one row, else `stream`, under which its pieces are."""

    where: str
    size: int
    key: bytes
    content: bytes | None
    stream: str


def keep_file(
    ref: str, conversation: str, kind: str, content: bytes, at: datetime, since: datetime | None, sealer: Sealer
) -> Work[None]:
    """Store a file in one row; one that is there already is kept as it is.

    `since` is when it was sent, where bringing it in took longer: an intake that its conversation left after that owns it,
    so that no later draft's erasure can reach it.
    """
    where, key = file_id(ref, sealer), new_key()
    values = _values(where, conversation, kind, len(content), at)
    return _keep(values | {"sealed_content": lock(content, key, about_file(where))}, key, since, sealer)


def keep_stream(
    ref: str, conversation: str, kind: str, size: int, stream: str, key: bytes, at: datetime, since: datetime | None,
    sealer: Sealer,
) -> Work[None]:  # fmt: skip
    """The same for a file whose pieces are stored already, sealed under this key."""
    values = _values(file_id(ref, sealer), conversation, kind, size, at)
    return _keep(values | {"sealed_content": None, "stream": stream}, key, since, sealer)


def _values(where: str, conversation: str, kind: str, size: int, at: datetime) -> dict[str, Any]:
    return {
        "id": where, "conversation": conversation, "intake": "", "kind": kind, "size": size, "created_at": to_ms(at),
        "stream": "",
    }  # fmt: skip


def _keep(values: dict[str, Any], key: bytes, since: datetime | None, sealer: Sealer) -> Work[None]:
    conversation = values["conversation"]
    if conversation:
        yield HOLD, {"is_conversation": conversation}
    if since is not None and conversation:
        found = yield LEFT_SINCE, {"is_conversation": conversation, "since": to_ms(since)}
        values["intake"] = found[0][0] if found else ""
    added = yield ADD_FILE, values
    if not added:
        if values["stream"]:
            yield from pieces.drop(values["stream"])
        return
    where, intake_key = values["id"], ""
    sealed = sealer.seal(key, about_key(where).encode())
    if values["intake"]:
        intake_key, over = yield from sealing.key_for_file(values["intake"], conversation, values["created_at"], sealer)
        sealed = lock(key, over, about_key(where))
    yield ADD_FILE_KEY, {"id": where, "intake_key": intake_key, "sealed_key": sealed}


def take_over(conversation: str, intake: str, held: sealing.Held | None, sealer: Sealer) -> Work[None]:
    """The files of this draft are the intake's, and only who opens the intake opens them."""
    of_draft = {"is_conversation": conversation}
    rows = (yield UNCLAIMED_KEYS, of_draft) if held else []
    for where, sealed in rows:
        assert held is not None  # noqa: S101 - there are rows
        key = sealer.open(sealed, about_key(where).encode())
        again = lock(key, held.keys[sealing.FILES_PART], about_key(where))
        yield SEAL_KEY, {"is_id": where, "intake_key": held.intake_key, "sealed_key": again}
    yield TAKE_OVER_FILES, {**of_draft, "intake": intake}


def find_file(ref: str, opener: Opener, sealer: Sealer) -> Work[Found | None]:
    """A file and its key, or None where there is none or it was erased. Raises Locked where these keys do not open it."""
    where = file_id(ref, sealer)
    found = yield FILE, {"is_id": where}
    if not found or (found[0][0] is None and not found[0][4]):
        return None
    content, intake, intake_key, sealed_key, stream, size = found[0]
    if sealed_key is None:  # kept by the release before
        return Found(where, size, b"", sealer.open(content, about_file(where).encode()), "")
    key = yield from _key_of(where, intake, intake_key, sealed_key, opener, sealer)
    return Found(where, size, key, None if content is None else unlock(content, key, about_file(where)), stream)


def _key_of(where: str, intake: str, intake_key: str, sealed_key: bytes, opener: Opener, sealer: Sealer) -> Work[bytes]:
    if not intake_key:
        return sealer.open(sealed_key, about_key(where).encode())
    unsealed = yield from sealing.unseal(intake, opener, sealer)
    over = unsealed.keys.get(intake_key, {}).get(sealing.FILES_PART)
    if over is None:
        raise Locked("this file is sealed to offices whose key is not open here")
    return unlock(sealed_key, over, about_key(where))


def drop_loose(before: int, most: int) -> Work[int]:
    """Forget files since before then that no turn claimed; how many."""
    rows = yield LOOSE, {"before": before, "most": most}
    for where, stream in rows:
        if (yield DROP_FILE, {"is_id": where}):
            yield DROP_FILE_KEY, {"is_id": where}
            if stream:
                yield from pieces.drop(stream)
    return len(rows)


def about_file(where: str) -> str:
    return f"file/{where}"


def about_key(where: str) -> str:
    return f"file-key/{where}"
