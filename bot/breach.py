"""`python -m bot breach`: the register of data breaches, the 72 hours of the law, a draft of the notification.

The clock begins with detecting the violating act (Law 91/2025 Article 23, Decree 356/2025 Article 28: the clock `breach` of
referral/clocks). The fields are those that our reading of the law names; the official form (Mẫu 08) was not read, so the draft
says that it must be compared with it.
"""

from __future__ import annotations

import argparse
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from bot.book import read_book
from bot.keys import open_with_key
from bot.settings import BadSetting, Settings
from referral.book import Clock
from referral.clocks import VIET_NAM, due_at
from storage.breaches import Breach, Breaches

ACTS: Final = {
    "leak": "lộ, mất dữ liệu",
    "access": "truy cập trái phép",
    "purpose": "xử lý sai mục đích đã thỏa thuận",
    "rights": "không bảo đảm quyền của chủ thể dữ liệu",
}
"""What may have happened (procedure-vn.md §5: also wrong purpose and failed rights)."""
KINDS: Final = {
    "basic": "dữ liệu cơ bản",
    "ethnicity": "nguồn gốc dân tộc",
    "belief": "tín ngưỡng, tôn giáo",
    "private": "đời sống riêng tư, bí mật gia đình",
    "health": "sức khỏe",
    "biometric": "sinh trắc học, di truyền",
    "sex": "đời sống tình dục",
    "crime": "dữ liệu về tội phạm",
    "location": "vị trí",
    "identity": "tài khoản định danh, ảnh giấy tờ tùy thân",
    "bank": "thông tin ngân hàng",
    "online": "theo dõi hành vi trên mạng",
}
"""Categories of data; all but the first are sensitive (Decree 356/2025 Article 4)."""
HARMS: Final = {"life": "tính mạng", "health": "sức khỏe", "honour": "danh dự", "dignity": "nhân phẩm"}
MISSING: Final = "[người vận hành bổ sung]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`record`, `list` and `notice`."""
    does = parser.add_subparsers(dest="does", required=True, metavar="what")
    record = does.add_parser("record", help="a breach was detected: write it down and start its 72 hours")
    record.add_argument(
        "--detected", metavar="TIME", help="when it was detected, like 2026-11-23T08:00+07:00; else now"
    )
    record.add_argument("--act", required=True, choices=sorted(ACTS), help="what happened")
    record.add_argument(
        "--kind", action="append", default=[], choices=sorted(KINDS), help="category of data; repeatable"
    )
    record.add_argument("--people", type=int, help="how many people it is about, as far as known")
    record.add_argument(
        "--harm", action="append", default=[], choices=sorted(HARMS), help="what may be harmed; repeatable"
    )
    record.add_argument("--what", default="", help="what is known, in words; names nobody")
    record.add_argument("--done", default="", help="what was done about it, in words")
    does.add_parser("list", help="all of them, with what is left of the 72 hours")
    notice = does.add_parser("notice", help="a draft of the notification, in Vietnamese")
    notice.add_argument("breach", help="its number, as `list` shows it")
    notice.add_argument("--sent", action="store_true", help="it was sent: stop its clock")


async def run(settings: Settings, chosen: argparse.Namespace, now: datetime) -> str:
    """Do it; what is to be printed. Raises BadSetting where the number or the time is none."""
    clock = read_book()[0].referral.clocks["breach"]
    storage = await open_with_key(settings.home, settings.database, settings.key_at)
    try:
        return await _done(Breaches(storage), clock, chosen, now)
    finally:
        await storage.close()


async def _done(breaches: Breaches, clock: Clock, chosen: argparse.Namespace, now: datetime) -> str:
    if chosen.does == "record":
        return await _record(breaches, clock, chosen, now)
    found = await breaches.all()
    if chosen.does == "list":
        return "\n".join(_line(one, clock, now) for one in found) or "No breach is recorded."
    return await _notice(breaches, clock, found, chosen, now)


async def _record(breaches: Breaches, clock: Clock, chosen: argparse.Namespace, now: datetime) -> str:
    detected = _time(chosen.detected) if chosen.detected else now
    if detected > now + timedelta(minutes=1):
        raise BadSetting("--detected is in the future: it is when somebody saw it")
    if chosen.people is not None and chosen.people < 0:
        raise BadSetting("--people is less than nobody: leave it out where it is not known")
    fields: dict[str, Any] = {name: getattr(chosen, name) for name in ("act", "kind", "people", "harm", "what", "done")}
    one = Breach(secrets.token_hex(4), detected, now, fields)
    await breaches.record(one)
    return f"{_line(one, clock, now)}\nDraft of the notification: python -m bot breach notice {one.id}"


async def _notice(
    breaches: Breaches, clock: Clock, found: list[Breach], chosen: argparse.Namespace, now: datetime
) -> str:
    one = next((one for one in found if one.id == chosen.breach), None)
    if one is None:
        raise BadSetting(f"{chosen.breach} is no breach that was recorded; `breach list` shows them")
    if chosen.sent:
        done = await breaches.notified(one.id, now)
        return f"{one.id}: {'notified' if done else 'was notified before'}."
    await breaches.drafted(one.id, now)
    return draft(one, clock, now)


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadSetting(f"--detected is `{text}`; write it like 2026-11-23T08:00+07:00") from None
    return at if at.tzinfo else at.replace(tzinfo=VIET_NAM)


def _line(one: Breach, clock: Clock, now: datetime) -> str:
    until = due_at(clock, one.detected_at)
    left = round((until - now) / timedelta(hours=1), 1)
    state = f"notified {_local(one.notified_at)}" if one.notified_at else f"{left} h left" if left > 0 else "OVERDUE"
    return f"{one.id}\tdetected {_local(one.detected_at)}\tnotify by {_local(until)}\t{state}\t{one.fields['act']}"


def draft(one: Breach, clock: Clock, now: datetime) -> str:
    """The notification in Vietnamese, filled with what is known; what the operator must supply is marked."""
    fields, until = one.fields, due_at(clock, one.detected_at)
    people = MISSING if fields["people"] is None else str(fields["people"])
    kinds = ", ".join(KINDS[kind] for kind in fields["kind"]) or MISSING
    harms = ", ".join(HARMS[harm] for harm in fields["harm"]) or MISSING
    late = "\nLý do gửi sau 72 giờ: " + MISSING if (one.notified_at or now) > until else ""
    return f"""DỰ THẢO: THÔNG BÁO VI PHẠM VỀ BẢO VỆ DỮ LIỆU CÁ NHÂN
(Đối chiếu với Mẫu 08 kèm Nghị định 356/2025/NĐ-CP trước khi gửi; bản này chưa theo đúng mẫu.)

Số sổ: {one.id}
Nơi nhận: {MISSING}
Bên kiểm soát dữ liệu: {MISSING}
Người liên hệ, điện thoại: {MISSING}

Phát hiện hành vi vi phạm lúc: {_local(one.detected_at)}
Ghi vào sổ lúc: {_local(one.recorded_at)}
Hạn thông báo (72 giờ từ khi phát hiện): {_local(until)}{late}

Hành vi: {ACTS[fields["act"]]}
Diễn biến: {fields["what"] or MISSING}
Loại dữ liệu: {kinds}
Số người bị ảnh hưởng: {people}
Có thể gây hại tới: {harms}
Đã làm để ngăn chặn, khắc phục: {fields["done"] or MISSING}
Biên bản xác nhận: {MISSING}
"""


def _local(at: datetime) -> str:
    return at.astimezone(VIET_NAM).strftime("%d/%m/%Y %H:%M")
