"""The English of what stands about sealed content and its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KEYS: Final[Mapping[str, str]] = {
    "Chưa mở được nội dung niêm phong.": "The sealed content does not open yet.",
    "Phiên này không có khóa của cơ quan nhận hồ sơ. Nhờ đồng nghiệp giữ khóa mở hồ sơ, hoặc xác nhận bạn ở trang": (
        "This session has no key of the office that received the case. Ask a colleague who holds it to open the case, "
        "or to confirm you on the page"
    ),
    "Khóa mở nội dung": "Keys to the content",
    "Hồ sơ nhận từ nơi khác thì nhờ nơi đó mở lại một lần.": "A case that came from elsewhere: ask them to open it once more.",
    "Khóa": "Keys",
    "Lời kể, cách liên lạc và tệp được niêm phong. Chỉ cán bộ giữ khóa của cơ quan mới mở được.": (
        "Words, contacts and files are sealed. Only officers who hold their office's key open them."
    ),
    "Bạn đang giữ khóa của cơ quan mình.": "You hold your office's key.",
    "Bạn chưa giữ khóa của cơ quan mình nên chưa mở được nội dung hồ sơ. Nhờ một đồng nghiệp đang giữ khóa vào trang này và xác "
    "nhận bạn. Nếu không còn ai giữ khóa, báo người quản trị hệ thống.": (
        "You do not hold your office's key yet, so you cannot open the content of cases. Ask a colleague who holds it to come to "
        "this page and confirm you. If nobody holds it any more, tell the operator."
    ),
    "Đồng nghiệp chờ xác nhận": "Colleagues who wait to be confirmed",
    "Xác nhận": "Confirm",
    "Không có ai.": "Nobody.",
    "Chỉ xác nhận người bạn biết và đã hỏi trực tiếp. Họ sẽ đọc được mọi hồ sơ của cơ quan.": (
        "Confirm only whom you know and have asked in person. They will read every case of the office."
    ),
}
