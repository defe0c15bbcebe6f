"""The three sheets of the weekly export: the log, the reconciliation by id, and what a reader must know. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.week import Week
from bot.workbook import Sheet
from referral.book import Column, ExportPlan, ReferralBook
from referral.coded import ALLOWED, Cell, Shape, local
from referral.export import Table
from referral.model import Source
from referral.reconcile import STEPS, Cause, Difference, Reconciliation

TITLE = "Sổ tiếp nhận hằng tuần"
LOG, COMPARED, NOTES = "Sổ tiếp nhận", "Đối chiếu", "Ghi chú"
STEP_NAMES = {
    "received": "Tiếp nhận (nhật ký hệ thống)",
    "stored": "Lưu (cơ sở dữ liệu)",
    "notified": "Báo (tin đã đến mọi nơi nhận)",
    "acknowledged": "Nhận (mọi nơi nhận đã xác nhận)",
    "exported": "Xuất (sổ này)",
}
CAUSES: Mapping[Cause, str] = {
    "not_logged": "có trong cơ sở dữ liệu, nhật ký không ghi lúc tiếp nhận: báo người vận hành",
    "not_stored": "có trong nhật ký, không có trong cơ sở dữ liệu: báo người vận hành",
    "not_exported": "không có trong sổ này: báo người vận hành",
    "no_referral": "chưa có nơi nhận nào",
    "not_handed": "chưa giao cho nơi nhận",
    "not_reached": "đã giao, chưa có máy nào nhận và chưa ai mở",
    "not_taken": "đã đến nơi nhận, chưa ai nhận",
}
"""Why an intake has a difference, as the sheet says it beside its code."""
ALWAYS: tuple[Cause, ...] = ("not_handed", "not_reached", "not_taken")
"""Causes of single referrals. They have a line of their own even where nothing stands in it."""
Causes = Mapping[str, Mapping[Cause, tuple[str, ...]]]
HERE, LACKING = "có", "thiếu"
MOST_IDS = 20
AUDIT_HEAD = "Đầu chuỗi nhật ký cuối kỳ. Giữ tệp này ở nơi khác; kiểm tra bằng: python -m bot audit verify --kept"
UP_TO = "Số liệu tính đến"
_WIDTHS: Mapping[Shape, int] = {"id": 24, "word": 16, "words": 28, "time": 17, "count": 12}


def up_to(table: Table, at: datetime) -> Table:
    """The table of a week that still runs: every row says how far its figures go."""
    column = Column("up_to", UP_TO, "Figures up to", "", "")
    return Table((*table.columns, column), tuple((*row, local(at)) for row in table.rows))


def sheets(
    plan: ExportPlan,
    book: ReferralBook,
    week: Week,
    table: Table,
    compared: Reconciliation,
    why: Causes,
    running_at: datetime | None,
    audit_head: str = "",
) -> list[Sheet]:
    """Log, reconciliation and notes. `running_at` is the moment of a week that still runs, None for one that has ended.

    `audit_head` is the end of the audit's chain at the end of the week, so that whoever keeps this file can see it cut.
    """
    compared_sheet = _compared(compared, why, running_at, audit_head)
    return [_log(table), compared_sheet, _notes(plan, book, week, table, running_at)]


def by_cause(why: Causes) -> Mapping[Cause, list[str]]:
    """The ids of the intakes with each cause, in the order of CAUSES; those that nothing has are left out, but for ALWAYS."""
    listed = {cause: [one for one, causes in why.items() if cause in causes] for cause in CAUSES}
    return {cause: ids for cause, ids in listed.items() if ids or cause in ALWAYS}


# ---------------------------------------------------------------------------------------------------------------- log


def _log(table: Table) -> Sheet:
    widths = [_WIDTHS[ALLOWED[column.value].shape] if column.value else 17 for column in table.columns]
    return Sheet(LOG, [[column.heading for column in table.columns], *table.rows], widths)


# --------------------------------------------------------------------------------------------------------- comparison


def _compared(compared: Reconciliation, why: Causes, running_at: datetime | None, audit_head: str) -> Sheet:
    rows: list[Sequence[Cell]] = [["Bước", "Số tin", "Thiếu", "Các mã tin thiếu"]]
    for step in STEPS:
        missing = compared.missing(step)
        rows.append([STEP_NAMES[step], compared.counts[step], len(missing), _some(missing)])
    rows += [[], [_verdict(compared)], *([[f"{UP_TO} {local(running_at)}"]] if running_at else []), []]
    heads = {len(rows)}
    rows.append(["Lý do chênh lệch", "Số tin", "Số lần chuyển", "Các mã tin"])
    rows += [_cause(cause, ids, why) for cause, ids in by_cause(why).items()]
    rows.append([])
    heads.add(len(rows))
    rows.append(["Mã tin có chênh lệch", *(STEP_NAMES[step] for step in STEPS), "Mã chuyển tin chưa nhận", "Lý do"])
    rows += [_difference(one, why.get(one.id, {})) for one in compared.differences]
    if audit_head:
        rows += [[], [AUDIT_HEAD], [audit_head]]
    return Sheet(COMPARED, rows, [38, 18, 18, 24, 18, 18, 28, 60], frozenset(heads))


def _cause(cause: Cause, ids: Sequence[str], why: Causes) -> list[Cell]:
    codes = sum(len(why[one][cause]) for one in ids)
    return [_sentence(CAUSES[cause]), len(ids), codes if cause in ALWAYS else "", _some(ids)]


def _difference(one: Difference, causes: Mapping[Cause, tuple[str, ...]]) -> list[Cell]:
    waiting = [code for codes in causes.values() for code in codes]
    reasons = [f"{CAUSES[cause]}: {', '.join(codes)}" if codes else CAUSES[cause] for cause, codes in causes.items()]
    marks = (LACKING if step in one.missing else HERE for step in STEPS)
    return [one.id, *marks, ", ".join(waiting), _sentence("; ".join(reasons))]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _verdict(compared: Reconciliation) -> str:
    if not compared.differences:
        return "Năm bước khớp nhau. Không có chênh lệch."
    return f"Có {len(compared.differences)} tin chênh lệch, liệt kê dưới đây. Cần người xem từng tin."


def _some(ids: Sequence[str]) -> str:
    """The first ids; the sheet lists all of them below, and a cell cannot hold every one of a bad week."""
    more = f" và {len(ids) - MOST_IDS} tin nữa, liệt kê bên dưới" if len(ids) > MOST_IDS else ""
    return ", ".join(ids[:MOST_IDS]) + more


# --------------------------------------------------------------------------------------------------------------- notes


def _notes(plan: ExportPlan, book: ReferralBook, week: Week, table: Table, running_at: datetime | None) -> Sheet:
    rows: list[Sequence[Cell]] = [["Mục", "Nội dung"]]
    rows += [[name, text] for name, text in _facts(plan, book, week, running_at)]
    rows.append([])
    second = len(rows)
    rows.append(["Cột", "Tên tiếng Anh", "Ý nghĩa", "Các giá trị (mã)", "Nguồn"])
    rows += [_column(column) for column in table.columns if column.value]
    rows.append([])
    third = len(rows)
    rows.append(["Nguồn", "Tên", "Điều", "Đường dẫn", "Kiểm tra ngày"])
    used = sorted({plan.source, *(column.source for column in plan.columns)} & set(book.sources))
    rows += [_source(book.sources[one]) for one in used]
    return Sheet(NOTES, rows, [30, 60, 50, 60, 24], frozenset({second, third}))


def _facts(plan: ExportPlan, book: ReferralBook, week: Week, running_at: datetime | None) -> list[tuple[str, str]]:
    figures = f"{local(running_at)}. Tuần chưa kết thúc." if running_at else "trọn tuần"
    return [
        ("Tên sổ", TITLE),
        ("Mẫu", f"{plan.id}, phiên bản {plan.version}"),
        ("Tuần", week.name),
        ("Kỳ", f"từ {local(week.start)} đến trước {local(week.end)}, giờ Việt Nam (UTC+7)"),
        (UP_TO, figures),
        (
            "Lúc lập",
            "Lúc lập và mã kiểm tra SHA-256 ghi trong nhật ký hệ thống, mục export.recorded. "
            "Cùng số liệu thì lập lại cho ra đúng tệp này.",
        ),
        ("Nguồn số liệu", "Tin được tiếp nhận trong kỳ, với trạng thái chuyển tin lúc lập sổ."),
        (
            "Báo",
            "Tin đã giao (có trên trang cán bộ của nơi nhận), và máy của một cán bộ đã nhận thông báo, hoặc một cán bộ "
            "của nơi nhận đã mở xem hay đã nhận. Đã nhận thì tính là đã báo.",
        ),
        ("Ô trống", "Chưa hỏi, chưa rõ hoặc chưa đến bước đó. Ô trống không có nghĩa là không."),
        ("Dấu –", "Nơi nhận ở vị trí đó chưa có giá trị."),
        ("Không có trong sổ", "Họ tên, số điện thoại, lời kể, tệp đính kèm và tài khoản của người nhắn."),
        ("Mức L0 đến L4", "Dấu hiệu do hệ thống tính để xếp việc. Chỉ cơ quan có thẩm quyền xác định nạn nhân."),
        ("Nguồn của mẫu", _named(book, plan.source)),
    ]


def _column(column: Column) -> list[Cell]:
    source = ALLOWED[column.value]
    words = ", ".join(word if word == code else f"{word} ({code})" for code, word in source.words.items())
    return [column.heading, column.heading_en, source.meaning, words, column.source]


def _source(source: Source) -> list[Cell]:
    return [source.id, source.title, source.article, source.link, source.checked_on]


def _named(book: ReferralBook, source: str) -> str:
    return book.sources[source].title if source in book.sources else source
