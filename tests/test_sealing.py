"""Whoever takes the database, its backups and the service key reads nothing of what people submitted.

A report is submitted, officers of two offices have keys, an escrow was made; then an attacker takes everything that is stored.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import key_commands
from bot.book import Book
from bot.demo import (
    DEMO_SHARES,
    DemoInProduction,
    add_demo_keys,
    add_demo_officers,
    demo_officers,
    refuse_without_escrow,
)
from bot.demo import PASSWORD as DEMO_PASSWORD
from bot.settings import BadSetting, Settings
from bot.shares import SECRET_BYTES, BadShares, inverse, read_together, split, times, written
from bot.web.console.signin import SESSION
from referral.disclose import allowed, parts_of, visible
from referral.model import Content, Referral
from storage.accounts import Accounts
from storage.base import NO_KEYS, Case, Officer, Opener
from storage.envelope import Locked
from storage.keyring import HELD, WAITING, Keyring
from storage.sqlite import SqliteStorage
from tests.attacker import Attacker
from tests.databases import BOTH, database
from tests.desk import Desk as Operator
from tests.test_console import PASSWORD, Desk, add_officer, browser
from tests.test_console import site as site
from tests.world import KEY, World

WORDS = "bangquangtrangtoi"
"""What somebody wrote; nobody but officers may find it."""
PHONE = "0905123457"
PHOTO = b"\xff\xd8\xff\xe0 anhchuptrongdem"
CRY = f"cứu em với, họ nhốt em trong phòng trọ ở Lạng Sơn, {WORDS}"
TOLD = "police-national"
"""The office that the tip goes to."""
SECRET = bytes(range(SECRET_BYTES))


@pytest.fixture
async def keyring(world: World) -> Keyring:
    """An installation with an escrow, and an officer of 111 and of the police who have signed in once."""
    made = Keyring(world.storage)
    assert await made.add_escrow(SECRET, world.now)
    return made


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(tmp_path / "home", monkeypatch, capsys)


async def officer_with_key(world: World, name: str, office: str, password: str = PASSWORD) -> tuple[Officer, str]:
    """An officer who has signed in; their session's token."""
    officer = await add_officer(world, name, office)
    token = f"token-of-{name}"
    await sign_in(world, officer, token, password)
    return officer, token


async def sign_in(world: World, officer: Officer, token: str, password: str = PASSWORD) -> str:
    await Accounts(world.storage).open_session(officer.id, token, at=world.now, expires_at=world.now + SESSION)
    return await Keyring(world.storage).sign_in(officer, password, token, world.now)


async def a_tip(world: World, text: str = WORDS) -> dict[str, Referral]:
    """A tip with words, a photo and how to reach the writer; it is sent and the draft is over."""
    await world.open("an")
    for choice in ("safe", "tip"):
        await world.choose("an", choice)
    await world.choose("an", "karaoke", "done")
    for choice in ("yes", "border", "more"):
        await world.choose("an", choice)
    await world.say("an", text)
    while (await world.step("an")) != "tip.look_over":
        await world.choose("an", "skip")
    await world.choose("an", "send")
    await world.choose("an", "done")
    return {one.office: one for one in world.referrals.values()}


async def a_cry(world: World, who: str = "binh") -> dict[str, Referral]:
    await world.say(who, CRY)
    return {one.office: one for one in world.referrals.values() if one.urgent}


async def opened(world: World, referral: Referral, officer: Officer, opener: Opener = NO_KEYS) -> Case:
    case = await world.storage.open_case(referral.id, officer, world.now, visible, allowed, opener)
    assert case is not None
    return case


def words_of(content: Content) -> str:
    return repr((content.texts, content.notes, content.media))


# ------------------------------------------------------------------------------------------------------- the attacker


@pytest.fixture
def attack(tmp_path: Path) -> Any:
    """The database, its log and the service key, taken at this moment."""
    return lambda: Attacker(KEY, database=tmp_path / "world.db")


# ------------------------------------------------------------------------------------------------------------- stories


async def test_with_database_and_service_key_nothing_of_a_report_is_read(
    world: World, keyring: Keyring, attack: Any, tmp_path: Path
) -> None:
    """Whoever is told of it had signed in before it came. A draft is over with its report, and is not in the log either."""
    for name, office in (("an-c02", TOLD), ("an-111", "hotline-111"), ("an-bp", "border-guard-national")):
        await officer_with_key(world, name, office)
    world.uses("an", "web")
    tip = await a_tip(world, f"{WORDS} gọi {PHONE}")
    assert tip
    assert await until_log_is_empty(world)
    assert attack().finds(WORDS, PHONE) == set()
    assert WORDS.encode() not in b"".join((tmp_path / name).read_bytes() for name in ("world.db", "world.db-wal"))


async def until_log_is_empty(world: World) -> bool:
    """What the storage does by itself every `EMPTY_S`."""
    assert isinstance(world.storage, SqliteStorage)
    return await world.storage.empty_log()


async def test_database_log_backup_and_service_key_together_open_nothing_that_was_submitted(
    world: World, keyring: Keyring, attack: Any, desk: Operator, tmp_path: Path
) -> None:
    """The backup is opened, too, as if one of those who may had helped. A day after, of everybody: a tip, a cry, a photo."""
    await officer_with_key(world, "an", TOLD)
    await officer_with_key(world, "chi", "hotline-111")
    await a_tip(world, f"{WORDS} gọi {PHONE}")
    await a_cry(world)
    talk = await world.conversation("binh")
    assert talk is not None
    await world.storage.keep_file("ref-2", talk.id, "photo", PHOTO, world.now, world.now)
    assert attack().finds(WORDS, PHONE) == {
        WORDS,
        PHONE,
    }  # the draft of who cries lives, and the log remembers the tip's
    await world.wait(timedelta(hours=25))
    assert await until_log_is_empty(world)
    await desk.back_up(tmp_path / "world.db")
    both = Attacker(KEY, database=tmp_path / "world.db", backup=desk.plain())
    assert both.finds(WORDS, PHONE, PHOTO) == set()
    assert await world.storage.read_file("ref-2", await keyring.open_escrow(SECRET)) == PHOTO


async def test_the_attacker_would_find_words_that_only_the_service_key_holds_back(world: World, attack: Any) -> None:
    """Without an escrow there is nobody to seal to, and the same search finds them: it looks in the right places."""
    await a_tip(world)
    assert await until_log_is_empty(world)
    assert attack().finds(WORDS) == {WORDS}


async def test_what_was_erased_leaves_the_log_by_itself_and_nobody_waits_for_a_reader(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(world.storage, SqliteStorage)
    await world.say("an", WORDS)
    log = tmp_path / "world.db-wal"
    with closing(sqlite3.connect(tmp_path / "world.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM conversation").fetchall()
        await world.say("an", "và một câu nữa")
        assert not await world.storage.empty_log()
        await world.say("an", "người viết không phải chờ")
    assert log.stat().st_size
    monkeypatch.setattr("storage.sqlite.BRING_IN_S", 0.0)
    monkeypatch.setattr("storage.sqlite.EMPTY_S", 0.0)
    async with asyncio.timeout(10):
        while log.stat().st_size:  # noqa: ASYNC110 - a file rings no bell
            await asyncio.sleep(0)


async def test_an_officer_of_the_office_reads_it_and_one_of_another_does_not(world: World, keyring: Keyring) -> None:
    reader, token = await officer_with_key(world, "an", TOLD)
    stranger, other = await officer_with_key(world, "binh", "coast-guard-national")
    referral = (await a_tip(world))[TOLD]
    case = await opened(world, referral, reader, await keyring.opener(token))
    assert WORDS in words_of(case.intake.content)
    assert not case.locked
    locked = await opened(world, referral, reader, await keyring.opener(other))
    assert WORDS not in words_of(locked.intake.content)
    assert locked.locked
    assert await world.storage.open_case(referral.id, stranger, world.now, visible, allowed) is None


async def test_who_is_in_danger_is_read_by_every_office_that_it_climbs_to(world: World, keyring: Keyring) -> None:
    readers = {
        one: await officer_with_key(world, f"o-{one}", one) for one in ("police-20", "police-national", "hotline-111")
    }
    urgent = await a_cry(world)
    assert urgent
    for _ in range(6):
        await world.wait(timedelta(minutes=10))
    for office, (officer, token) in readers.items():
        mine = [one for one in world.referrals.values() if one.office == office]
        assert mine, f"{office} was not reached"
        for one in mine:
            case = await opened(world, one, officer, await keyring.opener(token))
            assert not case.locked, f"{office} cannot read it"


async def test_losing_a_password_loses_nothing(world: World, keyring: Keyring) -> None:
    first, _ = await officer_with_key(world, "an", TOLD)
    second, colleague = await officer_with_key(world, "chi", TOLD)
    assert (await keyring.opener(colleague)).keys == {}
    assert [one.id for one in await keyring.waiting(TOLD)] == ["chi"]
    assert await keyring.give(first, await keyring.opener("token-of-an"), "chi", world.now)
    referral = (await a_tip(world))[TOLD]
    assert await sign_in(world, first, "another", "a password set by a new code") == WAITING
    assert (await keyring.opener("another")).keys == {}
    case = await opened(world, referral, second, await keyring.opener(colleague))
    assert WORDS in words_of(case.intake.content)
    assert await keyring.give(second, await keyring.opener(colleague), "an", world.now)
    assert WORDS in words_of((await opened(world, referral, first, await keyring.opener("another"))).intake.content)


async def test_when_the_only_officer_loses_theirs_the_next_report_opens_and_the_old_one_is_in_escrow(
    world: World, keyring: Keyring
) -> None:
    only, _ = await officer_with_key(world, "an", TOLD)
    referral = (await a_tip(world))[TOLD]
    assert await sign_in(world, only, "another", "a password set by a new code") == HELD
    locked = await opened(world, referral, only, await keyring.opener("another"))
    assert locked.locked
    escrow = await keyring.open_escrow(SECRET)
    assert WORDS in words_of((await opened(world, referral, only, escrow)).intake.content)
    # What the escrow opened was granted to the office's new key.
    assert WORDS in words_of((await opened(world, referral, only, await keyring.opener("another"))).intake.content)


async def test_a_report_from_before_any_officer_is_in_escrow_and_granted_from_there(
    world: World, keyring: Keyring
) -> None:
    referral = (await a_tip(world))[TOLD]
    first, token = await officer_with_key(world, "an", TOLD)
    assert (await opened(world, referral, first, await keyring.opener(token))).locked
    await opened(world, referral, first, await keyring.open_escrow(SECRET))
    assert WORDS in words_of((await opened(world, referral, first, await keyring.opener(token))).intake.content)


async def test_words_added_with_the_receipt_are_read_beside_the_first_and_never_by_the_attacker(
    world: World, keyring: Keyring, attack: Any
) -> None:
    reader, token = await officer_with_key(world, "an", TOLD)
    referral = (await a_tip(world))[TOLD]
    receipt = next(one.intake.receipt for one in world.commits if one.new_intake and one.intake)
    await world.open("khac")
    await world.say("khac", receipt)
    await world.choose("khac", "add")
    await world.say("khac", f"xe quay lai, {PHONE}")
    await world.choose("khac", "done")
    words = words_of((await opened(world, referral, reader, await keyring.opener(token))).intake.content)
    assert WORDS in words
    assert PHONE in words
    assert await until_log_is_empty(world)
    assert attack().finds(WORDS, PHONE) == set()


async def test_a_photo_is_read_by_officers_only(world: World, keyring: Keyring, attack: Any) -> None:
    _, token = await officer_with_key(world, "an", TOLD)
    _, other = await officer_with_key(world, "binh", "coast-guard-national")
    await world.open("an")
    for choice in ("safe", "tip"):
        await world.choose("an", choice)
    talk = await world.conversation("an")
    assert talk is not None
    await world.storage.keep_file("web/1", talk.id, "photo", PHOTO, world.now)
    assert await world.storage.read_file("web/1") == PHOTO
    await world.choose("an", "karaoke", "done")
    for choice in ("no", "in_vn", "send", "done"):
        await world.choose("an", choice)
    assert await world.storage.read_file("web/1", await keyring.opener(token)) == PHOTO
    with pytest.raises(Locked):
        await world.storage.read_file("web/1")
    with pytest.raises(Locked):
        await world.storage.read_file("web/1", await keyring.opener(other))
    assert await until_log_is_empty(world)
    assert attack().finds(PHOTO) == set()


async def test_the_page_says_that_a_case_is_locked_and_opens_it_once_a_colleague_confirmed(
    world: World, keyring: Keyring, site: Any
) -> None:
    async with browser(site) as one, browser(site) as two:
        first, second = Desk(one, world), Desk(two, world)
        for name in ("an", "chi"):
            await add_officer(world, name, TOLD)
        await first.sign_in("an")
        await second.sign_in("chi")
        referral = (await a_tip(world))[TOLD]
        assert WORDS in (await first.get(f"/officers/r/{referral.id}?mo=1")).text
        page = (await second.get(f"/officers/r/{referral.id}?mo=1")).text
        assert WORDS not in page
        assert "Chưa mở được nội dung niêm phong" in page
        assert "chi" in (await first.get("/officers/keys")).text
        await second.post("/officers/keys", officer="chi")
        assert WORDS not in (await second.get(f"/officers/r/{referral.id}?mo=1")).text
        assert (await first.post("/officers/keys", officer="chi")).status_code == 303
        assert WORDS in (await second.get(f"/officers/r/{referral.id}?mo=1")).text


# ---------------------------------------------------------------------------------------------------------- the escrow


async def test_any_two_shares_open_the_escrow_and_one_does_not() -> None:
    chance = [bytes(range(100, 100 + SECRET_BYTES))]
    shares = written(SECRET, split(SECRET, 3, chance))
    for two in itertools.permutations(shares, 2):
        assert read_together(two) == SECRET
    with pytest.raises(BadShares, match="2 different shares"):
        read_together(shares[:1])
    with pytest.raises(BadShares, match="slip of the pen"):
        read_together([shares[0], shares[1].replace(shares[1][20], "0" if shares[1][20] != "0" else "1", 1)])
    with pytest.raises(BadShares, match="different escrows"):
        read_together([shares[0], written(bytes(32), split(bytes(32), 3, chance))[1]])


def test_the_field_is_that_of_aes() -> None:
    """FIPS 197 §4.2: {57} · {83} = {c1}, {57} · {13} = {fe}; §4.2.1: {02} · {80} wraps; the inverse of {53} is {ca}."""
    assert (times(0x57, 0x83), times(0x57, 0x13), times(0x02, 0x80)) == (0xC1, 0xFE, 0x1B)
    assert inverse(0x53) == 0xCA
    assert all(times(one, inverse(one)) == 1 for one in range(1, 256))


async def test_an_operator_makes_an_escrow_and_two_people_give_an_office_what_came_before_it(
    world: World, tmp_path: Path, attack: Any
) -> None:
    """A report came before there was an escrow, and its file: the service key opened both until `keys reseal`."""
    settings = Settings(home=tmp_path, database=str(tmp_path / "world.db"))
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "service.key").write_text(KEY.hex(), "ascii")
    referral = (await a_tip(world))[TOLD]
    with pytest.raises(BadSetting, match="keys init"):
        await key_commands.reseal(settings, ())
    shares = [line for line in (await key_commands.init(settings)).splitlines() if line.startswith("NC1-")]
    with pytest.raises(BadSetting, match="already"):
        await key_commands.init(settings)
    assert "open the escrow" in await key_commands.verify(settings, shares[1:])
    assert "1 stood under the service key" in await key_commands.reseal(settings, ())
    assert await until_log_is_empty(world)
    assert attack().finds(WORDS) == set()
    reader, token = await officer_with_key(world, "an", TOLD)
    keyring = Keyring(world.storage)
    assert (await opened(world, referral, reader, await keyring.opener(token))).locked
    await key_commands.reseal(settings, shares[:2])
    assert WORDS in words_of((await opened(world, referral, reader, await keyring.opener(token))).intake.content)


async def test_production_does_not_start_without_an_escrow_or_with_that_of_a_trial(
    world: World, tmp_path: Path
) -> None:
    keyring = Keyring(world.storage)
    with pytest.raises(DemoInProduction, match="keys init"):
        await refuse_without_escrow(keyring)
    await add_demo_keys(keyring, tmp_path / "keys", world.book.referral, world.now)
    with pytest.raises(DemoInProduction, match="of a trial"):
        await refuse_without_escrow(keyring)


async def test_a_trials_shares_are_for_the_owner_of_the_file_only(world: World, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    place = keys / DEMO_SHARES
    place.touch(0o644)
    await add_demo_keys(Keyring(world.storage), keys, world.book.referral, world.now)
    assert place.stat().st_mode & 0o777 == 0o600
    assert len(place.read_text("ascii").split("\n")) == 3


async def test_in_a_trial_everything_is_made_by_itself(world: World, tmp_path: Path, site: Any) -> None:
    """Demo officers have keys before they sign in; somebody invited beside them reads at once."""
    await add_demo_officers(Accounts(world.storage), world.book.referral, world.now)
    await add_demo_keys(Keyring(world.storage), tmp_path / "keys", world.book.referral, world.now)
    referral = (await a_tip(world))[TOLD]
    await add_officer(world, "moi", TOLD)
    async with browser(site) as one, browser(site) as two:
        demo, new = Desk(one, world), Desk(two, world)
        demo_of = next(each.id for each in demo_officers(world.book.referral) if each.office == TOLD)
        await demo.sign_in(demo_of, DEMO_PASSWORD)
        await new.sign_in("moi")
        for desk in (demo, new):
            assert WORDS in (await desk.get(f"/officers/r/{referral.id}?mo=1")).text


# ------------------------------------------------------------------------------------------------------ both databases


@pytest.mark.parametrize("kind", BOTH)
async def test_sealing_is_the_same_on_both_databases(kind: str, tmp_path: Path, book: Book) -> None:
    async with database(kind, tmp_path) as place:
        world = World(await place.open(), book)
        keyring = Keyring(world.storage)
        await keyring.add_escrow(SECRET, world.now)
        reader, token = await officer_with_key(world, "an", TOLD)
        colleague, other = await officer_with_key(world, "chi", TOLD)
        referral = (await a_tip(world))[TOLD]
        assert await keyring.give(reader, await keyring.opener(token), colleague.id, world.now)
        case = await opened(world, referral, colleague, await keyring.opener(other))
        assert WORDS in words_of(case.intake.content)
        assert await keyring.reseal(world.now, parts_of, allowed) == (1, 0, 0)
        assert (await opened(world, referral, colleague)).locked


async def test_what_was_written_in_a_turn_that_failed_is_sealed_with_the_next_button(
    world: World, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The safe sentence keeps their words in the draft; no later turn need say anything for officers to read them."""
    reader, token = await officer_with_key(world, "an", "hotline-111")
    await world.say("binh", "cứu em với")
    with monkeypatch.context() as broken:
        broken.setattr("bot.receive.decide", lambda *_: 1 / 0)
        await world.say("binh", WORDS)
    await world.choose("binh", "danger")
    [referral] = [one for one in world.referrals.values() if one.office == "hotline-111"]
    case = await opened(world, referral, reader, await keyring.opener(token))
    assert WORDS in words_of(case.intake.content)
