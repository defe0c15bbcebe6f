"""What can be looked up in a text: phone numbers, plates, links, accounts, bank accounts. Touches nothing."""

from __future__ import annotations

import re
from unicodedata import normalize

_GAP = r"[ .\-]?"
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>\"']{3,300}"
    r"|(?<![\w@.])(?:t\.me|zalo\.me|fb\.com|fb\.me|m\.me|facebook\.com|tiktok\.com|bit\.ly|wa\.me|youtu\.be)/[^\s<>\"']{1,200}",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(r"(?<![\w@/])@[A-Za-z][\w.]{2,63}")
# Numbers: +country (ITU-T E.164, at most 15 digits), or Vietnamese 0 + nine (mobile) or ten (landline) digits.
_PHONE = re.compile(
    rf"(?<![\w+])(?:\+[1-9](?:{_GAP}\d){{7,14}}|0[35789](?:{_GAP}\d){{8}}|02(?:{_GAP}\d){{9}}|84[35789](?:{_GAP}\d){{8}})(?!\d)"
)
# Vietnamese plates: province number, series, four or five digits ("29A-123.45", "12C1 234.56").
_PLATE = re.compile(r"(?<!\w)\d{2}[ -]?[A-ZĐ]{1,2}\d?[ .-]{0,3}(?:\d{3}\.\d{2}|\d{4,5})(?!\w)", re.IGNORECASE)
_BANK = re.compile(r"(?<![\w+])\d(?:[ ]?\d){7,18}(?!\w)")


_NAMES = (("email", _EMAIL), ("link", _LINK), ("account", _ACCOUNT))
_NUMBERS = (("phone", _PHONE), ("plate", _PLATE), ("bank", _BANK))
_IN_NAMES = re.compile(r"[@/]|www\.", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_LEAST_DIGITS = 6
"""A plate has so many, every other number more."""


def clues(text: str) -> tuple[tuple[str, str], ...]:
    """Each clue once, as (kind, value): email, link, account, phone (E.164), plate (capitals, unseparated), bank.

    Most texts have none, and one look tells that nothing of a kind can be there.
    """
    rest = normalize("NFKC", text)
    found: list[tuple[str, str]] = []
    names = _NAMES if _IN_NAMES.search(rest) else ()
    numbers = _NUMBERS if len(_DIGIT.findall(rest)) >= _LEAST_DIGITS else ()
    for kind, pattern in (*names, *numbers):
        found.extend((kind, _value(kind, match.group())) for match in pattern.finditer(rest))
        rest = pattern.sub(" | ", rest)
    return tuple(dict.fromkeys(found))


def legible(kind: str, value: str) -> str:
    """A clue as people write it: 0987 654 321, 23A-123.45."""
    if kind == "phone" and re.fullmatch(r"\+84\d{9}", value):
        return f"0{value[3:6]} {value[6:9]} {value[9:]}"
    plate = re.fullmatch(r"(\d{2}[A-ZĐ]{1,2}\d??)(\d{5}|\d{4})", value) if kind == "plate" else None
    if plate is None:
        return value
    return f"{plate[1]}-{plate[2]}" if len(plate[2]) == 4 else f"{plate[1]}-{plate[2][:3]}.{plate[2][3:]}"


def _value(kind: str, typed: str) -> str:
    if kind == "phone":
        return _e164(typed)
    if kind == "plate":
        return re.sub(r"[ .-]", "", typed).upper()
    if kind == "bank":
        return typed.replace(" ", "")
    return typed.rstrip(".,;:!?)…") if kind == "link" else typed.rstrip(".").casefold()


def _e164(typed: str) -> str:
    digits = re.sub(r"[^0-9]", "", typed)
    if typed.startswith("+") or digits.startswith("84"):
        return "+" + digits
    return "+84" + digits[1:]
