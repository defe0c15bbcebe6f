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

import argparse
import asyncio
import hmac
import json
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.fakes.zalo_bot_world import Call, Refused, World

TOKEN = "1459232241454765289:test-token-of-the-small-zalo"
HEADER = "X-Bot-Api-Secret-Token"


class FakeZaloBot(World):
    """One bot, its chats, and what is on its way. `retry_s`: seconds before a refused webhook is posted again."""

    def __init__(self, token: str = TOKEN, retry_s: float = 0.05, *, flat: bool = True, replays: bool = False) -> None:
        super().__init__(flat=flat)
        self.token = token
        self.retry_s = retry_s
        self.replays = replays
        self.retries = 1000
        self.webhook = ""
        self.posted: list[tuple[str, int]] = []
        self._secret = ""
        self._taken: list[dict[str, Any]] = []
        self._again = asyncio.Event()
        self._ended = asyncio.Event()
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None

    # ------------------------------------------------------------------------------------------------ running

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        app.router.add_get("/files/{name}", self._download)
        app.router.add_get("/control/sent", self._sent)
        app.router.add_post("/control/{name}", self._control)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._http = aiohttp.ClientSession()

    async def stop(self) -> None:
        self._ended.set()
        self.webhook = ""
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        if self._http:
            await self._http.close()
        if self._runner:
            await self._runner.cleanup()

    # ------------------------------------------------------------------------------------------------- the Bot API

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if not hmac.compare_digest(request.match_info["token"], self.token):
            return _refusal(Refused(401, "Unauthorized"))
        call = Call(request.match_info["method"], await _fields(request))
        self.calls.append(call)
        fault = next((one for one in self.faults if one.hits(call)), None)
        try:
            if fault and fault.kind != "lost":
                await self._fail(request, fault)
            result = await self._perform(call)
            if fault:
                await self._fail(request, fault)
        except Refused as refused:
            call.status = refused.status
            return _refusal(refused, status=200 if fault and fault.in_a_200 else refused.status)
        finally:
            self._changed()
        call.status = 200
        return web.json_response({"ok": True} if result is None else {"ok": True, "result": result})

    async def _fail(self, request: web.Request, fault: Any) -> None:
        if fault.kind == "hang":
            await self._ended.wait()
        if fault.kind in ("drop", "lost", "hang"):
            if request.transport:
                request.transport.close()
            raise Refused(502, "Bad Gateway")
        raise Refused(fault.status, fault.description)

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

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Anybody who knows the address can read the file, without a token; some day it ends."""
        content = self.files.get(request.match_info["name"])
        return web.Response(status=404) if content is None else web.Response(body=content)

    # ------------------------------------------------------------------------------------------------ the webhook

    def again(self) -> None:
        """Post refused events again now."""
        self._again.set()
        self._again = asyncio.Event()

    def _changed(self) -> None:
        """Also start posting to the webhook what can be posted."""
        super()._changed()
        if not self.webhook or self.held:
            return
        for chat in {self.lane_of(event) for event in self.pending} - self._workers.keys():
            self._workers[chat] = asyncio.ensure_future(self._work(chat))

    async def _work(self, chat: str) -> None:
        """Post one chat's events in order; a refused one is repeated before the next, so often as `retries` says."""
        tries = 0
        try:
            while self.webhook and not self.held:
                event = next((one for one in self.pending if self.lane_of(one) == chat), None)
                if event is None:
                    return
                status = await self._post(json.dumps(event).encode())
                self.posted.append((self.id_of(event), status))
                tries += 1
                if status == 200 or tries > self.retries:
                    self.pending.remove(event)
                    tries = 0
                    self._changed()
                    continue
                self._changed()
                await _first(self._again.wait(), self.retry_s)
        finally:
            self._workers.pop(chat, None)

    async def probe(self) -> int:
        """Zalo looks at the address: an empty body without a type and without the secret; the status of the answer."""
        return await self._post(b"", signed=False)

    async def _post(self, body: bytes, *, signed: bool = True) -> int:
        headers = {HEADER: self._secret, "Content-Type": "application/json"} if signed else {}
        assert self._http is not None
        try:
            async with self._http.post(
                self.webhook, data=body, headers=headers, skip_auto_headers=("Content-Type",)
            ) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    # ----------------------------------------------------------------------------------------------- control by HTTP

    async def _control(self, request: web.Request) -> web.StreamResponse:
        """POST /control/NAME with a JSON object of arguments: what people and the network do."""
        name = request.match_info["name"]
        if name not in CONTROL:
            return web.json_response({"problem": f"unknown; there are {', '.join(CONTROL)}"}, status=404)
        try:
            done = getattr(self, name)(**(await request.json() if request.can_read_body else {}))
            return web.json_response({"result": await done if asyncio.iscoroutine(done) else done})
        except (TypeError, LookupError, ValueError) as error:
            return web.json_response({"problem": str(error)}, status=400)

    async def _sent(self, request: web.Request) -> web.StreamResponse:
        """GET /control/sent?chat=ID: what this person sees; without chat: every call that the bot made."""
        if "chat" in request.query:
            return web.json_response({"shown": self.shown(request.query["chat"])})
        return web.json_response({"calls": [[one.method, one.fields, one.status] for one in self.called()]})


CONTROL = (
    "say", "send_photo", "send_voice", "send_sticker", "withhold", "in_a_group", "raw", "repeat", "hold", "release", "again",
    "fault", "use_up", "forget_files", "probe",
)  # fmt: skip


async def _fields(request: web.Request) -> dict[str, Any]:
    """Query, form, JSON and multipart are all taken (channels.md §1.1)."""
    if request.content_type == "application/json":
        body = await request.json() if request.can_read_body else {}
        return body if isinstance(body, dict) else {}
    return {**request.query, **(await request.post())}


def _refusal(refused: Refused, status: int | None = None) -> web.Response:
    body = {"ok": False, "description": str(refused), "error_code": refused.status}
    return web.json_response(body, status=status or refused.status)


async def _first(waiting: Any, seconds: float) -> None:
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        return


async def _main(port: int) -> None:
    zalo = FakeZaloBot(retry_s=1.0)
    await zalo.start(port)
    print(f"Bot API at {zalo.url}, token {zalo.token}", flush=True)  # noqa: T201 - the address is this command's answer
    try:
        await asyncio.Event().wait()
    finally:
        await zalo.stop()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="A small Zalo Bot Platform on 127.0.0.1")
    arguments.add_argument("--port", type=int, default=8082)
    asyncio.run(_main(arguments.parse_args().port))
