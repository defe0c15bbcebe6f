"""What an officer's phone shows: level, area, code, link. Never content: a phone keeps notices, and others see them."""

from __future__ import annotations

from collections.abc import Mapping

from referral.model import Referral

_WORDS = {
    "vi": ("KHẨN", "Tin mới", "Mức", "chưa rõ tỉnh"),
    "en": ("URGENT", "New", "Level", "province unknown"),
}


def notice(referral: Referral, link: str, locale: str, areas: Mapping[str, str] | None = None) -> str:
    """Two lines for a phone. `areas` are the book's province names by code; anything else says "province unknown"."""
    urgent, new, level, nowhere = _WORDS["vi" if locale == "vi" else "en"]
    area = (areas or {}).get(referral.province, nowhere)
    head = urgent if referral.urgent else new
    return f"{head} · {level} {referral.level} · {area} · {referral.code}\n{link}"


def brief(referral: Referral) -> tuple[str, str]:
    """The same where strangers carry it: level and code, and nothing else."""
    urgent, new, level, _ = _WORDS["vi"]
    return f"{urgent if referral.urgent else new} · {level} {referral.level}", referral.code
