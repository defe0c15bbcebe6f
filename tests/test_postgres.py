"""What only PostgreSQL has: several processes on one database, a server that goes away, a standby that takes over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from msgspec.structs import replace
from sqlalchemy.schema import CreateIndex, CreateTable

from flows.model import Conversation
from referral.model import Content, Facts, Intake, Referral, Screening
from storage import claims, connections, migrate_postgres, turns
from storage.base import (
    Address,
    AlreadyHandled,
    AuditEntry,
    Commit,
    Done,
    OutboxRow,
    StaleConversation,
    StorageAway,
    StorageUnfit,
    Wanted,
)
from storage.migrate import LATEST
from storage.open import open_storage
from storage.postgres import DIALECT, PostgresStorage
from storage.schema import APPEND_ONLY, metadata
from storage.seal import Sealer
from storage.spoken import spoken
from storage.store import DatabaseStorage
from tests import postgres
from tests.databases import KEY, Database, database
from tests.postgres import until

NOW = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
LAN = Address("telegram", "77700042")
SOON_S = 60.0


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Database]:
    async with database("postgresql", tmp_path) as made:
        yield made


@pytest.fixture
async def empty() -> AsyncIterator[str]:
    """A database in which nothing was made yet."""
    async with postgres.database(postgres.wanted()) as dsn:
        yield dsn


async def two(home: Database) -> tuple[PostgresStorage, PostgresStorage]:
    """Two processes, as far as the database can tell."""
    one, another = await home.open(), await home.open()
    assert isinstance(one, PostgresStorage)
    assert isinstance(another, PostgresStorage)
    return one, another


def said(key: str, lane: str = "c:lan", *, priority: int = 2, due: datetime = NOW) -> OutboxRow:
    return OutboxRow(key, "say", lane, priority, due, {"texts": [key]})


def turn(who: str, number: int) -> Commit:
    """Someone's turn number so-and-so (the first is 0), with its answer."""
    return Commit(
        NOW, "telegram", f"{who}/{number}", Address("telegram", who), conversation=Conversation(who), expects=number,
        outbox=(said(f"{who}/{number}", f"c:{who}"),),
    )  # fmt: skip


INTAKE = Intake(
    "in-1", "lan", "self", "L3", False, Facts(kind="self"), Screening("L3", True, True, False, (), {}), "telegram", "vi", "LS",
    created_at=NOW, updated_at=NOW, content=Content(),
)  # fmt: skip
SENT = Referral(
    id="ref-1", intake="in-1", code="LS-1", to="police", office="ls-police", identified=True, rule="r", because="",
    source="law", ground="", level="L3", urgent=False, province="LS", state="delivered", created_at=NOW,
)  # fmt: skip
SUBMITTED = Commit(
    NOW, "telegram", "submits", LAN, conversation=Conversation("lan", intake="in-1"), intake=INTAKE, new_intake=True,
    referrals=(SENT,),
)  # fmt: skip


# -------------------------------------------------------------------------------------------------- several processes


async def test_processes_that_claim_at_once_take_each_row_once_and_one_of_a_lane_at_a_time(home: Database) -> None:
    workers = [await home.open() for _ in range(3)]
    lanes = {f"lane{n}": [f"{n}/{m}" for m in range(6)] for n in range(12)}
    await workers[0].finish((), [said(key, lane) for lane, keys in lanes.items() for key in keys])
    in_hand: set[str] = set()
    taken: dict[str, list[str]] = {lane: [] for lane in lanes}

    async def work(storage: DatabaseStorage) -> None:
        while sum(map(len, taken.values())) < 72:
            claimed = await storage.claim(NOW, 5)
            for one in claimed:
                assert one.row.lane not in in_hand
                in_hand.add(one.row.lane)
                taken[one.row.lane].append(one.row.key)
            await asyncio.sleep(0)
            in_hand.difference_update(one.row.lane for one in claimed)
            await storage.finish([Done(one.id, "done", NOW) for one in claimed])

    await asyncio.wait_for(asyncio.gather(*map(work, workers)), 90)
    assert taken == lanes


async def test_danger_is_not_sent_beside_a_reply_that_another_process_is_just_taking(home: Database) -> None:
    """The one who takes the reply has not committed yet, so its claim cannot be seen: only the lane's lock tells."""
    one, another = await two(home)
    await one.finish((), [said("reply")])
    taking = one._connections.one()
    connection = await taking.__aenter__()
    await connection.execute("BEGIN")
    (row,) = await one._speak(connection, claims.claim(NOW, (Wanted("", 9),)))
    await another.finish((), [said("danger", priority=0), said("other", "c:minh")])
    assert [each.row.key for each in await another.claim(NOW, 9)] == ["other"]
    await connection.execute("COMMIT")
    await taking.__aexit__(None, None, None)
    assert await another.claim(NOW, 9) == []
    await one.finish([Done(row[0], "done", NOW)])
    assert [each.row.key for each in await another.claim(NOW, 9)] == ["danger"]


async def test_what_another_process_has_claimed_is_not_given_back(home: Database) -> None:
    one, another = await two(home)
    await one.finish((), [said("1")])
    assert [each.row.key for each in await one.claim(NOW, 9)] == ["1"]
    assert await another.give_back(NOW) == 0
    assert await another.claim(NOW, 9) == []
    assert [each.row.key for each in await another.claim(NOW + timedelta(seconds=10), 9)] == ["1"]


async def test_a_name_is_held_by_one_process_until_it_ends(home: Database) -> None:
    one, another = await two(home)
    assert await one.hold("sender")
    assert await one.hold("sender")
    assert not await another.hold("sender")
    assert await another.hold("poller")
    await one.close()
    await until(lambda: another.hold("sender"))
    assert await another.hold("poller")


async def test_a_name_goes_to_another_when_the_holder_is_cut_off_and_it_knows(home: Database) -> None:
    one, another = await two(home)
    assert await one.hold("sender")
    await home.ask("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    await until(lambda: another.hold("sender"))
    assert not await one.hold("sender")


async def test_who_cannot_ask_whether_they_hold_a_name_does_not(
    home: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server takes a name from a process that stands still; when it moves again it must not think it has it."""
    one, another = await two(home)
    monkeypatch.setattr(connections, "ALIVE_FOR_S", 0.0)
    monkeypatch.setitem(connections.LET_GO, "idle_session_timeout", "50ms")
    assert await one.hold("sender")
    monkeypatch.setitem(connections.LET_GO, "idle_session_timeout", "60s")  # the other does not stand still
    await until(lambda: another.hold("sender"))
    with suppress(StorageAway):
        assert not await one.hold("sender")


async def test_one_update_delivered_to_two_processes_is_one_turn(home: Database) -> None:
    one, another = await two(home)
    ended = await asyncio.gather(one.commit(turn("a", 0)), another.commit(turn("a", 0)), return_exceptions=True)
    assert {type(each) for each in ended} == {type(None), AlreadyHandled}
    assert await home.ask("SELECT count(*) FROM outbox") == [(1,)]


async def test_turns_of_many_people_on_two_processes_are_each_stored_once_and_in_order(home: Database) -> None:
    both = await two(home)

    async def talk(who: str) -> None:
        for number in range(5):
            side = both[number % 2]
            assert ((await side.load(Address("telegram", who))).conversation or Conversation(who)).version == number
            await side.commit(turn(who, number))

    await asyncio.gather(*(talk(f"p{n}") for n in range(20)))
    rows = await home.ask("SELECT key FROM outbox ORDER BY id")
    for n in range(20):
        assert [key for (key,) in rows if str(key).startswith(f"p{n}/")] == [f"p{n}/{m}" for m in range(5)]
    assert len(rows) == 100


async def test_what_one_process_changes_another_sees_at_its_next_look(home: Database) -> None:
    """A referral moves without the conversation's version: a snapshot kept by the other process would be wrong for ever."""
    one, another = await two(home)
    await one.commit(SUBMITTED)
    assert (await one.load(LAN)).referrals == (await another.load(LAN)).referrals == (SENT,)
    taken = replace(SENT, state="acknowledged", acknowledged_at=NOW, officer="police-1")
    await another.commit(Commit(NOW, moved=((taken, "delivered"),)))
    assert (await one.load(LAN)).referrals == (taken,)
    await another.commit(Commit(NOW, conversation=Conversation("lan", step="woken", intake="in-1"), expects=1))
    found = (await one.load(LAN)).conversation
    assert found is not None
    assert found.step == "woken"
    with pytest.raises(StaleConversation):
        await one.commit(Commit(NOW, "telegram", "u2", LAN, conversation=Conversation("lan"), expects=1))


async def test_a_file_that_comes_in_while_its_draft_is_submitted_belongs_to_the_intake(home: Database) -> None:
    """Each would not see the other, and the file would be erased with the next draft."""
    one, another = await two(home)
    await one.commit(Commit(NOW, "telegram", "u1", LAN, conversation=Conversation("lan")))
    submits = replace(SUBMITTED, expects=1)
    async with one._connections.one() as connection:
        await connection.execute("BEGIN")
        await one._speak(connection, turns.write_turn(turns.prepare(submits, one.sealer), one.sealer))
        keeping = asyncio.create_task(another.keep_file("photo-1", "lan", "photo", b"evidence", NOW, since=NOW))
        await until(lambda: home.ask("SELECT 1 FROM pg_locks WHERE NOT granted"))
        await connection.execute("COMMIT")
    await keeping
    assert await home.ask("SELECT intake FROM attachment") == [("in-1",)]


async def test_a_bell_rings_in_the_other_process(home: Database) -> None:
    one, another = await two(home)
    heard = asyncio.Event()
    await another.listen(heard.set)
    await asyncio.wait_for(heard.wait(), SOON_S)  # it may have missed something before it listened
    heard.clear()
    await one.commit(Commit(NOW, audit=(AuditEntry("a", "b", "c", NOW),)))
    await one.commit(turn("a", 0))
    await asyncio.wait_for(heard.wait(), SOON_S)
    assert [each.row.key for each in await another.claim(NOW, 9)] == ["a/0"]


async def test_a_bell_is_heard_again_after_its_connection_was_cut(home: Database) -> None:
    one, another = await two(home)
    heard = asyncio.Event()
    await another.listen(heard.set)
    await asyncio.wait_for(heard.wait(), SOON_S)
    heard.clear()
    await home.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    await asyncio.wait_for(heard.wait(), SOON_S)
    heard.clear()
    await one.commit(turn("a", 0))
    await asyncio.wait_for(heard.wait(), SOON_S)


async def test_what_was_given_up_is_finished_before_the_end(home: Database) -> None:
    storage = await home.open()
    giving_up = asyncio.create_task(storage.commit(turn("a", 0)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    giving_up.cancel()
    await asyncio.gather(giving_up, return_exceptions=True)
    assert giving_up.cancelled()
    await storage.close()
    assert await home.ask("SELECT count(*) FROM outbox") == [(1,)]


# -------------------------------------------------------------------------------------------------------- going wrong


async def test_a_turn_that_meets_a_lock_is_away_and_holds_up_nobody_else(home: Database) -> None:
    assert isinstance(home.place, str)
    storage = await PostgresStorage.open(home.place, Sealer(KEY), answer_s=0.3)
    await storage.commit(turn("a", 0))
    blocker = await asyncpg.connect(home.place)
    await blocker.execute("BEGIN; SELECT * FROM conversation WHERE id = 'a' FOR UPDATE")
    waiting = asyncio.create_task(storage.commit(turn("a", 1)))
    await storage.commit(turn("b", 0))
    with pytest.raises(StorageAway, match="QueryCanceledError"):
        await waiting
    await blocker.close()
    await storage.commit(turn("a", 1))
    await storage.close()


async def test_two_turns_that_wait_for_each_other_end_with_one_decided_again(home: Database) -> None:
    storage = await home.open()
    await storage.commit(turn("a", 0))
    blocker = await asyncpg.connect(home.place)
    await blocker.execute("BEGIN; UPDATE conversation SET step = 'x' WHERE id = 'a'")
    waiting = asyncio.create_task(storage.commit(turn("a", 1)))
    await blocker.execute("SET deadlock_timeout = '1h'")
    await until(lambda: home.ask("SELECT 1 FROM pg_locks WHERE NOT granted"))
    # The turn has marked its update and waits for the conversation; the other now waits for that mark.
    other = asyncio.create_task(
        blocker.execute("INSERT INTO inbox (channel, external_id, at) VALUES ('telegram', 'a/1', 0)")
    )
    with pytest.raises(StaleConversation):
        await waiting
    await other
    await blocker.close()
    await storage.commit(turn("a", 1))


async def test_a_value_that_the_database_cannot_hold_is_a_fault_that_tells_nothing_of_it(home: Database) -> None:
    storage = await home.open()
    for bad in ("secret\0", "secret\ud800"):
        with pytest.raises(Exception, match="a value") as refused:
            await storage.commit(Commit(NOW, "web", bad, audit=(AuditEntry("a", "b", "c", NOW),)))
        assert "secret" not in str(refused.value)
        assert not isinstance(refused.value, StorageAway)
    assert await home.ask("SELECT count(*) FROM audit") == [(0,)]


async def test_a_closed_storage_stays_closed(home: Database) -> None:
    storage = await home.open()
    await storage.close()
    with pytest.raises(StorageAway):
        await storage.commit(turn("a", 0))
    with pytest.raises(StorageAway):
        await storage.load(LAN)


# --------------------------------------------------------------------------------------------------- start and schema


async def shape(dsn: str) -> list[list[tuple[object, ...]]]:
    """Columns, indexes, constraints, triggers and functions as PostgreSQL tells them, without Alembic's own table."""
    return [
        await postgres.ask(dsn, sql)
        for sql in (
            "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2",
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1",
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
            "AND conrelid::regclass::text <> 'alembic_version' ORDER BY 1",
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
            "SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
        )
    ]


async def test_the_migrations_make_exactly_the_schema(home: Database, empty: str) -> None:
    described = "".join(f"{CreateTable(table).compile(dialect=DIALECT)};" for table in metadata.sorted_tables)
    described += "".join(
        f"{CreateIndex(index).compile(dialect=DIALECT)};" for table in metadata.sorted_tables for index in table.indexes
    )
    connection = await asyncpg.connect(empty)
    await connection.execute(described + ";".join(APPEND_ONLY["postgresql"]))
    await connection.close()
    assert await shape(str(home.place)) == await shape(empty)


async def test_two_processes_that_start_together_migrate_once(empty: str) -> None:
    opened = await asyncio.gather(*(open_storage(empty, KEY) for _ in range(4)))
    for storage in opened:
        await storage.close()
    assert await postgres.ask(empty, "SELECT version_num FROM alembic_version") == [(LATEST,)]


async def test_opening_again_keeps_the_rows(home: Database) -> None:
    storage = await home.open()
    await storage.commit(turn("a", 0))
    await storage.close()
    assert (await (await home.open()).load(Address("telegram", "a"))).conversation == Conversation("a", version=1)


async def test_a_migration_that_fails_leaves_nothing_behind(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script = migrate_postgres.script
    monkeypatch.setattr(migrate_postgres, "script", lambda version: script(version) + "SELECT 1 / 0;")
    with pytest.raises(StorageUnfit, match="DivisionByZeroError"):
        await open_storage(empty, KEY)
    assert await postgres.ask(empty, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []


async def test_a_database_that_acknowledges_what_it_may_lose_is_refused(home: Database) -> None:
    await home.ask("ALTER DATABASE " + str(home.place).rpartition("/")[2] + " SET synchronous_commit = off")
    with pytest.raises(StorageUnfit, match="synchronous_commit = on"):
        await home.open()


async def test_the_audit_cannot_be_emptied(home: Database) -> None:
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await home.ask("TRUNCATE audit")


async def test_every_statement_is_one_that_the_server_understands(home: Database) -> None:
    connection = await asyncpg.connect(home.place)
    for statement in spoken(DIALECT).values():
        await connection.prepare(statement.text)
    await connection.close()
