"""One call of the Zalo Bot API over one pool of kept-alive connections.

`POST https://bot-api.zaloplatforms.com/bot<TOKEN>/<method>` with JSON; the answer is `{"ok": true, "result": …}` or
`{"ok": false, "description": …, "error_code": …}`, and a status of 200 alone is no success (channels.md §1.1 "Envelope", "Error
codes"). Every address holds the token, so no error raised here carries an address, a cause or an answer (channels.md §0.6).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec
from yarl import URL

from bot.channels.base import SendError

API: Final = "https://bot-api.zaloplatforms.com"
LARGEST_ANSWER: Final = 1024 * 1024
LARGEST_FILE: Final = 20 * 1024 * 1024
"""Bytes. Zalo names no limit; a photograph was 690 kB (channels.md §1.1)."""
CONNECT_S: Final = 5.0
READ_S: Final = 15.0
FILE_S: Final = 60.0
AGAIN_S: Final = 2.0
UNKNOWN_AGAIN_S: Final = 30.0
"""After a timeout nobody knows whether the message went out, and Zalo knows no key against doubles: it is sent again, for
silence is worse than a message that comes twice, but not at once (docs/decisions/0018-zalo-bot-platform.md)."""
QUOTA_FIRST_S: Final = 5.0
QUOTA_MOST_S: Final = 300.0
FILES_AT: Final = (".zdn.vn", ".zadn.vn", ".zaloapp.com", ".zaloplatforms.com", ".zalo.me")
"""Where Zalo keeps what people send (channels.md §1.1, addresses of live traffic). Nothing is fetched from anywhere else,
whatever an event says: this service stands inside somebody's network."""
NOBODY_THERE: Final = "nothing_new"
"""The code of getUpdates' 408: nobody wrote."""


class ZaloApi:
    """Calls one bot's methods. `api`: where the Bot API is; `proxy`: an http:// address or empty."""

    def __init__(self, token: str, *, api: str = API, proxy: str = "", connections: int = 64) -> None:
        self._methods = f"{api.rstrip('/')}/bot{token}/"
        self._api = urlsplit(api)
        self._proxy = proxy or None
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._quota_s = 0.0

    async def call(self, method: str, fields: Mapping[str, Any], read_s: float = READ_S) -> Any:
        """The result of one method. Raises only SendError."""
        try:
            body = msgspec.json.encode(fields)
        except UnicodeEncodeError:
            raise SendError("never", "half_a_character") from None
        status, raw = await self._carried("POST", URL(self._methods + method, encoded=True), body, read_s)
        answer = _decoded(raw)
        if status == 200 and answer is not None and answer.get("ok") is True:
            self._quota_s = 0.0
            return answer.get("result")
        raise self._error(method, status, answer)

    async def fetch(self, address: str) -> bytes:
        """A file that somebody sent, at most `LARGEST_FILE` bytes: a plain GET without a token. Raises only SendError."""
        if not self._is_zalos(address):
            raise SendError("never", "foreign_address")
        status, raw = await self._carried("GET", URL(address), None, FILE_S, LARGEST_FILE)
        if status == 200:
            return raw
        if status in (403, 404, 410):
            raise SendError("never", "file_gone")  # these addresses end (channels.md §1.1)
        raise SendError("again", f"file_{status}", AGAIN_S)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _is_zalos(self, address: str) -> bool:
        try:
            found = urlsplit(address)
            own = (found.scheme, found.netloc) == (self._api.scheme, self._api.netloc)  # an emulator's files
            host = found.hostname or ""
            return own or (found.scheme == "https" and found.port in (None, 443) and host.endswith(FILES_AT))
        except ValueError:
            return False

    async def _carried(
        self, method: str, url: URL, body: bytes | None, read_s: float, largest: int = LARGEST_ANSWER
    ) -> tuple[int, bytes]:
        waits = aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_read=read_s)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            async with self._opened().request(
                method, url, data=body, headers=headers, timeout=waits, proxy=self._proxy, allow_redirects=False
            ) as response:
                return response.status, await _read(response, largest)
        except aiohttp.ConnectionTimeoutError:
            raise SendError("again", "no_connection", AGAIN_S) from None
        except TimeoutError:
            raise SendError("again", "timeout", UNKNOWN_AGAIN_S) from None
        except aiohttp.ClientConnectorError:
            raise SendError("again", "no_connection", AGAIN_S) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise SendError("again", "network", AGAIN_S) from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=60),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

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


def _decoded(raw: bytes) -> Mapping[str, Any] | None:
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


async def _read(response: aiohttp.ClientResponse, largest: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > largest:
            raise SendError("never", "too_large")
    return bytes(body)
