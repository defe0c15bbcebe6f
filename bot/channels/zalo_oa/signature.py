"""Whether an event is Zalo's: SHA-256 over app id, body, timestamp and OA Secret Key (channels.md §1.2 "Signature")."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from bot.channels.wire.decoded import decoded

HEADER: Final = "X-ZEvent-Signature"
MOMENT_HEADER: Final = "X-ZEvent-Timestamp"

_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


def is_signed(raw: bytes, signature: str, app_id: str, key: str, moment: str = "") -> bool:
    """True where `signature` (`mac=<hex>`, or the hex alone) is this body's under the OA Secret Key `key`.

    The timestamp is the body's own; some senders repeat it in a header (`moment`), so that one is tried too. It is no HMAC:
    `sha256(app id + body + timestamp + key)`. Never raises.
    """
    given = signature.strip().lower().removeprefix("mac=")
    body = decoded(raw)
    if not _HEX.fullmatch(given) or body is None or str(body.get("app_id") or "") != app_id:
        return False
    moments = {str(body.get("timestamp") or ""), moment} - {""}
    return any(hmac.compare_digest(signature_of(raw, app_id, one, key), given) for one in moments)


def signature_of(raw: bytes, app_id: str, moment: str, key: str) -> str:
    """The lower-case hex that Zalo puts behind `mac=`."""
    parts = (app_id.encode(), raw, moment.encode("utf-8", "replace"), key.encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()
