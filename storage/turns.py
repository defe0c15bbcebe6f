"""One turn, stored whole: what `commit` writes. What can conflict comes first."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import bindparam, exists, func, literal_column, or_, select, update

from flows.model import Conversation
from referral.model import Consent, Intake
from storage import schema as t
from storage import sealing
from storage.base import Address, AlreadyHandled, Commit, Request, StaleConversation
from storage.files import ERASE_FILE_KEYS, ERASE_FILES, ERASE_PIECES, OWN_FILE, file_id, take_over
from storage.matters import CLASSIFY, classified_values, link_write
from storage.outbox import ADD_OUTBOX, add_outbox, outbox_values
from storage.rows import ANSWERS, CONTENT, CONVERSATION, audit_values, intake_values, referral_values, to_ms
from storage.seal import Sealer
from storage.statements import Change, Last, Sql, Values, Work, change, given, insert_once
from storage.window import reached, stopped

p = bindparam

# ------------------------------------------------------------------------------------------------------- statements

MARK = insert_once(t.inbox)
ADD_ADDRESS = insert_once(t.address, "officer", "heard_at", "taken_at", "failing_since")
ADD_CONVERSATION = insert_once(t.conversation, "left_at")
ADD_INTAKE = insert_once(t.intake, "erased_at")
ADD_CONSENT = insert_once(t.consent, "id")
ADD_REFERRAL = insert_once(t.referral)
ADD_AUDIT = insert_once(t.audit, "id")
ADD_REQUEST = insert_once(t.right_request, "officer", "answered_at", "done_at")

SAVE_CONVERSATION = change(
    update(t.conversation)
    .where(t.conversation.c.id == p("is_id"), t.conversation.c.version == p("expects"))
    .values(
        {name: p(name) for name in ("version", "locale", "flow", "step", "quiet", "active_at", "ended", "sealed_state")}
    )
    .values(heard_version=func.coalesce(p("heard_version"), t.conversation.c.heard_version)),
    many=True,
)
# Somebody new who writes twice at once has two conversations decided: the second finds the first, and is decided again.
TAKE_PLACE = change(
    update(t.address)
    .where(
        t.address.c.id == p("is_id"),
        or_(
            t.address.c.conversation == t.NONE,
            exists().where(t.conversation.c.id == t.address.c.conversation, t.conversation.c.ended != t.NO),
        ),
    )
    .values(conversation=p("conversation"), unreachable=t.NO)
)
UNREACHABLE = change(update(t.address).where(t.address.c.id == p("is_id")).values(unreachable=1))
CONVERSATION_UNREACHABLE = change(
    update(t.address)
    .where(
        t.address.c.id == select(t.conversation.c.address).where(t.conversation.c.id == p("is_id")).scalar_subquery()
    )
    .values(unreachable=1)
)

_KEPT = ("id", "created_at", "channel", "receipt", "erased_at")
SAVE_INTAKE = change(
    update(t.intake)
    .where(t.intake.c.id == p("is_id"), t.intake.c.revision == p("decided_on"))
    .values({c.name: p(c.name) for c in t.intake.columns if c.name not in _KEPT})
)
MOVE_REFERRAL = change(
    update(t.referral)
    .where(t.referral.c.id == p("is_id"), t.referral.c.state == p("expected"))
    .values({c.name: p(c.name) for c in t.referral.columns if c.name not in ("id", "intake")})
)

CANCEL = change(
    update(t.outbox)
    .where(t.outbox.c.key == p("is_key"), t.outbox.c.finished == t.NO)
    .values(finished=1, state="cancelled", done_at=p("now"), claimed_until=0)
)
ERASE_SAID = change(
    update(t.outbox)
    .where(
        t.outbox.c.conversation == p("is_id"), t.outbox.c.kind == literal_column("'say'"), t.outbox.c.finished != t.NO
    )
    .values(sealed_body=None)
)

USE_INVITE = change(
    update(t.invite)
    .where(
        t.invite.c.hash == p("is_hash"),
        t.invite.c.officer == p("officer"),
        t.invite.c.used_at.is_(None),
        t.invite.c.expires_at >= p("now"),
        exists().where(t.officer.c.id == t.invite.c.officer, t.officer.c.active != t.NO),
    )
    .values(used_at=p("now"))
)
RELEASE_ADDRESSES = change(update(t.address).where(t.address.c.officer == p("is_officer")).values(officer=None))
RELEASE_SAME_CHANNEL = change(
    update(t.address)
    .where(t.address.c.officer == p("is_officer"), t.address.c.channel == given("is_channel"))
    .values(officer=None)
)
BIND_ADDRESS = change(
    update(t.address)
    .where(t.address.c.id == p("is_id"))
    .values(officer=p("officer"), unreachable=0, taken_at=None, failing_since=None)
)

# ------------------------------------------------------------------------------------------------------------- ready


class Ready(Struct, frozen=True):
    """A commit encoded and sealed, so that the writer only runs statements. `plain` is the state unsealed."""

    commit: Commit
    at: int
    address_id: str
    state: Conversation | None
    plain: bytes
    marks: tuple[tuple[Sql, Values, type[Exception]], ...]
    beside: tuple[Change, ...]
    writes: tuple[Change, ...]
    says: tuple[dict[str, Any], ...]
    held: sealing.Held | None = None


def address_id(address: Address, sealer: Sealer) -> str:
    """The keyed hash under which an address is stored."""
    return sealer.lookup("address", f"{address.channel}\0{address.external}")


def prepare(commit: Commit, sealer: Sealer, held: sealing.Held | None = None) -> Ready:
    """Encode and seal everything of a turn. Touches nothing; may run beside the writer.

    `held` is what `sealing.look` found, for a commit with `sealing`.
    """
    at = to_ms(commit.at)
    where = address_id(commit.address, sealer) if commit.address else ""
    state = _stored_state(commit)
    plain = CONVERSATION.write(state) if state else b""
    return Ready(
        commit=commit,
        at=at,
        address_id=where,
        state=state,
        plain=plain,
        marks=tuple(_marks(commit, at, where, state, plain, sealer)),
        beside=tuple(_beside(commit, at, where)),
        writes=tuple(_writes(commit, at, where, sealer, held)),
        says=tuple(outbox_values(row, at, sealer) for row in commit.outbox),
        held=held,
    )


def _stored_state(commit: Commit) -> Conversation | None:
    """The conversation as it will be stored: its version is one more than the one it was decided on."""
    if commit.conversation is None:
        return None
    state, version = commit.conversation, commit.expects + 1
    if state.version != version:  # a copy costs 5 µs, so not where the turn has counted already
        state = replace(state, version=version)
    return erased(state) if commit.erase else state


def erased(state: Conversation) -> Conversation:
    """Where a person stands without anything they said or chose."""
    return replace(state, answers={}, trail=(), notes=(), media=(), picked=(), heard=())


# What can conflict comes first. Each of these must change exactly one row, or the turn is refused with its error.


def _marks(
    commit: Commit, at: int, where: str, state: Conversation | None, plain: bytes, sealer: Sealer
) -> list[tuple[Sql, Values, type[Exception]]]:
    marks: list[tuple[Sql, Values, type[Exception]]] = []
    if commit.external_id:
        marks.append((MARK, _inbox_values(commit, at), AlreadyHandled))
    if state is not None:
        marks.append(_conversation_mark(commit, at, where, state, plain, sealer))
    for referral, expected in commit.moved:
        values = referral_values(referral)
        marks.append((MOVE_REFERRAL, {**values, "is_id": values["id"], "expected": expected}, StaleConversation))
    if commit.join:
        marks.append(
            (USE_INVITE, {"is_hash": commit.join[0], "officer": commit.join[1].id, "now": at}, StaleConversation)
        )
    if commit.intake:
        marks.append((*_intake_write(commit, commit.intake, sealer), StaleConversation))
    if commit.classified:
        marks.append((CLASSIFY, classified_values(commit.classified), StaleConversation))
    return marks


def _inbox_values(commit: Commit, at: int) -> Values:
    return {
        "channel": commit.channel,
        "external_id": commit.external_id,
        "conversation": commit.conversation.id if commit.conversation else "",
        "message_id": commit.message_id,
        "at": at,
    }


def _conversation_mark(
    commit: Commit, at: int, where: str, state: Conversation, plain: bytes, sealer: Sealer
) -> tuple[Sql, Values, type[Exception]]:
    heard = state.version if commit.external_id and not commit.left else None
    values: dict[str, Any] = {
        "id": state.id,
        "is_id": state.id,
        "expects": commit.expects,
        "version": state.version,
        "heard_version": heard,
        "address": where or None,
        "channel": state.channel,
        "locale": state.locale,
        "flow": state.flow,
        "step": state.step,
        "quiet": int(state.quiet),
        "active_at": at,
        "ended": int(commit.erase),
        "sealed_state": sealer.seal(plain, _about("conversation", state.id)),
    }
    if commit.expects:
        return SAVE_CONVERSATION, values, StaleConversation
    return ADD_CONVERSATION, {**values, "heard_version": heard or 0}, StaleConversation


def _intake_write(commit: Commit, intake: Intake, sealer: Sealer) -> Change:
    values = intake_values(intake) | {
        "is_id": intake.id,
        "decided_on": intake.revision,
        "receipt": sealer.lookup("receipt", intake.receipt) if intake.receipt else None,
        "sealed_content": sealer.seal(CONTENT.write(intake.content), _about("content", intake.id)),
        "sealed_answers": sealer.seal(ANSWERS.write(intake.answers), _about("answers", intake.id)),
    }
    return (ADD_INTAKE if commit.new_intake else SAVE_INTAKE), values


# The rest cannot conflict. Some of it needs nothing that the turn writes, so it can be written beside the marks.


def _beside(commit: Commit, at: int, where: str) -> list[Change]:
    writes: list[Change] = [(ADD_CONSENT, _consent_values(each, commit)) for each in commit.consents]
    writes += reached(commit, at, where) if commit.expects else []
    writes += [(ADD_AUDIT, audit_values(each)) for each in commit.audit]
    writes += [link_write(commit.link)] if commit.link else []
    return writes


def _writes(commit: Commit, at: int, where: str, sealer: Sealer, held: sealing.Held | None) -> list[Change]:
    conversation = commit.conversation.id if commit.conversation else ""
    writes: list[Change] = sealing.writes(commit, held, sealer) if held else []
    writes += [(ADD_REFERRAL, referral_values(each)) for each in commit.referrals]
    writes += [(CANCEL, {"is_key": key, "now": at}) for key in commit.cancel]
    if commit.join:
        officer = commit.join[1].id
        # Another phone on the same platform takes the place of the one before; their other doors stay.
        platform = commit.address.channel if commit.address else ""
        writes.append((RELEASE_SAME_CHANNEL, {"is_officer": officer, "is_channel": platform}))
        writes.append((BIND_ADDRESS, {"is_id": where, "officer": officer}))
    if commit.blocked:
        writes.append((UNREACHABLE, {"is_id": where}) if where else (CONVERSATION_UNREACHABLE, {"is_id": conversation}))
    writes += [] if commit.expects else reached(commit, at, where)  # their address is made by this turn
    writes += _file_writes(commit, conversation, sealer)
    if commit.request:
        writes.append((ADD_REQUEST, _request_values(commit.request)))
    if commit.erase and conversation:
        writes += [(ERASE_SAID, {"is_id": conversation}), *stopped(commit, at, conversation)]
        writes.append((sealing.FORGET_KEYS, {"is_conversation": conversation}))
    return writes


def _file_writes(commit: Commit, conversation: str, sealer: Sealer) -> list[Change]:
    """Files of this draft: known by its conversation, their content erased with a draft that left no intake."""
    if commit.conversation is None:
        return []
    refs = [media.ref for media in commit.conversation.media if media.ref]
    owns: list[Change] = [(OWN_FILE, {"is_id": file_id(ref, sealer), "conversation": conversation}) for ref in refs]
    if commit.intake or not commit.erase:
        return owns
    return [*owns, *((sql, {"is_conversation": conversation}) for sql in (ERASE_FILE_KEYS, ERASE_PIECES, ERASE_FILES))]


def _consent_values(it: Consent, commit: Commit) -> Values:
    return {
        "conversation": commit.conversation.id if commit.conversation else "",
        "intake": intake_of(commit),
        "route": it.to,
        "given": int(it.given),
        "wording": it.wording,
        "at": to_ms(it.at),
        "channel": it.channel,
    }


def _request_values(it: Request) -> Values:
    values = {name: getattr(it, name) for name in ("id", "code", "intake", "what", "channel", "state")}
    return values | {name: to_ms(getattr(it, name)) for name in ("at", "answer_by", "done_by")}


def intake_of(commit: Commit) -> str:
    """The intake that a turn is about, or empty."""
    if commit.intake:
        return commit.intake.id
    if commit.request and commit.request.intake:
        return commit.request.intake
    return commit.conversation.intake if commit.conversation else ""


def address_values(address: Address, where: str, at: int, sealer: Sealer) -> Values:
    """A row of `address` that leads nowhere yet."""
    return {
        "id": where,
        "channel": address.channel,
        "sealed_external": sealer.seal(address.external.encode(), _about("address", where)),
        "conversation": "",
        "unreachable": 0,
        "created_at": at,
    }


def _about(what: str, key: str) -> bytes:
    return f"{what}/{key}".encode()


# -------------------------------------------------------------------------------------------------------------- work


def write_turn(ready: Ready, sealer: Sealer) -> Work[None]:
    """Store a turn. Raises AlreadyHandled or StaleConversation; the driver then undoes whatever this turn wrote."""
    commit = ready.commit
    if commit.address and (not commit.expects or commit.join):
        yield ADD_ADDRESS, address_values(commit.address, ready.address_id, ready.at, sealer)
    own, others = _own_says(ready)
    changes = [*((sql, values) for sql, values, _ in ready.marks), *ready.beside, *own]
    takes_place = bool(ready.state and commit.address and not commit.expects)
    takes_over = commit.intake is not None and ready.state is not None
    if not (takes_place or takes_over or ready.writes or others):
        changes = Last(changes, len(ready.marks))
    written = (yield changes) if changes else []
    for (_, _, refused), count in zip(ready.marks, written, strict=False):
        if not count:
            raise refused
    if takes_place and ready.state:
        taken = yield TAKE_PLACE, {"is_id": ready.address_id, "conversation": ready.state.id}
        if not taken:
            raise StaleConversation
    for each in ready.writes:  # noqa: UP028 - `yield from` would hand the answers to the tuple
        yield each
    if takes_over and commit.intake and ready.state:
        yield from take_over(ready.state.id, commit.intake.id, ready.held, sealer)
    yield from add_outbox(others, ready.state)


def _own_says(ready: Ready) -> tuple[list[Change], tuple[dict[str, Any], ...]]:
    """Rows that can be queued beside the marks: of this conversation or none; and the others, where all of a commit go
    if one does, so that their order stays."""
    if ready.commit.cancel or any(row["conversation"] not in ("", _id_of(ready.state)) for row in ready.says):
        return [], ready.says
    version = ready.state.version if ready.state else 0
    return [(ADD_OUTBOX, {**row, "version": version if row["conversation"] else 0}) for row in ready.says], ()


def _id_of(state: Conversation | None) -> str:
    return state.id if state else ""
