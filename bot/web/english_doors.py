"""English of what officers read about the doors that people use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DOORS: Final[Mapping[str, str]] = {
    "tiếng Trung": "Chinese",
    "tiếng Lào": "Lao",
    "tiếng Khmer": "Khmer",
    "tiếng Thái Lan": "Thai (Thailand)",
    "tiếng Miến Điện": "Burmese",
    "tiếng Hàn": "Korean",
    "tiếng Nhật": "Japanese",
    "tiếng Nga": "Russian",
    "tiếng H'Mông": "Hmong",
    "tiếng Thái": "Tai (Viet Nam)",
    "tiếng Tày": "Tày",
    "tiếng Nùng": "Nùng",
    "tiếng Dao": "Dao",
    "tiếng khác, chưa rõ tiếng nào": "another language, not known which",
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
    "Nơi nhận thông báo": "Where you get notices",
    "Lỗi: {what}. Hồ sơ khẩn sẽ không báo được cho bạn.": "Error: {what}. You would not be told of an urgent case.",
    "Lỗi: {what}": "Error: {what}",
    "Tin khẩn đi tới mọi nơi cùng lúc. Thông báo không có nội dung hồ sơ.": (
        "What is urgent goes to all of them at once. A notice holds nothing of the case."
    ),
    "Thêm Telegram hoặc Zalo bằng mã một lần của người phụ trách.": (
        "Telegram or Zalo is added with a one-time code from whoever manages you."
    ),
    "Kênh": "Channel",
    "Gửi thử": "Send a trial",
    "Bỏ nơi này": "Remove",
    "Telegram": "Telegram",
    "Zalo": "Zalo",
    "Zalo (bot)": "Zalo (bot)",
    "Trình duyệt": "Browser",
    "Thư điện tử": "E-mail",
    "chưa có tin nào tới": "nothing sent yet",
    "nhận được lúc {when}": "took one at {when}",
    "không nhận được từ {when}": "takes none since {when}",
    "đã chặn, hoặc không còn": "blocked, or gone",
    "kênh này đang tắt ở đây": "this channel is switched off here",
    "không nơi nào còn nhận được thông báo": "no address of theirs takes notices any more",
    "Đó không phải là một địa chỉ thư điện tử dùng được ở đây.": "That is no e-mail address that can be used here.",
    "Trình duyệt này không nhận được thông báo qua nơi mà hệ thống biết.": (
        "This browser takes no notices by a push service that the system knows."
    ),
    "Địa chỉ này đang nhận thông báo của một cán bộ khác.": "This address gets the notices of another officer.",
    "Đã đủ sáu nơi. Bỏ một nơi trước khi thêm.": "There are six already. Remove one before you add another.",
    "Thêm một hộp thư: chỉ có mức độ và mã, tiêu đề luôn như nhau": (
        "Add a mailbox: level and code only, the subject is always the same"
    ),
    "Thêm và gửi thử": "Add, and send a trial",
    "Nhận thông báo ngay trên trình duyệt này, cả khi trang đã đóng. Chỉ có mức độ và mã.": (
        "Get notices in this browser, even when the page is closed. Level and code only."
    ),
    "Trình duyệt không cho phép nhận thông báo. Hãy cho phép ở cài đặt của trình duyệt rồi bấm lại.": (
        "The browser does not allow notices. Allow them in its settings, then press again."
    ),
    "Nhận thông báo trên máy này": "Get notices on this device",
}
