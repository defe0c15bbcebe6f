"""Real conversations as moulds: played through the real receiver and deliverer, read back row by row, cast again in bulk.

A mould is every row that one conversation left, at one stage of its life. A cast is the same rows with fresh ids, another
time and another person. What is sealed is opened once and sealed anew for each cast, for it is bound to its row.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from bot.book import Book
from bot.demo import add_demo_officers, demo_officers
from storage import schema as t
from storage.accounts import Accounts
from storage.base import Address
from storage.open import open_storage
from storage.rows import from_ms, to_ms
from storage.seal import Sealer
from storage.statements import Work
from storage.store import DatabaseStorage
from storage.turns import ADD_ADDRESS, BIND_ADDRESS, address_id, address_values
from tests.dialogue import files, load
from tests.world import START, World

PLAIN: Final = frozenset({"said", "chose", "opened", "sent", "caption", "pressed", "back"})
"""What people do in the dialogues that are played: one person, and nothing but their own events."""
BETWEEN: Final = timedelta(seconds=17)
TAKEN, LEFT, CLOSED = timedelta(seconds=40), timedelta(hours=25), timedelta(days=12)
"""How long after a conversation its referrals are acknowledged, its draft is erased, its referrals are closed."""

TABLES: Final = ("address", "conversation", "inbox", "intake", "consent", "referral", "outbox", "audit", "attachment")
NUMBERED: Final = frozenset({"consent", "outbox", "audit"})
"""Tables whose ids the database gives."""
COLUMNS: Final = {
    name: tuple(c.name for c in t.metadata.tables[name].columns if name not in NUMBERED or c.name != "id")
    for name in TABLES
}
BOUND: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("conversation", "sealed_state"): ("conversation", "id"),
    ("intake", "sealed_content"): ("content", "id"),
    ("intake", "sealed_answers"): ("answers", "id"),
    ("outbox", "sealed_body"): ("outbox", "key"),
    ("attachment", "sealed_content"): ("file", "id"),
}
"""What each sealed column is bound to: a word and a column of its row (storage/turns.py, files.py)."""

_INTAKES: Final = "SELECT id FROM intake WHERE conversation = :it"
_REFERRALS: Final = f"SELECT id FROM referral WHERE intake IN ({_INTAKES})"  # noqa: S608 - two constants
_OF_CONVERSATION: Final = {
    "address": "id = (SELECT address FROM conversation WHERE id = :it)",
    "conversation": "id = :it",
    "inbox": "conversation = :it",
    "intake": "conversation = :it",
    "consent": "conversation = :it",
    "referral": f"intake IN ({_INTAKES})",
    "outbox": f"conversation = :it OR referral IN ({_REFERRALS})",
    "audit": f"subject = :it OR subject IN ({_INTAKES}) OR subject IN ({_REFERRALS})",
    "attachment": "conversation = :it",
}
_TOKEN: Final = re.compile(r"\b([0-9a-f]{32}|[0-9a-f]{20}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)\b")
"""What differs from cast to cast wherever it stands: ids, keyed hashes, moments."""

Rows = dict[str, list[list[Any]]]
Found = dict[str, list[dict[str, Any]]]


# -------------------------------------------------------------------------------------------------------------- casting


@dataclass(slots=True)
class Cast:
    """One copy: the mould's tokens as they are here, its first moment (UTC milliseconds), the number of its person."""

    tokens: list[str]
    start: int
    number: int
    sealer: Sealer


Cell = Callable[[Cast], Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a mould: its constants, and the columns that differ."""

    constants: tuple[Any, ...]
    cells: tuple[tuple[int, Cell], ...]


@dataclass(frozen=True, slots=True)
class Mould:
    """One conversation at one stage. Of each token: its length, or 0 and how many milliseconds on the moment is."""

    lines: tuple[tuple[str, tuple[Line, ...]], ...]
    tokens: tuple[tuple[int, int], ...]
    address: int
    channel: str

    def cast(self, number: int, start: int, chance: Random, sealer: Sealer, into: Rows) -> None:
        """Add the rows of one more such conversation. `number` is its person's, and unique."""
        tokens = [
            f"{chance.getrandbits(4 * length):0{length}x}" if length else _moment(start + later)
            for length, later in self.tokens
        ]
        tokens[self.address] = address_id(person(self.channel, number), sealer)
        cast = Cast(tokens, start, number, sealer)
        for table, lines in self.lines:
            made = into[table]
            for line in lines:
                row = list(line.constants)
                for at, cell in line.cells:
                    row[at] = cell(cast)
                made.append(row)


def person(channel: str, number: int) -> Address:
    """Where the person of a cast is reached."""
    return Address(channel, str(5_000_000_000 + number))


def _moment(ms: int) -> str:
    return from_ms(ms).isoformat().replace("+00:00", "Z")


# --------------------------------------------------------------------------------------------------------------- making


def mould(found: Found, sealer: Sealer) -> Mould:
    """The mould of these rows."""
    places = {(table, column): at for table in found for at, column in enumerate(COLUMNS[table])}
    start = min(row["at"] for row in found["inbox"])
    tokens: dict[str, int] = {}
    lines = []
    for table in TABLES:
        made = []
        for order, row in enumerate(found[table]):
            cells = {
                column: _cell(table, column, row, order, start, tokens, sealer)
                for column in COLUMNS[table]
                if row[column] is not None
            }
            differ = tuple((places[table, column], cell) for column, cell in cells.items() if cell is not None)
            made.append(Line(tuple(row[column] for column in COLUMNS[table]), differ))
        if made:
            lines.append((table, tuple(made)))
    lengths = tuple((0, to_ms(datetime.fromisoformat(one)) - start) if "T" in one else (len(one), 0) for one in tokens)
    where = found["address"][0]
    return Mould(tuple(lines), lengths, tokens[where["id"]], where["channel"])


def _cell(
    table: str, column: str, row: dict[str, Any], order: int, start: int, tokens: dict[str, int], sealer: Sealer
) -> Cell | None:
    """What stands in this column of a cast; None for a constant."""
    value = row[column]
    if (table, column) == ("inbox", "external_id"):
        return lambda cast: f"{cast.number * 64 + order}"
    if (table, column) == ("address", "sealed_external"):
        return _sealed(lambda cast: str(5_000_000_000 + cast.number), _text(f"address/{row['id']}", tokens))
    if bound := BOUND.get((table, column)):
        about = f"{bound[0]}/{row[bound[1]]}"
        plain = sealer.open(value, about.encode()).decode()
        return _sealed(_text(plain, tokens), _text(about, tokens))
    if column == "at" or column.endswith("_at"):
        later = value - start
        return lambda cast: cast.start + later
    return _text(value, tokens) if isinstance(value, str) and _TOKEN.search(value) else None


def _text(text: str, tokens: dict[str, int]) -> Cell:
    pieces = _TOKEN.split(text)
    places = [tokens.setdefault(token, len(tokens)) for token in pieces[1::2]]
    if not places:
        return lambda cast: text
    if pieces == ["", pieces[1], ""]:
        (place,) = places
        return lambda cast: cast.tokens[place]
    template = "%s".join(piece.replace("%", "%%") for piece in pieces[::2])
    pick = itemgetter(*places)
    return lambda cast: template % pick(cast.tokens)


def _sealed(plain: Cell, about: Cell) -> Cell:
    return lambda cast: cast.sealer.seal(plain(cast).encode(), about(cast).encode())


# -------------------------------------------------------------------------------------------------------------- playing


@dataclass(frozen=True, slots=True)
class Life:
    """The stages of one conversation: as it was left, a day later (its draft erased), and with its referrals closed."""

    fresh: Mould
    left: Mould
    settled: Mould
    kind: str
    level: str


async def lives(book: Book, key: bytes, every: int = 1) -> list[Life]:
    """Play each `every`-th of the golden dialogues in which one person writes, and read back what each left."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "moulds.db"
        storage = await open_storage(path, key)
        try:
            await add_officers(storage, book, START)
            world, rows = World(storage, book), sqlite3.connect(path)
            rows.row_factory = sqlite3.Row
            made = [await _life(world, rows, f"m{at}", script) for at, script in enumerate(_scripts()[::every])]
            rows.close()
        finally:
            await storage.close()
    return [life for life in made if life is not None]


async def add_officers(storage: DatabaseStorage, book: Book, at: datetime) -> None:
    """One officer for every office, each with a phone on Telegram. Those that are there already stay as they are."""
    await add_demo_officers(Accounts(storage), book.referral, at)
    for number, officer in enumerate(demo_officers(book.referral)):
        phone = Address("telegram", str(4_000_000_000 + number))
        await storage.write(partial(_add_phone, officer.id, phone, at, storage.sealer))


def _add_phone(officer: str, phone: Address, at: datetime, sealer: Sealer) -> Work[None]:
    where = address_id(phone, sealer)
    yield ADD_ADDRESS, address_values(phone, where, to_ms(at), sealer)
    yield BIND_ADDRESS, {"is_id": where, "officer": officer}


def _scripts() -> list[dict[str, Any]]:
    scripts = [load(path) for path in files()]
    return [script for script in scripts if all(set(line["they"]) <= PLAIN for line in script["talk"])]


async def _life(world: World, rows: sqlite3.Connection, who: str, script: Mapping[str, Any]) -> Life | None:
    """One conversation through its stages. None where it left none, as after *stop*."""
    before = set(world.referrals)
    world.now = START
    world.uses(who, script.get("channel", "telegram"))
    for line in script["talk"]:
        world.now += BETWEEN
        await _act(world, who, line["they"])
    talk = await world.conversation(who)
    if talk is None:
        return None
    fresh = _read(rows, talk.id)
    opened = sorted(set(world.referrals) - before)
    await _move(world, opened, TAKEN, "acknowledge")
    world.now = START + LEFT
    await world.receiver.abandoned(talk.id)
    await world.deliverer.drain()
    left = _read(rows, talk.id)
    await _move(world, opened, CLOSED, "accept", "close")
    settled = _read(rows, talk.id)
    intake = settled["intake"][0] if settled["intake"] else {"kind": "", "level": ""}
    moulds = [mould(stage, world.storage.sealer) for stage in (fresh, left, settled)]
    return Life(moulds[0], moulds[1], moulds[2], intake["kind"], intake["level"])


async def _act(world: World, who: str, they: Mapping[str, Any]) -> None:
    if "said" in they:
        await world.say(who, they["said"])
    elif "chose" in they:
        await world.choose(who, they["chose"])
    elif "pressed" in they:
        await world.press(who, they["pressed"], they.get("back", 0))
    elif "sent" in they:
        await world.send(who, they["sent"], they.get("caption", ""))
    else:
        await world.open(who, they["opened"] or "")


async def _move(world: World, referrals: Sequence[str], after: timedelta, *actions: str) -> None:
    """What the officers of each office do with its referral, that long after."""
    desks = {officer.office: officer.id for officer in demo_officers(world.book.referral)}
    world.now = START + after
    for name in referrals:
        for do in actions:
            await world.officer(desks[world.referrals[name].office], do, name, outcome="supported")


def _read(rows: sqlite3.Connection, conversation: str) -> Found:
    """Every row of a conversation. What still waits in the outbox counts as done: a cast is of the past."""
    found = {
        table: [dict(row) for row in rows.execute(f"SELECT * FROM {table} WHERE {of}", {"it": conversation})]  # noqa: S608
        for table, of in _OF_CONVERSATION.items()
    }
    for row in found["outbox"]:
        done = "done" if row["state"] == "waiting" else row["state"]
        row.update(finished=1, claimed_until=0, state=done, done_at=row["done_at"] or row["created_at"])
    return found
