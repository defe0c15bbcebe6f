"""Files that people sent: sealed, found by a keyed hash of the channel's handle, never by a name.

A file belongs to the draft it was sent in until an intake takes it over; with a draft that is erased its content goes too.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, literal_column, select, update

from storage import schema as t
from storage.rows import to_ms
from storage.seal import Sealer
from storage.statements import Work, change, insert_once, question

p = bindparam

ADD_FILE = insert_once(t.attachment)
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
FILE = question(select(t.attachment.c.sealed_content).where(t.attachment.c.id == p("is_id")))


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
    where = file_id(ref, sealer)
    values = {
        "id": where,
        "conversation": conversation,
        "intake": "",
        "kind": kind,
        "size": len(content),
        "created_at": to_ms(at),
        "sealed_content": sealer.seal(content, _about(where)),
    }
    return _keep(values, conversation, since)


def _keep(values: dict[str, object], conversation: str, since: datetime | None) -> Work[None]:
    if conversation:
        yield HOLD, {"is_conversation": conversation}
    if since is not None and conversation:
        found = yield LEFT_SINCE, {"is_conversation": conversation, "since": to_ms(since)}
        values["intake"] = found[0][0] if found else ""
    yield ADD_FILE, values


def read_file(ref: str, sealer: Sealer) -> Work[bytes | None]:
    """The content of a file, or None where there is none or it was erased."""
    where = file_id(ref, sealer)
    found = yield FILE, {"is_id": where}
    if not found or found[0][0] is None:
        return None
    return sealer.open(found[0][0], _about(where))


def _about(where: str) -> bytes:
    return f"file/{where}".encode()
