"""An ISO week of Viet Nam: Monday 00:00 to Monday 00:00, and Monday 06:00, when its log is due. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from referral.clocks import VIET_NAM

DUE = time(6, 0)
"""When the log of the week that has ended is made, Asia/Ho_Chi_Minh."""
_WEEK = re.compile(r"(20[0-9]{2})-W([0-9]{2})")
_DAYS = timedelta(days=7)


class BadWeek(Exception):
    """This week cannot be exported; the message says why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Week:
    """One ISO week. `start` is in it, `end` is not; both UTC."""

    name: str
    start: datetime
    end: datetime

    @property
    def due_at(self) -> datetime:
        """Monday 06:00 in Viet Nam, right after the week, in UTC."""
        return self.end + timedelta(hours=DUE.hour, minutes=DUE.minute)


def week_of(name: str) -> Week:
    """The week of that name, `2026-W47`. Raises BadWeek."""
    match = _WEEK.fullmatch(name)
    try:
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        monday = None  # a week 00, or a week 53 in a year that has 52
    if monday is None:
        raise BadWeek(
            "Không có tuần này: hãy viết năm và số tuần theo ISO 8601, ví dụ 2026-W47. "
            "(There is no such week: write year and ISO week, for example 2026-W47.)"
        )
    return _from_monday(monday)


def week_at(at: datetime) -> Week:
    """The week in which this moment lies in Viet Nam."""
    day = at.astimezone(VIET_NAM).date()
    return _from_monday(day - timedelta(days=day.weekday()))


def before(week: Week) -> Week:
    """The week before."""
    return week_at(week.start - timedelta(microseconds=1))


def _from_monday(monday: date) -> Week:
    start = datetime.combine(monday, time(), VIET_NAM).astimezone(UTC)
    year, number, _ = monday.isocalendar()
    return Week(f"{year}-W{number:02d}", start, start + _DAYS)
