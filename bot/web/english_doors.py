"""English of what officers read about the doors that people use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DOORS: Final[Mapping[str, str]] = {
    "Người này chưa nhắn lại đã lâu nên Zalo không chuyển tin tới họ nữa. Lời nhắn được giữ tới khi họ nhắn lại.": (
        "They have not written for long, so Zalo takes no message to them any more. Yours is kept until they write again."
    ),
    "Zalo chuyển tin tới người này đến {until}. Sau đó lời nhắn được giữ tới khi họ nhắn lại.": (
        "Zalo takes messages to them until {until}. After that yours is kept until they write again."
    ),
    "Zalo giữ lại nội dung: có thể là trẻ em, người khuyết tật, hoặc chỉ là đường dẫn, tệp.": (
        "Zalo withheld the content: perhaps a child or a disabled person, perhaps only a link or a file."
    ),
    "Có người nhắn, có thể là trẻ em; Zalo giữ lại cả nội dung lẫn địa chỉ nên không trả lời được.": (
        "Somebody wrote, perhaps a child; Zalo withheld both the content and the address, so nobody can answer."
    ),
}
