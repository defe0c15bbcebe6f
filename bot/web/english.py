"""The officers' sentences in English, by their Vietnamese. What a sentence has in braces stands in both.

The citizens' sentences are in `locales/`; these are for officers only, and belong to pages rather than to a conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.web.countries import COUNTRIES_ENGLISH
from bot.web.english_accounts import ACCOUNTS
from bot.web.english_doors import DOORS
from bot.web.english_ended import ENDED
from bot.web.english_files import SENT_FILES
from bot.web.english_keys import KEYS
from bot.web.english_requests import REQUESTS

FRAME: Final[Mapping[str, str]] = {
    "Cán bộ": "Officers",
    "Tới nội dung chính": "Skip to the content",
    "Trang": "Pages",
    "Việc cần làm": "To do",
    "Số liệu tuần": "Weekly figures",
    "Nền sáng": "Light",
    "Nền tối": "Dark",
    "Nền theo máy": "As this computer",
    "Đăng xuất": "Sign out",
    "Bản dùng thử: dữ liệu ở đây không đến cơ quan nào thật.": "Trial: nothing here reaches a real agency.",
    "Mở hồ sơ": "Open the case",
    "Hệ thống": "System",
    "Hệ thống Nhịp Cầu": "Nhịp Cầu system",
}
LIST: Final[Mapping[str, str]] = {
    "Đang mở": "Open",
    "Của tôi": "Mine",
    "Quá hạn": "Overdue",
    "Tất cả": "All",
    "Đã xong": "Closed",
    "Mất liên lạc với hệ thống: danh sách có thể đã cũ.": "No connection to the system: this list may be out of date.",
    "Phiên làm việc đã hết: đăng nhập lại để xem tiếp.": "Your session is over: sign in again to go on.",
    "Danh sách vừa có thay đổi.": "The list has just changed.",
    "Tải lại": "Reload",
    "Lọc danh sách": "Filter the list",
    "Tìm theo mã": "Find by code",
    "Tìm": "Find",
    "Danh sách hồ sơ": "List of cases",
    "Mức": "Level",
    "Mã": "Code",
    "Vì sao đến đây": "Why it came here",
    "Địa bàn": "Area",
    "Gửi lúc": "Sent",
    "Hạn": "Due",
    "Tình trạng": "State",
    "Người nhận": "Taken by",
    "Cơ quan bạn không có hồ sơ mang mã này. Mã gồm 6 chữ và số, như trong thông báo.": (
        "Your office has no case with this code. A code has 6 letters and digits, as in the notice."
    ),
    "Về danh sách": "Back to the list",
    "Chưa có hồ sơ nào đã xong.": "No case is closed yet.",
    "Bạn không giữ hồ sơ nào.": "You hold no case.",
    "Không có hồ sơ nào quá hạn.": "No case is overdue.",
    "Hồ sơ mới sẽ hiện ở đây, và máy của cán bộ trực nhận được thông báo.": (
        "New cases appear here, and the duty officer's phone is told."
    ),
    "Chỉ hiện {n} hồ sơ đầu; tìm theo mã để mở hồ sơ khác.": "Only the first {n} are shown; find others by their code.",
    "lên xuống": "up and down",
    "mở": "open",
    "nhận": "take",
    "tìm": "find",
    "phím tắt": "keys",
    "Nhận hồ sơ": "Take case",
    "Bạn giữ hồ sơ này, hệ thống thôi nhắc. Nhận nhầm thì trả lại hoặc chuyển đi; không xoá được lần nhận.": (
        "You hold this case and reminders stop. Taken by mistake: return or transfer it; that it was taken stays on record."
    ),
    "Tôi nhận": "I take it",
    "Thôi": "Cancel",
    "Phím tắt": "Keys",
    "hồ sơ sau, hồ sơ trước": "next case, previous case",
    "mở hồ sơ đang chọn": "open the selected case",
    "nhận hồ sơ đang chọn, có hỏi lại": "take the selected case; you are asked first",
    "tìm theo mã": "find by code",
    "bảng này": "this table",
    "đóng bảng": "close the table",
    "Đóng": "Close",
    "{n} hồ sơ khẩn chưa ai nhận. Nhận ngay: {code}.": "{n} urgent not taken by anybody. Take now: {code}.",
    "{n} hồ sơ đã quá hạn nhận. Mở trước: {code}.": "{n} overdue to be taken. Open first: {code}.",
    "{n} hồ sơ chờ nhận. Mở trước: {code}.": "{n} waiting to be taken. Open first: {code}.",
    "Không có hồ sơ nào chờ nhận.": "No case is waiting to be taken.",
    "Không có hồ sơ nào chờ nhận. Bạn đang giữ {n} hồ sơ.": "No case is waiting to be taken. You hold {n}.",
    "dưới 1 phút": "under 1 min",
    "{n} phút": "{n} min",
    "{n} giờ": "{n} h",
    "{n} ngày": "{n} days",
    "{span} trước": "{span} ago",
    "quá hạn {span}": "{span} overdue",
    "còn {span}": "{span} left",
    "luật: {left}": "law: {left}",
    "{n} lần": "{n} times",
}
CASE: Final[Mapping[str, str]] = {
    "Chọn…": "Choose…",
    "Tôi biết việc này không hoàn tác được.": "I know that this cannot be undone.",
    "Hạn nhận: {due}": "To be taken: {due}",
    "Thụ lý": "Accept",
    "“Tôi nhận”: bạn đã đọc và giữ hồ sơ, hệ thống thôi nhắc. “Thụ lý”: cơ quan bạn giải quyết việc này.": (
        "“I take it”: you have read it and hold it, reminders stop. “Accept”: your office handles this matter."
    ),
    "“Thụ lý”: cơ quan bạn giải quyết việc này.": "“Accept”: your office handles this matter.",
    "Nhắn cho người này": "Write to this person",
    "Lời nhắn": "Message",
    "Gửi qua hệ thống; hai bên không biết nhau là ai. Không gửi lại được lời đã gửi.": (
        "Goes through the system; neither side learns who the other is. What was sent cannot be taken back."
    ),
    "Gửi lời nhắn": "Send the message",
    "Chuyển cơ quan khác": "Transfer to another office",
    "Nơi nhận": "To",
    "Lý do": "Reason",
    "Hồ sơ rời cơ quan bạn và nơi nhận được báo ngay. Nơi nhận chỉ biết người này là ai khi có đồng ý hoặc căn cứ pháp luật.": (
        "The case leaves your office, the other is told at once. It learns who the person is "
        "only by consent or on a legal ground."
    ),
    "Chuyển": "Transfer",
    "Ghi kết quả và kết thúc": "Record the outcome and close",
    "Kết quả": "Outcome",
    "Ghi tình trạng lúc này rồi khép hồ sơ trên hệ thống; không hoàn tác được. Việc còn đang làm thì cứ để mở.": (
        "Records where it stands and closes the case here; this cannot be undone. Leave open what you still work on."
    ),
    "Trả lại": "Return",
    "Hệ thống chuyển tới nơi tiếp theo. Không hoàn tác được.": "The system passes it to the next office. This cannot be undone.",
    "Không còn việc gì ở đây.": "Nothing is left to do here.",
    "Phiếu chuyển tin để in hoặc đọc qua điện thoại": "Hand-over sheet to print or read over the phone",
    "Phân loại": "Classify",
    "lần đầu {at}": "first {at}",
    "Chưa phân loại. Hạn {at} ({left}).": "Not classified yet. Due {at} ({left}).",
    "Đổi phân loại": "Change the class",
    "Loại": "Class",
    "Phân loại lại được khi biết thêm.": "It can be changed when more is known.",
    "Ghi phân loại": "Record the class",
    "Thời hạn tối đa theo luật": "Ceilings of the law",
    "Tính từ lúc nhận.": "Counted from when it was taken.",
    "Tính từ lúc chuyển, đến khi có người nhận.": "Counted from the referral until somebody takes it.",
    "Đồng ý chia sẻ": "Consent to share",
    "Đồng ý": "Agreed",
    "Không đồng ý": "Not agreed",
    "bản {wording}": "wording {wording}",
    "Không có bản ghi đồng ý nào.": "No consent is recorded.",
    "Đồng ý được nhắn lại ở kênh này.": "Agreed to be written to on this channel.",
    "Căn cứ: {ground}": "Ground: {ground}",
    "Mọi cơ quan": "Every agency",
    "Cùng một việc": "The same matter",
    "Bỏ ghép {code}": "Unlink {code}",
    "Chưa ghép với hồ sơ nào của cơ quan bạn.": "Not linked with a case of your office.",
    "Ghép với hồ sơ khác": "Link with another case",
    "Mã hồ sơ kia": "Code of the other case",
    "Hai hồ sơ vẫn riêng, chỉ dẫn tới nhau; bỏ ghép được.": "They stay two and only point to each other; a link can be undone.",
    "Ghép": "Link",
    "Lời của người nhắn": "In the person's words",
    "Chưa được đồng ý chia sẻ: chỉ xem được các câu trả lời chọn sẵn.": (
        "Sharing was not agreed to: only the chosen answers are shown."
    ),
    "Mở nội dung": "Open the content",
    "Lời kể, cách liên lạc và tệp. Lần mở và lý do được ghi lại.": (
        "Their account, how to reach them, files. That you opened it is recorded."
    ),
    "Viết thêm": "Added in writing",
    "Tệp đính kèm": "Files",
    "Trao đổi": "Exchange",
    "Cán bộ nhắn": "An officer wrote",
    "Người này viết thêm, theo thứ tự": "The person wrote more, in this order",
    "lần cuối {at}": "last {at}",
    "Người nhắn không viết gì thêm.": "The person wrote nothing more.",
    "Câu trả lời": "Answers",
    "Sàng lọc: {level}": "Screening: {level}",
    "Dấu hiệu để xem sớm hay muộn, không phải kết luận. Việc xác định do cơ quan có thẩm quyền.": (
        "Signs of how soon to look, not a finding. Identification is for the competent authority."
    ),
    "có dấu hiệu": "signs",
    "chưa rõ": "not clear",
    "Sáu chiều của ILO (tạm tính, chờ người xem lại)": "The ILO's six dimensions (provisional, to be reviewed by a person)",
    "chưa thấy chiều nào": "none seen",
    "Diễn biến": "Timeline",
    "Nhận qua {channel}, {language}, {at}": "Received by {channel}, {language}, {at}",
    "bổ sung {at}": "added to {at}",
}
SHEET: Final[Mapping[str, str]] = {
    "Phiếu chuyển tin": "Hand-over sheet",
    "PHIẾU CHUYỂN TIN": "HAND-OVER SHEET",
    "Về hồ sơ {code}": "Back to case {code}",
    "Nơi nhận phiếu": "The sheet is for",
    "Chưa chọn: phiếu chỉ có thông tin đã mã hoá": "Not chosen: the sheet has coded facts only",
    "Lập phiếu": "Make the sheet",
    "Chọn nơi nhận thì phiếu có thêm những lời mà nơi đó được biết; lần lập được ghi lại.": (
        "With an office chosen, the sheet adds the words which that office may know; that it was made is recorded."
    ),
    "In bằng Ctrl+P, một trang A4. Lập phiếu chưa phải là chuyển hồ sơ.": (
        "Print with Ctrl+P, one page A4. Making a sheet does not transfer the case."
    ),
    "lập lúc {at}": "made {at}",
    "Nơi giao": "From",
    "Việc": "Matter",
    "Nơi xảy ra": "Where",
    "Nhận tin lúc": "Received",
    "Dấu hiệu": "Signs",
    "Không kèm: chưa chọn nơi nhận.": "Not enclosed: no receiving office chosen.",
    "Không kèm: không có, hoặc nơi nhận không được biết.": "Not enclosed: there are none, or that office may not know them.",
    "Có {n} tệp, xem trên hệ thống.": "{n} files, to be seen in the system.",
    "Người giao": "Handed over by",
    "(ký, ghi rõ họ tên)": "(signature, full name)",
}
OTHER_PAGES: Final[Mapping[str, str]] = {
    "Không có trang này": "There is no such page",
    "Hồ sơ không thuộc cơ quan bạn, hoặc không còn ở đây.": "The case is not of your office, or is no longer here.",
    "Biểu mẫu đã cũ": "The form is out of date",
    "Không có gì được ghi lại. Mở lại trang rồi làm lần nữa.": "Nothing was recorded. Open the page again and repeat it.",
    "Chưa ghi được": "Not recorded",
    "Cơ sở dữ liệu đang không trả lời; không có gì được ghi lại. Thử lại sau một phút. Việc khẩn thì gọi 111 hoặc 113.": (
        "The database does not answer; nothing was recorded. Try again in a minute. If it is urgent call 111 or 113."
    ),
    "Không thực hiện được": "Not possible",
    "Yêu cầu không hợp lệ. Không có gì được ghi lại.": "Not a valid request. Nothing was recorded.",
    "Hệ thống gặp lỗi": "The system failed",
    "Báo người vận hành mã lỗi này. Việc khẩn thì gọi 111 hoặc 113.": (
        "Give the operator this number. If it is urgent call 111 or 113."
    ),
    "Sổ tiếp nhận theo tuần của toàn bộ các nơi, không riêng cơ quan bạn.": "The weekly log of all offices, not only yours.",
    "Chỉ có thông tin đã mã hoá, không có danh tính. Mỗi lần tải được ghi lại.": (
        "Coded facts only, no identities. Each download is recorded."
    ),
    "Xem được: quản trị, thống kê, và phụ trách của cơ quan phạm vi cả nước.": (
        "For administrators, statistics, and chiefs of national offices."
    ),
    "Tuần lập bằng dòng lệnh vào thư mục khác (--to) không hiện ở đây.": (
        "Weeks made into another folder (--to) are not listed."
    ),
    "Tuần {week} năm {year}": "Week {week} of {year}",
    "Tuần": "Week",
    "Tệp": "File",
    "Chưa có tệp nào. Tệp của tuần trước được lập lúc 06:00 sáng thứ Hai.": (
        "No file yet. Last week's is made on Monday at 06:00."
    ),
}
CODES: Final[Mapping[str, str]] = {
    "Khẩn": "Urgent",
    "Cao": "High",
    "Vừa": "Medium",
    "Thường": "Ordinary",
    "nguy hiểm ngay hoặc trong 48 giờ": "danger now or within 48 hours",
    "nhiều dấu hiệu": "many signs",
    "ít dấu hiệu": "few signs",
    "chưa thấy dấu hiệu": "no signs seen",
    "Tin báo": "Tip",
    "Người kể về chính mình": "Somebody about themselves",
    "Lo cho người khác": "Worried for somebody else",
    "Tìm người mất liên lạc": "Looking for somebody out of touch",
    "Đề nghị hỗ trợ": "Asks for support",
    "Hỏi thông tin": "Asks for information",
    "Chờ gửi": "To be sent",
    "Chờ nhận": "To be taken",
    "Đã nhận": "Taken",
    "Đã thụ lý": "Accepted",
    "Đã trả lại": "Returned",
    "Đã chuyển": "Transferred",
    "Đã kết thúc": "Closed",
    "Đã rút": "Withdrawn",
    "trực ban": "duty",
    "phụ trách": "chief",
    "quản trị": "administrator",
    "kiểm tra": "auditor",
    "thống kê": "statistics",
    "trang web": "web page",
    "thử nghiệm": "test",
    "tiếng Việt": "Vietnamese",
    "tiếng Anh": "English",
    "Hành vi": "Act",
    "Thủ đoạn": "Means",
    "Mục đích": "Purpose",
    "Tuyển dụng bằng lừa dối": "Deceptive recruitment",
    "Tuyển dụng bằng cưỡng ép": "Coercive recruitment",
    "Tuyển dụng lợi dụng tình thế": "Recruitment by abuse of vulnerability",
    "Bóc lột": "Exploitation",
    "Cưỡng ép tại nơi đến": "Coercion at destination",
    "Lợi dụng tình thế tại nơi đến": "Abuse of vulnerability at destination",
    "Ảnh": "Photo",
    "Ghi âm": "Recording",
    "Video": "Video",
    "Tệp": "File",
    "Vị trí": "Place",
    "Liên hệ": "Contact",
    "Hình": "Sticker",
    "chưa rõ tỉnh": "province unknown",
    "trong nước, chưa rõ tỉnh": "in the country, province unknown",
    "vùng biên giới": "border area",
    "trên biển": "at sea",
    "nước ngoài, chưa rõ nước": "abroad, country unknown",
    "chưa rõ nơi": "place unknown",
    "quê {place}": "from {place}",
}
EVENTS: Final[Mapping[str, str]] = {
    "Hệ thống nhận tin": "The system received it",
    "Người nhắn bổ sung": "The person added to it",
    "Đề xuất chuyển tới cơ quan này": "Proposed for this office",
    "Nâng mức hoặc mở rộng thông tin được xem": "Raised, or more may be seen",
    "Biết thêm nơi xảy ra": "It is known where it happens",
    "Tin được bổ sung": "Added to",
    "Chưa ai nhận, báo lên bậc tiếp theo": "Not taken; told to the next rung",
    "Nhắn cho người báo": "Wrote to the person",
    "Giữ lời nhắn: người này đọc khi quay lại bằng mã": "Message kept: read on coming back with the code",
    "Nhận hồ sơ": "Take case",
    "Chuyển nơi khác": "Transferred",
    "Kết thúc": "Closed",
    "Ghép với hồ sơ": "Linked with",
    "Bỏ ghép với hồ sơ": "Unlinked from",
    "Rút lại": "Withdrawn",
    "Thao tác không được phép": "Action refused",
    "Đã giao cho cơ quan": "Handed to the office",
    "Không giao nữa": "No longer handed over",
    "Không giao được": "Could not be handed over",
    "Đã báo máy của cán bộ trực": "The duty officer's phone was told",
    "Không báo được tới máy của cán bộ": "No officer's phone could be told",
    "Thôi báo tới máy của cán bộ": "Telling the officers' phones was stopped",
    "Mở xem hồ sơ": "Opened the case",
    "Lập phiếu chuyển": "Made a hand-over sheet",
    "Người không có quyền hỏi xem": "Asked for by somebody without the right",
    "chưa có máy nào của người cần báo nhận thông báo": "nobody who is to be told has a phone for notices",
}
AUDIT: Final[Mapping[str, str]] = {
    "Nhật ký": "Audit",
    "Ai đã làm gì, với mã nào, lúc nào. Không có nội dung hồ sơ ở đây. Mỗi lần xem trang này cũng được ghi lại.": (
        "Who did what, to which id, and when. No case content is here. Each look at this page is written down too."
    ),
    "Chuỗi nhật ký nối đến {at}. Đầu chuỗi:": "The audit is chained up to {at}. Head:",
    "Chuỗi nhật ký chưa có mắt xích nào.": "The audit has no link yet.",
    "Chưa nối: {count} dòng.": "Not linked yet: {count} lines.",
    "Mã hồ sơ, tin, cán bộ hoặc sổ": "Id of a case, intake, officer or export",
    "Người làm (mã)": "Who did it (id)",
    "Việc (bắt đầu bằng)": "Action (begins with)",
    "Lọc": "Filter",
    "Số": "Number",
    "Lúc": "When",
    "Ai": "Who",
    "Việc đã làm": "What was done",
    "Với mã": "To which id",
    "Chi tiết (mã)": "Detail (codes)",
    "Chi tiết đã xoá theo chứng nhận": "Detail erased under the certificate",
    "Không có dòng nào trong phần đã tìm.": "No line in the part that was looked through.",
    "Mới nhất": "Newest",
    "Cũ hơn": "Older",
}
REFUSALS: Final[Mapping[str, str]] = {
    "Không có thao tác này.": "There is no such action.",
    "Chỉ cán bộ được giao mới thực hiện được thao tác này.": "Only the officer in charge can do this.",
    "Chọn một lý do trả lại trong danh sách.": "Choose a reason for returning it.",
    "Chọn một kết quả trong danh sách.": "Choose an outcome.",
    "Chọn một nơi nhận khác trong danh bạ.": "Choose another office of the directory.",
    "Chọn một lý do trong danh sách.": "Choose a reason.",
    "Chọn một loại trong danh sách.": "Choose a class.",
    "Hồ sơ này không thuộc cơ quan bạn, hoặc không còn ở đây.": "This case is not of your office, or is no longer here.",
    "Hãy bấm “Tôi nhận” trước khi nhắn.": "Press “I take it” before you write.",
    "Người này chưa đồng ý được nhắn lại.": "This person has not agreed to be written to.",
    "Không còn đường nhắn tới người này.": "This person can no longer be written to.",
    "Nơi này không còn nhận tin. Chọn một nơi khác trong danh bạ.": "This office no longer receives. Choose another.",
    "Nơi này đang có tin này rồi.": "This office has it already.",
    "Người này kể về chính mình và chưa đồng ý cho cơ quan đó biết. Hãy nhắn hỏi người này trước, hoặc trả lại.": (
        "This person told of themselves and has not agreed that this agency knows. Ask them first, or return the case."
    ),
    "Cơ quan bạn không có hồ sơ mang mã này.": "Your office has no case with this code.",
    "Hai mã này là cùng một tin, không cần ghép.": "Both codes are one report; there is nothing to link.",
    "Nơi nhận trước chưa có người nhận; chuyển lên nơi tiếp theo.": "Nobody at the office before took it; passed to the next.",
    "Người này muốn người trực trả lời.": "This person wants an answer from the duty officer.",
    "Người báo thêm tin sau khi hồ sơ này đã kết thúc.": "The person added to the report after this case was closed.",
    "Nơi nhận trước đã trả lại; chuyển tới nơi tiếp theo.": "The office before returned it; passed to the next.",
    **{
        f"Không thực hiện được: tin này {state}.": f"Not possible: this report is {english}."
        for state, english in {
            "chưa gửi": "not sent yet", "đã gửi": "sent", "đã đến": "delivered", "đã nhận": "taken", "đã thụ lý": "accepted",
            "đã trả lại": "returned", "đã chuyển nơi khác": "transferred", "đã kết thúc": "closed", "đã rút": "withdrawn",
        }.items()
    },
}  # fmt: skip

ENGLISH: Final[Mapping[str, str]] = {
    **ACCOUNTS, **FRAME, **LIST, **CASE, **SHEET, **OTHER_PAGES, **CODES, **EVENTS, **AUDIT, **REFUSALS, **REQUESTS, **KEYS,
    **SENT_FILES, **DOORS, **ENDED, **COUNTRIES_ENGLISH,
}  # fmt: skip
