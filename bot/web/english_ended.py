"""The English of what cannot be undone, and of a case that is closed or with another office now."""

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
    "Hồ sơ này nay ở {office}. Lời của người nhắn chỉ mở được ở đó.": (
        "This case is now with {office}. The person’s words can be opened only there."
    ),
}
