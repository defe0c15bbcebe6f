"""New keys for old ones: the service's, an office's, the escrow's. All opens afterwards, and the old key opens nothing new."""

from __future__ import annotations

import io
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import LargeBinary

from bot import key_commands as keys
from bot.book import Book
from bot.keys import NEXT, open_with_key
from bot.serve import alone
from bot.settings import BadSetting, KeyAt, Secret, Settings, read_settings
from bot.shares import BadShares
from referral.model import Referral
from storage import rotating, schema
from storage.accounts import Accounts
from storage.base import Officer, StorageUnfit, WrongKey
from storage.breaches import Breach, Breaches
from storage.keyring import Keyring
from storage.migrate import LATEST
from storage.record import NEW, Record
from tests.attacker import Attacker
from tests.databases import BOTH, KEY, Database, database
from tests.desk import Desk as Operator
from tests.test_sealing import PHONE, PHOTO, TOLD, WORDS, a_cry, a_tip, officer_with_key, opened, sign_in, words_of
from tests.world import World

ANOTHER = bytes(range(100, 132))
TOTP = b"12345678901234567890"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the service key is."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "service.key").write_text(KEY.hex() + "\n", "ascii")
    return tmp_path


@pytest.fixture(params=BOTH)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[Database]:
    async with database("sqlite", tmp_path) as made:
        yield made


def settings_of(home: Path, made: Database) -> Settings:
    return Settings(home=home, database=str(made.place))


async def closed(made: Database) -> None:
    """The service stops."""
    await made.close()
    made._opened.clear()


def shares_in(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("NC1-")]


async def a_full_house(world: World) -> dict[str, Referral]:
    """Something in every column that the service key seals: no escrow yet, so words too; a photo of a draft that lives."""
    referrals = await a_tip(world, f"{WORDS} gọi {PHONE}")
    await a_cry(world)
    talk = await world.conversation("binh")
    assert talk is not None
    await world.storage.keep_file("ref-1", talk.id, "photo", PHOTO, world.now)
    await officer_with_key(world, "an", TOLD)
    chief = Officer("chief", "Chị Tư", "hotline-111", "hotline_111", "chief")
    code = "a code for chief"
    await Accounts(world.storage).add(chief, code, world.now + timedelta(days=1), by="operator", at=world.now)
    await Accounts(world.storage).redeem(code, "chief", "a hash", at=world.now, totp=TOTP)
    assert await Record(world.storage, "door/telegram").replace(b"a record", NEW)
    await Breaches(world.storage).record(Breach("b1", world.now, world.now, {"what": "chimcanhcut"}))
    return referrals


# ---------------------------------------------------------------------------------------------------------- service key


def test_every_column_of_bytes_is_sealed_anew_or_is_under_another_key() -> None:
    """A column that is added and forgotten here would be lost with the first rotation."""
    of_bytes = {
        column
        for table in schema.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    ours = {one.column for one in rotating.SEALED}
    assert ours | rotating.OF_OTHER_KEYS == of_bytes
    # Of these some rows are under other keys: `only` says which are not.
    assert {str(one.column) for one in rotating.SEALED if one.only is not None} == {
        "intake_grant.wrapped", "attachment_key.sealed_key", "attachment.sealed_content"
    }  # fmt: skip


async def test_everything_opens_with_the_new_service_key_and_nothing_with_the_old(
    place: Database, home: Path, book: Book
) -> None:
    world = World(await place.open(), book)
    referral = (await a_full_house(world))[TOLD]
    receipt = next(one.intake.receipt for one in world.commits if one.new_intake and one.intake)
    await closed(place)
    said = await keys.rotate_service(settings_of(home, place), None)
    assert "0 could not be opened" in said
    with pytest.raises(WrongKey):
        await place.open()
    again = World(await open_with_key(home, str(place.place)), book, now=world.now)
    again._count = itertools.count(10_000)  # ids of its own
    try:
        assert (await Record(again.storage, "door/telegram").read())[0] == b"a record"
        accounts = Accounts(again.storage)
        officer = next(one for one in await accounts.officers() if one.id == "an")
        assert WORDS in words_of((await opened(again, referral, officer)).intake.content)
        assert await sign_in(again, officer, "later") == "held"
        account = await accounts.account("chief")
        assert account is not None
        assert account.totp == TOTP
        assert (await Breaches(again.storage).all())[0].fields == {"what": "chimcanhcut"}
        assert await again.storage.read_file("ref-1") == PHOTO
        assert (await again.conversation("binh")) is not None  # found by the hash of an address
        await again.open("khac")
        await again.say("khac", receipt)  # and a report by that of its receipt
        await again.choose("khac", "add")
        await again.say("khac", "xe quay lai")
        await again.choose("khac", "done")
        assert "xe quay lai" in words_of((await opened(again, referral, officer)).intake.content)
    finally:
        await again.storage.close()


async def test_the_old_service_key_opens_nothing_that_is_there_now(file: Database, home: Path, book: Book) -> None:
    world = World(await file.open(), book)
    await a_full_house(world)
    await closed(file)
    assert isinstance(file.place, Path)
    assert Attacker(KEY, database=file.place).finds(WORDS, PHONE, PHOTO, "chimcanhcut") == {
        WORDS, PHONE, PHOTO.decode("latin-1"), "chimcanhcut"
    }  # fmt: skip
    await keys.rotate_service(settings_of(home, file), None)
    assert Attacker(KEY, database=file.place).finds(WORDS, PHONE, PHOTO, "chimcanhcut") == set()
    key = bytes.fromhex((home / "keys" / "service.key").read_text("ascii"))
    assert Attacker(key, database=file.place).finds(WORDS, "chimcanhcut") == {WORDS, "chimcanhcut"}
    assert (home / "keys" / "service.key").stat().st_mode & 0o077 == 0
    [aside] = home.glob("keys/service-until-*.key")  # noqa: ASYNC240 - nothing else runs here
    assert bytes.fromhex(aside.read_text("ascii")) == KEY


async def test_a_program_that_would_find_nobody_any_more_is_refused_after_a_rotation(
    place: Database, home: Path
) -> None:
    """One before the key of look-ups was kept: with the new key it would derive another and greet everybody as new."""
    await place.open()
    await closed(place)
    await keys.rotate_service(settings_of(home, place), None)
    [(value,)] = await place.ask("SELECT value FROM meta WHERE name = 'works_with'")
    before = f"{int(rotating.SINCE) - 1:04}"
    assert not "" < bytes(value).decode() <= before
    assert rotating.SINCE.decode() <= LATEST


async def test_a_rotation_that_broke_off_is_brought_to_its_end_by_the_next_start(
    file: Database, home: Path, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the commit the old key is right, after it the new one: both are there, whenever the power fails."""
    world = World(await file.open(), book)
    await a_tip(world)
    await closed(file)
    where = str(file.place)

    class PowerFailed(Exception):
        pass

    def fails(*_: object) -> None:
        raise PowerFailed

    for name in ("storage.rotating.make_lookup", "bot.key_commands.promote"):
        with monkeypatch.context() as broken:
            broken.setattr(name, fails)
            with pytest.raises(PowerFailed):
                await keys.rotate_service(settings_of(home, file), None)
        assert (home / "keys" / f"service.key{NEXT}").exists()
        storage = await open_with_key(home, where)
        await storage.close()
    assert not (home / "keys" / f"service.key{NEXT}").exists()
    assert bytes.fromhex((home / "keys" / "service.key").read_text("ascii")) != KEY
    await (await open_with_key(home, where)).close()


async def test_a_key_of_the_environment_is_rotated_by_one_that_was_put_away_first(file: Database, home: Path) -> None:
    await file.open()
    await closed(file)
    (home / "keys" / "service.key").unlink()
    settings = Settings(home=home, database=str(file.place), key_at=KeyAt(Secret(KEY.hex())))
    with pytest.raises(BadSetting, match="standard input"):
        await keys.rotate_service(settings, None)
    with pytest.raises(BadSetting, match="64 hex digits"):
        keys.read_new_key(["abc"])
    await keys.rotate_service(settings, keys.read_new_key([ANOTHER.hex() + "\n"]))
    with pytest.raises(WrongKey):
        await open_with_key(home, str(file.place), settings.key_at)
    await (await open_with_key(home, str(file.place), KeyAt(Secret(ANOTHER.hex())))).close()
    assert list((home / "keys").iterdir()) == []


async def test_a_key_file_of_its_own_is_made_and_used(home: Path, tmp_path: Path) -> None:
    at, where = KeyAt(file=tmp_path / "elsewhere" / "k"), str(tmp_path / "new.db")
    await (await open_with_key(home, where, at)).close()
    assert (tmp_path / "elsewhere" / "k").stat().st_mode & 0o777 == 0o600
    await (await open_with_key(home, where, at)).close()
    with pytest.raises(StorageUnfit):
        await open_with_key(home, where)


def test_settings_of_the_key_that_cannot_be_meant_are_refused() -> None:
    for given in ({"NHIPCAU_SERVICE_KEY": "abc"}, {"NHIPCAU_SERVICE_KEY": KEY.hex(), "NHIPCAU_SERVICE_KEY_FILE": "k"}):
        with pytest.raises(BadSetting, match="NHIPCAU_SERVICE_KEY"):
            read_settings(given)
    settings = read_settings({"NHIPCAU_SERVICE_KEY": KEY.hex()})
    assert KEY.hex() not in repr(settings)


async def test_nothing_is_rotated_beside_a_service_that_works(place: Database, home: Path) -> None:
    await place.open()
    settings = settings_of(home, place)
    if isinstance(place.place, Path):
        with alone(place.place), pytest.raises(BadSetting, match="another process"):
            await keys.rotate_service(settings, None)
        return
    other = await asyncpg.connect(place.place, server_settings={"application_name": "nhipcau 1"})
    try:
        with pytest.raises(BadSetting, match="other processes"):
            await keys.rotate_service(settings, None)
    finally:
        await other.close()


# ------------------------------------------------------------------------------------------------------------- offices


async def test_an_office_with_a_new_key_reads_the_old_and_the_new_and_who_left_reads_no_more(
    file: Database, home: Path, book: Book
) -> None:
    world = World(await file.open(), book)
    settings = settings_of(home, file)
    shares = shares_in(await keys.init(settings))
    keyring = Keyring(world.storage)
    stays, token = await officer_with_key(world, "an", TOLD)
    leaves, gone = await officer_with_key(world, "chi", TOLD)
    assert await keyring.give(stays, await keyring.opener(token), leaves.id, world.now)
    old = (await a_tip(world))[TOLD]
    copied = await keyring.opener(gone)  # everything that who leaves could open
    await Accounts(world.storage).revoke(leaves.id, by="operator", at=world.now)
    assert "1 of its officers hold it" in await keys.rotate_office(settings, TOLD)
    world.uses("khac", "web")
    new = await another_tip(world)
    for referral in (old, new):
        assert WORDS in words_of((await opened(world, referral, stays, await keyring.opener(token))).intake.content)
    locked = await opened(world, new, stays, copied)
    assert WORDS not in words_of(locked.intake.content)
    with pytest.raises(BadSetting, match="no key"):
        await keys.rotate_office(settings, "coast-guard-national")
    assert "open the escrow" in await keys.verify(settings, shares[:2])


async def another_tip(world: World) -> Referral:
    before = set(world.referrals)
    await world.open("khac")
    for choice in ("safe", "tip"):
        await world.choose("khac", choice)
    await world.choose("khac", "karaoke", "done")
    for choice in ("yes", "border", "more"):
        await world.choose("khac", choice)
    await world.say("khac", WORDS)
    while (await world.step("khac")) != "tip.look_over":
        await world.choose("khac", "skip")
    await world.choose("khac", "send")
    await world.choose("khac", "done")
    return next(one for name, one in world.referrals.items() if name not in before and one.office == TOLD)


# ------------------------------------------------------------------------------------------------------------- escrow


async def test_new_shares_open_the_escrow_and_the_old_ones_do_not(place: Database, home: Path, book: Book) -> None:
    world = World(await place.open(), book)
    settings = settings_of(home, place)
    first = shares_in(await keys.init(settings))
    referral = (await a_tip(world))[TOLD]
    second = shares_in(await keys.split_anew(settings, first[1:]))
    with pytest.raises(BadSetting, match="another escrow"):
        await keys.verify(settings, first[:2])
    with pytest.raises(BadShares, match="different escrows"):
        await keys.verify(settings, [first[0], second[1]])
    assert "open the escrow" in await keys.verify(settings, second[:2])
    await closed(place)
    third = shares_in(await keys.rotate_escrow(settings, second[:2]))
    with pytest.raises(BadSetting, match="another escrow"):
        await keys.verify(settings, second[:2])
    again = World(await place.open(), book, now=world.now)
    reader, token = await officer_with_key(again, "an", TOLD)
    keyring = Keyring(again.storage)
    assert (await opened(again, referral, reader, await keyring.opener(token))).locked
    await keys.open_report(settings, referral.code.lower(), third[:2])
    assert WORDS in words_of((await opened(again, referral, reader, await keyring.opener(token))).intake.content)


async def test_two_people_open_one_report_for_the_offices_that_have_it_and_no_other(
    file: Database, home: Path, book: Book
) -> None:
    world = World(await file.open(), book)
    settings = settings_of(home, file)
    shares = shares_in(await keys.init(settings))
    one = (await a_tip(world))[TOLD]
    world.uses("khac", "web")
    other = await another_tip(world)
    reader, token = await officer_with_key(world, "an", TOLD)
    keyring = Keyring(world.storage)
    with pytest.raises(BadSetting, match="no referral"):
        await keys.open_report(settings, "ZZZZZZ", shares[:2])
    with pytest.raises(BadShares, match="2 different shares"):
        await keys.open_report(settings, one.code, shares[:1])
    await keys.open_report(settings, one.code, shares[:2])
    assert WORDS in words_of((await opened(world, one, reader, await keyring.opener(token))).intake.content)
    assert (await opened(world, other, reader, await keyring.opener(token))).locked
    audited = await file.ask("SELECT actor, subject, detail FROM audit WHERE action = 'escrow.opened'")
    assert len(audited) == 1
    assert (audited[0][0], audited[0][1], one.code in audited[0][2]) == ("operator", "escrow", True)


async def test_what_the_escrow_held_of_offices_keys_is_in_the_new_escrow(
    file: Database, home: Path, book: Book
) -> None:
    """The only officer lost their password; the office's key is in escrow, before and after."""
    world = World(await file.open(), book)
    settings = settings_of(home, file)
    first = shares_in(await keys.init(settings))
    officer, _ = await officer_with_key(world, "an", TOLD)
    referral = (await a_tip(world))[TOLD]
    await closed(file)
    second = shares_in(await keys.rotate_escrow(settings, first[:2]))
    again = World(await file.open(), book, now=world.now)
    assert await sign_in(again, officer, "another", "a password set by a new code") == "held"
    opener = await Keyring(again.storage).opener("another")
    assert (await opened(again, referral, officer, opener)).locked
    await keys.reseal(settings, second[:2])
    assert WORDS in words_of((await opened(again, referral, officer, opener)).intake.content)


# ------------------------------------------------------------------------------------------------------ as it is typed


async def test_an_operator_types_all_of_it(
    file: Database, tmp_path: Path, book: Book, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Operator(tmp_path / "home", monkeypatch, capsys)
    world = World(await file.open(), book)
    referral = (await a_tip(world))[TOLD]
    await closed(file)

    async def keys_of(*arguments: str, typed: list[str] | None = None, status: int = 0) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(typed or [])))
        ended, said = await desk.run(file.place, "keys", *arguments)
        assert (ended, "Traceback" in said) == (status, False), said
        return said

    shares = shares_in(await keys_of("init"))
    assert "There" not in await keys_of("init", status=2)
    assert "open the escrow" in await keys_of("verify", typed=shares[1:])
    assert "different shares" in await keys_of("verify", typed=shares[:1], status=2)
    assert "1 stood under the service key" in await keys_of("reseal")
    shares = shares_in(await keys_of("split", typed=shares[:2]))
    shares = shares_in(await keys_of("rotate", "--escrow", typed=shares[:2]))
    assert "0 keys were given" in await keys_of("open", referral.code, typed=shares[:2])
    assert "no key" in await keys_of("rotate", "--office", TOLD, status=2)
    assert "0 could not be opened" in await keys_of("rotate", "--service")
    assert "64 hex digits" in await keys_of("rotate", "--service", "--new-key-from-input", typed=["abc"], status=2)
    await keys_of("rotate", "--service", "--new-key-from-input", typed=[ANOTHER.hex()])
    assert "another key" in await keys_of("verify", typed=shares[:2], status=1)
    (desk.home / "keys" / "service.key").write_text(ANOTHER.hex(), "ascii")
    assert "open the escrow" in await keys_of("verify", typed=shares[:2])
