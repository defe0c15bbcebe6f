"""One-time codes by the clock (TOTP, RFC 6238): six digits, 30 seconds, HMAC-SHA-1, as every authenticator app makes them.

Pure: the moment is handed in. Why it is written here: docs/decisions/0013.
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime
from typing import Final
from urllib.parse import quote

SECRET_BYTES: Final = 20
"""As many as HMAC-SHA-1 gives, as RFC 4226 §4 recommends (R6)."""
STEP_S: Final = 30
DIGITS: Final = 6
AROUND: Final = 1
"""How many steps a phone's clock may be before or behind ours."""
ISSUER: Final = "Nhip Cau"


def step_of(at: datetime) -> int:
    """The number of the half minute that a moment (UTC) is in."""
    return int(at.timestamp()) // STEP_S


def code(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a step: RFC 4226 §5.3 over the step's number."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: bytes, given: str, at: datetime, after: int = 0) -> int:
    """The step whose code was given, of those around this moment and later than `after`; 0 where there is none."""
    typed = "".join(given.split())
    now, found = step_of(at), 0
    for step in range(now - AROUND, now + AROUND + 1):
        if hmac.compare_digest(code(secret, step).encode(), typed.encode()) and step > after:
            found = step
    return found


def key_of(secret: bytes) -> str:
    """The secret as it is typed into an app: base32 in groups of four."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def uri_of(secret: bytes, account: str) -> str:
    """The same as an app reads it from a picture: github.com/google/google-authenticator/wiki/Key-Uri-Format."""
    issuer, key = quote(ISSUER), key_of(secret).replace(" ", "")
    return f"otpauth://totp/{issuer}:{quote(account)}?secret={key}&issuer={issuer}&digits={DIGITS}&period={STEP_S}"
