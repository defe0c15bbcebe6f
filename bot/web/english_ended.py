"""The English of what cannot be undone, and of a case that is closed or with another office now,
and of what became of a message to the person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ENDED: Final[Mapping[str, str]] = {
    "Mọi nơi đã trả lại, chưa ai giữ": "Returned by every office; nobody has it",
    "Việc này không hoàn tác được. Bạn đánh dấu ô “Tôi biết việc này không hoàn tác được” rồi gửi lại giúp.": (
        "This cannot be undone. Please tick “I know that this cannot be undone” and send it again."
    ),
    "Hệ thống không có việc này. Hồ sơ chưa có gì thay đổi.": "There is no such action here. Nothing in the case has changed.",
    "Hồ sơ này đã kết thúc, không nhắn tiếp từ đây được.": "This case is closed; nothing more can be written from here.",
    "Hồ sơ này không còn ở cơ quan bạn, không nhắn tiếp từ đây được.": (
        "This case is no longer with your office; nothing more can be written from here."
    ),
    "Người nhắn đã rút lại trước khi cơ quan bạn đọc. Lời của họ không mở được ở đây.": (
        "The person took it back before your office read it. Their words cannot be opened here."
    ),
    "Người nhắn quay lại bằng mã và xem lời cán bộ": "The person came back with the receipt and was shown officers’ messages",
    "chưa xem: giữ lại, người này đọc khi quay lại bằng mã": "not seen: kept; the person reads it on coming back by receipt",
    "chưa gửi được, hệ thống đang gửi": "not sent yet; the service is trying",
    "đã tới kênh của người này": "reached the person’s channel",
    "chưa chắc đã xem": "perhaps not seen",
    "chưa chắc đã xem: người này đã rời trang, đọc được khi quay lại bằng mã": (
        "perhaps not seen: the person left the page; they can read it on coming back with the receipt"
    ),
    "đã xem": "seen",
    "Hồ sơ này nay ở {office}. Lời của người nhắn chỉ mở được ở đó.": (
        "This case is now with {office}. The person’s words can be opened only there."
    ),
}
