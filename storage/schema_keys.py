"""The tables of keys and of what is sealed with them; part of the one schema (schema.py).

Private keys and contents are in them only as somebody's key has locked them (envelope.py).
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from storage.columns import Serial, at, flag, metadata, text_column, where

office_key = Table(
    "office_key",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("office"),  # `escrow` for the key that two people open together
    Column("public", LargeBinary, nullable=False),
    flag("is_demo"),
    flag("retired"),  # nothing is sealed to it any more
    at("created_at"),
)
Index("ix_office_key_office", office_key.c.office)

officer_key = Table(
    "officer_key",
    metadata,
    Column("id", Text, primary_key=True),  # the officer
    Column("public", LargeBinary, nullable=False),
    Column("sealed_private", LargeBinary, nullable=False),  # under one that only their password gives
    at("created_at"),
)

office_grant = Table(
    "office_grant",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("office_key"),
    text_column("officer"),  # `escrow` for the key that two people open together
    Column("wrapped", LargeBinary, nullable=False),  # the office's private key, to the officer's
    text_column("given_by"),
    at("created_at"),
)
Index("ix_office_grant_officer", office_grant.c.officer)
Index("ix_office_grant_office_key", office_grant.c.office_key)

intake_key = Table(
    "intake_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("intake", Text, ForeignKey("intake.id"), nullable=False),
    text_column("conversation"),
    at("created_at"),
    Column("sealed_keys", LargeBinary),  # for the turns to come of the draft that made them; empty once it is erased
)
Index("ix_intake_key_intake", intake_key.c.intake)
Index("ix_intake_key_conversation", intake_key.c.conversation, **where("sealed_keys IS NOT NULL"))

intake_part = Table(
    "intake_part",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    text_column("intake_key"),
    text_column("intake"),
    text_column("part"),
    at("created_at"),
    Column("sealed", LargeBinary, nullable=False),  # under the intake's own key for this part
    sqlite_autoincrement=True,
)
Index("ix_intake_part_intake", intake_part.c.intake)

intake_grant = Table(
    "intake_grant",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("intake_key"),
    text_column("intake"),
    text_column("office_key"),  # `service` where there was no escrow to seal to
    text_column("parts"),
    Column("wrapped", LargeBinary, nullable=False),  # the keys of these parts, to the office's
    at("created_at"),
)
Index("ix_intake_grant_intake", intake_grant.c.intake)

attachment_key = Table(
    "attachment_key",
    metadata,
    Column("id", Text, primary_key=True),  # the attachment
    text_column("intake_key"),  # empty while its draft was not submitted: then the service opens it
    Column("sealed_key", LargeBinary),  # the file's own key; empty after erasure
)

attachment_piece = Table(
    "attachment_piece",
    metadata,
    Column("id", Text, primary_key=True),  # the stream and the number of the piece in it
    text_column("stream"),
    Column("number", Integer, nullable=False),
    at("created_at"),
    Column("sealed", LargeBinary, nullable=False),  # under the file's own key
)
Index("ix_attachment_piece_stream", attachment_piece.c.stream)
Index("ix_attachment_piece_first", attachment_piece.c.created_at, **where("number = 0"))
