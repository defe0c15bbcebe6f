"""The officers' sentences about what people sent, in English, by their Vietnamese: a part of `bot/web/english.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENT_FILES: Final[Mapping[str, str]] = {
    "Về hồ sơ {code}": "Back to case {code}",
    "{name} do người nhắn gửi": "{name} sent by the person",
    "Tệp này khác với lần mở trước. Hãy báo người vận hành, đừng dùng làm chứng cứ.":
        "This file is not what it was when it was last opened. Tell the operator; do not use it as evidence.",
    "Không có bản xem.": "There is no copy to view.",
    "Bản gốc vẫn được giữ nguyên.": "The original is kept as it came.",
    "Giọng nói đã được đổi. Nghe được giọng thật khi cơ quan bạn đã nhận hồ sơ.":
        "The voice has been changed. The real one can be heard once your agency has taken the case.",
    "Đây là bản xem: đã bỏ nơi ghi, thời gian, tên máy và các thông tin ẩn. Bản gốc vẫn được giữ nguyên.":
        "This is a copy to view: place, time, device and hidden details were removed. The original is kept as it came.",
    "{point}: gần {near}. Tính tới giữa xã, không có ranh giới: cần kiểm tra.":
        "{point}: near {near}. Measured to the middle of each commune, without borders: to be checked.",
    "{point}: không gần giữa xã nào trong 20 km, có thể ở nước ngoài hoặc trên biển.":
        "{point}: no commune's middle within 20 km; it may be abroad or at sea.",
    "{unit} (khoảng {km} km)": "{unit} (about {km} km)",
    "Số, tài khoản, biển số trong lời kể": "Numbers, accounts and plates in these words",
    "Thử lại": "Try again",
    "Tệp không có ở đây": "The file is not here",
    "Người nhắn đã gửi một tệp, nhưng tệp đang về, quá lớn, hoặc đã được xóa. Thử lại sau một phút.":
        "The person sent a file, but it is still on its way, is too large, or was erased. Try again in a minute.",
    "Bản gốc": "Original",
    "Dung lượng": "Size",
    "Lấy tệp gốc": "Take the original",
    "Tệp gốc còn nguyên nơi ghi, thời gian, giọng thật và có thể chứa mã gây hại. Chỉ mở trên máy riêng, không nối mạng. "
    "Việc lấy tệp được ghi lại.":
        "The original still holds place, time and the real voice, and may carry harmful code. Open it only on a separate "
        "computer that is not on a network. Taking it is written down.",
    "Lấy được tệp gốc sau khi cơ quan bạn nhận hồ sơ.": "The original can be taken once your agency has taken the case.",
    "Chỉ người phụ trách lấy được tệp gốc, có nêu lý do.": "Only the chief can take the original, and says why.",
    "Mở xem tệp đính kèm": "Viewed a file",
    "đưa vào hồ sơ vụ việc làm chứng cứ": "as evidence for the case file",
    "gửi giám định": "for forensic examination",
    "không có bản xem, cần xem nội dung": "there is no copy to view and its content is needed",
    "bản xem không đủ rõ": "the copy to view is not clear enough",
    "Bạn chưa chọn lý do.": "You have not chosen a reason.",
    "Hệ thống không làm được bản xem cho loại tệp này.": "The system cannot make a copy to view of this kind of file.",
    "Tài liệu (PDF, Word, Excel) không mở ở đây, vì bên trong có thể có mã gây hại.":
        "Documents (PDF, Word, Excel) are not opened here, for there may be harmful code in them.",
    "Trong tệp có lẫn thứ khác (trang web, tệp nén hoặc dữ liệu lạ), nên hệ thống không mở.":
        "Something else is mixed into the file (a web page, an archive or strange content), so the system does not open it.",
    "Hình quá lớn, hệ thống không mở để bảo vệ máy.": "The picture is too large; it is not opened, to protect the machine.",
    "Hình động có quá nhiều khung, hệ thống không mở để bảo vệ máy.":
        "The moving picture has too many frames; it is not opened, to protect the machine.",
    "Bản ghi quá dài, hệ thống không đổi giọng được.": "The recording is too long for its voice to be changed.",
    "Tệp bị hỏng hoặc chưa tải lên hết, hệ thống không đọc được.":
        "The file is damaged or did not arrive whole; it cannot be read.",
    "Hệ thống không xử lý được tệp này.": "The system could not process this file.",
    "Tệp này mất quá nhiều thời gian để xử lý, hệ thống đã dừng.": "This file took too long to process; the system stopped.",
}  # fmt: skip
