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

import argparse
import asyncio
import hashlib
import json
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.fakes.zalo_oa_world import Call, Fault, Refused, World

PROBE = b"{}"


class FakeZaloOa(World):
    """One app with one OA. `retry_s`: seconds before an event whose connection failed is posted again."""

    def __init__(self, retry_s: float = 0.05) -> None:
        super().__init__()
        self.retry_s = retry_s
        self.webhook = ""
        self.posted: list[tuple[str, int]] = []
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
        app = web.Application(client_max_size=50 * 1024 * 1024)
        app.router.add_post("/v3.0/oa/message/cs", self._message_cs)
        app.router.add_post("/v4/oa/access_token", self._access_token)
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

    # ----------------------------------------------------------------------------------------------- the OpenAPI

    async def _message_cs(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        call = Call("message/cs", json.loads(raw), request.headers.get("access_token", ""))
        self.calls.append(call)
        fault = self._struck("message/cs", str(call.body.get("recipient", {}).get("user_id", "")))
        try:
            if fault and fault.kind != "lost":
                await self._fail(request, fault)
            data = self.take_message(call)
            if fault:
                await self._fail(request, fault)
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

    def _struck(self, method: str, person: str) -> Fault | None:
        return next((fault for fault in self.faults if fault.hits(method, person)), None)

    async def _fail(self, request: web.Request, fault: Fault) -> None:
        if fault.kind == "hang":
            await self._ended.wait()
        if fault.kind in ("drop", "lost", "hang"):
            if request.transport:
                request.transport.close()
            raise Refused(-200, "Send message failed", 502)
        raise Refused(fault.error, "a fault was asked for", fault.status)

    # ------------------------------------------------------------------------------------------------------ OAuth

    async def _access_token(self, request: web.Request) -> web.StreamResponse:
        form = dict(await request.post())
        self.calls.append(Call("access_token", form, ""))
        fault = self._struck("access_token", "")
        try:
            if fault and fault.kind != "lost":
                await self._fail(request, fault)
            pair = self.renew(form, request.headers.get("secret_key", ""))
            if fault:
                await self._fail(request, fault)
        except Refused as refused:
            body = {"error_name": refused.message, "error": refused.error, "error_description": refused.message}
            return web.json_response(body, status=refused.status)
        finally:
            self._changed()
        return web.json_response(pair)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        content = self.files.get(request.match_info["name"])
        if content is None:
            return web.Response(status=404)
        return web.Response(body=content, content_type="application/octet-stream")

    # ------------------------------------------------------------------------------------------------ the webhook

    async def save_webhook(self, url: str) -> int:
        """The address is entered in the console: Zalo tries it, unsigned, and keeps it; the status of that."""
        assert self._http is not None
        async with self._http.post(url, data=PROBE, headers={"Content-Type": "application/json"}) as response:
            status = response.status
        self.webhook = url
        self._changed()
        return status

    def again(self) -> None:
        """Post now what could not be posted."""
        self._again.set()
        self._again = asyncio.Event()

    def signed(self, raw: bytes) -> str:
        """The header's value for this body."""
        moment = str(json.loads(raw).get("timestamp", ""))
        content = self.app_id.encode() + raw + moment.encode() + self.key.encode()
        return f"mac={hashlib.sha256(content).hexdigest()}"

    def _changed(self) -> None:
        super()._changed()
        if not self.webhook or self.held:
            return
        for person in {one.person for one in self.pending} - self._workers.keys():
            self._workers[person] = asyncio.ensure_future(self._work(person))

    async def _work(self, person: str) -> None:
        """Post one person's events in order. Only a connection that failed is tried again."""
        tries = 0
        try:
            while self.webhook and not self.held:
                event = next((one for one in self.pending if one.person == person), None)
                if event is None:
                    return
                status = await self._post(event.raw, tries)
                self.posted.append((event.id, status))
                if status == 0 and tries < 5:
                    tries += 1
                    self._changed()
                    await _first(self._again.wait(), self.retry_s)
                    continue
                tries = 0
                self.pending.remove(event)
                self._changed()
        finally:
            self._workers.pop(person, None)

    async def _post(self, raw: bytes, tries: int) -> int:
        headers = {"X-ZEvent-Signature": self.signed(raw), "Content-Type": "application/json"}
        if tries:
            headers["num_retry"] = str(tries)
        assert self._http is not None
        try:
            async with self._http.post(self.webhook, data=raw, headers=headers) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def post(self, raw: bytes, headers: dict[str, str]) -> int:
        """Post these bytes as anybody can."""
        assert self._http is not None
        async with self._http.post(self.webhook, data=raw, headers=headers) as response:
            return response.status

    # ----------------------------------------------------------------------------------------------- control by HTTP

    async def _control(self, request: web.Request) -> web.StreamResponse:
        """POST /control/NAME with a JSON object of arguments: what people and the network do."""
        name = request.match_info["name"]
        if name not in CONTROL:
            return web.json_response({"problem": f"unknown; there are {', '.join(CONTROL)}"}, status=404)
        try:
            result = getattr(self, name)(**(await request.json()))
            return web.json_response({"result": await result if asyncio.iscoroutine(result) else result})
        except (TypeError, LookupError, ValueError) as error:
            return web.json_response({"problem": str(error)}, status=400)

    async def _sent(self, request: web.Request) -> web.StreamResponse:
        """GET /control/sent?person=ID: what this person sees; without person: every call that was made."""
        if "person" in request.query:
            person = request.query["person"]
            return web.json_response({"shown": self.shown(person), "buttons": self.buttons(person)})
        return web.json_response({"calls": [[call.method, call.body, call.error] for call in self.calls]})


CONTROL = (
    "say", "press", "send_image", "send_gif", "send_audio", "send_video", "send_file", "send_sticker", "send_location",
    "send_link", "send_card", "submit_info", "sends_nothing", "sees", "follow", "unfollow", "staff_says", "block",
    "restrict", "raw", "repeat", "hold", "release", "again", "fault", "pass_time", "expire_tokens", "save_webhook",
)  # fmt: skip


async def _first(waiting: Any, seconds: float) -> None:
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        return


async def _main(port: int, webhook: str) -> None:
    zalo = FakeZaloOa(retry_s=1.0)
    await zalo.start(port)
    zalo.webhook = webhook
    settings = {
        "NHIPCAU_ZALO_OA_APP": zalo.app_id, "NHIPCAU_ZALO_OA_APP_SECRET": zalo.app_secret, "NHIPCAU_ZALO_OA_KEY": zalo.key,
        "NHIPCAU_ZALO_OA_ID": zalo.account, "NHIPCAU_ZALO_OA_REFRESH_TOKEN": zalo.refresh,
        "NHIPCAU_ZALO_OA_API": zalo.url, "NHIPCAU_ZALO_OA_OAUTH": zalo.url,
    }  # fmt: skip
    print("\n".join(f"{name}={value}" for name, value in settings.items()), flush=True)  # noqa: T201 - this command's answer
    try:
        await asyncio.Event().wait()
    finally:
        await zalo.stop()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="A small Zalo Official Account on 127.0.0.1")
    arguments.add_argument("--port", type=int, default=8083)
    arguments.add_argument("--webhook", default="", help="where events are posted; or POST /control/save_webhook")
    given = arguments.parse_args()
    asyncio.run(_main(given.port, given.webhook))
