"""The sentences of the page of requests about personal data, in English by their Vietnamese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

REQUESTS: Final[Mapping[str, str]] = {
    "Yêu cầu": "Requests",
    "Yêu cầu về dữ liệu": "Data requests",
    "Yêu cầu về dữ liệu cá nhân": "Requests about personal data",
    "Người gửi tin yêu cầu bằng mã của họ. Không hỏi họ là ai.": (
        "People ask with the code of their report. Do not ask who they are."
    ),
    "Nơi đang giữ hồ sơ đã được báo; người gửi xem trả lời khi quay lại bằng mã.": (
        "The office with the case was told; who asked reads the answer by their code."
    ),
    "Hồ sơ": "Cases",
    "Nhận lúc": "Received",
    "Hạn trả lời": "Answer by",
    "Hạn làm xong": "Done by",
    "Ghi lại": "Record",
    "quá hạn": "overdue",
    "đã trả lời": "answered",
    "Đã trả lời": "Answered",
    "Đã làm xong": "Done",
    "Phải giữ theo quy định": "Must be kept by law",
    "Không có yêu cầu nào đang chờ.": "No request waits.",
    "Xem": "See",
    "Sửa": "Correct",
    "Tạm ngừng dùng": "Set aside",
    "Rút lại đồng ý": "Take back consent",
    "Xóa": "Erase",
    "Người nhắn yêu cầu xem dữ liệu của mình": "The person asks to see their data",
    "Người nhắn yêu cầu sửa": "The person asks for a correction",
    "Người nhắn yêu cầu tạm ngừng dùng": "The person asks to have it set aside",
    "Người nhắn rút lại đồng ý": "The person takes back their consent",
    "Người nhắn yêu cầu xóa": "The person asks to have it erased",
    "Người nhắn rút lại trước khi tới nơi": "The person took it back before it arrived",
}
