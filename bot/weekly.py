"""The three sheets of the weekly export: the log, the reconciliation by id, and what a reader must know. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.week import Week
from bot.workbook import Sheet
from referral.coded import ALLOWED, Cell, Shape, local
from referral.export import Table
from referral.model import Column, ExportPlan, Referral, ReferralBook, Source
from referral.reconcile import STEPS, Reconciliation

TITLE = "Sổ tiếp nhận hằng tuần"
LOG, COMPARED, NOTES = "Sổ tiếp nhận", "Đối chiếu", "Ghi chú"
STEP_NAMES = {
    "received": "Tiếp nhận (nhật ký hệ thống)",
    "stored": "Lưu (cơ sở dữ liệu)",
    "notified": "Báo (mọi nơi nhận đã có thông báo)",
    "acknowledged": "Nhận (mọi nơi nhận đã xác nhận)",
    "exported": "Xuất (sổ này)",
}
HERE, LACKING = "có", "thiếu"
MOST_IDS = 20
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
    referrals: Sequence[Referral],
    running_at: datetime | None,
) -> list[Sheet]:
    """Log, reconciliation and notes. `running_at` is the moment of a week that still runs, None for one that has ended."""
    return [_log(table), _compared(compared, referrals, running_at), _notes(plan, book, week, table, running_at)]


# ---------------------------------------------------------------------------------------------------------------- log


def _log(table: Table) -> Sheet:
    widths = [_WIDTHS[ALLOWED[column.value].shape] if column.value else 17 for column in table.columns]
    return Sheet(LOG, [[column.heading for column in table.columns], *table.rows], widths)


# --------------------------------------------------------------------------------------------------------- comparison


def _compared(compared: Reconciliation, referrals: Sequence[Referral], running_at: datetime | None) -> Sheet:
    waiting = _waiting(referrals)
    rows: list[Sequence[Cell]] = [["Bước", "Số tin", "Thiếu", "Các mã tin thiếu"]]
    for step in STEPS:
        missing = compared.missing(step)
        rows.append([STEP_NAMES[step], compared.counts[step], len(missing), _some(missing)])
    rows += [[], [_verdict(compared)], *([[f"{UP_TO} {local(running_at)}"]] if running_at else []), []]
    second = len(rows)
    rows.append(["Mã tin có chênh lệch", *(STEP_NAMES[step] for step in STEPS), "Mã chuyển tin chưa nhận"])
    rows += [
        [one.id, *(LACKING if step in one.missing else HERE for step in STEPS), ", ".join(waiting.get(one.id, ()))]
        for one in compared.differences
    ]
    return Sheet(COMPARED, rows, [38, 18, 18, 24, 18, 18, 28], frozenset({second}))


def _verdict(compared: Reconciliation) -> str:
    if not compared.differences:
        return "Năm bước khớp nhau. Không có chênh lệch."
    return f"Có {len(compared.differences)} tin chênh lệch, liệt kê dưới đây. Cần người xem từng tin."


def _some(ids: Sequence[str]) -> str:
    """The first ids; the sheet lists all of them below, and a cell cannot hold every one of a bad week."""
    more = f" và {len(ids) - MOST_IDS} tin nữa, liệt kê bên dưới" if len(ids) > MOST_IDS else ""
    return ", ".join(ids[:MOST_IDS]) + more


def _waiting(referrals: Iterable[Referral]) -> Mapping[str, list[str]]:
    """Intake → codes of its referrals that nobody has acknowledged."""
    codes: dict[str, list[str]] = {}
    for one in referrals:
        if one.acknowledged_at is None and one.state != "withdrawn":
            codes.setdefault(one.intake, []).append(one.code)
    return codes


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
