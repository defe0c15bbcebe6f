"""What tables are made of: one metadata, and the kinds of columns that every table uses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    SmallInteger,
    Text,
    literal_column,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Serial = BigInteger().with_variant(Integer, "sqlite")
"""A number the database gives. SQLite numbers rows by itself only where the type is INTEGER."""

NO: ColumnElement[Any] = literal_column("0")
"""A constant 0 in the text of a statement: a partial index is used only where the statement names its constant."""

NONE: ColumnElement[Any] = literal_column("''")
"""The same for the empty text."""


def text_column(name: str) -> Column[str]:
    """A text that may be empty."""
    return Column(name, Text, nullable=False, server_default=text("''"))


def flag(name: str) -> Column[int]:
    """0 or 1."""
    return Column(name, SmallInteger, nullable=False, server_default=text("0"))


def number(name: str) -> Column[int]:
    """A whole number, 0 at first."""
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


def at(name: str) -> Column[int]:
    """A moment: UTC milliseconds."""
    return Column(name, BigInteger, nullable=False)


def perhaps_at(name: str) -> Column[int | None]:
    """A moment that may not have come."""
    return Column(name, BigInteger)


def where(condition: str, and_on_postgresql: str = "") -> dict[str, Any]:
    """An index of only these rows, on either database."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition + and_on_postgresql)}
