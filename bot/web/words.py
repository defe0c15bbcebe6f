"""Codes and times in the words of Vietnamese offices. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final

from referral.model import Facts, Referral
from storage.base import AuditEntry

VIET_NAM: Final = timezone(timedelta(hours=7))
"""Asia/Ho_Chi_Minh: UTC+7 without summer time."""

URGENCY: Final[Mapping[str, tuple[str, str]]] = {
    "L4": ("▲", "Khẩn"),
    "L3": ("◆", "Cao"),
    "L2": ("●", "Vừa"),
    "L1": ("○", "Thường"),
    "L0": ("○", "Thường"),
}
"""Shape and word of a level; the colour beside them never stands alone."""
LEVELS: Final[Mapping[str, str]] = {
    "L4": "nguy hiểm ngay hoặc trong 48 giờ",
    "L3": "nhiều dấu hiệu",
    "L2": "có dấu hiệu",
    "L1": "ít dấu hiệu",
    "L0": "chưa thấy dấu hiệu",
}
KINDS: Final[Mapping[str, str]] = {
    "tip": "Tin báo",
    "self": "Người kể về chính mình",
    "other": "Lo cho người khác",
    "missing": "Tìm người mất liên lạc",
    "support": "Đề nghị hỗ trợ",
    "info": "Hỏi thông tin",
}
STATES: Final[Mapping[str, str]] = {
    "proposed": "Chờ gửi",
    "sent": "Chờ nhận",
    "delivered": "Chờ nhận",
    "acknowledged": "Đã nhận",
    "accepted": "Đã thụ lý",
    "returned": "Đã trả lại",
    "transferred": "Đã chuyển",
    "closed": "Đã kết thúc",
    "withdrawn": "Đã rút",
}
ROLES: Final[Mapping[str, str]] = {
    "duty": "trực ban",
    "chief": "phụ trách",
    "admin": "quản trị",
    "auditor": "kiểm tra",
    "statistics": "thống kê",
}
CHANNELS: Final[Mapping[str, str]] = {"web": "trang web", "telegram": "Telegram", "terminal": "thử nghiệm"}
LANGUAGES: Final[Mapping[str, str]] = {"vi": "tiếng Việt", "en": "tiếng Anh"}
DIMENSIONS: Final[Mapping[str, str]] = {
    "DR": "Tuyển dụng bằng lừa dối",
    "CR": "Tuyển dụng bằng cưỡng ép",
    "AV": "Tuyển dụng lợi dụng tình thế",
    "EX": "Bóc lột",
    "CD": "Cưỡng ép tại nơi đến",
    "VD": "Lợi dụng tình thế tại nơi đến",
}
"""The ILO's six dimensions (operational indicators, 2009)."""
MEDIA: Final[Mapping[str, str]] = {
    "photo": "Ảnh",
    "voice": "Ghi âm",
    "video": "Video",
    "document": "Tệp",
    "location": "Vị trí",
    "contact": "Liên hệ",
    "sticker": "Hình",
}
ACTIONS: Final[Mapping[str, str]] = {
    "intake.received": "Hệ thống nhận tin",
    "intake.added": "Người nhắn bổ sung",
    "referral.proposed": "Đề xuất chuyển tới cơ quan này",
    "referral.raised": "Nâng mức hoặc mở rộng thông tin được xem",
    "referral.added_to": "Tin được bổ sung",
    "referral.escalated": "Chưa ai nhận, báo lên bậc tiếp theo",
    "referral.asked": "Nhắn cho người báo",
    "referral.asked_kept": "Giữ lời nhắn: người này đọc khi quay lại bằng mã",
    "referral.acknowledge": "Nhận hồ sơ",
    "referral.accept": "Thụ lý",
    "referral.return": "Trả lại",
    "referral.transfer": "Chuyển nơi khác",
    "referral.close": "Kết thúc",
    "referral.classify": "Phân loại",
    "referral.withdraw": "Rút lại",
    "referral.refused": "Thao tác không được phép",
    "notify_agency.sent": "Đã giao cho cơ quan",
    "notify_agency.cancelled": "Không giao nữa",
    "notify_agency.dead": "Không giao được",
    "notice.sent": "Đã báo máy của cán bộ trực",
    "notice.dead": "Không báo được tới máy của cán bộ",
    "notice.cancelled": "Thôi báo tới máy của cán bộ",
    "case.opened": "Mở xem hồ sơ",
    "access.refused": "Người không có quyền hỏi xem",
    "file.opened": "Tải tệp đính kèm",
}

NO_PHONE: Final = "chưa có máy nào của người cần báo nhận thông báo"
COUNTRIES: Final[Mapping[str, str]] = {
    "AE": "Các Tiểu vương quốc Ả Rập Thống nhất",
    "CN": "Trung Quốc",
    "GB": "Anh",
    "JP": "Nhật Bản",
    "KH": "Campuchia",
    "KR": "Hàn Quốc",
    "LA": "Lào",
    "MM": "Myanmar",
    "MY": "Malaysia",
    "PH": "Philippines",
    "RU": "Nga",
    "SA": "Ả Rập Xê Út",
    "TH": "Thái Lan",
    "TW": "Đài Loan",
}
"""Countries by ISO 3166-1 code: those that the questions offer and that are understood in words."""
PLACES: Final[Mapping[str, str]] = {
    "domestic": "trong nước, chưa rõ tỉnh",
    "border": "vùng biên giới",
    "sea": "trên biển",
    "abroad": "nước ngoài, chưa rõ nước",
    "unknown": "chưa rõ nơi",
}
"""Where somebody is, where neither a province nor a country is known."""
NO_PROVINCE: Final = "chưa rõ tỉnh"


def place(facts: Facts, provinces: Mapping[str, str]) -> str:
    """Where it is, from what was answered: Lạng Sơn, vùng biên giới; Campuchia, quê Lạng Sơn; trong nước, chưa rõ tỉnh."""
    named = [provinces.get(facts.province, ""), COUNTRIES.get(facts.country, facts.country)]
    if not any(named) or (facts.where in {"border", "sea"}):
        named.append(PLACES.get(facts.where, facts.where))
    if facts.home_province in provinces:
        named.append(f"quê {provinces[facts.home_province]}")
    return ", ".join(filter(None, named))


def when(at: datetime | None) -> str:
    """A moment as offices write it: 23/11/2026 14:05, Vietnamese time."""
    return at.astimezone(VIET_NAM).strftime("%d/%m/%Y %H:%M") if at else ""


def span(seconds: float) -> str:
    """A length of time in one unit, rounded down: 5 phút, 3 giờ, 2 ngày."""
    seconds = abs(seconds)
    if seconds < 60:
        return "dưới 1 phút"
    if seconds < 3600:
        return f"{int(seconds // 60)} phút"
    if seconds < 48 * 3600:
        return f"{int(seconds // 3600)} giờ"
    return f"{int(seconds // 86400)} ngày"


def ago(at: datetime, now: datetime) -> str:
    """How long ago: 5 phút trước."""
    return f"{span((now - at).total_seconds())} trước"


def due(referral: Referral, now: datetime) -> tuple[str, bool]:
    """The clock of a referral nobody has taken yet, in words, and whether it is overdue. Empty once it is taken."""
    if referral.due_at is None or referral.state not in {"proposed", "sent", "delivered"}:
        return "", False
    left = (referral.due_at - now).total_seconds()
    return (f"quá hạn {span(left)}", True) if left < 0 else (f"còn {span(left)}", False)


def must_do(waiting: Sequence[Referral], now: datetime) -> str:
    """The one line that answers: what must I do now?"""
    urgent = [one for one in waiting if one.urgent]
    late = [one for one in waiting if due(one, now)[1]]
    if urgent:
        return f"{len(urgent)} hồ sơ khẩn chưa ai nhận. Nhận ngay: {urgent[0].code}."
    if late:
        return f"{len(late)} hồ sơ đã quá hạn nhận. Mở trước: {late[0].code}."
    if waiting:
        return f"{len(waiting)} hồ sơ chờ nhận. Mở trước: {waiting[0].code}."
    return "Không có hồ sơ nào chờ nhận."


def timeline(
    entries: Sequence[AuditEntry], names: Mapping[str, str], details: Mapping[str, str]
) -> list[dict[str, str]]:
    """The audit in plain words, newest last; the same thing again and again is one line with its count and last time."""
    lines: list[dict[str, str]] = []
    counts: list[int] = []
    for entry in entries:
        line = {
            "who": names.get(entry.actor, "Hệ thống"),
            "what": ACTIONS.get(entry.action, entry.action),
            "detail": _detail(entry, details),
        }
        if lines and line.items() <= lines[-1].items():
            counts[-1] += 1
            lines[-1]["at"] = when(entry.at)
        else:
            lines.append({**line, "at": when(entry.at)})
            counts.append(1)
    return [{**line, "times": f"{count} lần" if count > 1 else ""} for line, count in zip(lines, counts, strict=True)]


def _detail(entry: AuditEntry, details: Mapping[str, str]) -> str:
    """Reason or outcome in words, where the entry has one; and that a referral handed over reached no phone."""
    if entry.detail.get("code") == "no_phone":
        return NO_PHONE
    codes = (entry.detail.get("reason", ""), entry.detail.get("outcome", ""))
    return ", ".join(details.get(code, code) for code in codes if code)
