"""When something was, from the words of whoever wrote: as a span that the questions offer, never as a date. Touches nothing.

Only what is plain is taken: "tối qua" with its marks ("toi qua" is as easily "I went over"), a day and month that are past.
Two different times in one text are no time: which of them was meant is for the person to say.
"""

from __future__ import annotations

import re
from datetime import date

from flows.hear.normal import clean, fold, normalise

ALWAYS_OPEN = ("24", "7", "")
"""No day in July, but day and night."""
WEEK, MONTH = 7, 31
"""Days up to which it was this week, and this month, as people say it."""

_SAID: tuple[tuple[str, str], ...] = (
    ("now", "ngay bây giờ|ngay lúc này|ngay lúc này đây|right now"),
    (
        "today",
        "hôm nay|sáng nay|trưa nay|chiều nay|tối nay|đêm nay|vừa nãy|hồi nãy|lúc nãy|khi nãy|vừa xong|today|this morning|今天",
    ),
    (
        "week",
        "hôm qua|hôm kia|tối qua|đêm qua|sáng qua|chiều qua|trưa qua|mấy hôm nay|mấy ngày nay|tuần này|yesterday"
        "|last night|this week|昨天",
    ),
    ("month", "tuần trước|tuần rồi|tuần qua|tháng này|last week|this month"),
    ("older", "tháng trước|tháng rồi|năm ngoái|năm trước|năm kia|last month|last year"),
)
_NEEDS_MARKS = frozenset("tối qua|sáng qua|chiều qua|trưa qua|tuần qua|tuần rồi|tháng rồi|ngay lúc này".split("|"))
"""Without marks these are as easily other words."""
_DAY = re.compile(
    r"(?<![\d/.-])(?:ngày |hôm |mùng |mồng )?([0-3]?\d)(?:/| tháng )([01]?\d)(?:(?:/| năm )(20\d\d))?(?![\d/])"
)
_AGO = re.compile(r"(?<!\d)(\d{1,3}) (ngày|hôm|tuần|tháng|năm)(?: nay)?(?: trước| rồi| nay)")
_SINCE = re.compile(
    r"\b(?:từ|kể từ|since) (?:hồi |cuối |đầu |khoảng )?"
    r"(?:\d{1,3} )?(?:hôm|tối|đêm|sáng|chiều|tuần|tháng|năm|ngày|last|this) ?\w+(?: trước| nay| rồi)?"
)
_DAYS = {"ngày": 1, "hôm": 1, "tuần": 7, "tháng": 30, "năm": 365}


def when(text: str, today: date, *, since: bool = True) -> str:
    """now, today, week, month, older; empty where no time is told, or more than one.

    Not `since`: "từ tháng trước" is when something began, and no answer to when it was seen.
    """
    normal = normalise(text if since else _SINCE.sub(" ", clean(text)))
    padded, plain = f" {' '.join(normal.words)} ", f" {fold(' '.join(normal.words))} "
    unmarked = normal.text.isascii()
    found = {
        span
        for span, listed in _SAID
        for said in listed.split("|")
        if f" {said} " in padded or (unmarked and said not in _NEEDS_MARKS and f" {fold(said)} " in plain)
    }
    found |= {_span((today - day).days) for day in _days(normal.text, today)}
    found |= {_span(int(number) * _DAYS[unit]) for number, unit in _AGO.findall(normal.text)}
    return found.pop() if len(found) == 1 else ""


def _days(text: str, today: date) -> list[date]:
    """The days named in it that are past; without a year the last one of that name."""
    days = []
    for day, month, year in _DAY.findall(text):
        if (day, month, year) == ALWAYS_OPEN:
            continue
        for of in (int(year),) if year else (today.year, today.year - 1):
            named = _day(of, int(month), int(day))
            if named is not None and named <= today:
                days.append(named)
                break
    return days


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:  # the 31st of February is no day
        return None


def _span(days: int) -> str:
    if days <= 0:
        return "today"
    return "week" if days <= WEEK else "month" if days <= MONTH else "older"
