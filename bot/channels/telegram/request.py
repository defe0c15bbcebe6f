"""python-telegram-bot's HTTP carried on aiohttp: one pool of kept-alive connections.

Its own carrier costs about 1 ms a call; this one a tenth of that (design §10). The address of every call contains the
bot's token, so no error raised here carries an address, a cause or a server's answer.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, cast

import aiohttp
import msgspec
from telegram.error import BadRequest, InvalidToken, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData
from yarl import URL

LARGEST_ANSWER: Final = 20 * 1024 * 1024
"""Bytes of an answer that is held in memory."""
LARGEST_FILE: Final = 100 * 1024 * 1024
"""Bytes of a file. Telegram's own server gives up to 20 MB (https://core.telegram.org/bots/api#getfile), one that the operator
runs gives more (https://core.telegram.org/bots/api#using-a-local-bot-api-server)."""


class TooLarge(TelegramError):
    """The answer is larger than `LARGEST_ANSWER`, the file than `LARGEST_FILE`; it was not read to its end."""


class Flooded(RetryAfter):
    """Telegram asked us to wait `seconds` before the next call.

    Does not run RetryAfter's own constructor, which warns of a coming change each time.
    """

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        TelegramError.__init__(self, f"Flood control exceeded. Retry in {seconds:g} seconds")
        self.seconds = seconds
        self._retry_after = timedelta(seconds=seconds)


class AiohttpRequest(BaseRequest):
    """Carries calls to the Bot API for `telegram.Bot` and, through `post`, without it.

    Times are seconds: to get a connection, and between two reads of the answer. `proxy` is an http:// address or empty.
    """

    def __init__(
        self,
        *,
        connections: int = 256,
        connect_timeout: float = 5.0,
        read_timeout: float = 10.0,
        proxy: str = "",
    ) -> None:
        self._connections = connections
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._proxy = proxy or None
        self._session: aiohttp.ClientSession | None = None
        # At DEBUG the library writes the token, and what is sent to whom, into the log.
        logging.getLogger("telegram").setLevel(logging.WARNING)

    @property
    def read_timeout(self) -> float:
        return self._read_timeout

    async def initialize(self) -> None:
        self._opened()

    async def shutdown(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def call(self, url: str, fields: Mapping[str, Any], read_timeout: float | None = None) -> Any:
        """The result of one method of the Bot API, without the library's objects. Raises TelegramError.

        The fields are encoded once, by msgspec. `post` hands them through untouched and makes errors of bad answers.
        """
        wait = self._read_timeout if read_timeout is None else read_timeout
        try:
            return await self.post(url, cast(RequestData, msgspec.json.encode(fields)), read_timeout=wait)
        except UnicodeEncodeError:
            raise BadRequest("a text holds half a character") from None
        except KeyError:  # a 200 without a result: something on the way answered, not Telegram
            raise TelegramError("Invalid server response") from None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """The status and body of one call. Raises TimedOut, NetworkError, TooLarge or Flooded; follows no redirect."""
        code, payload = await self._carried(url, method, request_data, self._timeout(read_timeout, connect_timeout))
        if code == 429:
            raise Flooded(_retry_after(payload))
        return code, payload

    async def pieces(self, url: str, read_timeout: float) -> AsyncIterator[bytes]:
        """A file as it comes, never whole in memory. Raises TelegramError; InvalidToken where there is none (any more)."""
        waits, size = _waits(self._connect_timeout, read_timeout), 0
        try:
            async with self._opened().get(
                _address(url), timeout=waits, proxy=self._proxy, allow_redirects=False
            ) as response:
                await _refuse(response)
                async for chunk in response.content.iter_any():
                    if (size := size + len(chunk)) > LARGEST_FILE:
                        raise TooLarge("the file is larger than is taken")
                    yield chunk
        except TimeoutError:
            raise TimedOut from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NetworkError(type(error).__name__) from None

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The decoded answer. Unlike the library's own, never logs it. Raises TelegramError."""
        try:
            answer = _loads(payload)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise TelegramError("Invalid server response")
        return answer

    async def _carried(
        self, url: str, method: str, request_data: RequestData | bytes | None, waits: aiohttp.ClientTimeout
    ) -> tuple[int, bytes]:
        try:
            async with self._opened().request(
                method,
                _address(url),
                timeout=waits,
                proxy=self._proxy,
                allow_redirects=False,
                **_body(request_data),
            ) as response:
                return response.status, await _read(response)
        except TimeoutError:
            raise TimedOut from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NetworkError(type(error).__name__) from None

    def _timeout(self, read: Any, connect: Any) -> aiohttp.ClientTimeout:
        default = BaseRequest.DEFAULT_NONE
        return _waits(
            self._connect_timeout if connect is default else connect, self._read_timeout if read is default else read
        )

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A call waits here for a free connection, so `connect` covers the pool as well.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
            )
        return self._session


@lru_cache(maxsize=64)
def _address(url: str) -> URL:
    """One address a method of the Bot API; those of files, which are many, come and go."""
    return URL(url, encoded=True)


@lru_cache(maxsize=64)
def _waits(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=connect, sock_read=read)


def _body(data: RequestData | bytes | None) -> dict[str, Any]:
    if data is None:
        return {}
    if isinstance(data, bytes):
        return {"data": data, "headers": _JSON}
    if data.contains_files:
        raise TelegramError("this carrier uploads no files")
    return {"data": data.json_parameters}


_JSON: Final = {"Content-Type": "application/json"}


async def _refuse(response: aiohttp.ClientResponse) -> None:
    """Raises what python-telegram-bot makes of such an answer, unless it is a file."""
    if response.status == 429:
        raise Flooded(_retry_after(await _read(response)))
    if response.status in (401, 404):
        raise InvalidToken
    if response.status != 200:
        raise NetworkError(f"status {response.status}")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    if (response.content_length or 0) > LARGEST_ANSWER:
        raise TooLarge("the answer is larger than 20 MB")
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise TooLarge("the answer is larger than 20 MB")
    return bytes(body)


def _retry_after(payload: bytes) -> float:
    """Seconds to wait, one if Telegram does not say."""
    try:
        wait = _loads(payload)["parameters"]["retry_after"]
        return min(max(float(wait), 0.0), 24 * 3600.0)
    except (ValueError, TypeError, LookupError, RecursionError):
        return 1.0


def _loads(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except ValueError:  # half a surrogate pair, or bytes that are not UTF-8: damaged characters must not lose an update
        return json.loads(payload.decode("utf-8", "replace"))
