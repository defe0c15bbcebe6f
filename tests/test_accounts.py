"""Officers' accounts: one code joins one officer once; what is revoked ends at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.accounts import Accounts, LoginTaken, OfficerUnknown
from storage.base import Address, Commit, Officer
from storage.schema import TABLES
from storage.store import DatabaseStorage
from tests.databases import BOTH, Database, database

NOW = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
WEEK = NOW + timedelta(days=7)
LAN = Officer("police-1", "Lan", "ls-police", "police", "duty")
MINH = Officer("police-2", "Minh", "ls-police", "police", "chief")


@pytest.fixture(params=BOTH)
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
async def storage(home: Database) -> DatabaseStorage:
    return await home.open()


@pytest.fixture
async def accounts(storage: DatabaseStorage) -> Accounts:
    made = Accounts(storage)
    assert await made.add(LAN, "LAN-CODE", WEEK, by="operator", at=NOW)
    return made


async def test_an_officer_joins_with_a_code_and_signs_in(accounts: Accounts) -> None:
    invite = await accounts.find_invite("lancode")
    assert invite is not None
    assert (invite.officer, invite.expires_at) == (LAN, WEEK)
    assert await accounts.redeem("LAN-CODE", "lan", "$argon2id$…", at=NOW) == LAN
    account = await accounts.account("lan")
    assert account is not None
    assert (account.officer, account.password, account.failed) == (LAN, "$argon2id$…", 0)
    assert "argon2" not in repr(account)


async def test_a_code_works_once(accounts: Accounts) -> None:
    await accounts.redeem("LAN-CODE", "lan", "hash", at=NOW)
    assert await accounts.redeem("LAN-CODE", "lan", "other", at=NOW) is None
    assert await accounts.find_invite("LAN-CODE") is None
    account = await accounts.account("lan")
    assert account is not None
    assert account.password == "hash"


async def test_a_code_that_is_out_of_time_or_unknown_opens_nothing(accounts: Accounts) -> None:
    assert await accounts.redeem("LAN-CODE", "lan", "hash", at=WEEK + timedelta(seconds=1)) is None
    assert await accounts.redeem("NO-CODE", "lan", "hash", at=NOW) is None
    assert await accounts.account("lan") is None


async def test_a_name_that_is_taken_leaves_the_code_good(accounts: Accounts) -> None:
    await accounts.redeem("LAN-CODE", "lan", "hash", at=NOW)
    await accounts.add(MINH, "MINH-CODE", WEEK, by="operator", at=NOW)
    with pytest.raises(LoginTaken):
        await accounts.redeem("MINH-CODE", "lan", "hash", at=NOW)
    assert await accounts.redeem("MINH-CODE", "minh", "hash", at=NOW) == MINH


async def test_a_second_code_sets_a_new_password(accounts: Accounts) -> None:
    await accounts.redeem("LAN-CODE", "lan", "old", at=NOW)
    await accounts.invite("police-1", "AGAIN", WEEK, by="operator", at=NOW)
    assert await accounts.redeem("AGAIN", "lan", "new", at=NOW) == LAN
    account = await accounts.account("lan")
    assert account is not None
    assert account.password == "new"


async def test_the_same_officer_is_not_added_twice(accounts: Accounts) -> None:
    assert not await accounts.add(Officer("police-1", "X", "y", "z", "admin"), "EVIL", WEEK, by="operator", at=NOW)
    assert await accounts.officers() == (LAN,)
    assert await accounts.find_invite("EVIL") is None


async def test_wrong_passwords_are_counted_until_a_right_one(accounts: Accounts) -> None:
    await accounts.redeem("LAN-CODE", "lan", "hash", at=NOW)
    await accounts.failed("lan", at=NOW)
    await accounts.failed("lan", at=NOW)
    await accounts.failed("nobody", at=NOW)
    account = await accounts.account("lan")
    assert account is not None
    assert (account.failed, account.failed_at) == (2, NOW)
    await accounts.open_session("police-1", "token", at=NOW, expires_at=WEEK)
    account = await accounts.account("lan")
    assert account is not None
    assert account.failed == 0


async def test_a_session_lasts_until_it_expires_or_is_ended(accounts: Accounts) -> None:
    await accounts.open_session("police-1", "token", at=NOW, expires_at=NOW + timedelta(hours=8))
    assert await accounts.session("token", NOW) == LAN
    assert await accounts.session("TOKEN", NOW) is None
    assert await accounts.session("token", NOW + timedelta(hours=8)) is None
    await accounts.end_session("token", at=NOW)
    assert await accounts.session("token", NOW) is None


async def test_a_revoked_officer_is_out_at_once(accounts: Accounts, storage: DatabaseStorage, home: Database) -> None:
    await accounts.redeem("LAN-CODE", "lan", "hash", at=NOW)
    await accounts.open_session("police-1", "token", at=NOW, expires_at=WEEK)
    await accounts.invite("police-1", "PHONE", WEEK, by="operator", at=NOW)
    phone = Address("telegram", "9001")
    found = (await storage.load(phone, invite="PHONE")).invite
    assert found is not None
    await storage.commit(Commit(at=NOW, address=phone, join=(found.hash, found.officer)))
    assert await left(home, "SELECT count(*) FROM address WHERE officer IS NOT NULL") == 1
    await accounts.invite("police-1", "SPARE", WEEK, by="operator", at=NOW)
    assert await accounts.revoke("police-1", by="operator", at=NOW)
    assert await accounts.session("token", NOW) is None
    assert await accounts.account("lan") is None
    assert await accounts.redeem("SPARE", "lan", "hash", at=NOW) is None
    assert [one.active for one in await accounts.officers()] == [False]
    assert await storage.doors_of("ls-police") == ()
    assert await left(home, "SELECT count(*) FROM session WHERE revoked_at IS NULL") == 0
    assert await left(home, "SELECT count(*) FROM invite WHERE used_at IS NULL") == 0
    assert await left(home, "SELECT count(*) FROM address WHERE officer IS NOT NULL") == 0
    assert not await accounts.revoke("police-1", by="operator", at=NOW)
    with pytest.raises(OfficerUnknown):
        await accounts.open_session("police-1", "again", at=NOW, expires_at=WEEK)
    with pytest.raises(OfficerUnknown):
        await accounts.invite("police-1", "again", WEEK, by="operator", at=NOW)


async def test_neither_code_nor_token_is_in_the_database(accounts: Accounts, home: Database) -> None:
    await accounts.open_session("police-1", "tokenmarker", at=NOW, expires_at=WEEK)
    everything = await everything_in(home)
    assert "police-1" in everything
    for hidden in ("tokenmarker", "LANCODE", "LAN-CODE"):
        assert hidden not in everything


async def test_of_two_who_take_a_name_at_once_one_is_told_that_it_is_taken(accounts: Accounts) -> None:
    await accounts.add(MINH, "MINH-CODE", WEEK, by="operator", at=NOW)
    ended = await asyncio.gather(
        accounts.redeem("LAN-CODE", "same", "hash", at=NOW),
        accounts.redeem("MINH-CODE", "same", "hash", at=NOW),
        return_exceptions=True,
    )
    assert {type(one) for one in ended} == {Officer, LoginTaken}


async def left(home: Database, question: str) -> int:
    return int((await home.ask(question))[0][0])


async def everything_in(home: Database) -> str:
    return repr([await home.ask(f"SELECT * FROM {table}") for table in TABLES])  # noqa: S608 - our tables' names
