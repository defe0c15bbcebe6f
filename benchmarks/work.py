"""The work that is measured: one tip on Telegram from `/start` to the receipt, as the Bot API's own bytes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

TAP, TEXT = "tap", "text"
TURNS: tuple[tuple[str, str], ...] = (
    (TEXT, "/start"),
    (TAP, "safe"),
    (TAP, "tip"),
    (TAP, "karaoke"),
    (TAP, "done"),
    (TAP, "no"),
    (TAP, "in_vn"),
    (TAP, "more"),
    (TEXT, "Quán số {n} ở cạnh chợ, xã Bắc Quang, Hà Giang cũ"),
    (TAP, "c01153"),
    (TAP, "today"),
    (TAP, "unsure"),
    (TAP, "m01"),
    (TAP, "done"),
    (TEXT, "Xe bảy chỗ biển số 23A {n}, hay đỗ sau quán buổi tối"),
    (TEXT, "Quán mới mở hai tháng, có mấy cô ở tỉnh khác đến làm, tối nào cũng đông khách, {n} người"),
    (TAP, "skip"),
    (TAP, "no"),
    (TAP, "yes"),
    (TAP, "send"),
    (TAP, "done"),
)
"""What one person does, to the receipt and the end. `{n}` is another number for each, so that no two write the same."""
TICKS = frozenset({"karaoke", "m01"})
"""Boxes of a question that stands: it keeps its number, so the next press names the same one."""

_updates = itertools.count(700_000_000)


def turns_of(person: int) -> Iterator[bytes]:
    """The updates of one person, with the fields that the Bot API sends in a private chat."""
    user = {"id": person, "is_bot": False, "first_name": "Hồng", "language_code": "vi"}
    chat = {"id": person, "first_name": "Hồng", "type": "private"}
    prompt = 0
    for number, (kind, what) in enumerate(TURNS):
        body: dict[str, Any] = {"update_id": next(_updates)}
        if kind == TEXT:
            message = {"message_id": 10 + number, "from": user, "chat": chat, "date": 1_790_000_000}
            body["message"] = {**message, "text": what.format(n=person % 9973)}
        else:
            shown = {"message_id": 9 + number, "chat": chat, "date": 1_790_000_000, "text": "Bạn cần gì lúc này?"}
            body["callback_query"] = {
                "id": f"{person}{number}", "from": user, "chat_instance": "-1", "data": f"p{prompt}:{what}", "message": shown,
            }  # fmt: skip
        prompt += what not in TICKS
        yield json.dumps(body, ensure_ascii=False).encode()
