"""A small Zalo Bot Platform: the Bot API over real HTTP, and the people who write to the bot (channels.md §1.1).

For tests (`async with FakeZaloBot() as zalo`) and for demo and benchmarks:

    python -m tests.fakes.zalo_bot --port 8082
    curl http://127.0.0.1:8082/control/say -H 'content-type: application/json' -d '{"chat": "6ede9afa66b88fe6d6a9", "text": "xin chào"}'
    curl http://127.0.0.1:8082/control/withhold -H 'content-type: application/json' -d '{"chat": "6ede9afa66b88fe6d6a9"}'
    curl http://127.0.0.1:8082/control/sent?chat=6ede9afa66b88fe6d6a9

What the sheet leaves open is a switch here: the body's shape (`flat`), whether getUpdates repeats what was taken (`replays`),
whether a refused webhook is posted again (`retries`). Nothing waits for time to pass but the long poll's own timeout and `retry_s`.
"""  # noqa: E501 - a command that can be copied

from __future__ import annotations

import asyncio
import hmac
import json
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes.server import Server, fields_of, options, run
from tests.fakes.zalo_bot_world import Call, Fault, Refused, World

TOKEN = "1459232241454765289:test-token-of-the-small-zalo"
HEADER = "X-Bot-Api-Secret-Token"


class FakeZaloBot(Server[dict[str, Any], Fault], World):
    """One bot, its chats, and what is on its way. `retry_s`: seconds before a refused webhook is posted again."""

    CONTROL = (
        "say", "send_photo", "send_voice", "send_sticker", "withhold", "in_a_group", "raw", "repeat", "hold", "release", "again",
        "fault", "use_up", "forget_files", "probe",
    )  # fmt: skip

    def __init__(self, token: str = TOKEN, retry_s: float = 0.05, *, flat: bool = True, replays: bool = False) -> None:
        World.__init__(self, flat=flat)
        Server.__init__(self, retry_s)
        self.token = token
        self.replays = replays
        self.retries = 1000
        self._secret = ""
        self._taken: list[dict[str, Any]] = []

    # ------------------------------------------------------------------------------------------------- the Bot API

    def _routes(self, router: web.UrlDispatcher) -> None:
        router.add_route("*", "/bot{token}/{method}", self._serve)
        router.add_get("/files/{name}", self._download)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if not hmac.compare_digest(request.match_info["token"], self.token):
            return _refused(Refused(401, "Unauthorized"))
        call = Call(request.match_info["method"], await fields_of(request))
        self.calls.append(call)
        fault = self._struck(call.method, str(call.fields.get("chat_id", "")))
        try:
            result = await self._through(request, fault, partial(self._perform, call))
        except Refused as refused:
            call.status = refused.status
            return _refused(refused, status=200 if fault and fault.in_a_200 else refused.status)
        finally:
            self._changed()
        call.status = 200
        return web.json_response({"ok": True} if result is None else {"ok": True, "result": result})

    def _refusal(self, fault: Fault) -> Refused:
        return Refused(502, "Bad Gateway") if fault.cuts else Refused(fault.status, fault.description)

    async def _perform(self, call: Call) -> Any:
        method = getattr(self, f"_api_{call.method}", None)
        if method is None:
            raise Refused(400, "Bad Request: unknown method")  # method names are case-sensitive
        return await method(call.fields)

    async def _api_getMe(self, _: dict[str, Any]) -> Any:
        name = {"account_name": "bot.VDKyGxQvc", "account_type": self.plan, "can_join_groups": False}
        return {"id": self.token.partition(":")[0], **name}

    async def _api_getUpdates(self, fields: dict[str, Any]) -> Any:
        """One event; 408 when nobody wrote; and what was taken comes again with every later answer, where it does."""
        if self.webhook:
            raise Refused(400, "You cannot use this API while a webhook is set. Please remove the webhook first")
        try:
            async with asyncio.timeout(float(fields.get("timeout", 0) or 0)):
                while (self.held or not self.pending) and not (self.replays and self._taken):
                    if self._ended.is_set():
                        break
                    await self._pulse.wait()
        except TimeoutError:
            raise Refused(408, "Request timeout") from None
        if self.pending and not self.held:
            self._taken.append(self.pending.pop(0))
            return self._taken[-1]
        if self.replays and self._taken:
            return self._taken[-1]
        raise Refused(408, "Request timeout")

    async def _api_setWebhook(self, fields: dict[str, Any]) -> Any:
        secret = str(fields.get("secret_token", ""))
        if not fields.get("url") or not 8 <= len(secret) <= 256:
            raise Refused(400, "Bad Request: url and secret_token (8..256) are required")
        self.webhook, self._secret = str(fields["url"]), secret
        return {"url": self.webhook, "updated_at": self.now}

    async def _api_deleteWebhook(self, _: dict[str, Any]) -> Any:
        self.webhook = ""
        return {"url": "", "updated_at": self.now}

    async def _api_getWebhookInfo(self, _: dict[str, Any]) -> Any:
        if not self.webhook:
            raise Refused(404, "Not Found")
        return {"url": self.webhook, "updated_at": self.now}

    async def _api_sendMessage(self, fields: dict[str, Any]) -> Any:
        text = str(fields.get("text", ""))
        if not 1 <= len(text.encode("utf-16-le")) // 2 <= 2000 or not text.strip():
            raise Refused(400, "Bad Request: text must be 1 to 2000 characters")
        return self._shown_to(fields, {"text": text})

    async def _api_sendPhoto(self, fields: dict[str, Any]) -> Any:
        if (
            not str(fields.get("photo", "")).startswith(("http://", "https://"))
            or len(fields.get("caption", "")) > 2000
        ):
            raise Refused(400, "Bad Request: photo must be a public URL")
        return self._shown_to(fields, {"photo": fields["photo"], "text": fields.get("caption", "")})

    async def _api_sendSticker(self, fields: dict[str, Any]) -> Any:
        return self._shown_to(fields, {"sticker": fields.get("sticker", ""), "text": ""})

    async def _api_sendVoice(self, fields: dict[str, Any]) -> Any:
        if not str(fields.get("voice_url", "")).endswith(".aac"):
            raise Refused(400, "Bad Request: voice_url must be .aac")
        return self._shown_to(fields, {"voice_url": fields["voice_url"], "text": ""})

    async def _api_sendChatAction(self, fields: dict[str, Any]) -> Any:
        self._open(fields)
        if fields.get("action") != "typing":
            raise Refused(400, "Bad Request: unknown action")
        return None

    # ------------------------------------------------------------------------------------------------ the webhook

    def _lane_of(self, event: dict[str, Any]) -> str:
        return self.lane_of(event)

    def _id_of(self, event: dict[str, Any]) -> str:
        return self.id_of(event)

    def _is_over(self, status: int, tries: int) -> bool:
        return status == 200 or tries > self.retries

    async def _hand_over(self, event: dict[str, Any], tries: int) -> int:
        return await self._post(json.dumps(event).encode())

    async def probe(self) -> int:
        """Zalo looks at the address: an empty body without a type and without the secret; the status of the answer."""
        return await self._post(b"", signed=False)

    async def _post(self, body: bytes, *, signed: bool = True) -> int:
        headers = {HEADER: self._secret, "Content-Type": "application/json"} if signed else {}
        try:
            async with self._http.post(
                self.webhook, data=body, headers=headers, skip_auto_headers=("Content-Type",)
            ) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def _sent(self, request: web.Request) -> web.StreamResponse:
        """GET /control/sent?chat=ID: what this person sees; without chat: every call that the bot made."""
        if "chat" in request.query:
            return web.json_response({"shown": self.shown(request.query["chat"])})
        return web.json_response({"calls": [[one.method, one.fields, one.status] for one in self.called()]})


def _refused(refused: Refused, status: int | None = None) -> web.Response:
    body = {"ok": False, "description": str(refused), "error_code": refused.status}
    return web.json_response(body, status=status or refused.status)


async def _main(port: int) -> None:
    zalo = FakeZaloBot(retry_s=1.0)
    await run(zalo, port, lambda: f"Bot API at {zalo.url}, token {zalo.token}")


if __name__ == "__main__":
    asyncio.run(_main(options("A small Zalo Bot Platform on 127.0.0.1", 8082).parse_args().port))
