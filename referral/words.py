"""What a code is called in Vietnamese on paper for officers. An answer that nobody gave is unknown, never no."""

from __future__ import annotations

from collections.abc import Mapping

UNKNOWN = "chưa rõ"
STRANGE = "mã lạ"
"""Stands where a stored code is on no list: what cannot be named is not passed on."""

YES, NO = "có", "không"

HELPERS: Mapping[str, str] = {
    "commune": "cán bộ xã, thôn",
    "teacher": "giáo viên",
    "social_worker": "nhân viên xã hội",
    "border_guard": "bộ đội biên phòng",
    "relative": "người thân",
    "other": "người khác",
}

FACTS: Mapping[str, Mapping[str, str]] = {
    "kind": {
        "tip": "tin báo",
        "self": "kể về mình",
        "other": "kể về người khác",
        "missing": "tìm người mất liên lạc",
        "support": "cần hỗ trợ sau khi trở về",
        "info": "hỏi thông tin",
    },
    "reporter": {
        "self_victim": "chính người trong cuộc",
        "relative": "người thân",
        "witness": "người chứng kiến",
        "returned_victim": "người đã trở về",
        "official": "cán bộ",
        "unknown": UNKNOWN,
    },
    "danger": {
        "now": "đang nguy hiểm",
        "imminent": "sắp nguy hiểm",
        "watched": "đang bị canh chừng",
        "none": NO,
        "unknown": UNKNOWN,
    },
    "age": {"under_16": "dưới 16 tuổi", "16_17": "16 đến 17 tuổi", "adult": "từ 18 tuổi", "unknown": UNKNOWN},
    "where": {
        "domestic": "trong nước",
        "border": "vùng biên giới",
        "sea": "trên biển",
        "abroad": "ở nước ngoài",
        "unknown": UNKNOWN,
    },
    "stage": {
        "not_left": "chưa đi",
        "on_the_way": "đang trên đường",
        "there": "đang ở nơi đến",
        "out": "đã thoát ra, đã về",
        "unknown": UNKNOWN,
    },
    "act": {
        "recruited": "tuyển mộ",
        "transported": "vận chuyển",
        "harboured": "chứa chấp",
        "transferred": "chuyển giao",
        "received": "tiếp nhận",
    },
    "means": {
        "force": "dùng vũ lực",
        "threat": "đe dọa",
        "deceit": "lừa gạt",
        "debt": "ràng buộc bằng nợ",
        "documents_held": "giữ giấy tờ",
        "confined": "giam giữ",
        "abuse_of_hardship": "lợi dụng hoàn cảnh khó khăn",
        "drugs": "dùng chất gây nghiện",
        "other": "thủ đoạn khác",
    },
    "purpose": {
        "sexual_exploitation": "bóc lột tình dục",
        "forced_labour": "cưỡng bức lao động",
        "forced_criminality": "ép làm việc phạm pháp",
        "forced_marriage": "ép kết hôn",
        "organ": "lấy bộ phận cơ thể",
        "child_sale": "mua bán trẻ em",
        "surrogacy": "ép mang thai hộ",
        "begging": "ép ăn xin",
        "ransom_or_resale": "đòi tiền chuộc, bán lại",
        "other": "mục đích khác",
    },
    "signs": {
        "domestic_violence": "bạo lực gia đình",
        "child_abuse": "xâm hại trẻ em",
        "labour_dispute": "tranh chấp lao động",
        "irregular_migration": "xuất nhập cảnh trái phép",
        "online_fraud": "lừa đảo trên mạng",
        "self_harm": "nguy cơ tự làm hại mình",
        "missing": "mất liên lạc",
        "suspicious_recruiter": "người môi giới đáng ngờ",
    },
    "needs": {
        "shelter": "nơi ở",
        "essentials": "nhu yếu phẩm",
        "medical": "y tế",
        "legal": "pháp lý",
        "papers": "giấy tờ",
        "psychological": "tâm lý",
        "school": "học văn hóa",
        "job": "học nghề, việc làm",
        "travel": "đi lại",
        "interpreter": "phiên dịch",
        "protection": "bảo vệ",
    },
}
"""Fact → its codes in words. Every code of referral/codes.py is here (tests/test_exports.py)."""

PLACE_FROM: Mapping[str, str] = {
    "confirmed": "người nhắn đã xác nhận",
    "words": "lời viết, chưa xác nhận",
    "point": "vị trí đã gửi, chưa xác nhận",
}
CLUES: Mapping[str, str] = {
    "phone": "số điện thoại",
    "plate": "biển số xe",
    "link": "đường dẫn",
    "account": "tài khoản",
    "bank": "dãy số",
    "email": "thư điện tử",
}

STATES: Mapping[str, str] = {
    "proposed": "chưa gửi",
    "sent": "đã gửi",
    "delivered": "đã đến",
    "acknowledged": "đã nhận",
    "accepted": "đã thụ lý",
    "returned": "đã trả lại",
    "transferred": "đã chuyển nơi khác",
    "closed": "đã kết thúc",
    "withdrawn": "đã rút",
}

CHANNELS: Mapping[str, str] = {
    "telegram": "Telegram",
    "web": "trang chat",
    "zalo_bot": "Zalo Bot",
    "zalo_oa": "Zalo OA",
    "terminal": "máy thử",
}

LANGUAGES: Mapping[str, str] = {
    "vi": "tiếng Việt",
    "en": "tiếng Anh",
    "zh": "tiếng Trung",
    "lo": "tiếng Lào",
    "km": "tiếng Khmer",
    "th": "tiếng Thái Lan",
    "my": "tiếng Miến Điện",
    "ko": "tiếng Hàn",
    "ja": "tiếng Nhật",
    "ru": "tiếng Nga",
    "hmn": "tiếng H'Mông",
    "hmn-VN": "tiếng H'Mông",
    "blt": "tiếng Thái",
    "tyz": "tiếng Tày",
    "nut": "tiếng Nùng",
    "ium": "tiếng Dao",
    "other": "tiếng khác, chưa rõ tiếng nào",
}
