"""Recognising the code with which a person returns. Touches nothing."""

from __future__ import annotations

import re
from unicodedata import normalize

DIGITS = 16
_GROUPED = re.compile(r"[0-9](?:[ .\-\u2010-\u2015\u00a0]*[0-9])*")
# Words people write around the code; anything else means that the digits may be an account number in a report.
_AROUND = re.compile(
    r"^[\s:,.\-()'\"]*(?:(?:mã|ma|số|so|code|receipt|biên|bien|nhận|nhan|của|cua|em|tôi|toi|là|la|my|is|the|hồ|ho|sơ|no)"
    r"[\s:,.\-()'\"]*)*$"
)


def parse_receipt(text: str) -> str:
    """The 16 digits of a receipt code, grouped or not ("1234 5678 9012 3456"); empty when the text is anything else."""
    plain = normalize("NFKC", text[:200]).casefold().strip()
    found = _GROUPED.search(plain)
    if found is None:
        return ""
    digits = re.sub(r"[^0-9]", "", found.group())
    around = plain[: found.start()] + " " + plain[found.end() :]
    return digits if len(digits) == DIGITS and _AROUND.match(around) else ""
