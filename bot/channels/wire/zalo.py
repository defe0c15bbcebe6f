"""What both of Zalo's platforms need: calls over one pool of kept-alive connections, and the files that people send there.

Addresses and headers hold tokens, so no error raised here carries an address, a cause or an answer (channels.md §0.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from bot.channels.base import SendError

LARGEST_ANSWER: Final = 1024 * 1024
LARGEST_FILE: Final = 20 * 1024 * 1024
"""Bytes. Zalo names no limit; a photograph was 690 kB (channels.md §1.1, §1.2)."""
CONNECT_S: Final = 5.0
READ_S: Final = 15.0
FILE_S: Final = 60.0
FILES_AT: Final = (".zdn.vn", ".zadn.vn", ".zaloapp.com", ".zaloplatforms.com", ".zalo.me")
"""Where Zalo keeps what people send (channels.md §1.1, addresses of live traffic). Nothing is fetched from anywhere else,
whatever an event says: this service stands inside somebody's network."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds until the next try: `again_s` where nothing went out, `unknown_again_s` where nobody knows."""

    again_s: float
    unknown_again_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class ZaloCarrier:
    """Carries calls, and fetches files, of the platform at `api`. `proxy`: an http:// address or empty."""

    def __init__(self, api: str, pauses: Pauses, *, proxy: str, connections: int) -> None:
        self._api = urlsplit(api)
        self._pauses = pauses
        self._proxy = proxy or None
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def carry(
        self, method: str, url: URL, *, headers: Mapping[str, str] | None = None,
        content: bytes | Mapping[str, str] | None = None, read_s: float = READ_S, largest: int = LARGEST_ANSWER,
    ) -> Answer:  # fmt: skip
        """The answer to one call; `content` is bytes or a form. Raises SendError, `no_connection` where nothing was sent."""
        waits = aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_read=read_s)
        try:
            async with self._opened().request(
                method, url, headers=headers, data=content, timeout=waits, proxy=self._proxy, allow_redirects=False
            ) as response:
                return Answer(response.status, await _read(response, largest), response.headers)
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError):
            raise SendError("again", "no_connection", self._pauses.again_s) from None
        except TimeoutError:
            raise SendError("again", "timeout", self._pauses.unknown_again_s) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise SendError("again", "network", self._pauses.again_s) from None

    async def fetch(self, address: str) -> bytes:
        """A file that somebody sent, at most `LARGEST_FILE` bytes: a plain GET without a token. Raises only SendError."""
        url = self._where(address)
        if url is None:
            raise SendError("never", "foreign_address")
        answer = await self.carry("GET", url, read_s=FILE_S, largest=LARGEST_FILE)
        if answer.status == 200:
            return answer.body
        if answer.status in (403, 404, 410):
            raise SendError("never", "file_gone")  # these addresses end (channels.md §1.1)
        raise SendError("again", f"file_{answer.status}", self._pauses.again_s)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _where(self, address: str) -> URL | None:
        """The address, where it is one of Zalo's (or of the emulator that stands for it)."""
        try:
            found, url = urlsplit(address), URL(address)
            own = (found.scheme, found.netloc) == (self._api.scheme, self._api.netloc)
            secure = found.scheme == "https" and found.port in (None, 443)
        except ValueError:
            return None
        return url if own or (secure and (found.hostname or "").endswith(FILES_AT)) else None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=60),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


async def _read(response: aiohttp.ClientResponse, largest: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > largest:
            raise SendError("never", "too_large")
    return bytes(body)
