"""A small Telegram: the Bot API over real HTTP, and the people who write to the bot.

For tests (`async with FakeTelegram() as telegram`) and for demo and benchmarks:

    python -m tests.fakes.telegram --port 8081
    curl http://127.0.0.1:8081/control/say -H 'content-type: application/json' -d '{"chat": 7, "text": "/start"}'
    curl http://127.0.0.1:8081/control/sent?chat=7

Answers have the types and the error sentences of https://core.telegram.org/bots/api. Nothing here waits for time to
pass, but for the long poll's own timeout and the pause before a webhook is tried again (`again()` ends it at once).
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.fakes.telegram_world import Call, Fault, Refused, World, chat_of, content_of, markup_of

TOKEN = "1234567:AAtest-token-of-the-small-telegram"
COMPOUND = ("reply_markup", "allowed_updates", "message_ids", "commands", "link_preview_options")


class FakeTelegram(World):
    """One bot, its chats, and what is on its way. `retry_s`: seconds before a refused webhook is posted again."""

    def __init__(self, token: str = TOKEN, retry_s: float = 0.05) -> None:
        super().__init__()
        self.token = token
        self.retry_s = retry_s
        self.profile: dict[tuple[str, str], Any] = {}
        self.posted: list[tuple[int, int]] = []
        self.webhook = ""
        self._secret = ""
        self._again = asyncio.Event()
        self._ended = asyncio.Event()
        self._poll = 0
        self._workers: dict[int, asyncio.Task[None]] = {}
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
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        app.router.add_get("/control/sent", self._sent)
        app.router.add_post("/control/{name}", self._control)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
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
            return _answer(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        method = request.match_info["method"]
        call = Call(method, await _fields(request))
        self.calls.append(call)
        fault = self._struck(call)
        try:
            if fault and fault.kind != "lost":
                await self._fail(request, fault)
            result = await self._perform(call)
            call.made = int(result["message_id"]) if call.method == "sendMessage" else 0
            if fault:
                await self._fail(request, fault)
        except Refused as refused:
            call.status = refused.status
            body = {"ok": False, "error_code": refused.status, "description": refused.description}
            return _answer(refused.status, body | ({"parameters": refused.parameters} if refused.parameters else {}))
        finally:
            self._changed()
        call.status = 200
        return _answer(200, {"ok": True, "result": result})

    def _struck(self, call: Call) -> Fault | None:
        chat = int(call.fields.get("chat_id", 0) or 0)
        return next((fault for fault in self.faults if fault.hits(call.method, chat)), None)

    async def _fail(self, request: web.Request, fault: Fault) -> None:
        if fault.kind == "hang":
            await self._ended.wait()
        if fault.kind in ("drop", "lost", "hang"):
            if request.transport:
                request.transport.close()
            raise Refused(502, "Bad Gateway")
        if fault.retry_after:
            seconds = fault.retry_after
            raise Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        raise Refused(fault.status, fault.description)

    async def _perform(self, call: Call) -> Any:
        method = getattr(self, f"_api_{call.method}", None)
        if method is None:
            raise Refused(404, "Not Found")
        return await method(call.fields)

    async def _api_getMe(self, _: dict[str, Any]) -> Any:
        about = {"can_join_groups": False, "can_read_all_group_messages": False, "supports_inline_queries": False}
        return {**self._bot(), **about}

    async def _api_getUpdates(self, fields: dict[str, Any]) -> Any:
        if self.webhook:
            raise Refused(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete it first",
            )
        self._poll += 1
        mine = self._poll
        self._allowed = fields.get("allowed_updates", self._allowed)
        offset, limit = int(fields.get("offset", 0)), int(fields.get("limit", 100))
        self.pending = [update for update in self.pending if update["update_id"] >= offset]
        self._changed()
        try:
            async with asyncio.timeout(float(fields.get("timeout", 0))):
                while (self.held or not self.pending) and mine == self._poll and not self._ended.is_set():
                    await self._pulse.wait()
        except TimeoutError:
            return []
        if mine != self._poll:
            raise Refused(
                409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
            )
        return self.pending[:limit]

    async def _api_setWebhook(self, fields: dict[str, Any]) -> Any:
        self.webhook, self._secret = fields.get("url", ""), fields.get("secret_token", "")
        self._allowed = fields.get("allowed_updates", self._allowed)
        if fields.get("drop_pending_updates") in (True, "true"):
            self.pending.clear()
        return True

    async def _api_deleteWebhook(self, fields: dict[str, Any]) -> Any:
        return await self._api_setWebhook({**fields, "url": ""})

    async def _api_getWebhookInfo(self, _: dict[str, Any]) -> Any:
        about = {"has_custom_certificate": False, "pending_update_count": len(self.pending)}
        return {"url": self.webhook, **about, "allowed_updates": self._allowed}

    async def _api_sendMessage(self, fields: dict[str, Any]) -> Any:
        chat = self._open(fields)
        self._count(chat, asyncio.get_running_loop().time())
        content = content_of(fields)
        if fields.get("protect_content") in (True, "true"):
            content["has_protected_content"] = True
        return self._message(chat, self._bot(), content)

    async def _api_editMessageText(self, fields: dict[str, Any]) -> Any:
        return self._edited(fields, content_of(fields))

    async def _api_editMessageReplyMarkup(self, fields: dict[str, Any]) -> Any:
        return self._edited(fields, {"text": self._found(fields)["text"], **markup_of(fields)})

    async def _api_deleteMessage(self, fields: dict[str, Any]) -> Any:
        chat, one = self._open(fields), int(fields["message_id"])
        if one not in self.chats[chat]:
            raise Refused(400, "Bad Request: message to delete not found")
        self._delete(chat, [one])
        return True

    async def _api_deleteMessages(self, fields: dict[str, Any]) -> Any:
        chat, ids = self._open(fields), fields["message_ids"]
        if not 1 <= len(ids) <= 100:
            raise Refused(400, "Bad Request: too many messages to delete")
        self._delete(chat, [one for one in ids if one in self.chats[chat]])
        return True

    async def _api_answerCallbackQuery(self, fields: dict[str, Any]) -> Any:
        if fields.get("callback_query_id") not in self._queries:
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        return True

    async def _api_getFile(self, fields: dict[str, Any]) -> Any:
        content = self.files.get(fields.get("file_id", ""))
        if content is None:
            raise Refused(400, "Bad Request: invalid file_id")
        if len(content) > 20 * 1024 * 1024:
            raise Refused(400, "Bad Request: file is too big")
        name = fields["file_id"]
        return {"file_id": name, "file_unique_id": name[-8:], "file_size": len(content), "file_path": _path(name)}

    async def _api_setMyCommands(self, fields: dict[str, Any]) -> Any:
        self.profile["commands", fields.get("language_code", "")] = fields["commands"]
        return True

    async def _api_setMyDescription(self, fields: dict[str, Any]) -> Any:
        self.profile["description", fields.get("language_code", "")] = fields.get("description", "")
        return True

    async def _api_setMyShortDescription(self, fields: dict[str, Any]) -> Any:
        self.profile["short_description", fields.get("language_code", "")] = fields.get("short_description", "")
        return True

    async def _download(self, request: web.Request) -> web.StreamResponse:
        known = {_path(name): content for name, content in self.files.items()}
        content = known.get(request.match_info["path"])
        if request.match_info["token"] != self.token or content is None:
            return _answer(404, {"ok": False, "error_code": 404, "description": "Not Found"})
        return web.Response(body=content, content_type="application/octet-stream")

    # ------------------------------------------------------------------------------------------------ the webhook

    def again(self) -> None:
        """Post refused updates again now."""
        self._again.set()
        self._again = asyncio.Event()

    def _changed(self) -> None:
        """Also start posting to the webhook what can be posted."""
        super()._changed()
        if not self.webhook or self.held:
            return
        for chat in {chat_of(update) for update in self.pending} - self._workers.keys():
            self._workers[chat] = asyncio.ensure_future(self._work(chat))

    async def _work(self, chat: int) -> None:
        """Post one chat's updates in order; a refused one is repeated before the next."""
        try:
            while self.webhook and not self.held:
                update = next((one for one in self.pending if chat_of(one) == chat), None)
                if update is None:
                    return
                status = await self._post(update)
                self.posted.append((update["update_id"], status))
                if 200 <= status < 300:
                    self.pending.remove(update)
                    self._changed()
                    continue
                self._changed()
                await _first(self._again.wait(), self.retry_s)
        finally:
            self._workers.pop(chat, None)

    def _door(self) -> str:
        """Where the next update is posted. A test puts a balancer here."""
        return self.webhook

    async def _post(self, update: dict[str, Any]) -> int:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self._secret} if self._secret else {}
        assert self._http is not None
        try:
            async with self._http.post(self._door(), json=update, headers=headers) as response:
                if response.status == 200 and response.content_type == "application/json":
                    await self._called_in_answer(await response.json())
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def _called_in_answer(self, fields: dict[str, Any]) -> None:
        """A call in the answer to a webhook; as on the real one, the bot never learns how it ended."""
        call = Call(fields.pop("method"), fields)
        self.calls.append(call)
        try:
            await self._perform(call)
            call.status = 200
        except Refused as refused:
            call.status = refused.status

    # ----------------------------------------------------------------------------------------------- control by HTTP

    async def _control(self, request: web.Request) -> web.StreamResponse:
        """POST /control/NAME with a JSON object of arguments: what people and the network do."""
        name = request.match_info["name"]
        if name not in CONTROL:
            return _answer(404, {"problem": f"unknown; there are {', '.join(CONTROL)}"})
        try:
            return _answer(200, {"result": getattr(self, name)(**(await request.json()))})
        except (TypeError, LookupError, ValueError) as error:
            return _answer(400, {"problem": str(error)})

    async def _sent(self, request: web.Request) -> web.StreamResponse:
        """GET /control/sent?chat=N: what this person sees; without chat: every call that the bot made."""
        if "chat" in request.query:
            chat = int(request.query["chat"])
            return _answer(200, {"shown": self.shown(chat), "buttons": self.buttons(chat)})
        return _answer(200, {"calls": [[c.method, c.fields, c.status] for c in self.called()]})


CONTROL = (
    "say", "sends", "send_photo", "send_voice", "send_document", "send_location", "send_contact", "send_album",
    "edit", "press", "block",
    "unblock", "delete_account",
    "repeat", "raw", "hold", "release", "again", "fault", "pass_time", "forget_queries",
)  # fmt: skip


async def _fields(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        fields: dict[str, Any] = await request.json() if request.can_read_body else {}
    else:
        fields = {**request.query, **(await request.post())}
    return {key: _parsed(key, value) for key, value in fields.items()}


def _parsed(key: str, value: Any) -> Any:
    return json.loads(value) if key in COMPOUND and isinstance(value, str) else value


def _path(file_id: str) -> str:
    folder, _, number = file_id.rpartition("-")
    return f"{folder}/file {number}.bin"


async def _first(waiting: Any, seconds: float) -> None:
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        return


def _answer(status: int, body: dict[str, Any]) -> web.Response:
    return web.json_response(body, status=status)


async def _main(port: int) -> None:
    telegram = FakeTelegram(retry_s=1.0)
    telegram.per_second, telegram.per_chat = 30, 2  # a little more than one a second to one chat, as on the real one
    await telegram.start(port)
    print(f"Bot API at {telegram.url}, token {telegram.token}")  # noqa: T201 - the address is this command's answer
    try:
        await asyncio.Event().wait()
    finally:
        await telegram.stop()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="A small Telegram Bot API on 127.0.0.1")
    arguments.add_argument("--port", type=int, default=8081)
    asyncio.run(_main(arguments.parse_args().port))
