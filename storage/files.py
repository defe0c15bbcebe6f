"""Files that people sent: sealed, found by a keyed hash of the channel's handle, never by a name.

A file belongs to the draft it was sent in until an intake takes it over; with a draft that is erased its content goes too.
Each is sealed once, under a key of its own. While the draft is not submitted the service key opens that key; at submission
it is sealed anew under the intake's, which only officers open, and the file's bytes are left as they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, literal_column, select, update

from storage import schema as t
from storage import sealing
from storage.base import Opener
from storage.envelope import Locked, lock, new_key, unlock
from storage.rows import to_ms
from storage.seal import Sealer
from storage.statements import Work, change, insert_once, question

p = bindparam

ADD_FILE = insert_once(t.attachment)
ADD_FILE_KEY = insert_once(t.attachment_key)
OWN_FILE = change(
    update(t.attachment).where(t.attachment.c.id == p("is_id"), t.attachment.c.conversation == t.NONE)
    .values(conversation=p("conversation"))
)  # fmt: skip
_UNCLAIMED = (t.attachment.c.conversation == p("is_conversation"), t.attachment.c.intake == t.NONE)
TAKE_OVER_FILES = change(update(t.attachment).where(*_UNCLAIMED).values(intake=p("intake")))
ERASE_FILES = change(update(t.attachment).where(*_UNCLAIMED).values(sealed_content=literal_column("NULL")))
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
    )
    .select_from(t.attachment.outerjoin(t.attachment_key, t.attachment_key.c.id == t.attachment.c.id))
    .where(t.attachment.c.id == p("is_id"))
)


def file_id(ref: str, sealer: Sealer) -> str:
    """The keyed hash under which a file is stored."""
    return sealer.lookup("file", ref)


def keep_file(
    ref: str, conversation: str, kind: str, content: bytes, at: datetime, since: datetime | None, sealer: Sealer
) -> Work[None]:
    """Store a file; one that is there already is kept as it is.

    `since` is when it was sent, where bringing it in took longer: an intake that its conversation left after that owns it,
    so that no later draft's erasure can reach it.
    """
    where, key = file_id(ref, sealer), new_key()
    values = {
        "id": where,
        "conversation": conversation,
        "intake": "",
        "kind": kind,
        "size": len(content),
        "created_at": to_ms(at),
        "sealed_content": lock(content, key, about_file(where)),
    }
    return _keep(values, key, conversation, since, sealer)


def _keep(values: dict[str, Any], key: bytes, conversation: str, since: datetime | None, sealer: Sealer) -> Work[None]:
    if conversation:
        yield HOLD, {"is_conversation": conversation}
    if since is not None and conversation:
        found = yield LEFT_SINCE, {"is_conversation": conversation, "since": to_ms(since)}
        values["intake"] = found[0][0] if found else ""
    added = yield ADD_FILE, values
    if not added:
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


def read_file(ref: str, opener: Opener, sealer: Sealer) -> Work[bytes | None]:
    """The content of a file, or None where there is none or it was erased. Raises Locked where these keys do not open it."""
    where = file_id(ref, sealer)
    found = yield FILE, {"is_id": where}
    if not found or found[0][0] is None:
        return None
    content, intake, intake_key, sealed_key = found[0]
    if sealed_key is None:  # kept by the release before
        return sealer.open(content, about_file(where).encode())
    if not intake_key:
        return unlock(content, sealer.open(sealed_key, about_key(where).encode()), about_file(where))
    unsealed = yield from sealing.unseal(intake, opener, sealer)
    over = unsealed.keys.get(intake_key, {}).get(sealing.FILES_PART)
    if over is None:
        raise Locked("this file is sealed to offices whose key is not open here")
    return unlock(content, unlock(sealed_key, over, about_key(where)), about_file(where))


def about_file(where: str) -> str:
    return f"file/{where}"


def about_key(where: str) -> str:
    return f"file-key/{where}"
