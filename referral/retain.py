"""Which reports have been kept long enough. Touches nothing; the periods are data (retention/periods.yaml).

Nothing that nobody has read or acknowledged ever falls due: a report is judged only when every office that had it has
ended it, at least one by closing it (or all were withdrawn by the person's own will), and nothing was added since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from referral.book import ReferralBook
from referral.model import OPEN, Referral, is_left

KEPT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "abandoned_chat": "last_word",
        "left_message": "left",
        "unneeded_address": "last_word",
        "information_only": "ended",
        "tip_not_forwarded": "ended",
        "referred": "ended",
    }
)
"""Every rule of retention, and from when it counts."""

HOTLINE: Final = "hotline_111"


def rule_for(kind: str, referrals: Sequence[Referral]) -> str:
    """The rule by which an intake of this kind with these referrals is kept; empty while it may not be erased at all."""
    states = {one.state for one in referrals}
    if not referrals or states & OPEN or any(map(is_left, referrals)):
        return ""
    if "closed" not in states and states != {"withdrawn"}:
        return ""  # given back by everybody: nobody has done with it, a person must look
    if kind == "info":
        return "information_only"
    had = {one.to for one in referrals if one.delivered_at is not None}
    return "referred" if had - {HOTLINE} else "tip_not_forwarded"


def due_at(book: ReferralBook, kind: str, updated_at: datetime, referrals: Sequence[Referral]) -> datetime | None:
    """When this intake may be erased, or None while that is not known: somebody still has it, or an agency has not said.

    What was added after the last closing was read by nobody, so it keeps all of it.
    """
    rule = rule_for(kind, referrals)
    ended = max((one.closed_at for one in referrals if one.closed_at is not None), default=None)
    if not rule or ended is None or updated_at > ended:
        return None
    kept = _kept_for(book, rule, referrals)
    return None if kept is None else ended + kept


def earliest(book: ReferralBook) -> timedelta:
    """No intake falls due sooner than this after its last change."""
    agencies = [timedelta(days=one.days) for one in book.agency_periods.values() if one.days]
    rules = [timedelta(seconds=one.seconds) for one in book.retention.values() if one.since == "ended" and one.seconds]
    return min([*agencies, *rules])


def _kept_for(book: ReferralBook, rule: str, referrals: Sequence[Referral]) -> timedelta | None:
    if not book.retention[rule].agencies:
        return timedelta(seconds=book.retention[rule].seconds)
    days = [book.agency_periods[one.to].days for one in referrals if one.delivered_at is not None and one.to != HOTLINE]
    return timedelta(days=max(days)) if all(days) else None
