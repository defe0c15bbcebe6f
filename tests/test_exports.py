"""The weekly log: what a reader sees, what nobody may see, that numbers add up, and that Monday's row is made once."""

from __future__ import annotations

import asyncio
import csv
import io
import sqlite3
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import msgspec
import openpyxl
import pytest
import yaml
from msgspec import structs

from bot import schedule
from bot.export import CannotWrite, Exported, export_weekly
from bot.week import BadWeek, week_of
from bot.weekly import sheets
from bot.workbook import Sheet, workbook
from flows.model import Conversation
from referral import codes, words
from referral.book import Column, ReferralBook
from referral.coded import ALLOWED, Entry, local
from referral.export import column_problems, csv_text, harmless, weekly_rows
from referral.lifecycle import move
from referral.model import Content, Facts, Intake, Referral, Refused, Screening, State
from referral.read import read_book
from referral.reconcile import STEPS, Difference, causes, reconcile, taken, told
from storage.accounts import Accounts
from storage.base import AuditEntry, Case, Commit, Done, Officer, OutboxRow, StorageAway
from storage.open import open_storage
from storage.store import DatabaseStorage

HERE = Path(__file__).parent / "exports" / "weekly"
MARKER = "ZQX"
PRIVATE = f"{MARKER} Nguyễn Thị Lụa 0912000111"
MONDAY = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
"""Monday 23/11/2026 06:00 in Viet Nam, when the log of week 47 is due."""


# ------------------------------------------------------------------------------------------------------------ a week


@dataclass(frozen=True)
class Book:
    """The book as far as an export looks into it."""

    referral: ReferralBook


def a_book() -> Book:
    folder = Path(__file__).parent.parent / "referral"
    rules, problems = read_book({str(p.relative_to(folder)): p.read_text("utf-8") for p in folder.rglob("*.yaml")})
    assert rules is not None, problems
    return Book(rules)


@pytest.fixture(scope="module")
def book() -> Book:
    return a_book()


@pytest.fixture
async def storage(tmp_path: Path):
    opened = await open_storage(tmp_path / "nhipcau.db", bytes(32))
    yield opened
    await opened.close()


def case() -> dict[str, Any]:
    return yaml.load((HERE / "cases.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - text only


def an_intake(**given: Any) -> Intake:
    """An intake with private words wherever there is room for them."""
    facts = given.pop("facts", {})
    made = {
        "conversation": f"{MARKER}conversation", "channel": "telegram", "locale": "vi", "province": "", "urgent": False,
        "updated_at": given["created_at"], "receipt": f"{MARKER}receipt{given['id']}", "answers": {"tip_text": PRIVATE},
        "content": {"texts": {"story": PRIVATE}, "notes": [PRIVATE], "media": [["photo", PRIVATE, PRIVATE]]},
        "screening": {"level": given["level"], "act": False, "means": False, "purpose": False, "classification": PRIVATE},
    }  # fmt: skip
    return msgspec.convert({**made, **given, "facts": facts}, Intake, strict=False)


def a_referral(**given: Any) -> Referral:
    made = {
        "office": f"{MARKER}office", "identified": False, "rule": PRIVATE, "because": PRIVATE, "source": PRIVATE,
        "ground": "", "level": "L2", "urgent": False, "province": "", "officer": f"{MARKER}officer",
    }  # fmt: skip
    return msgspec.convert({**made, **given}, Referral, strict=False)


def intakes() -> list[Intake]:
    return [an_intake(**one) for one in case()["intakes"]]


def referrals() -> list[Referral]:
    return [a_referral(**one) for one in case()["referrals"]]


async def keep(storage: DatabaseStorage, *, without: str = "") -> None:
    """Store the week of cases.yaml through real commits; `without` is received but never stored."""
    for intake in intakes():
        of_it = () if intake.id == without else tuple(one for one in referrals() if one.intake == intake.id)
        await storage.commit(
            Commit(
                at=intake.created_at,
                intake=None if intake.id == without else intake,
                new_intake=intake.id != without,
                referrals=of_it,
                audit=(AuditEntry("service", "intake.received", intake.id, intake.created_at),),
                outbox=tuple(a_notice(one) for one in of_it if one.id in case()["notified"]),
            )
        )
    await send_all(storage)


def a_notice(referral: Referral) -> OutboxRow:
    at = referral.created_at
    return OutboxRow(f"{referral.id}/notice", "notice", "", 1, at, {"message": PRIVATE}, referral=referral.id)


async def send_all(storage: DatabaseStorage) -> None:
    rows = await storage.claim(MONDAY, 100)
    await storage.finish([Done(row.id, "done", MONDAY) for row in rows])


async def exported(storage: DatabaseStorage, book: Book, folder: Path, now: datetime = MONDAY) -> Exported:
    return await export_weekly(storage, book, "2026-W47", folder, now)


def pages(path: Path) -> dict[str, list[list[Any]]]:
    book = openpyxl.load_workbook(path)
    return {page.title: [[cell.value for cell in row] for row in page.iter_rows()] for page in book}


def compared(path: Path) -> list[list[Any]]:
    return pages(path)["Đối chiếu"]


# ------------------------------------------------------------------------------------------------------- what it says


async def test_a_week_becomes_the_log_that_a_reader_expects(storage: DatabaseStorage, book: Book, tmp_path: Path):
    await keep(storage)
    done = await exported(storage, book, tmp_path / "out")
    written = (tmp_path / "out" / "weekly-2026-W47.csv").read_bytes()
    assert written == b"\xef\xbb\xbf" + (HERE / "expected.csv").read_bytes()
    assert [path.name for path in done.files] == ["weekly-2026-W47.xlsx", "weekly-2026-W47.csv"]
    assert not done.before
    assert not done.running


async def test_the_workbook_holds_the_same_log_as_text_and_figures(
    storage: DatabaseStorage, book: Book, tmp_path: Path
):
    await keep(storage)
    await exported(storage, book, tmp_path)
    found = openpyxl.load_workbook(tmp_path / "weekly-2026-W47.xlsx")
    assert found.sheetnames == ["Sổ tiếp nhận", "Đối chiếu", "Ghi chú"]
    log = found["Sổ tiếp nhận"]
    in_csv = list(csv.reader((tmp_path / "weekly-2026-W47.csv").read_text("utf-8-sig").splitlines()))
    assert [["" if cell.value is None else str(cell.value) for cell in row] for row in log.iter_rows()] == in_csv
    first = {heading: cell for heading, cell in zip(in_csv[0], log[2], strict=True)}
    assert first["Tiếp nhận lúc"].value == "16/11/2026 00:00"
    assert first["Số phút đến khi mọi nơi nhận"].value == 25
    assert log.freeze_panes == "A2"
    assert log.column_dimensions["B"].width > 15


async def test_no_cell_of_the_workbook_is_a_formula_or_a_link(storage: DatabaseStorage, book: Book, tmp_path: Path):
    await keep(storage)
    await exported(storage, book, tmp_path)
    found = openpyxl.load_workbook(tmp_path / "weekly-2026-W47.xlsx")
    cells = [cell for page in found for row in page.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert not [cell for cell in cells if cell.hyperlink]
    assert "'=HYPERLINK" in (tmp_path / "weekly-2026-W47.csv").read_text("utf-8-sig")
    with zipfile.ZipFile(tmp_path / "weekly-2026-W47.xlsx") as parts:
        assert not [name for name in parts.namelist() if b"<f>" in parts.read(name) or b"hyperlink" in parts.read(name)]


async def test_the_notes_say_plan_period_sources_and_what_columns_mean(
    storage: DatabaseStorage, book: Book, tmp_path: Path
):
    await keep(storage)
    await exported(storage, book, tmp_path)
    notes = {row[0]: row for row in pages(tmp_path / "weekly-2026-W47.xlsx")["Ghi chú"] if row[0]}
    plan = book.referral.exports["weekly"]
    assert notes["Mẫu"][1] == f"weekly, phiên bản {plan.version}"
    assert notes["Kỳ"][1] == "từ 16/11/2026 00:00 đến trước 23/11/2026 00:00, giờ Việt Nam (UTC+7)"
    assert notes["Nhóm tuổi"][1] == "Age band"
    assert "dưới 16 tuổi (under_16)" in notes["Nhóm tuổi"][3]
    assert book.referral.sources[plan.source].title == notes[plan.source][1]


# ---------------------------------------------------------------------------------------------------- what it may not


async def test_nothing_private_is_in_any_export_record_or_log(
    storage: DatabaseStorage, book: Book, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    await keep(storage)
    with caplog.at_level("DEBUG"):
        done = await exported(
            storage, book, tmp_path / "out", now=datetime(2026, 11, 22, 16, 59, 59, 999999, tzinfo=UTC)
        )
    with zipfile.ZipFile(tmp_path / "out" / "weekly-2026-W47.xlsx") as parts:
        inside = [parts.read(name).decode() for name in parts.namelist()]
    seen = [(tmp_path / "out" / "weekly-2026-W47.csv").read_text("utf-8-sig"), *inside, caplog.text, repr(done)]
    assert [text for text in seen if MARKER in text or "Lụa" in text] == []


@pytest.mark.parametrize("value", [value for value in ALLOWED if value != "intake.id"])
def test_a_value_that_may_be_exported_cannot_carry_words(value: str, book: Book):
    """Every text that a broken flow could store holds private words; no source passes them on."""
    one_code = ("kind", "reporter", "danger", "age", "where", "country", "province", "home_province", "stage")
    coded: dict[str, Any] = dict.fromkeys(one_code, PRIVATE)
    coded |= {name: frozenset({PRIVATE}) for name in ("act", "means", "purpose", "signs", "needs", "share")}
    facts = Facts(**coded, indicators=(PRIVATE,))
    given: dict[str, Any] = dict.fromkeys(
        ("id", "conversation", "kind", "level", "channel", "locale", "province"), PRIVATE
    )
    intake = Intake(
        **given, urgent=True, facts=facts, screening=Screening("L1", True, True, True, classification=PRIVATE),
        created_at=MONDAY, updated_at=MONDAY, content=Content({"story": PRIVATE}), answers={"story": PRIVATE},
        receipt=PRIVATE, form=PRIVATE, articles=(PRIVATE,),
    )  # fmt: skip
    named = (
        "id",
        "intake",
        "code",
        "to",
        "office",
        "rule",
        "because",
        "source",
        "ground",
        "level",
        "province",
        "state",
    )
    private: dict[str, Any] = dict.fromkeys((*named, "officer", "reason", "outcome"), PRIVATE)
    referral = Referral(**private, identified=True, urgent=True, created_at=MONDAY)
    cell = ALLOWED[value].read(Entry(intake, (referral,), book.referral))
    assert MARKER not in str(cell)
    assert "Lụa" not in str(cell)


@pytest.mark.parametrize(
    "value",
    ["content.texts", "intake.content", "intake.conversation", "intake.receipt", "intake.answers", "referrals.officer",
     "referrals.because", "facts.name", "answers.tip_text", "screening.reasons", "intake.__class__", ""],
)  # fmt: skip
def test_a_column_that_could_carry_words_or_identity_is_refused_at_check(value: str, book: Book):
    plan = book.referral.exports["weekly"]
    bad = replace(plan, columns=(*plan.columns, Column("x", "X", "X", value, plan.source)))
    (problem,) = column_problems(bad)
    assert problem.where == "export weekly, column x"
    assert not problem.warning
    with pytest.raises(ValueError, match="not on the list"):
        weekly_rows(bad, [], [], book.referral)


def test_a_plan_without_ids_or_with_a_column_twice_is_refused(book: Book):
    plan = book.referral.exports["weekly"]
    assert column_problems(plan) == []
    assert "no column shows" in column_problems(replace(plan, columns=plan.columns[1:]))[0].what
    assert "used by two columns" in column_problems(replace(plan, columns=(*plan.columns, plan.columns[0])))[0].what


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@A1", "\t=1", "\tx", "\r=1", "\rx", "\nx", "＝1+1", "＋1", "－1", "＠A1", "  =1", "\u200b=1",
     "\ufeff@x", "\u00a0+1", "\u202e=1"],
)  # fmt: skip
def test_what_begins_like_a_formula_gets_an_apostrophe_in_both_files(text: str):
    assert harmless(text) == f"'{text}"
    assert harmless(f"'{text}") == f"'{text}"
    made = openpyxl.load_workbook(io.BytesIO(workbook("t", [Sheet("a", [[text]], [10])])))["a"]["A1"]
    assert (made.data_type, made.value.replace("_x000D_", "\r")[0]) == ("s", "'")


@pytest.mark.parametrize("cell", ["", "–", "L2", "a=1", "16/11/2026 00:00", "mã lạ", 0, 25, -3])
def test_what_is_harmless_stays_as_it_is(cell: str | int):
    assert harmless(cell) == cell


def test_csv_quotes_what_rfc_4180_asks_for(book: Book):
    plan = replace(
        book.referral.exports["weekly"],
        columns=(Column("code", '=Mã, "tin"\nhai', "Code", "intake.id", "s"),),
    )
    table = weekly_rows(
        plan, [an_intake(id="a,b", kind="tip", level="L1", created_at="2026-11-16T00:00:00Z")], [], book.referral
    )
    assert csv_text(table) == '"\'=Mã, ""tin""\nhai"\r\n"a,b"\r\n'


def test_every_code_has_its_words():
    known = {**codes.ONE_OF, **codes.ANY_OF}
    assert {name: set(words.FACTS[name]) for name in words.FACTS} == {name: set(known[name]) for name in words.FACTS}
    assert set(known) - set(words.FACTS) == {"retaliation", "held_now", "share"}
    assert set(words.STATES) == set(get_args(State))


# ------------------------------------------------------------------------------------------------------ the edges


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("2026-W47", "16/11/2026 00:00", "23/11/2026 00:00"),
        ("2026-W01", "29/12/2025 00:00", "05/01/2026 00:00"),
        ("2026-W53", "28/12/2026 00:00", "04/01/2027 00:00"),
    ],
)
def test_a_week_runs_from_monday_to_monday_in_viet_nam(name: str, first: str, last: str):
    week = week_of(name)
    assert (local(week.start), local(week.end)) == (first, last)
    assert week.end - week.start == timedelta(days=7)
    assert week.start.utcoffset() == timedelta()
    assert local(week.start - timedelta(milliseconds=1)).endswith("23:59")


@pytest.mark.parametrize(
    "name", ["", "2026", "2026-47", "2026-W00", "2026-W54", "2025-W53", "2026-W4", "2026-W047", "0001-W01", " 2026-W47",
             "2026-W47\n", "２０２６-W47", "../2026-W47", "2026-W47/../x"],
)  # fmt: skip
async def test_a_week_that_does_not_exist_is_answered_with_a_sentence(
    name: str, storage: DatabaseStorage, book: Book, tmp_path: Path
):
    with pytest.raises(BadWeek, match="2026-W47"):
        await export_weekly(storage, book, name, tmp_path / "out", MONDAY)
    assert not (tmp_path / "out").exists()


async def test_a_week_that_has_not_begun_is_refused(storage: DatabaseStorage, book: Book, tmp_path: Path):
    start = week_of("2026-W47").start
    with pytest.raises(BadWeek, match="chưa bắt đầu"):
        await exported(storage, book, tmp_path / "out", start - timedelta(milliseconds=1))
    assert not (tmp_path / "out").exists()
    assert (await exported(storage, book, tmp_path / "out", start)).running


async def test_the_running_week_says_how_far_its_figures_go(storage: DatabaseStorage, book: Book, tmp_path: Path):
    await keep(storage)
    wednesday = datetime(2026, 11, 18, 3, 5, tzinfo=UTC)
    looked = await exported(storage, book, tmp_path, wednesday)
    assert looked.running
    assert "số liệu tính đến 18/11/2026 10:05" in looked.says
    found = pages(tmp_path / "weekly-2026-W47.xlsx")
    assert [row[-1] for row in found["Sổ tiếp nhận"][:2]] == ["Số liệu tính đến", "18/11/2026 10:05"]
    assert ["Số liệu tính đến", "18/11/2026 10:05. Tuần chưa kết thúc."] in [row[:2] for row in found["Ghi chú"]]
    assert "Số liệu tính đến 18/11/2026 10:05" in [row[0] for row in found["Đối chiếu"]]
    at_last = await exported(storage, book, tmp_path)
    assert not at_last.before  # a look on Wednesday does not stand for the week's log
    assert "Số liệu tính đến" not in (tmp_path / "weekly-2026-W47.csv").read_text("utf-8-sig")


async def test_a_week_without_intakes_is_a_log_without_rows(storage: DatabaseStorage, book: Book, tmp_path: Path):
    done = await exported(storage, book, tmp_path)
    assert len((tmp_path / "weekly-2026-W47.csv").read_text("utf-8-sig").splitlines()) == 1
    assert set(done.counts.values()) == {0}
    assert "Năm bước khớp nhau. Không có chênh lệch." in [row[0] for row in compared(tmp_path / "weekly-2026-W47.xlsx")]


# -------------------------------------------------------------------------------------------------------- it adds up


def test_five_equal_lists_have_no_difference():
    ids = ["a", "b", "c"]
    assert reconcile(ids, ids, ids, ids, ids).differences == ()


@pytest.mark.parametrize("step", STEPS)
def test_one_taken_out_of_any_step_is_listed_by_id(step: str):
    lists = {name: ["a", "b", "c"] for name in STEPS}
    lists[step] = ["a", "c"]
    found = reconcile(**lists)
    assert found.differences == (Difference("b", (step,)),)
    assert found.counts == {name: 2 if name == step else 3 for name in STEPS}
    assert found.missing(step) == ("b",)


def test_an_intake_counts_as_told_and_taken_only_when_every_agency_has_it():
    given = {"intake": "a", "code": "A2B3C4", "created_at": MONDAY}
    police = a_referral(id="1", to="police", state="acknowledged", acknowledged_at=MONDAY, **given)
    waiting = a_referral(id="2", to="hotline_111", state="sent", sent_at=MONDAY, **given)
    withdrawn = a_referral(id="3", to="legal_aid", state="withdrawn", **given)
    assert told([police, withdrawn], []) == taken([police, withdrawn]) == {"a"}
    assert told([police, waiting], ["1"]) == taken([police, waiting]) == frozenset()
    assert told([police, waiting], ["2"]) == {"a"}
    assert told([], []) == frozenset()


def test_whoever_has_it_was_told_whichever_way_and_whoever_was_not_handed_it_was_not():
    given = {"id": "1", "intake": "a", "code": "A2B3C4", "to": "police", "created_at": MONDAY}
    proposed = a_referral(state="proposed", **given)
    handed = structs.replace(proposed, state="sent", sent_at=MONDAY)
    opened = structs.replace(handed, state="delivered", delivered_at=MONDAY)
    assert told([proposed], ["1"]) == told([handed], []) == frozenset()
    assert told([handed], ["1"]) == told([opened], []) == {"a"}
    assert told([structs.replace(handed, state="accepted", acknowledged_at=MONDAY)], []) == {"a"}


@pytest.mark.parametrize("given", ["", "proposed", "handed", "reached", "proposed and reached"])
@pytest.mark.parametrize("lost", ["", "received", "stored", "exported"])
def test_no_difference_is_without_a_reason(given: str, lost: str):
    made = {
        "proposed": a_referral(id="1", intake="a", code="A2B3C4", to="police", state="proposed", created_at=MONDAY),
        "handed": a_referral(
            id="2", intake="a", code="D5E6F7", to="police", state="sent", sent_at=MONDAY, created_at=MONDAY
        ),
        "reached": a_referral(
            id="3", intake="a", code="G8H9J2", to="police", state="sent", sent_at=MONDAY, created_at=MONDAY
        ),
    }
    of_it = [made[name] for name in given.split(" and ") if name and lost != "stored"]
    kept = {name: [] if name == lost else ["a"] for name in ("received", "stored", "exported")}
    compared = reconcile(notified=told(of_it, ["3"]), acknowledged=taken(of_it), **kept)
    why = causes(compared, of_it, ["3"])
    expected = {one.code for one in of_it}
    assert set(why) == {"a"}
    assert {code for codes in why["a"].values() for code in codes} == expected
    names = {"received": "not_logged", "stored": "not_stored", "exported": "not_exported"}
    assert (names.get(lost) in why["a"]) == bool(lost)
    assert ("no_referral" in why["a"]) == (given == "" and lost != "stored")
    stopped = {"proposed": "not_handed", "handed": "not_reached", "reached": "not_taken"}
    assert {stopped[name] for name in given.split(" and ") if name and lost != "stored"} <= set(why["a"])


async def test_what_was_received_but_is_gone_from_the_database_is_named(
    storage: DatabaseStorage, book: Book, tmp_path: Path
):
    await keep(storage, without="01first")
    done = await exported(storage, book, tmp_path)
    assert done.counts["received"] == 4
    assert done.counts["stored"] == done.counts["exported"] == 3
    rows = compared(tmp_path / "weekly-2026-W47.xlsx")
    assert ["01first", "có", "thiếu", "thiếu", "thiếu", "thiếu"] in [row[:6] for row in rows]
    assert ["Lưu (cơ sở dữ liệu)", 3, 1, "01first"] in [row[:4] for row in rows]


async def test_what_nobody_was_told_of_or_has_taken_is_named_with_its_referral(
    storage: DatabaseStorage, book: Book, tmp_path: Path
):
    await keep(storage)
    done = await exported(storage, book, tmp_path)
    by_id = {one.id: one.missing for one in done.reconciliation.differences}
    assert by_id == {"02child": ("acknowledged",), "99last": ("notified", "acknowledged")}
    waiting = {row[0]: row[6] for row in compared(tmp_path / "weekly-2026-W47.xlsx") if row[0] in by_id}
    assert waiting == {"02child": "G8H9J2", "99last": "P6Q7R8"}


async def test_what_reached_no_phone_and_nobody_opened_is_a_line_of_its_own_and_says_so_beside_its_id(
    storage: DatabaseStorage, book: Book, tmp_path: Path
):
    await keep(storage)
    done = await exported(storage, book, tmp_path)
    rows = compared(tmp_path / "weekly-2026-W47.xlsx")
    assert [row[:4] for row in rows if row[0] and "chưa có máy nào nhận" in row[0]] == [
        ["Đã giao, chưa có máy nào nhận và chưa ai mở", 1, 1, "99last"]
    ]
    reasons = {row[0]: row[7] for row in rows if row[0] in ("02child", "99last")}
    assert reasons == {
        "02child": "Đã đến nơi nhận, chưa ai nhận: G8H9J2",
        "99last": "Đã giao, chưa có máy nào nhận và chưa ai mở: P6Q7R8",
    }
    assert "(1 tin đã giao, chưa có máy nào nhận và chưa ai mở; 1 tin đã đến nơi nhận, chưa ai nhận)" in done.says
    assert (done.counts["not_reached"], done.counts["not_taken"], done.counts["not_handed"]) == (1, 1, 0)


async def test_opening_it_in_its_own_office_delivers_what_no_phone_took_and_elsewhere_does_not(
    storage: DatabaseStorage, book: Book, tmp_path: Path
):
    await keep(storage)
    here, elsewhere = f"{MARKER}office", "another"
    chief = await an_officer(storage, "here", here, "chief")
    abroad = await an_officer(storage, "elsewhere", elsewhere, "admin")
    assert (await opened(storage, abroad)).referral.delivered_at is None
    assert "99last" in (await exported(storage, book, tmp_path / "a")).reconciliation.missing("notified")

    first, again = await opened(storage, chief), await opened(storage, chief, timedelta(hours=1))
    assert (first.referral.state, first.referral.delivered_at) == ("delivered", MONDAY)
    assert again.referral.delivered_at == MONDAY
    done = await exported(storage, book, tmp_path / "b")
    assert "99last" not in done.reconciliation.missing("notified")
    assert (await row_of("99last", tmp_path / "b"))["Đến lúc"] == "23/11/2026 06:00"


async def an_officer(storage: DatabaseStorage, name: str, office: str, role: Any) -> Officer:
    officer = Officer(name, name, office, "social_affairs", role)
    await Accounts(storage).add(officer, f"code of {name}", MONDAY, by="operator", at=MONDAY)
    return officer


async def opened(storage: DatabaseStorage, officer: Officer, later: timedelta = timedelta()) -> Case:
    case = await storage.open_case("r06", officer, MONDAY + later, lambda *_: Content())
    assert case is not None
    return case


async def row_of(intake: str, folder: Path) -> dict[str, str]:
    text = (folder / "weekly-2026-W47.csv").read_text("utf-8-sig")
    return next(row for row in csv.DictReader(io.StringIO(text, newline="")) if row["Mã tin"] == intake)


async def test_whoever_takes_what_no_phone_took_has_been_reached_then(
    storage: DatabaseStorage, book: Book, tmp_path: Path
):
    await keep(storage)
    (sent,) = [one for one in referrals() if one.id == "r06"]
    moved = move(sent, "acknowledge", "here", MONDAY, book=book.referral)
    assert not isinstance(moved, Refused)
    await storage.commit(Commit(at=MONDAY, moved=((moved.referral, "sent"),)))
    done = await exported(storage, book, tmp_path)
    assert "99last" not in {one.id for one in done.reconciliation.differences}
    row = await row_of("99last", tmp_path)
    assert (row["Đến lúc"], row["Nhận lúc"]) == ("23/11/2026 06:00", "23/11/2026 06:00")


def test_a_week_in_which_nobody_took_anything_is_listed_whole(book: Book):
    """A list that does not fit a cell is not cut in silence: 32,767 characters are a spreadsheet's most."""
    ids = [f"{number:020x}" for number in range(3000)]
    plan, week = book.referral.exports["weekly"], week_of("2026-W47")
    none_taken = reconcile(ids, ids, ids, [], ids)
    made = sheets(plan, book.referral, week, weekly_rows(plan, [], [], book.referral), none_taken, {}, None)
    found = openpyxl.load_workbook(io.BytesIO(workbook("t", made)))["Đối chiếu"]
    rows = [[cell.value for cell in row] for row in found.iter_rows()]
    assert ["Nhận (mọi nơi nhận đã xác nhận)", 0, 3000] == rows[4][:3]
    assert rows[4][3].endswith("và 2980 tin nữa, liệt kê bên dưới")
    assert [row[0] for row in rows if row[4] == "thiếu"] == ids


def test_text_that_does_not_fit_a_cell_is_an_error_not_an_empty_cell():
    with pytest.raises(ValueError, match="row 1, column 1"):
        workbook("t", [Sheet("a", [["x" * 32768]], [10])])


# ------------------------------------------------------------------------------------------------- done once, whole


async def test_a_second_run_writes_the_same_bytes_and_says_so(storage: DatabaseStorage, book: Book, tmp_path: Path):
    await keep(storage)
    first = await exported(storage, book, tmp_path / "a")
    later = await exported(storage, a_book(), tmp_path / "b", MONDAY + timedelta(days=9, minutes=7))
    assert {path.name: path.read_bytes() for path in first.files} == {
        path.name: path.read_bytes() for path in later.files
    }
    assert first.sha256 == later.sha256
    with zipfile.ZipFile(first.files[0]) as parts:
        assert b">2026-01-01T00:00:00Z</dcterms:created>" in parts.read("docProps/core.xml")
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert (first.before, later.before) == (False, True)
    assert "đã lập trước đây" in later.says


async def test_other_figures_of_the_same_week_are_recorded_beside_the_first(
    storage: DatabaseStorage, book: Book, tmp_path: Path
):
    await keep(storage)
    first = await exported(storage, book, tmp_path)
    (waiting,) = [one for one in referrals() if one.id == "r06"]
    taken_now = structs.replace(waiting, state="acknowledged", acknowledged_at=MONDAY)
    await storage.commit(Commit(at=MONDAY, moved=((taken_now, "sent"),)))
    second = await exported(storage, book, tmp_path, MONDAY + timedelta(hours=3))
    assert second.before
    assert second.sha256 != first.sha256
    recorded = "SELECT key, sha256 FROM export_run ORDER BY key"
    with_first, beside = query(tmp_path / "nhipcau.db", recorded)
    assert with_first == ("weekly/2026-W47", sums(first))
    assert beside[0].startswith("weekly/2026-W47/")
    assert beside[1] == sums(second)


def sums(done: Exported) -> str:
    return f"csv={done.sha256['weekly-2026-W47.csv']} xlsx={done.sha256['weekly-2026-W47.xlsx']}"


def query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


async def test_files_that_cannot_be_written_leave_the_old_ones_whole(
    storage: DatabaseStorage, book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "out"
    await exported(storage, book, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    await keep(storage)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("bot.export.os.fsync", full)
        with pytest.raises(CannotWrite, match="make room"):
            await exported(storage, book, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    await exported(storage, book, folder)
    assert len(list(folder.iterdir())) == 2


async def test_a_folder_that_is_a_file_is_answered_with_a_sentence(
    storage: DatabaseStorage, book: Book, tmp_path: Path
):
    (tmp_path / "out").write_text("")
    with pytest.raises(CannotWrite, match="choose another folder"):
        await exported(storage, book, tmp_path / "out")


async def test_only_the_service_may_read_the_files(storage: DatabaseStorage, book: Book, tmp_path: Path):
    done = await exported(storage, book, tmp_path / "out")
    assert [path.stat().st_mode & 0o077 for path in (*done.files, tmp_path / "out")] == [0, 0, 0]


# --------------------------------------------------------------------------------------------------------- schedule


@pytest.mark.parametrize(
    ("now", "weeks"),
    [
        (MONDAY - timedelta(minutes=1), ["2026-W46", "2026-W47"]),  # 05:59
        (MONDAY, ["2026-W47", "2026-W48"]),  # 06:00
        (MONDAY + timedelta(minutes=1), ["2026-W47", "2026-W48"]),  # 06:01
        (datetime(2026, 11, 22, 16, 59, 59, 999000, tzinfo=UTC), ["2026-W46", "2026-W47"]),  # Sunday 23:59:59.999
        (datetime(2026, 11, 22, 17, tzinfo=UTC), ["2026-W46", "2026-W47"]),  # Monday 00:00
        (datetime(2027, 1, 1, tzinfo=UTC), ["2026-W52", "2026-W53"]),
    ],
)
def test_the_last_monday_and_the_coming_one_have_a_row(now: datetime, weeks: list[str]):
    rows = schedule.due_rows(now)
    assert [row.key for row in rows] == [f"export/weekly/{week}" for week in weeks]
    assert [row.body for row in rows] == [{"week": week} for week in weeks]
    assert {(row.kind, row.lane, row.priority) for row in rows} == {("export", "export", 3)}
    assert [local(row.due_at)[-5:] for row in rows] == ["06:00", "06:00"]
    assert rows[0].due_at <= now < rows[1].due_at
    assert rows[0].due_at == week_of(weeks[0]).end + timedelta(hours=6)


async def test_however_often_it_is_planned_a_monday_has_one_row(storage: DatabaseStorage, tmp_path: Path):
    other = await open_storage(tmp_path / "nhipcau.db", bytes(32))
    for minutes in (-61, -1, 0, 1, 60):
        await schedule.plan(storage, MONDAY + timedelta(minutes=minutes))
        await schedule.plan(other, MONDAY + timedelta(minutes=minutes))
    await other.close()
    planned = query(tmp_path / "nhipcau.db", "SELECT key FROM outbox WHERE kind = 'export' ORDER BY due_at")
    assert planned == [(f"export/weekly/2026-W{week}",) for week in (46, 47, 48)]


@pytest.mark.parametrize("restart", [timedelta(minutes=-1), timedelta(minutes=1)])
async def test_a_restart_around_monday_six_exports_the_week_once(
    restart: timedelta, storage: DatabaseStorage, tmp_path: Path
):
    await schedule.plan(storage, MONDAY - timedelta(days=3))
    assert await performed(storage, MONDAY - timedelta(minutes=2)) == ["2026-W46"]
    await storage.close()
    again = await open_storage(tmp_path / "nhipcau.db", bytes(32))
    await schedule.plan(again, MONDAY + restart)
    at_once = await performed(again, MONDAY + restart)
    await schedule.plan(again, MONDAY + timedelta(hours=1))
    assert at_once + await performed(again, MONDAY + timedelta(hours=1)) == ["2026-W47"]
    await again.close()


async def performed(storage: DatabaseStorage, at: datetime) -> list[str]:
    """The weeks whose rows are due now, each marked done. A lane hands out one at a time."""
    weeks: list[str] = []
    for _ in range(10):
        rows = await storage.claim(at, 10)
        if not rows:
            return weeks
        weeks += [row.row.body["week"] for row in rows if row.row.kind == "export"]
        await storage.finish([Done(row.id, "done", at) for row in rows])
    raise AssertionError("rows come back without end")


class Drafts:
    """Who erases drafts: remembers whom it was asked for, fails for one, and can say that it is enough."""

    def __init__(self, fails: str = "", enough: asyncio.Event | None = None, error: Exception | None = None) -> None:
        self.asked: list[str] = []
        self._fails, self._enough, self._error = fails, enough, error or RuntimeError(PRIVATE)

    async def abandoned(self, conversation: str, version: int = 0) -> None:
        self.asked.append(conversation)
        if self._enough is not None:
            self._enough.set()
        if conversation == self._fails:
            raise self._error


async def left_alone(storage: DatabaseStorage, name: str, since: datetime) -> None:
    await storage.commit(Commit(at=since, conversation=Conversation(id=name, flow="tip", step="what", channel="web")))


async def test_drafts_of_a_day_ago_are_swept_and_one_that_fails_keeps_no_other(
    storage: DatabaseStorage, caplog: pytest.LogCaptureFixture
):
    day = timedelta(hours=24)
    for name, since in [("a", day * 3), ("b", day * 2), ("c", day + timedelta(seconds=1)), ("d", day)]:
        await left_alone(storage, name, MONDAY - since)
    drafts = Drafts(fails="a")
    assert await schedule.sweep(storage, drafts, MONDAY) == 3
    assert drafts.asked == ["a", "b", "c"]
    assert MARKER not in caplog.text
    assert "draft.not_erased" in caplog.text


async def test_a_sweep_ends_when_the_database_goes_away(storage: DatabaseStorage):
    for name in ("a", "b"):
        await left_alone(storage, name, MONDAY - timedelta(days=2))
    drafts = Drafts(fails="a", error=StorageAway("locked"))
    with pytest.raises(StorageAway):
        await schedule.sweep(storage, drafts, MONDAY)
    assert drafts.asked == ["a"]


async def test_the_loop_plans_and_sweeps_at_its_start_and_ends_when_told(storage: DatabaseStorage, tmp_path: Path):
    await left_alone(storage, "a", MONDAY - timedelta(days=2))
    stop = asyncio.Event()
    drafts = Drafts(enough=stop)
    await asyncio.wait_for(schedule.run(storage, drafts, stop, lambda: MONDAY), 60)
    assert drafts.asked == ["a"]
    assert len(query(tmp_path / "nhipcau.db", "SELECT key FROM outbox")) == 4  # two Mondays, two nights


async def test_a_database_that_is_away_does_not_end_the_loop(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    closed = await open_storage(tmp_path / "nhipcau.db", bytes(32))
    await closed.close()
    with pytest.raises(StorageAway):
        await schedule.plan(closed, MONDAY)
    stop = asyncio.Event()

    def now() -> datetime:
        stop.set()
        return MONDAY

    await asyncio.wait_for(schedule.run(closed, Drafts(), stop, now), 60)
    assert "schedule.storage_away" in caplog.text
