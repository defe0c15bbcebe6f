"""When something is due: our own deadlines with their ladders, and the ceilings of the law. Times in and out are UTC.

Months and working days are counted in Viet Nam's time (UTC+7, no summer time); public holidays are not known here, so a
deadline in working days may in truth be later, never earlier.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta, timezone

from referral.book import Clock, ClockStep, ReferralBook
from referral.model import Referral

VIET_NAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""UTC+7 all year since 13/6/1975 (IANA tz database), so that nothing depends on the machine's own tables."""

_OF_POLICE = ("commune_police", "decision", "decision_complex")
_OF_SUPPORT = ("first_verification",)


def clock_for(book: ReferralBook, *, urgent: bool) -> Clock:
    """The promise that a new referral runs under."""
    return book.clocks["urgent" if urgent else "ordinary"]


def due_at(clock: Clock, since: datetime) -> datetime:
    """When this deadline ends if it began at `since`."""
    if clock.months:
        return _months_later(since, clock.months)
    if clock.working_days:
        return _working_days_later(since, clock.working_days)
    return since + timedelta(seconds=clock.seconds)


def notice_after(clock: Clock, number: str) -> timedelta:
    """How long a notice waits before it reaches a phone; the same for the same number (hex digits that nobody can guess)."""
    span = clock.notice_to_s - clock.notice_from_s + 1
    return timedelta(seconds=clock.notice_from_s + int(number, 16) % span)


def rungs(clock: Clock, since: datetime) -> tuple[tuple[datetime, ClockStep], ...]:
    """The whole ladder with times: who is told next while nobody acknowledges."""
    return tuple((since + timedelta(seconds=step.after_s), step) for step in clock.ladder)


def next_rung(clock: Clock, since: datetime, after: datetime) -> tuple[datetime, ClockStep] | None:
    """The first rung later than `after`, or None at the top."""
    return next((rung for rung in rungs(clock, since) if rung[0] > after), None)


def legal_deadlines(book: ReferralBook, referral: Referral) -> tuple[tuple[Clock, datetime], ...]:
    """The ceilings of the law that an officer sees here, counted from the acknowledgement, else from the opening."""
    names = {"police": _OF_POLICE, "social_affairs": _OF_SUPPORT}.get(referral.to, ())
    since = referral.acknowledged_at or referral.created_at
    return tuple((book.clocks[name], due_at(book.clocks[name], since)) for name in names)


def overdue(referral: Referral, now: datetime) -> bool:
    """True when nobody has acknowledged it and its time is over."""
    waiting = referral.state in ("proposed", "sent", "delivered")
    return waiting and referral.due_at is not None and now > referral.due_at


def _months_later(since: datetime, months: int) -> datetime:
    local = since.astimezone(VIET_NAM)
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(UTC)


def _working_days_later(since: datetime, days: int) -> datetime:
    local = since.astimezone(VIET_NAM)
    while days:
        local += timedelta(days=1)
        days -= local.isoweekday() <= 5
    return local.astimezone(UTC)
