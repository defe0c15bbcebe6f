"""A small Zalo: the OA's OpenAPI and OAuth over real HTTP, and the people who write to the account (channels.md §1.2).

For tests (`async with FakeZaloOa() as zalo`) and by hand:

    python -m tests.fakes.zalo_oa --port 8083 --webhook http://127.0.0.1:8080/zalo-oa
    curl http://127.0.0.1:8083/control/say -H 'content-type: application/json' -d '{"person": "1001", "text": "xin chào"}'
    curl 'http://127.0.0.1:8083/control/sent?person=1001'

It signs its events as Zalo does, keeps Zalo's limits (2,000 characters, five buttons, titles of 100, 4,000 calls a minute,
seven days, tokens of 25 hours, refresh tokens that work once) and answers with its numbers: HTTP is 200 on errors. Nothing here
waits for time to pass, but for the pause before an event whose connection failed is posted again (`again()` ends it at once).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes.server import Server, options, run
from tests.fakes.zalo_oa_world import Call, Event, Fault, Refused, World

PROBE = b"{}"


class FakeZaloOa(Server[Event, Fault], World):
    """One app with one OA. `retry_s`: seconds before an event whose connection failed is posted again."""

    CONTROL = (
        "say", "press", "send_image", "send_gif", "send_audio", "send_video", "send_file", "send_sticker", "send_location",
        "send_link", "send_card", "submit_info", "sends_nothing", "sees", "follow", "unfollow", "staff_says", "block",
        "restrict", "raw", "repeat", "hold", "release", "again", "fault", "pass_time", "expire_tokens", "save_webhook",
    )  # fmt: skip

    def __init__(self, retry_s: float = 0.05) -> None:
        World.__init__(self)
        Server.__init__(self, retry_s)

    # ----------------------------------------------------------------------------------------------- the OpenAPI

    def _routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v3.0/oa/message/cs", self._message_cs)
        router.add_post("/v4/oa/access_token", self._access_token)
        router.add_get("/files/{name}", self._download)

    async def _message_cs(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        call = Call("message/cs", json.loads(raw), request.headers.get("access_token", ""))
        self.calls.append(call)
        fault = self._struck("message/cs", str(call.body.get("recipient", {}).get("user_id", "")))
        try:
            data = await self._through(request, fault, partial(self._taken, call))
        except Refused as refused:
            call.error = refused.error
            return self._answer({"error": refused.error, "message": refused.message}, refused.status)
        finally:
            self._changed()
        call.error = 0
        return self._answer({"data": data, "error": 0, "message": "Success"})

    def _answer(self, body: dict[str, Any], status: int = 200) -> web.Response:
        left = max(0, self.per_minute - len(self.minute()))
        headers = {"X-RateLimit-Limit": str(self.per_minute), "X-RateLimit-Remain": str(left)}
        return web.json_response(body, status=status, headers=headers)

    def _refusal(self, fault: Fault) -> Refused:
        if fault.cuts:
            return Refused(-200, "Send message failed", 502)
        return Refused(fault.error, "a fault was asked for", fault.status)

    async def _taken(self, call: Call) -> dict[str, Any]:
        return self.take_message(call)

    # ------------------------------------------------------------------------------------------------------ OAuth

    async def _access_token(self, request: web.Request) -> web.StreamResponse:
        form = dict(await request.post())
        self.calls.append(Call("access_token", form, ""))
        fault = self._struck("access_token", "")
        try:
            pair = await self._through(
                request, fault, partial(self._renewed, form, request.headers.get("secret_key", ""))
            )
        except Refused as refused:
            body = {"error_name": refused.message, "error": refused.error, "error_description": refused.message}
            return web.json_response(body, status=refused.status)
        finally:
            self._changed()
        return web.json_response(pair)

    async def _renewed(self, form: dict[str, Any], secret: str) -> dict[str, str]:
        return self.renew(form, secret)

    # ------------------------------------------------------------------------------------------------ the webhook

    async def save_webhook(self, url: str) -> int:
        """The address is entered in the console: Zalo tries it, unsigned, and keeps it; the status of that."""
        async with self._http.post(url, data=PROBE, headers={"Content-Type": "application/json"}) as response:
            status = response.status
        self.webhook = url
        self._changed()
        return status

    def signed(self, raw: bytes) -> str:
        """The header's value for this body."""
        moment = str(json.loads(raw).get("timestamp", ""))
        content = self.app_id.encode() + raw + moment.encode() + self.key.encode()
        return f"mac={hashlib.sha256(content).hexdigest()}"

    def _lane_of(self, event: Event) -> str:
        return event.person

    def _id_of(self, event: Event) -> str:
        return event.id

    def _is_over(self, status: int, tries: int) -> bool:
        """Only a connection that failed is tried again."""
        return status != 0 or tries > 5

    async def _hand_over(self, event: Event, tries: int) -> int:
        headers = {"X-ZEvent-Signature": self.signed(event.raw), "Content-Type": "application/json"}
        if tries:
            headers["num_retry"] = str(tries)
        try:
            return await self.post(event.raw, headers)
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def post(self, raw: bytes, headers: dict[str, str]) -> int:
        """Post these bytes as anybody can."""
        async with self._http.post(self.webhook, data=raw, headers=headers) as response:
            return response.status

    async def _sent(self, request: web.Request) -> web.StreamResponse:
        """GET /control/sent?person=ID: what this person sees; without person: every call that was made."""
        if "person" in request.query:
            person = request.query["person"]
            return web.json_response({"shown": self.shown(person), "buttons": self.buttons(person)})
        return web.json_response({"calls": [[call.method, call.body, call.error] for call in self.calls]})


async def _main(port: int, webhook: str) -> None:
    zalo = FakeZaloOa(retry_s=1.0)
    zalo.webhook = webhook
    await run(zalo, port, lambda: "\n".join(f"{name}={value}" for name, value in _settings(zalo).items()))


def _settings(zalo: FakeZaloOa) -> dict[str, str]:
    return {
        "NHIPCAU_ZALO_OA_APP": zalo.app_id, "NHIPCAU_ZALO_OA_APP_SECRET": zalo.app_secret, "NHIPCAU_ZALO_OA_KEY": zalo.key,
        "NHIPCAU_ZALO_OA_ID": zalo.account, "NHIPCAU_ZALO_OA_REFRESH_TOKEN": zalo.refresh,
        "NHIPCAU_ZALO_OA_API": zalo.url, "NHIPCAU_ZALO_OA_OAUTH": zalo.url,
    }  # fmt: skip


if __name__ == "__main__":
    given = options("A small Zalo Official Account on 127.0.0.1", 8083)
    given.add_argument("--webhook", default="", help="where events are posted; or POST /control/save_webhook")
    chosen = given.parse_args()
    asyncio.run(_main(chosen.port, chosen.webhook))
