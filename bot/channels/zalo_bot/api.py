"""One call of the Zalo Bot API.

`POST https://bot-api.zaloplatforms.com/bot<TOKEN>/<method>` with JSON; the answer is `{"ok": true, "result": …}` or
`{"ok": false, "description": …, "error_code": …}`, and a status of 200 alone is no success (channels.md §1.1 "Envelope", "Error
codes"). Every address holds the token, so no error raised here carries an address, a cause or an answer (channels.md §0.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from yarl import URL

from bot.channels.base import SendError
from bot.channels.wire.decoded import decoded
from bot.channels.wire.zalo import READ_S, Pauses, ZaloCarrier

API: Final = "https://bot-api.zaloplatforms.com"
JSON: Final = {"Content-Type": "application/json"}
AGAIN_S: Final = 2.0
UNKNOWN_AGAIN_S: Final = 30.0
"""After a timeout nobody knows whether the message went out, and Zalo knows no key against doubles: it is sent again, for
silence is worse than a message that comes twice, but not at once (docs/decisions/0018-zalo-bot-platform.md)."""
QUOTA_FIRST_S: Final = 5.0
QUOTA_MOST_S: Final = 300.0
NOBODY_THERE: Final = "nothing_new"
"""The code of getUpdates' 408: nobody wrote."""


class ZaloApi:
    """Calls one bot's methods. `api`: where the Bot API is; `proxy`: an http:// address or empty. `carrier` fetches files."""

    def __init__(self, token: str, *, api: str = API, proxy: str = "", connections: int = 64) -> None:
        self._methods = f"{api.rstrip('/')}/bot{token}/"
        self.carrier = ZaloCarrier(api, Pauses(AGAIN_S, UNKNOWN_AGAIN_S), proxy=proxy, connections=connections)
        self._quota_s = 0.0

    async def call(self, method: str, fields: Mapping[str, Any], read_s: float = READ_S) -> Any:
        """The result of one method. Raises only SendError."""
        try:
            body = msgspec.json.encode(fields)
        except UnicodeEncodeError:
            raise SendError("never", "half_a_character") from None
        answered = await self.carrier.carry(
            "POST", URL(self._methods + method, encoded=True), headers=JSON, content=body, read_s=read_s
        )
        answer = decoded(answered.body)
        if answered.status == 200 and answer is not None and answer.get("ok") is True:
            self._quota_s = 0.0
            return answer.get("result")
        raise self._error(method, answered.status, answer)

    def _error(self, method: str, status: int, answer: Mapping[str, Any] | None) -> SendError:
        """What to do about an answer that is no success. Takes over its number, never its words."""
        given = answer.get("error_code") if answer else None
        code = given if isinstance(given, int) and not isinstance(given, bool) else status
        if code == 408 and method == "getUpdates":
            return SendError("again", NOBODY_THERE)
        if code == 429:
            # "Quota exceeded", with no word on when it ends (channels.md §1.1): longer each time, until something is taken.
            self._quota_s = min(max(QUOTA_FIRST_S, 2 * self._quota_s), QUOTA_MOST_S)
            return SendError("again", "flood", self._quota_s)
        if code == 401:
            return SendError("misconfigured", "token")
        if code == 400:
            return (
                SendError("misconfigured", "webhook_set")
                if method == "getUpdates"
                else SendError("never", "bad_request")
            )
        # 403 is "internal server error" here (sic), and 404 may be our address of the API: nobody's words are given up for that.
        return SendError("again", f"answer_{code}", AGAIN_S)
