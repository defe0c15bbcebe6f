"""Calls of Zalo's OpenAPI and OAuth (channels.md §1.2).

`POST https://openapi.zalo.me/v3.0/oa/message/cs` with the header `access_token`; HTTP is 200 on errors, and success is `error` 0.
No error raised here carries a token, an address, a cause or an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from yarl import URL

from bot.channels.base import SendError
from bot.channels.wire.decoded import decoded
from bot.channels.wire.zalo import Pauses, ZaloCarrier
from bot.channels.zalo_oa.errors import AGAIN_S, TOKEN_REFUSED, send_error
from bot.channels.zalo_oa.tokens import NotAsked, Refused, Renewed, Tokens, Unknown

API: Final = "https://openapi.zalo.me"
OAUTH: Final = "https://oauth.zaloapp.com"
MESSAGE: Final = "/v3.0/oa/message/cs"
RENEWAL: Final = "/v4/oa/access_token"
REMAIN: Final = "X-RateLimit-Remain"
UNKNOWN_AGAIN_S: Final = 10.0
"""After a timeout nobody knows whether the message went out. It is sent again: twice is better than never."""
REFRESH_LIVES_S: Final = 90_000.0


class ZaloOaApi:
    """One app's calls. `left` is told how many calls Zalo says are left of this minute."""

    def __init__(
        self, *, app_id: str, app_secret: str, api: str = API, oauth: str = OAUTH, proxy: str = "",
        left: Callable[[int], None] = lambda calls: None, connections: int = 256,
    ) -> None:  # fmt: skip
        self._app_id = app_id
        self._app_secret = app_secret
        self._api = api.rstrip("/")
        self._oauth = oauth.rstrip("/")
        self._left = left
        self.carrier = ZaloCarrier(api, Pauses(AGAIN_S, UNKNOWN_AGAIN_S), proxy=proxy, connections=connections)

    async def post(self, body: Mapping[str, Any], tokens: Tokens) -> Mapping[str, Any]:
        """`data` of the answer to a message. A token that Zalo refuses is renewed once. Raises only SendError."""
        access = await tokens.access()
        answer = await self._posted(body, access)
        if _code(answer) in TOKEN_REFUSED:
            answer = await self._posted(body, await tokens.refused(access))
        if code := _code(answer):
            raise send_error(code)
        data = answer.get("data")
        return data if isinstance(data, dict) else {}

    async def renew(self, refresh: str) -> Renewed:
        """A new pair for a refresh token, which is used up by this. Raises NotAsked, Refused or Unknown."""
        form = {"app_id": self._app_id, "grant_type": "refresh_token", "refresh_token": refresh}
        try:
            answered = await self.carrier.carry(
                "POST", URL(self._oauth + RENEWAL), headers={"secret_key": self._app_secret}, content=form
            )
        except SendError as error:
            raise (NotAsked if error.code == "no_connection" else Unknown) from None
        answer = decoded(answered.body)
        if answer is None or not (answer.get("access_token") and answer.get("refresh_token")):
            # Any answer without a pair is a failure (channels.md §1.2); of a broken gateway nobody knows what lies behind it.
            raise Unknown if answered.status >= 500 or answer is None else Refused
        return Renewed(str(answer["access_token"]), str(answer["refresh_token"]), _seconds(answer.get("expires_in")))

    async def _posted(self, body: Mapping[str, Any], access: str) -> Mapping[str, Any]:
        try:
            content = msgspec.json.encode(body)
        except UnicodeEncodeError:
            raise SendError("never", "half_a_character") from None
        headers = {"access_token": access, "Content-Type": "application/json"}
        answered = await self.carrier.carry("POST", URL(self._api + MESSAGE), headers=headers, content=content)
        if (remain := answered.headers.get(REMAIN, "")).isdecimal():
            self._left(int(remain))
        answer = decoded(answered.body)
        if answered.status == 429:
            raise send_error(-32)
        if answered.status != 200 or answer is None or not isinstance(answer.get("error"), int):
            raise SendError("again", f"http_{answered.status}", AGAIN_S)
        return answer


def _code(answer: Mapping[str, Any]) -> int:
    return int(answer["error"])


def _seconds(text: Any) -> float:
    """`expires_in` is a text (channels.md §1.2)."""
    try:
        return min(max(float(text), 60.0), REFRESH_LIVES_S)
    except (TypeError, ValueError):
        return REFRESH_LIVES_S
