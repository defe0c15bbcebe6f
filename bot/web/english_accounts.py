"""The English of the pages about officers' accounts: signing in, joining, one's own sessions, colleagues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ACCOUNTS: Final[Mapping[str, str]] = {
    "Bản dùng thử": "Trial version",
    # Signing in
    "Đăng nhập": "Sign in",
    "Cán bộ đăng nhập": "Officers sign in",
    "Tên đăng nhập": "Login name",
    "Mật khẩu": "Password",
    "Mã 6 số đang hiện trong ứng dụng": "The 6 digits that your app shows now",
    "Mã 6 số (để trống nếu tài khoản chưa cài)": "6 digits (leave empty if the account has none)",
    "Lần đầu dùng?": "The first time?",
    "Nhập mã một lần": "Enter a one-time code",
    "Quên mật khẩu hoặc đổi điện thoại thì gặp người phụ trách để nhận mã mới.": (
        "Forgotten password or new phone: see your chief for a new code."
    ),
    "Bản dùng thử: cán bộ thử": "Trial: demo officers",
    "Mật khẩu chung": "Their one password",
    "Mỗi cơ quan chỉ thấy hồ sơ chuyển cho mình.": "Each office sees only the cases sent to it.",
    "Tên đăng nhập, mật khẩu hoặc mã 6 số chưa đúng. Mỗi mã chỉ dùng một lần. "
    "Sau nhiều lần sai, phải chờ tối đa một phút giữa hai lần thử.": (
        "Login name, password or 6 digits are not right. Each 6 digits work once. "
        "After several wrong tries, wait up to a minute between two."
    ),
    "Phiên làm việc đã hết: sau 30 phút không dùng hoặc 12 giờ. Đăng nhập lại để tiếp tục.": (
        "Your session is over: after 30 minutes without use, or 12 hours. Sign in again to go on."
    ),
    "Phiên làm việc đã hết trước khi gửi. Nội dung bạn viết vẫn còn ở trang này: đăng nhập lại rồi gửi.": (
        "Your session was over before this was sent. What you wrote is still on this page: sign in again, then send it."
    ),
    # What was being written
    "Gửi lại": "Send again",
    "Đã đăng nhập lại": "Signed in again",
    "Chưa có gì được gửi. Xem lại rồi gửi.": "Nothing was sent yet. Look at it, then send it.",
    "Nội dung": "Text",
    "Mở hồ sơ mà không gửi": "Open the case without sending",
    # Joining
    "Nhập mã": "Enter a code",
    "Mã do người phụ trách cấp, dùng được một lần. Sau đó bạn đăng nhập bằng tên, mật khẩu và mã 6 số.": (
        "Your chief gives the code; it works once. After that you sign in with name, password and 6 digits."
    ),
    "Mã một lần": "One-time code",
    "Mật khẩu, từ 12 ký tự; nên ghép bốn từ không liên quan": "Password, 12 characters or more; best four unrelated words",
    "Gõ lại mật khẩu": "The password again",
    "Mã 6 số trên điện thoại": "6 digits on your phone",
    "Trong một ứng dụng tạo mã (TOTP), thêm tài khoản bằng cách quét hình này. Hình chỉ hiện ở trang này.": (
        "In an authenticator app (TOTP), add an account by scanning this picture. It is shown on this page only."
    ),
    "Hình để quét; khóa bằng chữ ở ngay dưới": "Picture to scan; the key in letters is right below",
    "Không quét được thì gõ khóa này vào ứng dụng:": "If it cannot be scanned, type this key into the app:",
    "Trang này đang mở trên chính điện thoại đó: chạm để thêm": "This page is open on that phone: tap to add it",
    "Hình để ứng dụng quét": "Picture for the app to scan",
    "Mã 6 số đang hiện": "The 6 digits shown now",
    "Mã 6 số đang hiện (bản dùng thử: có thể bỏ trống)": "The 6 digits shown now (trial: may be left empty)",
    "Lưu": "Save",
    "Đã có tài khoản": "I have an account",
    "Mã không dùng được: đã dùng, hết hạn hoặc gõ chưa đúng. Xin mã mới từ người phụ trách.": (
        "The code does not work: used, expired or mistyped. Ask your chief for a new one."
    ),
    "Tên đăng nhập cần 3 đến 40 ký tự: chữ không dấu, số, dấu chấm, gạch ngang, gạch dưới.": (
        "A login name has 3 to 40 characters: plain letters, digits, dot, dash, underscore."
    ),
    "Mật khẩu cần từ 12 đến 200 ký tự.": "A password has 12 to 200 characters.",
    "Mật khẩu này dễ đoán: có từ nhiều người dùng, tên đăng nhập, tên cơ quan hoặc dãy số. "
    "Nên ghép bốn từ trở lên không liên quan với nhau.": (
        "This password is easily guessed: it has words that many use, your login, your office or a row of digits. "
        "Best put together four or more unrelated words."
    ),
    "Hai lần gõ mật khẩu chưa giống nhau.": "The two passwords are not the same.",
    "Tên đăng nhập này đã có người dùng. Mã của bạn vẫn còn dùng được.": "This login name is taken. Your code still works.",
    "Mã 6 số chưa đúng. Xem lại giờ trên điện thoại, rồi nhập mã đang hiện. Mã một lần vẫn còn dùng được.": (
        "The 6 digits are not right. Check the clock of your phone, then type those shown now. Your code still works."
    ),
    # One's own account
    "Tài khoản": "Account",
    "Nơi đang đăng nhập": "Where you are signed in",
    "Từ lúc": "Since",
    "Dùng gần nhất": "Last used",
    "Chính ở đây": "Here",
    "Đăng xuất ở đó": "Sign out there",
    "Đăng xuất ở mọi nơi khác": "Sign out everywhere else",
    "Mất máy, hoặc thấy một nơi không phải của bạn": "A lost machine, or a place that is not yours",
    "Đăng xuất ở mọi nơi khác, rồi đổi mật khẩu ngay ở đây. Mất cả điện thoại thì báo người phụ trách để nhận mã mới.": (
        "Sign out everywhere else, then change your password here. If the phone is lost too, tell your chief, for a new code."
    ),
    "Đổi mật khẩu": "Change password",
    "Đã đổi mật khẩu. Mọi nơi khác đã bị đăng xuất.": "The password was changed. Every other place was signed out.",
    "Mật khẩu hiện tại": "Password now",
    "Mật khẩu mới, từ 12 ký tự; nên ghép bốn từ không liên quan": "New password, 12 characters or more; best four other words",
    "Gõ lại mật khẩu mới": "The new password again",
    "Khóa mở nội dung của bạn đi theo mật khẩu mới. Quên mật khẩu thì gặp người phụ trách.": (
        "Your key to the content goes with the new password. If you forget it, see your chief."
    ),
    "Mật khẩu hiện tại hoặc mã 6 số chưa đúng; không có gì thay đổi. Mỗi mã chỉ dùng một lần. "
    "Sau nhiều lần sai, phải chờ tối đa một phút giữa hai lần thử.": (
        "The password now or the 6 digits are not right; nothing was changed. Each 6 digits work once. "
        "After several wrong tries, wait up to a minute between two."
    ),
    "Mật khẩu mới giống mật khẩu đang dùng.": "The new password is the one that you use now.",
    "Phiên này chưa mở được khóa của bạn. Đăng xuất, đăng nhập lại rồi đổi mật khẩu.": (
        "This session does not open your key. Sign out, sign in again, then change the password."
    ),
    "Phiên làm việc tự hết sau 30 phút không dùng, hoặc sau 12 giờ.": (
        "A session ends by itself after 30 minutes without use, or after 12 hours."
    ),
    # Colleagues
    "Cán bộ của cơ quan": "Officers of this office",
    "Danh sách cán bộ": "List of officers",
    "Mã một lần của {name}": "One-time code of {name}",
    "Mã chỉ hiện lần này; ghi lại và trao tận tay, đừng nhắn.": (
        "It is shown this once; write it down and hand it over, do not send it."
    ),
    "Dùng một lần, trước {until}, ở trang /officers/join. Khi mã được dùng, mật khẩu và mã 6 số cũ không còn hiệu lực.": (
        "It works once, before {until}, at /officers/join. Once it is used, the old password and 6 digits work no more."
    ),
    "Họ tên": "Name",
    "Cơ quan": "Office",
    "Vai trò": "Role",
    "Thao tác": "Actions",
    "Đang hoạt động": "Active",
    "Đã thu quyền": "Revoked",
    "Quản lý": "Manage",
    "Cấp mã mới (quên mật khẩu, đổi điện thoại)": "New code (forgotten password, new phone)",
    "Đổi vai trò": "Change role",
    "Thu quyền ngay, không hoàn lại được": "Revoke now; cannot be undone",
    "Thêm cán bộ": "Add an officer",
    "Họ tên như đồng nghiệp gọi": "Name as colleagues see it",
    "Thêm và hiện mã một lần": "Add, and show the one-time code",
    "Cần họ tên để đồng nghiệp nhận ra, không quá 80 ký tự.": "A name that colleagues know, of at most 80 characters.",
    "Chọn cơ quan và vai trò trong danh sách.": "Choose office and role.",
    "Cán bộ này đã được thêm. Mã chỉ hiện một lần; nếu chưa ghi lại thì cấp mã mới.": (
        "This officer was added before. A code is shown once; if you did not write it down, make a new one."
    ),
    "Không có cán bộ đang hoạt động nào như vậy mà bạn được quản lý. Không có gì thay đổi.": (
        "There is no such active officer whom you may manage. Nothing was changed."
    ),
    "{name}: vai trò {role}. Cán bộ này phải đăng nhập lại.": "{name}: role {role}. This officer has to sign in again.",
    "{name}: đã thu quyền. Đã đăng xuất mọi nơi, không còn mã hay máy nào dùng được.": (
        "{name}: revoked. Signed out everywhere; no code and no phone of theirs works."
    ),
    "chưa nhập mã một lần": "has not entered the code yet",
    "chưa có mã 6 số": "no 6 digits set up",
    "chưa có máy nhận thông báo": "no phone for notices",
    "chờ xác nhận khóa": "waits for the key",
    "Sau khi họ đăng nhập, một người giữ khóa của cơ quan xác nhận họ ở trang": (
        "After they signed in, somebody who holds the office's key confirms them on the page"
    ),
    ", thì họ mới mở được lời kể và tệp.": "; only then do they open words and files.",
    # The directory
    "Danh bạ nơi nhận": "Directory of offices",
    "Danh bạ là tệp do người vận hành giữ. Nơi chưa có ai nhận được thông báo thì hồ sơ quá hạn lên nơi tiếp theo.": (
        "The directory is a file that the operator keeps. Where no notice reaches anybody, an overdue case climbs."
    ),
    "Tên nơi nhận": "Office",
    "Ngành": "Agency",
    "Điện thoại": "Telephone",
    "Thông báo": "Notices",
    "cả nước": "the whole country",
    "không nhận tin hôm nay": "does not receive today",
    "○ chưa có ai": "○ nobody yet",
    "tới máy cán bộ": "reach a phone",
    "chưa tới máy nào": "reach no phone",
    # The list's bell, and a page that lost its line
    "Tiếng báo khi có hồ sơ khẩn mới": "A sound when a new urgent case comes",
    "Bật chuông": "Turn the bell on",
    "Chuông bật": "Bell is on",
    "Chuông: chạm trang để có tiếng": "Bell: touch the page to hear it",
    "Chưa phân loại": "Not classified",
    "chưa phân loại": "not classified",
    "Mọi hồ sơ đang mở đã được phân loại.": "Every open case was classified.",
    "Mất liên lạc với hệ thống. Chưa gửi được; điều bạn viết vẫn còn ở trang này. Thử lại khi có mạng.": (
        "The service cannot be reached. Nothing was sent; what you wrote is still on this page. Try again with the line back."
    ),
    # Why words are opened, and what else the audit holds of officers
    "Lý do mở": "Reason",
    "Hồ sơ này do đồng nghiệp giữ. Chọn lý do rồi mở nội dung.": "A colleague holds this case. Choose a reason, then open it.",
    "xử lý hồ sơ này": "handling this case",
    "thay đồng nghiệp đang giữ": "in place of the colleague who holds it",
    "phụ trách xem lại": "a chief looks again",
    "người nhắn yêu cầu": "the person asked for it",
    "lập phiếu chuyển": "making a hand-over sheet",
    "Cấp mã một lần": "Made a one-time code",
    "Cán bộ dùng mã một lần": "Used the one-time code",
    "Thu quyền": "Revoked",
    "Cán bộ đổi mật khẩu": "Changed the own password",
    "Đăng nhập sai": "Tried in vain to sign in",
    "Đăng xuất ở một nơi": "Signed out at one place",
    "Xem danh sách cán bộ": "Saw the list of officers",
    "Xem các yêu cầu": "Saw the requests",
    "Tải số liệu tuần": "Downloaded weekly figures",
    "Xem nhật ký": "Saw the audit",
    "Tạo khóa của cơ quan": "Made an office's key",
    "Trao khóa của cơ quan": "Gave an office's key",
    "Tạo khóa của cán bộ": "Made an officer's key",
    "Giữ khóa dưới mật khẩu mới": "Put the key under the new password",
    "Bỏ khóa của cán bộ": "Dropped an officer's key",
    "Các cửa người dân nhắn vào": "The doors that people write to",
    "Cửa hỏng quá lâu thì người trực 111 được báo một lần. Người vận hành xem thêm bằng lệnh python -m bot doors.": (
        "Of a door that is down for too long the staff of 111 are told once. The operator sees more by python -m bot doors."
    ),
    "Cửa": "Door",
    "Tin đến gần nhất": "Last received",
    "Tin đi gần nhất": "Last sent",
    "Đang chờ gửi": "Waiting to be sent",
    "Để riêng": "Set aside",
    "đang tắt": "off",
    "hỏng": "down",
    "đang lỗi": "failing",
    "chạy": "on",
}
