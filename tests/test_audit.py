"""The audit's chain: it holds while nobody touches it, and tells the first place that somebody did."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import asyncpg
import openpyxl
import pytest

from bot import audit as beside
from bot import log
from bot.book import Book
from bot.export import export_weekly
from bot.weekly import AUDIT_HEAD
from storage.accounts import Accounts
from storage.audit import MOST, Audit
from storage.audit_pages import Asked
from storage.base import AuditEntry, Commit, Officer, StorageAway
from storage.chain import START, BadHead, Kept, Line, is_in, link_hash, ranges, read_head
from storage.connections import NotTaken
from storage.seal import Sealer
from storage.store import DatabaseStorage
from tests.databases import BOTH, Database, asked, database
from tests.desk import Desk

NOW = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
CERTIFICATE = "erasure-1"
WEEK_END = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
"""Monday 0:00 in Viet Nam: the end of 2026-W47."""


@pytest.fixture(params=BOTH)
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
async def storage(home: Database) -> DatabaseStorage:
    return await home.open()


def entry(number: int, subject: str = "", detail: str = "") -> AuditEntry:
    return AuditEntry(
        f"officer-{number % 3}", "case.opened", subject or f"ref-{number % 5}", NOW + timedelta(seconds=number),
        {"reason": detail} if detail else {},
    )  # fmt: skip


async def written(storage: DatabaseStorage, numbers: range, subject: str = "", detail: str = "") -> None:
    for number in numbers:
        await storage.commit(Commit(NOW, audit=(entry(number, subject, detail or ("so9" if number % 2 else "")),)))


async def linked(storage: DatabaseStorage) -> Audit:
    """Ten rows in two links: rows 1 to 5, rows 6 to 10."""
    audit = Audit(storage)
    await written(storage, range(1, 6))
    await audit.link(NOW)
    await written(storage, range(6, 11))
    await audit.link(NOW + timedelta(minutes=1))
    return audit


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[Database]:
    """What is found does not depend on the database: what is hard to find is looked for in a file."""
    async with database("sqlite", tmp_path) as made:
        yield made


async def tamper(home: Database, *statements: str) -> None:
    """As whoever owns the database can: first what keeps mistakes away is taken off."""
    if isinstance(home.place, Path):
        off = [
            f"DROP TRIGGER {name}"
            for (name,) in await home.ask("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ]
    else:
        off = [f"ALTER TABLE {name} DISABLE TRIGGER ALL" for name in ("audit", "audit_link", "audit_detail")]
    for statement in (*off, *statements):
        await home.ask(statement)


# ------------------------------------------------------------------------------------------------------------ it holds


async def test_a_chain_that_nobody_touched_holds_and_says_how_far(storage: DatabaseStorage) -> None:
    audit = await linked(storage)
    found = await audit.verify(NOW)
    assert (found.broken, found.links, found.rows, found.unlinked) == ("", 2, 10, 0)
    assert found.head is not None
    assert read_head(found.head.text).id == 10


async def test_an_empty_audit_holds(storage: DatabaseStorage) -> None:
    audit = Audit(storage)
    assert (await audit.verify(NOW)).broken == ""
    assert await audit.head() is None


async def test_many_rows_are_linked_in_blocks_and_each_once(storage: DatabaseStorage) -> None:
    entries = tuple(entry(number, detail="so9") for number in range(2 * MOST + 3))
    await storage.commit(Commit(NOW, audit=entries))
    audit = Audit(storage)
    assert (await audit.link(NOW)).rows == 2 * MOST + 3
    assert (await audit.link(NOW)).rows == 0
    assert await asked(storage, "SELECT size FROM audit_link ORDER BY id") == [(MOST,), (MOST,), (3,)]


async def test_anybody_can_count_a_link_again_with_other_means(storage: DatabaseStorage) -> None:
    await storage.commit(Commit(NOW, audit=(AuditEntry("cán bộ", "a.b", "ref-1", NOW, {"reason": "x"}),)))
    await Audit(storage).link(NOW)
    ((_, _, _, at, sha256),) = await asked(storage, "SELECT id, previous, size, at, sha256 FROM audit_link")
    ((salt, of_detail),) = await asked(storage, "SELECT salt, sha256 FROM audit_detail")
    assert of_detail == hashlib.sha256((salt + '{"reason":"x"}').encode()).hexdigest()
    rows = ["nhip-cau audit 1", ["0" * 64, 1, 1, at], [1, at, "cán bộ", "a.b", "ref-1", of_detail]]
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    assert hashlib.sha256(text.encode()).hexdigest() == sha256


async def test_two_who_link_at_once_make_one_chain(home: Database, storage: DatabaseStorage) -> None:
    other = await home.open()
    await written(storage, range(1, 8))
    await asyncio.gather(*(Audit(each).link(NOW) for each in (storage, other, storage, other)))
    found = await Audit(other).verify(NOW)
    assert (found.broken, found.rows, found.unlinked) == ("", 7, 0)


async def test_what_is_not_linked_yet_is_counted(home: Database, storage: DatabaseStorage) -> None:
    audit = await linked(storage)
    await written(storage, range(11, 14))

    async def nothing_is_settled() -> int:
        return 0

    storage.settled = nothing_is_settled  # type: ignore[method-assign]
    found = await audit.verify(NOW)
    assert (found.broken, found.rows, found.unlinked) == ("", 10, 3)
    assert "3 rows after the last link are not proved yet" in beside.verdict_text(found)


# ------------------------------------------------------------------------------------------------------------- tampering

TAMPERED = {
    "who did it is changed": (["UPDATE audit SET actor = 'nobody' WHERE id = 3"], "rows up to 5: a row, or the link"),
    "when is changed": (["UPDATE audit SET at = at - 1 WHERE id = 7"], "rows 6 to 10: a row, or the link"),
    "a row is deleted": (["DELETE FROM audit WHERE id = 2"], "rows up to 5: 5 were linked, 4 are there"),
    "a row is put in where its number was free": (
        ["DELETE FROM audit WHERE id = 2", "INSERT INTO audit (id, at, actor, action) VALUES (2, 1, 'x', 'y')"],
        "rows up to 5: a row, or the link",
    ),
    "a row is put in before all others": (
        ["INSERT INTO audit (id, at, actor, action) VALUES (-1, 1, 'x', 'y')"],
        "rows up to 5: 5 were linked, more than 5 are there",
    ),
    "two rows change places": (
        [f"UPDATE audit SET id = {to} WHERE id = {at}" for at, to in ((2, 100), (4, 2), (100, 4))],  # noqa: S608
        "rows up to 5: a row, or the link",
    ),
    "a detail is changed": (["UPDATE audit SET detail = '{\"reason\":\"so8\"}' WHERE id = 9"], "row 9: its detail is not"),
    "a detail is added": (["UPDATE audit SET detail = '{\"reason\":\"so8\"}' WHERE id = 8"], "row 8: its detail is not"),
    "a detail and its hash are changed": (
        [
            "UPDATE audit SET detail = 'x' WHERE id = 9",
            "UPDATE audit_detail SET salt = '', sha256 = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881' "
            "WHERE id = 9",
        ],
        "rows 6 to 10: a row, or the link",
    ),
    "a detail is erased without a word": (["UPDATE audit SET detail = '' WHERE id = 9"], "row 9: its detail is gone"),
    "a detail and its hash are erased": (
        ["UPDATE audit SET detail = '' WHERE id = 9", "DELETE FROM audit_detail WHERE id = 9"],
        "rows 6 to 10: a row, or the link",
    ),
    "a detail is erased under an invented certificate": (
        ["UPDATE audit_detail SET certificate = 'made-up', salt = '' WHERE id = 9", "UPDATE audit SET detail = '' WHERE id = 9"],
        "row 9: its detail was erased, and the certificate it names says nothing of it",
    ),
    "the first link is removed": (["DELETE FROM audit_link WHERE id = 5"], "link 10 follows link 5, but link 0 is before"),
    "the first rows and their link are removed": (
        ["DELETE FROM audit WHERE id <= 5", "DELETE FROM audit_link WHERE id = 5"],
        "link 10 follows link 5, but link 0 is before it",
    ),
    "a link's hash is changed": (
        ["UPDATE audit_link SET sha256 = 'aa' WHERE id = 5"],
        "rows up to 5: a row, or the link",
    ),
    "a link is dated back": (["UPDATE audit_link SET at = at - 1 WHERE id = 10"], "rows 6 to 10: a row, or the link"),
}  # fmt: skip


@pytest.mark.parametrize(("statements", "says"), TAMPERED.values(), ids=TAMPERED)
async def test_the_first_broken_place_is_told(file: Database, statements: list[str], says: str) -> None:
    audit = await linked(await file.open())
    await tamper(file, *statements)
    found = await audit.verify(NOW)
    assert found.broken.startswith(says), found.broken
    assert "BROKEN" in beside.verdict_text(found)


async def test_whoever_writes_all_links_anew_lacks_the_service_key(file: Database) -> None:
    audit = await linked(storage := await file.open())
    await tamper(file, "UPDATE audit SET actor = 'nobody' WHERE id = 8")
    rows = [Line(*row) for row in await asked(storage, LINES_OF_THE_SECOND)]
    ((before,),) = await asked(storage, "SELECT sha256 FROM audit_link WHERE id = 5")
    sha256 = link_hash(before, 10, 5, 1, rows)
    mark = Sealer(b"x" * 32).lookup("audit", sha256)
    await file.ask(f"UPDATE audit_link SET at = 1, sha256 = '{sha256}', mark = '{mark}' WHERE id = 10")  # noqa: S608
    assert (await audit.verify(NOW)).broken.startswith("link 10 was not made under this service's key")


LINES_OF_THE_SECOND = """
SELECT a.id, a.at, a.actor, a.action, a.subject, a.detail, d.salt, d.sha256, d.certificate
FROM audit a LEFT JOIN audit_detail d ON d.id = a.id WHERE a.id > 5 ORDER BY a.id
"""


async def test_a_cut_end_is_found_by_the_head_that_was_kept(file: Database) -> None:
    audit = await linked(await file.open())
    head = await audit.head()
    assert head is not None
    kept = [read_head(f" {head.text.upper()}\n")]
    assert (await audit.verify(NOW, kept)).broken == ""
    await tamper(file, "DELETE FROM audit WHERE id > 5", "DELETE FROM audit_link WHERE id > 5")
    assert (await audit.verify(NOW)).broken == ""  # by itself the shorter chain is whole
    assert "covers row 10, the chain ends at row 5" in (await audit.verify(NOW, kept)).broken


async def test_a_chain_written_anew_is_found_by_the_head_that_was_kept(file: Database) -> None:
    audit = await linked(await file.open())
    another = [Kept(5, "a" * 64)]
    assert (await audit.verify(NOW, another)).broken.startswith("link 5 is not the one that was kept elsewhere")
    between = [Kept(7, "a" * 64)]
    assert "ended at row 7 was kept elsewhere, and none ends there" in (await audit.verify(NOW, between)).broken


@pytest.mark.parametrize(
    "text", ["", "12", "12-", "x-" + "a" * 64, "12-" + "g" * 64, "-5-" + "a" * 64, "12-" + "a" * 63]
)
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(BadHead):
        read_head(text)


# --------------------------------------------------------------------------------------------------------------- erasure


async def test_details_go_under_a_certificate_and_the_chain_holds(storage: DatabaseStorage) -> None:
    audit = await linked(storage)
    await written(storage, range(11, 13), "ref-4", "so9")
    assert await audit.erase(["ref-4"], CERTIFICATE, "operator", NOW) == (3, 0)  # 9, and the two just written
    found = await audit.verify(NOW)
    assert (found.broken, found.erased, found.rows) == ("", 3, 13)
    assert await asked(storage, "SELECT id, detail FROM audit WHERE subject = 'ref-4' ORDER BY id") == [
        (4, ""), (9, ""), (11, ""), (12, ""),
    ]  # fmt: skip
    rows = await asked(storage, "SELECT id, salt, certificate FROM audit_detail WHERE certificate <> '' ORDER BY id")
    assert rows == [(9, "", CERTIFICATE), (11, "", CERTIFICATE), (12, "", CERTIFICATE)]
    shown = await audit.show("ref-4", "operator", NOW)
    assert [row.certificate for row in shown] == ["", CERTIFICATE, CERTIFICATE, CERTIFICATE]
    told = await audit.show(CERTIFICATE, "operator", NOW)
    assert [(row.action, dict(row.detail)) for row in told] == [("audit.erased", {"rows": "9,11-12"})]


async def test_erasing_again_finds_nothing_and_says_nothing(file: Database) -> None:
    audit = await linked(await file.open())
    await audit.erase(["ref-4"], CERTIFICATE, "operator", NOW)
    assert await audit.erase(["ref-4", "nobody"], "erasure-2", "operator", NOW) == (0, 0)
    assert await audit.show("erasure-2", "operator", NOW) == []


async def test_a_certificate_does_not_cover_a_row_it_does_not_name(file: Database) -> None:
    audit = await linked(await file.open())
    await audit.erase(["ref-4"], CERTIFICATE, "operator", NOW)
    await tamper(
        file,
        "UPDATE audit_detail SET certificate = 'erasure-1', salt = '' WHERE id = 7",
        "UPDATE audit SET detail = '' WHERE id = 7",
    )
    assert (await audit.verify(NOW)).broken.startswith("row 7: its detail was erased, and the certificate")


REFUSED = (
    "UPDATE audit SET actor = 'x' WHERE id = 9", "UPDATE audit SET detail = '' WHERE id = 9",
    "UPDATE audit SET detail = 'x' WHERE id = 8", "DELETE FROM audit WHERE id = 9", "DELETE FROM audit_link",
    "UPDATE audit_link SET sha256 = ''", "DELETE FROM audit_detail",
    "UPDATE audit_detail SET sha256 = '' WHERE id = 9", "UPDATE audit_detail SET certificate = 'c' WHERE id = 9",
)  # fmt: skip


async def test_the_database_itself_refuses_to_change_the_audit(home: Database, storage: DatabaseStorage) -> None:
    audit = await linked(storage)
    for statement in REFUSED:
        with pytest.raises((sqlite3.IntegrityError, asyncpg.RaiseError), match="append-only"):
            await home.ask(statement)
    assert (await audit.verify(NOW)).broken == ""


async def test_details_are_erased_under_a_certificate_only(file: Database) -> None:
    audit = await linked(await file.open())
    with pytest.raises((ValueError, NotTaken)):
        await audit.erase(["ref-4"], "", "operator", NOW)


def test_rows_are_told_as_ranges() -> None:
    assert ranges([3, 9, 7, 8, 1]) == "1,3,7-9"
    assert [one for one in range(12) if is_in(one, "1,3,7-9")] == [1, 3, 7, 8, 9]
    assert not is_in(1, "")


# ------------------------------------------------------------------------------------------- many writers on PostgreSQL


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[Database]:
    async with database("postgresql", tmp_path) as made:
        yield made


async def test_a_row_that_is_committed_late_is_not_passed_over(
    shared: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.postgres.SETTLES_S", 0.05)
    storage = await shared.open()
    slow = await asyncpg.connect(shared.place)
    try:
        await slow.execute("BEGIN")
        await slow.execute("INSERT INTO audit (at, actor, action) VALUES (1, 'slow', 'x')")  # takes number 1
        await written(storage, range(2, 5))
        audit = Audit(storage)
        before = await audit.link(NOW)
        assert (before.rows, before.left) == (0, 3)
        await slow.execute("COMMIT")
    finally:
        await slow.close()
    assert (await audit.link(NOW)).rows == 4
    assert (await audit.verify(NOW)).broken == ""


async def test_who_only_reads_holds_nobody_up(shared: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.postgres.SETTLES_S", 0.05)
    storage = await shared.open()
    reader = await asyncpg.connect(shared.place)
    try:
        await reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await reader.execute("SELECT count(*) FROM audit")
        await written(storage, range(1, 4))
        assert (await Audit(storage).link(NOW)).rows == 3
    finally:
        await reader.close()


async def test_what_was_rolled_back_leaves_a_number_out_and_the_chain_whole(shared: Database) -> None:
    storage = await shared.open()
    one = await asyncpg.connect(shared.place)
    await one.execute("BEGIN; INSERT INTO audit (at) VALUES (1); ROLLBACK")
    await one.close()
    await written(storage, range(1, 4))
    found = await Audit(storage).verify(NOW)
    assert (found.broken, found.rows) == ("", 3)


async def test_many_processes_write_while_others_link(shared: Database) -> None:
    """Every transaction takes its number, waits for others to take theirs, and commits in an order of its own."""
    storages = [await shared.open() for _ in range(3)]
    raw = [await asyncpg.connect(shared.place) for _ in range(4)]
    writing = asyncio.Event()

    async def write_late(connection: asyncpg.Connection, turns: int) -> None:
        for number in range(turns):
            async with connection.transaction():
                await connection.execute("INSERT INTO audit (at, actor, action) VALUES ($1, 'raw', 'x')", number)
                for _ in range(number * 7 % 5):
                    await connection.execute("SELECT 1")

    async def keep_linking(storage: DatabaseStorage) -> None:
        while not writing.is_set():
            await Audit(storage).link(NOW)

    linking = [asyncio.create_task(keep_linking(each)) for each in storages[:2]]
    try:
        await asyncio.gather(
            *(write_late(each, 25) for each in raw),
            *(written(each, range(20)) for each in storages),
        )
    finally:
        writing.set()
        await asyncio.gather(*linking)
        for each in raw:
            await each.close()
    found = await Audit(storages[2]).verify(NOW)
    assert (found.broken, found.rows, found.unlinked) == ("", 4 * 25 + 3 * 20, 0)
    assert found.links > 1


# ------------------------------------------------------------------------------------------------------- beside the turns


async def test_the_service_links_at_its_start_and_once_more_at_its_end(storage: DatabaseStorage) -> None:
    await written(storage, range(1, 4))
    stop = asyncio.Event()
    running = asyncio.create_task(beside.run(storage, lambda: NOW, stop))
    async with asyncio.timeout(60):
        while not await asked(storage, "SELECT id FROM audit_link"):  # each look gives way to it
            pass
        await written(storage, range(4, 6))
        stop.set()
        await running
    assert await asked(storage, "SELECT id FROM audit_link ORDER BY id") == [(3,), (5,)]


async def test_a_database_that_is_away_does_not_end_it(storage: DatabaseStorage, leak_guard: object) -> None:
    await storage.close()
    stop = asyncio.Event()
    running = asyncio.create_task(beside.run(storage, lambda: NOW, stop))
    stop.set()
    await asyncio.wait_for(running, 60)
    with pytest.raises(StorageAway):
        await Audit(storage).head()


def test_the_head_can_be_logged() -> None:
    log.say("audit.head", code=f"{2**40}-{START}")  # raises where a field is not on the list


# --------------------------------------------------------------------------------------------------------------- reading

AUDITOR = Officer("auditor-1", "Kiểm tra", "police-1", "police", "auditor")
DUTY = Officer("police-1", "Trực ban", "police-1", "police", "duty")


async def test_only_an_auditor_turns_its_pages_and_that_is_written_down(storage: DatabaseStorage) -> None:
    for officer in (AUDITOR, DUTY):
        await Accounts(storage).add(officer, officer.id, NOW, by="operator", at=NOW)
    await written(storage, range(1, 8))
    audit = Audit(storage)
    assert await audit.page(DUTY, Asked(), NOW) is None
    assert await audit.page(Officer("x", "x", "x", "x", "auditor"), Asked(), NOW) is None
    newest = await audit.page(AUDITOR, Asked(most=3), NOW)
    assert newest is not None
    assert [row.subject for row in newest.rows] == ["ref-2", "ref-1", "ref-0"]
    further = await audit.page(AUDITOR, Asked(before=newest.before, most=2), NOW)
    assert further is not None
    assert [row.subject for row in further.rows] == ["ref-4", "ref-3"]
    about = await audit.page(AUDITOR, Asked("ref-1"), NOW)
    assert about is not None
    assert {row.subject for row in about.rows} == {"ref-1"}
    actions = await asked(storage, "SELECT actor, action, subject FROM audit ORDER BY id DESC LIMIT 3")
    assert actions == [("auditor-1", "audit.read", one) for one in ("ref-1", "audit", "audit")]


async def test_who_or_what_is_looked_for_page_by_page(
    storage: DatabaseStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.audit_pages.LOOKED_THROUGH", 10)
    await Accounts(storage).add(AUDITOR, AUDITOR.id, NOW, by="operator", at=NOW)
    await written(storage, range(1, 31))  # officer-0, officer-1, officer-2, over and over
    audit, found, before = Audit(storage), [], 0
    for _ in range(10):
        page = await audit.page(AUDITOR, Asked(actor="officer-2", action="case.", before=before, most=2), NOW)
        assert page is not None
        found += [row.id for row in page.rows]
        before = page.before
        if not before:
            break
    assert len(found) == 10
    assert found == sorted(set(found), reverse=True)
    nobody = await audit.page(AUDITOR, Asked(actor="nobody"), NOW)
    assert nobody is not None
    assert nobody.rows == ()


# -------------------------------------------------------------------------------------------------------- the command line


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path / "desk", monkeypatch, capsys)


async def test_the_commands_prove_show_and_head_the_audit(home: Database, desk: Desk) -> None:
    storage = await home.open()
    await written(storage, range(1, 8))
    await storage.close()
    run = partial(desk.run, home.place, "audit")
    status, said = await run("head")
    head = said.splitlines()[0]
    assert status == 0
    assert read_head(head).id == 7
    status, said = await run("verify", "--kept", head)
    assert (status, "7 rows in 1 links hold" in said) == (0, True), said
    status, said = await run("show", "--subject", "ref-1")
    assert [line.split("\t")[:5:2] for line in said.splitlines()] == [
        ["1", "officer-1", "ref-1"], ["6", "officer-0", "ref-1"],
    ]  # fmt: skip
    await tamper(home, "DELETE FROM audit WHERE id = 4")
    status, said = await run("verify")
    assert (status, said.startswith("BROKEN: rows up to 7: 7 were linked, 6 are there")) == (1, True), said
    assert (await run("verify", "--kept", "nonsense"))[0] == 2


async def test_a_restored_database_proves_the_same_chain(home: Database, desk: Desk, tmp_path: Path) -> None:
    from tests.desk import empty

    storage = await home.open()
    audit = await linked(storage)
    await audit.erase(["ref-4"], CERTIFICATE, "operator", NOW)
    head = await audit.head()
    assert head is not None
    await storage.close()
    await desk.back_up(home.place)
    async with empty("sqlite" if isinstance(home.place, str) else "postgresql", tmp_path) as target:
        assert (await desk.restore(target.place))[0] == 0
        assert (await desk.run(target.place, "restore", "--release"))[0] == 0
        status, said = await desk.run(target.place, "audit", "verify", "--kept", head.text)
    assert status == 0, said


async def test_the_weekly_sheet_carries_the_head_at_the_end_of_its_week(
    file: Database, book: Book, tmp_path: Path
) -> None:
    storage = await file.open()
    audit = Audit(storage)
    await written(storage, range(1, 6))
    await audit.link(WEEK_END - timedelta(minutes=1))
    head = await audit.head()
    assert head is not None
    await written(storage, range(6, 9))
    await audit.link(WEEK_END + timedelta(minutes=1))
    first = await export_weekly(storage, book, "2026-W47", tmp_path / "out", WEEK_END + timedelta(hours=6))
    sheet = openpyxl.load_workbook(first.files[0])["Đối chiếu"]
    assert [row[0] for row in sheet.iter_rows(values_only=True)][-2:] == [AUDIT_HEAD, head.text]
    assert (await audit.verify(NOW, [read_head(head.text)])).broken == ""
    again = await export_weekly(storage, book, "2026-W47", tmp_path / "out", WEEK_END + timedelta(days=2))
    assert again.sha256 == first.sha256
