"""Codes and times in the words of Vietnamese offices, and in English where an officer reads that. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.web.countries import COUNTRIES
from bot.web.english import ENGLISH
from referral.clocks import VIET_NAM
from referral.model import Facts, Referral
from storage.base import AuditEntry

Say = Callable[..., str]
"""A Vietnamese sentence, and what stands in its places → the sentence as this officer reads it."""


def vietnamese(text: str, **values: object) -> str:
    """The sentence as it is, its places filled."""
    return text.format(**values) if values else text


def english(text: str, **values: object) -> str:
    """The same in English; what has no translation stays Vietnamese."""
    return vietnamese(ENGLISH.get(text, text), **values)


def speaker(lang: str) -> Say:
    """Who speaks this language."""
    return english if lang == "en" else vietnamese


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
LEFT: Final = "Mọi nơi đã trả lại, chưa ai giữ"
"""What `returned` is called where nobody else has it."""
LETTERS: Final[Mapping[str, str]] = {
    "kept": "chưa xem: giữ lại, người này đọc khi quay lại bằng mã",
    "waiting": "chưa gửi được, hệ thống đang gửi",
    "sent": "đã tới kênh của người này",
    "unsure": "chưa chắc đã xem",
    "left": "chưa chắc đã xem: người này đã rời trang, đọc được khi quay lại bằng mã",
    "seen": "đã xem",
}
"""What became of an officer's message, as storage/letters.py has it."""
ROLES: Final[Mapping[str, str]] = {
    "duty": "trực ban",
    "chief": "phụ trách",
    "admin": "quản trị",
    "auditor": "kiểm tra",
    "statistics": "thống kê",
}
CHANNELS: Final[Mapping[str, str]] = {
    "web": "trang web",
    "telegram": "Telegram",
    "zalo_bot": "Zalo Bot",
    "zalo_oa": "Zalo",
    "terminal": "thử nghiệm",
}
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
OPENED_FOR: Final[Mapping[str, str]] = {
    "handling": "xử lý hồ sơ này",
    "cover": "thay đồng nghiệp đang giữ",
    "review": "phụ trách xem lại",
    "requested": "người nhắn yêu cầu",
    "sheet": "lập phiếu chuyển",
}
"""Why an officer opened the words of a person, by the code in the audit."""
ACTIONS: Final[Mapping[str, str]] = {
    "intake.received": "Hệ thống nhận tin",
    "intake.added": "Người nhắn bổ sung",
    "right.see": "Người nhắn yêu cầu xem dữ liệu của mình",
    "right.correct": "Người nhắn yêu cầu sửa",
    "right.restrict": "Người nhắn yêu cầu tạm ngừng dùng",
    "right.withdraw": "Người nhắn rút lại đồng ý",
    "right.erase": "Người nhắn yêu cầu xóa",
    "referral.withdrawn": "Người nhắn rút lại trước khi tới nơi",
    "referral.proposed": "Đề xuất chuyển tới cơ quan này",
    "referral.raised": "Nâng mức hoặc mở rộng thông tin được xem",
    "officer.invited": "Cấp mã một lần",
    "officer.added": "Thêm cán bộ",
    "officer.joined": "Cán bộ dùng mã một lần",
    "officer.role": "Đổi vai trò",
    "officer.revoked": "Thu quyền",
    "officer.password": "Cán bộ đổi mật khẩu",
    "sign_in.done": "Đăng nhập",
    "sign_in.failed": "Đăng nhập sai",
    "session.ended": "Đăng xuất ở một nơi",
    "session.others_ended": "Đăng xuất ở mọi nơi khác",
    "staff.opened": "Xem danh sách cán bộ",
    "requests.opened": "Xem các yêu cầu",
    "export.downloaded": "Tải số liệu tuần",
    "audit.read": "Xem nhật ký",
    "key.made": "Tạo khóa của cơ quan",
    "key.given": "Trao khóa của cơ quan",
    "key.of_officer": "Tạo khóa của cán bộ",
    "key.rewrapped": "Giữ khóa dưới mật khẩu mới",
    "key.dropped": "Bỏ khóa của cán bộ",
    "referral.located": "Biết thêm nơi xảy ra",
    "referral.added_to": "Tin được bổ sung",
    "referral.escalated": "Chưa ai nhận, báo lên bậc tiếp theo",
    "referral.asked": "Nhắn cho người báo",
    "referral.asked_kept": "Giữ lời nhắn: người này đọc khi quay lại bằng mã",
    "letters.read": "Người nhắn quay lại bằng mã và xem lời cán bộ",
    "referral.acknowledge": "Nhận hồ sơ",
    "referral.accept": "Thụ lý",
    "referral.return": "Trả lại",
    "referral.transfer": "Chuyển nơi khác",
    "referral.close": "Kết thúc",
    "referral.classify": "Phân loại",
    "referral.linked": "Ghép với hồ sơ",
    "referral.unlinked": "Bỏ ghép với hồ sơ",
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
    "content.opened": "Mở nội dung",
    "sheet.made": "Lập phiếu chuyển",
    "file.opened": "Mở xem tệp đính kèm",
    "file.original": "Lấy tệp gốc",
}
ORIGINAL_REASONS: Final[Mapping[str, str]] = {
    "original_evidence": "đưa vào hồ sơ vụ việc làm chứng cứ",
    "original_expert": "gửi giám định",
    "original_unseen": "không có bản xem, cần xem nội dung",
    "original_detail": "bản xem không đủ rõ",
}
"""Why a chief may take a file as it came."""
NO_REASON: Final = "Bạn chưa chọn lý do."
NOT_SHOWN: Final[Mapping[str, str]] = {
    "unknown": "Hệ thống không làm được bản xem cho loại tệp này.",
    "document": "Tài liệu (PDF, Word, Excel) không mở ở đây, vì bên trong có thể có mã gây hại.",
    "intruder": "Trong tệp có lẫn thứ khác (trang web, tệp nén hoặc dữ liệu lạ), nên hệ thống không mở.",
    "too_large": "Hình quá lớn, hệ thống không mở để bảo vệ máy.",
    "too_many_frames": "Hình động có quá nhiều khung, hệ thống không mở để bảo vệ máy.",
    "too_long": "Bản ghi quá dài, hệ thống không đổi giọng được.",
    "damaged": "Tệp bị hỏng hoặc chưa tải lên hết, hệ thống không đọc được.",
    "gave_up": "Hệ thống không xử lý được tệp này.",
    "time": "Tệp này mất quá nhiều thời gian để xử lý, hệ thống đã dừng.",
}
"""Why there is no copy for viewing (`bot.media.result.WHY`)."""

LOOKING: Final = frozenset({"case.opened", "content.opened", "file.opened", "sheet.made"})
"""What changes nothing about a case."""
NO_PHONE: Final = "chưa có máy nào của người cần báo nhận thông báo"
PLACES: Final[Mapping[str, str]] = {
    "domestic": "trong nước, chưa rõ tỉnh",
    "border": "vùng biên giới",
    "sea": "trên biển",
    "abroad": "nước ngoài, chưa rõ nước",
    "unknown": "chưa rõ nơi",
}
"""Where somebody is, where neither a province nor a country is known."""
NO_PROVINCE: Final = "chưa rõ tỉnh"
WAITING: Final = frozenset({"proposed", "sent", "delivered"})
"""States in which nobody has taken a referral yet."""


def place(facts: Facts, provinces: Mapping[str, str], say: Say = vietnamese) -> str:
    """Where it is, from what was answered: Lạng Sơn, vùng biên giới; Campuchia, quê Lạng Sơn; trong nước, chưa rõ tỉnh."""
    named = [provinces.get(facts.province, ""), say(COUNTRIES.get(facts.country, facts.country))]
    if not any(named) or (facts.where in {"border", "sea"}):
        named.append(say(PLACES.get(facts.where, facts.where)))
    if facts.home_province in provinces:
        named.append(say("quê {place}", place=provinces[facts.home_province]))
    return ", ".join(filter(None, named))


def when(at: datetime | None) -> str:
    """A moment as offices write it: 23/11/2026 14:05, Vietnamese time."""
    return at.astimezone(VIET_NAM).strftime("%d/%m/%Y %H:%M") if at else ""


def span(seconds: float, say: Say = vietnamese) -> str:
    """A length of time in one unit, rounded down: 5 phút, 3 giờ, 2 ngày."""
    seconds = abs(seconds)
    if seconds < 60:
        return say("dưới 1 phút")
    if seconds < 3600:
        return say("{n} phút", n=int(seconds // 60))
    if seconds < 48 * 3600:
        return say("{n} giờ", n=int(seconds // 3600))
    return say("{n} ngày", n=int(seconds // 86400))


def size(count: int) -> str:
    """Bytes in the unit that suits: 512 byte, 34 kB, 2,5 MB."""
    if count < 1000:
        return f"{count} byte"
    return f"{count // 1000} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB".replace(".", ",")


def ago(at: datetime, now: datetime, say: Say = vietnamese) -> str:
    """How long ago: 5 phút trước."""
    return say("{span} trước", span=span((now - at).total_seconds(), say))


def until(at: datetime, now: datetime, say: Say = vietnamese) -> tuple[str, bool]:
    """How long is left until a moment, in words, and whether it has passed."""
    left = (at - now).total_seconds()
    how_long = span(left, say)
    return (say("quá hạn {span}", span=how_long), True) if left < 0 else (say("còn {span}", span=how_long), False)


def due(referral: Referral, now: datetime, say: Say = vietnamese) -> tuple[str, bool]:
    """The clock of a referral nobody has taken yet, in words, and whether it is overdue. Empty once it is taken."""
    if referral.due_at is None or referral.state not in WAITING:
        return "", False
    return until(referral.due_at, now, say)


def must_do(waiting: Sequence[Referral], now: datetime, say: Say = vietnamese, held: int = 0) -> str:
    """The one line that answers: what must I do now? `held` are the officer's own."""
    urgent = [one for one in waiting if one.urgent]
    late = [one for one in waiting if due(one, now)[1]]
    if urgent:
        return say("{n} hồ sơ khẩn chưa ai nhận. Nhận ngay: {code}.", n=len(urgent), code=urgent[0].code)
    if late:
        return say("{n} hồ sơ đã quá hạn nhận. Mở trước: {code}.", n=len(late), code=late[0].code)
    if waiting:
        return say("{n} hồ sơ chờ nhận. Mở trước: {code}.", n=len(waiting), code=waiting[0].code)
    if held:
        return say("Không có hồ sơ nào chờ nhận. Bạn đang giữ {n} hồ sơ.", n=held)
    return say("Không có hồ sơ nào chờ nhận.")


def timeline(
    entries: Sequence[AuditEntry],
    names: Mapping[str, str],
    details: Mapping[str, str],
    now: datetime | None = None,
    say: Say = vietnamese,
) -> list[dict[str, str]]:
    """The audit in plain words, newest last; the same thing again and again is one line with its count and last time.

    So is each kind of looking, among others of its kind: who works on a case opens it many times.
    """
    lines: list[dict[str, str]] = []
    counts: list[int] = []
    looks = 0  # lines at the end that are nothing but looking
    for entry in entries:
        line = {
            "who": names.get(entry.actor, say("Hệ thống")),
            "what": say(ACTIONS.get(entry.action, entry.action)),
            "detail": _detail(entry, details, say),
        }
        moment = {"at": when(entry.at), "age": ago(entry.at, now, say) if now else ""}
        looks = looks if entry.action in LOOKING else 0
        same = [
            at for at in range(len(lines) - max(looks, 1), len(lines)) if at >= 0 and line.items() <= lines[at].items()
        ]
        if same:
            lines.append({**lines.pop(same[0]), **moment})
            counts.append(counts.pop(same[0]) + 1)
        else:
            lines.append({**line, **moment})
            counts.append(1)
            looks += entry.action in LOOKING
    return [
        {**line, "times": say("{n} lần", n=count) if count > 1 else ""}
        for line, count in zip(lines, counts, strict=True)
    ]


def _detail(entry: AuditEntry, details: Mapping[str, str], say: Say) -> str:
    """Reason, outcome or office in words, where the entry has one; and that a referral handed over reached no phone."""
    if entry.detail.get("code") == "no_phone":
        return say(NO_PHONE)
    codes = [entry.detail.get(name, "") for name in ("reason", "outcome", "office", "with")]
    return ", ".join(details.get(code, code) for code in codes if code)
