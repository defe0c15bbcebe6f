"""Every table, once: SQLAlchemy Core, for SQLite and PostgreSQL alike.

Times are integers: UTC milliseconds since 1970, the same on both databases. Flags are 0 or 1. `sealed_*` columns are
encrypted (see seal.py); all others may be read by whoever can read the file, and hold codes, ids and times only.
A change here needs a migration; tests/test_migrations.py compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from storage.columns import NO as NO
from storage.columns import NONE as NONE
from storage.columns import Serial as Serial
from storage.columns import at as _at
from storage.columns import flag as _flag
from storage.columns import metadata as metadata
from storage.columns import number as _number
from storage.columns import perhaps_at as _perhaps_at
from storage.columns import text_column as _text
from storage.columns import where as _where
from storage.schema_audit import APPEND_ONLY as APPEND_ONLY
from storage.schema_audit import audit as audit
from storage.schema_audit import audit_detail as audit_detail
from storage.schema_audit import audit_link as audit_link
from storage.schema_keys import attachment_key as attachment_key
from storage.schema_keys import attachment_piece as attachment_piece
from storage.schema_keys import intake_grant as intake_grant
from storage.schema_keys import intake_key as intake_key
from storage.schema_keys import intake_part as intake_part
from storage.schema_keys import office_grant as office_grant
from storage.schema_keys import office_key as office_key
from storage.schema_keys import officer_key as officer_key

officer = Table(
    "officer",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("office"),
    _text("route"),
    _text("role"),
    _flag("active"),
    Column("login", Text, unique=True),
    _text("password"),  # argon2id hash, made by the caller
    _number("failed"),
    _perhaps_at("failed_at"),
    _at("created_at"),
    Column("sealed_totp", LargeBinary),  # the secret of the second factor; empty without one
    _number("totp_step"),  # the last step whose code was used: none is taken twice
)
Index("ix_officer_office", officer.c.office)

invite = Table(
    "invite",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("officer", Text, ForeignKey(officer.c.id), nullable=False),
    _at("expires_at"),
    _perhaps_at("used_at"),
    _at("created_at"),
)
Index("ix_invite_officer", invite.c.officer)

session = Table(
    "session",
    metadata,
    Column("token", Text, primary_key=True),  # keyed hash of the cookie
    Column("officer", Text, ForeignKey(officer.c.id), nullable=False),
    _at("created_at"),
    _at("expires_at"),
    _perhaps_at("revoked_at"),
    _text("device"),  # keyed hash of what the browser keeps beside it; empty: not bound
    _perhaps_at("seen_at"),  # to the minute
    Column("sealed_key", LargeBinary),  # the officer's private key under one that only the cookie gives
)
Index("ix_session_officer", session.c.officer)
Index("ix_session_key_expires", session.c.expires_at, **_where("sealed_key IS NOT NULL"))
Index("ix_session_key_seen", session.c.seen_at, **_where("sealed_key IS NOT NULL"))

device = Table(
    "device",
    metadata,
    Column("id", Text, primary_key=True),  # keyed hash of an officer and the secret that their browser keeps
    Column("officer", Text, ForeignKey(officer.c.id), nullable=False),
    _number("failed"),  # wrong tries from this browser since the last right one
    _perhaps_at("failed_at"),
    _flag("forgotten"),
    _at("created_at"),
    _at("seen_at"),
)
Index("ix_device_officer", device.c.officer)

address = Table(
    "address",
    metadata,
    Column("id", Text, primary_key=True),  # keyed hash of channel and platform id
    _text("channel"),
    Column("sealed_external", LargeBinary, nullable=False),
    _text("conversation"),  # the one that is going on
    _flag("unreachable"),
    Column("officer", Text, ForeignKey(officer.c.id)),
    _at("created_at"),
    _perhaps_at("heard_at"),  # only where a platform lets people be reached for a while after they wrote
    _perhaps_at("taken_at"),  # when a notice to an officer was last taken here
    _perhaps_at("failing_since"),  # since when none is
)
Index("ix_address_zalo_bot", address.c.channel, **_where("channel = 'zalo_bot'"))
Index("ix_address_heard", address.c.channel, address.c.heard_at, **_where("heard_at IS NOT NULL"))
Index("ix_address_officer", address.c.officer)

conversation = Table(
    "conversation",
    metadata,
    Column("id", Text, primary_key=True),
    _number("version"),
    _number(
        "heard_version"
    ),  # the version at which the person was last heard: what was said since is the page's answer
    Column("address", Text, ForeignKey(address.c.id)),
    _text("channel"),
    _text("locale"),
    _text("flow"),
    _text("step"),
    _flag("quiet"),
    _at("active_at"),
    _flag("ended"),  # its draft was erased, and nothing was written since
    Column("sealed_state", LargeBinary, nullable=False),
    _perhaps_at("left_at"),  # when its person left the page by quick exit, and their address led here no more
)
Index("ix_conversation_active", conversation.c.active_at, **_where("ended = 0"))
Index("ix_conversation_over", conversation.c.active_at, conversation.c.id, **_where("ended = 1"))
Index("ix_conversation_address", conversation.c.address)

inbox = Table(
    "inbox",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    _text("conversation"),
    _text("message_id"),
    _at("at"),
    sqlite_with_rowid=False,
)
Index("ix_inbox_conversation", inbox.c.conversation, inbox.c.at)

intake = Table(
    "intake",
    metadata,
    Column("id", Text, primary_key=True),
    _text("conversation"),
    _text("kind"),
    _text("level"),
    _flag("urgent"),
    _text("facts"),
    _text("screening"),
    _text("channel"),
    _text("locale"),
    _text("province"),
    _text("form"),
    _text("articles"),
    _at("created_at"),
    _at("updated_at"),
    _perhaps_at("classified_at"),
    Column("receipt", Text, unique=True),  # keyed hash of the code
    _number("revision"),
    Column("sealed_content", LargeBinary, nullable=False),
    Column("sealed_answers", LargeBinary, nullable=False),
    _perhaps_at("erased_at"),  # both are empty since then, and nothing leads to the person
    _text("filed_as"),  # the class that an officer gave it
)
Index("ix_intake_conversation", intake.c.conversation)
Index("ix_intake_created_at", intake.c.created_at)
Index("ix_intake_kept", intake.c.updated_at, intake.c.id, **_where("erased_at IS NULL"))

consent = Table(
    "consent",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    _text("conversation"),
    _text("intake"),
    _text("route"),
    _flag("given"),
    _text("wording"),
    _at("at"),
    _text("channel"),
)
Index("ix_consent_intake", consent.c.intake, consent.c.route)
Index("ix_consent_conversation", consent.c.conversation)

referral = Table(
    "referral",
    metadata,
    Column("id", Text, primary_key=True),
    Column("intake", Text, ForeignKey(intake.c.id), nullable=False),
    _text("code"),
    _text("route"),
    _text("office"),
    _flag("identified"),
    _text("rule"),
    _text("because"),
    _text("source"),
    _text("ground"),
    _text("level"),
    _flag("urgent"),
    _text("province"),
    _text("state"),
    _flag("ended"),  # rows.py is_ended: nothing is left to do in this office
    _at("created_at"),
    _perhaps_at("due_at"),
    _perhaps_at("sent_at"),
    _perhaps_at("delivered_at"),
    _perhaps_at("acknowledged_at"),
    _perhaps_at("accepted_at"),
    _perhaps_at("closed_at"),
    _text("officer"),
    _text("reason"),
    _text("outcome"),
)
Index("ix_referral_intake", referral.c.intake)
Index("ix_referral_code", referral.c.code)
# The officers' lists in their own order, so that a page of them costs the same however much is stored.
_waits = (
    referral.c.urgent.desc(), referral.c.acknowledged_at.is_not(None), referral.c.created_at, referral.c.id,
)  # fmt: skip
Index("ix_referral_open", referral.c.office, *_waits, **_where("ended = 0"))
Index("ix_referral_open_all", *_waits, **_where("ended = 0"))
Index("ix_referral_ended", referral.c.office, referral.c.created_at, referral.c.id, **_where("ended = 1"))
Index("ix_referral_ended_all", referral.c.created_at, referral.c.id, **_where("ended = 1"))

link = Table(
    "link",
    metadata,
    Column("id", Text, primary_key=True),
    _text("one"),  # two intakes about the same matter, the smaller id first
    _text("other"),
    _text("officer"),
    _at("at"),
    _perhaps_at("ended_at"),
)
Index("ix_link_one", link.c.one)
Index("ix_link_other", link.c.other)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),
    _text("kind"),
    _text("lane"),
    Column("priority", SmallInteger, nullable=False),
    _at("due_at"),  # when it may next be performed; the end of its lease while somebody holds it
    _number("claimed_until"),  # 0 while nobody holds it
    _flag("finished"),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),  # waiting, done, dead, cancelled
    _number("attempts"),
    Column("sealed_body", LargeBinary),  # empty after erasure
    _text("conversation"),
    _number("version"),  # of the conversation, when this was written
    _text("referral"),
    _text("officer"),  # whom it is for, where it is for an officer
    _at("created_at"),
    _perhaps_at("done_at"),
    _text("message_ids"),
    _text("code"),
    _text("sender"),  # the channel whose pace it falls under; empty: nobody's
    _text("door"),  # the address of the officer that it goes to; empty: theirs on that channel
    CheckConstraint("priority BETWEEN 0 AND 3", name="priority"),
    sqlite_autoincrement=True,
)
# What waits, by conditions of which a question meets only one: PostgreSQL counts when nothing waits, and would else take the
# wrong one for as good. (It is never NULL, and SQLite knows.)
Index(
    "ix_outbox_sender", outbox.c.sender, outbox.c.priority, outbox.c.due_at, outbox.c.id,
    **_where("finished = 0", " AND sender IS NOT NULL"),
)  # fmt: skip
Index("ix_outbox_zalo_bot", outbox.c.done_at, **_where("sender = 'zalo_bot' AND state = 'done'"))
Index("ix_outbox_lane", outbox.c.lane, outbox.c.id, **_where("finished = 0 AND lane <> ''"))
Index("ix_outbox_said", outbox.c.conversation, outbox.c.version, **_where("kind = 'say'"))
Index("ix_outbox_referral", outbox.c.referral, **_where("referral <> ''"))
Index("ix_outbox_left", outbox.c.done_at, **_where("finished = 1 AND kind <> 'say' AND sealed_body IS NOT NULL"))

attachment = Table(
    "attachment",
    metadata,
    Column("id", Text, primary_key=True),  # keyed hash of the channel's handle
    _text("conversation"),
    _text("intake"),  # empty while its draft was not submitted
    _text("kind"),
    _number("size"),
    _at("created_at"),
    Column("sealed_content", LargeBinary),  # empty after erasure, and where the file is in pieces
    _text("stream"),  # by which its pieces are found; empty for one that is kept whole
)
Index("ix_attachment_stream", attachment.c.stream, **_where("stream <> ''"))
Index(
    "ix_attachment_loose", attachment.c.created_at,
    **_where("conversation = '' AND intake = '' AND (sealed_content IS NOT NULL OR stream <> '')"),
)  # fmt: skip
Index("ix_attachment_conversation", attachment.c.conversation)
Index("ix_attachment_intake", attachment.c.intake, **_where("intake <> ''"))

erasure = Table(
    "erasure",
    metadata,
    Column("id", Text, primary_key=True),
    _text("rule"),  # of referral/retention, or the data subject's request
    _text("actor"),
    _text("counts"),  # of what kinds how many, as JSON: the certificate
    _at("at"),
)
Index("ix_erasure_at", erasure.c.at)

erased = Table(
    "erased",
    metadata,
    Column("id", Text, primary_key=True),  # of the intake or conversation that was
    _text("what"),
    _text("erasure"),
    _at("at"),
)
Index("ix_erased_at", erased.c.at, erased.c.id)

right_request = Table(
    "right_request",
    metadata,
    Column("id", Text, primary_key=True),
    _text("code"),  # what officers call it
    _text("intake"),
    _text("what"),  # see, correct, restrict, withdraw, erase
    _text("channel"),
    _text("state"),  # open, answered, done, kept
    _text("officer"),
    _at("at"),
    _at("answer_by"),
    _at("done_by"),
    _perhaps_at("answered_at"),
    _perhaps_at("done_at"),
)
Index("ix_right_request_open", right_request.c.done_by, right_request.c.id, **_where("done_at IS NULL"))
Index("ix_right_request_intake", right_request.c.intake, **_where("intake <> ''"))

breach = Table(
    "breach",
    metadata,
    Column("id", Text, primary_key=True),
    _at("detected_at"),
    _at("recorded_at"),
    _perhaps_at("notified_at"),
    Column("sealed_fields", LargeBinary, nullable=False),
)

export_run = Table(
    "export_run",
    metadata,
    Column("key", Text, primary_key=True),
    _text("sha256"),
    _text("counts"),
    _at("at"),
)

meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", LargeBinary, nullable=False))

TABLES = tuple(metadata.tables)
