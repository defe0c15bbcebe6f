"""Calls of Zalo's OpenAPI and OAuth over one pool of kept-alive connections (channels.md §1.2).

`POST https://openapi.zalo.me/v3.0/oa/message/cs` with the header `access_token`; HTTP is 200 on errors, and success is `error` 0.
No error raised here carries a token, an address, a cause or an answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec
from yarl import URL

from bot.channels.base import SendError
from bot.channels.zalo_oa.errors import AGAIN_S, TOKEN_REFUSED, send_error
from bot.channels.zalo_oa.tokens import NotAsked, Refused, Renewed, Tokens, Unknown

API: Final = "https://openapi.zalo.me"
OAUTH: Final = "https://oauth.zaloapp.com"
MESSAGE: Final = "/v3.0/oa/message/cs"
RENEWAL: Final = "/v4/oa/access_token"
REMAIN: Final = "X-RateLimit-Remain"
LARGEST_ANSWER: Final = 1024 * 1024
LARGEST_FILE: Final = 20 * 1024 * 1024
"""Bytes. Zalo names no limit (channels.md §1.2)."""
CONNECT_S: Final = 5.0
READ_S: Final = 15.0
FILE_S: Final = 60.0
UNKNOWN_AGAIN_S: Final = 10.0
"""After a timeout nobody knows whether the message went out. It is sent again: twice is better than never."""
REFRESH_LIVES_S: Final = 90_000.0
FILES_AT: Final = (".zdn.vn", ".zadn.vn", ".zaloapp.com", ".zalo.me", ".zaloplatforms.com")
"""Where Zalo keeps what people send. Nothing is fetched from anywhere else, whatever an event says: this service stands inside
somebody's network."""


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
        self._proxy = proxy or None
        self._left = left
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

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
            status, raw, _ = await self._carried(
                "POST", URL(self._oauth + RENEWAL), {"secret_key": self._app_secret}, form=form
            )
        except SendError as error:
            raise (NotAsked if error.code == "no_connection" else Unknown) from None
        answer = _decoded(raw)
        if answer is None or not (answer.get("access_token") and answer.get("refresh_token")):
            # Any answer without a pair is a failure (channels.md §1.2); of a broken gateway nobody knows what lies behind it.
            raise Unknown if status >= 500 or answer is None else Refused
        return Renewed(str(answer["access_token"]), str(answer["refresh_token"]), _seconds(answer.get("expires_in")))

    async def fetch(self, address: str) -> bytes:
        """A file that somebody sent, at most `LARGEST_FILE` bytes: a plain GET without a token. Raises only SendError."""
        if not self._is_zalos(address):
            raise SendError("never", "foreign_address")
        status, raw, _ = await self._carried("GET", URL(address), {}, read_s=FILE_S, largest=LARGEST_FILE)
        if status == 200:
            return raw
        if status in (403, 404, 410):
            raise SendError("never", "file_gone")
        raise SendError("again", f"file_{status}", AGAIN_S)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _posted(self, body: Mapping[str, Any], access: str) -> Mapping[str, Any]:
        try:
            content = msgspec.json.encode(body)
        except UnicodeEncodeError:
            raise SendError("never", "half_a_character") from None
        headers = {"access_token": access, "Content-Type": "application/json"}
        status, raw, remain = await self._carried("POST", URL(self._api + MESSAGE), headers, body=content)
        if remain.isdecimal():
            self._left(int(remain))
        answer = _decoded(raw)
        if status == 429:
            raise send_error(-32)
        if status != 200 or answer is None or not isinstance(answer.get("error"), int):
            raise SendError("again", f"http_{status}", AGAIN_S)
        return answer

    def _is_zalos(self, address: str) -> bool:
        try:
            found, own = urlsplit(address), urlsplit(self._api)
            host = found.hostname or ""
            if (found.scheme, found.netloc) == (own.scheme, own.netloc):
                return True  # an emulator's files
            return found.scheme == "https" and found.port in (None, 443) and host.endswith(FILES_AT)
        except ValueError:
            return False

    async def _carried(
        self, method: str, url: URL, headers: Mapping[str, str], *, body: bytes | None = None,
        form: Mapping[str, str] | None = None, read_s: float = READ_S, largest: int = LARGEST_ANSWER,
    ) -> tuple[int, bytes, str]:  # fmt: skip
        """Status, body, and what is left of the minute. Raises SendError; its code is `no_connection` where nothing was sent."""
        waits = aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_read=read_s)
        try:
            async with self._opened().request(
                method, url, headers=headers, data=body if form is None else form, timeout=waits, proxy=self._proxy,
                allow_redirects=False,
            ) as response:  # fmt: skip
                return response.status, await _read(response, largest), response.headers.get(REMAIN, "")
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError):
            raise SendError("again", "no_connection", AGAIN_S) from None
        except TimeoutError:
            raise SendError("again", "timeout", UNKNOWN_AGAIN_S) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise SendError("again", "network", AGAIN_S) from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=60),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _code(answer: Mapping[str, Any]) -> int:
    return int(answer["error"])


def _decoded(raw: bytes) -> Mapping[str, Any] | None:
    try:
        answer = json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _seconds(text: Any) -> float:
    """`expires_in` is a text (channels.md §1.2)."""
    try:
        return min(max(float(text), 60.0), REFRESH_LIVES_S)
    except (TypeError, ValueError):
        return REFRESH_LIVES_S


async def _read(response: aiohttp.ClientResponse, largest: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > largest:
            raise SendError("never", "too_large")
    return bytes(body)
