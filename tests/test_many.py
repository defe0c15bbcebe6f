"""Turns that are committed together are written together: each row is what it would be by itself, and a refusal is its own."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.model import Conversation
from storage.base import Address, AlreadyHandled, AuditEntry, Commit, OutboxRow, StaleConversation
from storage.chance import PAGE, Chance
from storage.many import for_many
from storage.open import open_storage
from storage.spoken import spoken
from storage.sqlite import DIALECT
from storage.statements import Sql
from storage.store import DatabaseStorage
from storage.turns import SAVE_CONVERSATION
from tests.databases import KEY, asked, database

NOW = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
PEOPLE = 77
TABLES = ("inbox", "conversation", "outbox", "audit")
STATE = """
SELECT id, version, heard_version, flow, step, quiet, active_at, ended FROM conversation ORDER BY id
"""


def turn(person: int, number: int, *, update: str = "") -> Commit:
    """The turn of this number (from 0) of one person: a question is asked and a line of the audit written."""
    name = f"person-{person:03}"
    talk = Conversation(name, version=number + 1, channel="telegram", flow="tip", step=f"s{number}")
    said = OutboxRow(f"{name}/{number}", "say", f"c:{name}", 2, NOW, {"texts": [f"{number}"]}, name, sender="telegram")
    return Commit(
        at=NOW, channel="telegram", external_id=update or f"{name}/{number}", address=Address("telegram", name),
        conversation=talk, expects=number, outbox=(said,),
        audit=(AuditEntry("citizen", "turn.taken", name, NOW, {"number": str(number)}),),
    )  # fmt: skip


async def all_at_once(storage: DatabaseStorage, turns: Sequence[Commit]) -> list[Any]:
    return await asyncio.gather(*map(storage.commit, turns), return_exceptions=True)


async def test_what_many_write_together_is_what_each_would_write_alone(tmp_path: Path) -> None:
    together = await open_storage(tmp_path / "together.db", KEY)
    alone = await open_storage(tmp_path / "alone.db", KEY)
    for number in range(3):
        turns = [turn(person, number) for person in range(PEOPLE)]
        assert await all_at_once(together, turns) == [None] * PEOPLE
        for one in turns:
            await alone.commit(one)
    assert await asked(together, STATE) == await asked(alone, STATE)
    for table in TABLES:
        count = f"SELECT count(*) FROM {table}"  # noqa: S608 - a table's name from this file
        assert (
            await asked(together, count)
            == await asked(alone, count)
            == [(PEOPLE * (1 if table == "conversation" else 3),)]
        )
    for person in range(PEOPLE):
        kept = (await together.load(Address("telegram", f"person-{person:03}"))).conversation
        assert kept is not None
        assert (kept.version, kept.step) == (3, "s2")
    await together.close()
    await alone.close()


REFUSED = {
    # Decided on a conversation that has moved on, and an update that was handled before.
    StaleConversation: turn(5, 1, update="late"),
    AlreadyHandled: turn(5, 2, update="person-005/0"),
}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("refused", REFUSED, ids=lambda one: one.__name__)
async def test_a_refusal_among_many_is_its_own(kind: str, refused: type[Exception], tmp_path: Path) -> None:
    async with database(kind, tmp_path) as home:
        storage = await home.open()
        for number in range(2):
            await all_at_once(storage, [turn(person, number) for person in range(PEOPLE)])
        third = [turn(person, 2) for person in range(PEOPLE)]
        third[5] = REFUSED[refused]
        answers = await all_at_once(storage, third)
        assert [(at, type(one)) for at, one in enumerate(answers) if one is not None] == [(5, refused)]
        assert await asked(storage, "SELECT count(*) FROM conversation WHERE version = 3") == [(PEOPLE - 1,)]
        for table in ("inbox", "outbox", "audit"):
            count = f"SELECT count(*) FROM {table}"  # noqa: S608 - a table's name from this file
            assert await asked(storage, count) == [(3 * PEOPLE - 1,)]


async def test_no_conversation_is_looked_for_row_by_row(tmp_path: Path) -> None:
    async with database("sqlite", tmp_path) as home:
        await home.open()
        text = for_many(spoken(DIALECT)[SAVE_CONVERSATION].text, 8)
        plan = [row[3] for row in await home.ask("EXPLAIN QUERY PLAN " + text.replace("?", "NULL"))]
    assert any(re.match(r"SEARCH conversation USING (COVERING )?INDEX .*\(id=\?\)", line) for line in plan), plan
    assert not any(line.startswith("SCAN conversation") for line in plan)


def test_every_change_that_is_made_for_many_can_be() -> None:
    known = [(sql, made) for sql, made in spoken(DIALECT).items() if isinstance(sql, Sql) and sql.many]
    assert known
    for _, made in known:
        assert for_many(made.text, 4).count("?") == 4 * made.text.count("?")
        assert for_many(made.text, 1) == made.text


def test_a_change_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="only an insert"):
        for_many("DELETE FROM outbox", 2)


def test_no_chance_is_given_twice() -> None:
    chance = Chance(12)
    given = [chance() for _ in range(5 * PAGE // 12)]
    assert {len(one) for one in given} == {12}
    assert len(set(given)) == len(given)


def test_a_child_process_has_chances_of_its_own() -> None:
    chance = Chance(16)
    chance()
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.write(writes, b"".join(chance() for _ in range(20)))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reads, 20 * 16)
    os.close(reads)
    os.close(writes)
    ours = b"".join(chance() for _ in range(20))
    assert len(theirs) == len(ours) == 320
    assert not {theirs[at : at + 16] for at in range(0, 320, 16)} & {ours[at : at + 16] for at in range(0, 320, 16)}
