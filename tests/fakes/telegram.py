"""A small Telegram: the Bot API over real HTTP, and the people who write to the bot.

For tests (`async with FakeTelegram() as telegram`) and for demo and benchmarks:

    python -m tests.fakes.telegram --port 8081
    curl http://127.0.0.1:8081/control/say -H 'content-type: application/json' -d '{"chat": 7, "text": "/start"}'
    curl http://127.0.0.1:8081/control/sent?chat=7

Answers have the types and the error sentences of https://core.telegram.org/bots/api. Nothing here waits for time to
pass, but for the long poll's own timeout and the pause before a webhook is tried again (`again()` ends it at once).
"""

from __future__ import annotations

import asyncio
import hmac
import json
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes.server import Server, fields_of, options, run
from tests.fakes.telegram_world import Call, Fault, Refused, World, chat_of, content_of, markup_of

TOKEN = "1234567:AAtest-token-of-the-small-telegram"
COMPOUND = ("reply_markup", "allowed_updates", "message_ids", "commands", "link_preview_options")


class FakeTelegram(Server[dict[str, Any], Fault], World):
    """One bot, its chats, and what is on its way. `retry_s`: seconds before a refused webhook is posted again."""

    CONTROL = (
        "say", "sends", "send_photo", "send_voice", "send_document", "send_location", "send_contact", "send_album",
        "edit", "press", "block", "unblock", "delete_account", "repeat", "raw", "hold", "release", "again", "fault",
        "pass_time", "forget_queries",
    )  # fmt: skip

    def __init__(self, token: str = TOKEN, retry_s: float = 0.05) -> None:
        World.__init__(self)
        Server.__init__(self, retry_s)
        self.token = token
        self.profile: dict[tuple[str, str], Any] = {}
        self._secret = ""
        self._poll = 0

    # ------------------------------------------------------------------------------------------------- the Bot API

    def _routes(self, router: web.UrlDispatcher) -> None:
        router.add_route("*", "/bot{token}/{method}", self._serve)
        router.add_get("/file/bot{token}/{path:.+}", self._download)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if not hmac.compare_digest(request.match_info["token"], self.token):
            return _answer(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        method = request.match_info["method"]
        call = Call(method, _parsed(await fields_of(request)))
        self.calls.append(call)
        fault = self._struck(method, int(call.fields.get("chat_id", 0) or 0))
        try:
            result = await self._through(request, fault, partial(self._perform, call))
        except Refused as refused:
            call.status = refused.status
            body = {"ok": False, "error_code": refused.status, "description": refused.description}
            return _answer(refused.status, body | ({"parameters": refused.parameters} if refused.parameters else {}))
        finally:
            self._changed()
        call.status = 200
        return _answer(200, {"ok": True, "result": result})

    def _refusal(self, fault: Fault) -> Refused:
        if fault.cuts:
            return Refused(502, "Bad Gateway")
        if fault.retry_after:
            seconds = fault.retry_after
            return Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        return Refused(fault.status, fault.description)

    async def _perform(self, call: Call) -> Any:
        method = getattr(self, f"_api_{call.method}", None)
        if method is None:
            raise Refused(404, "Not Found")
        result = await method(call.fields)
        call.made = int(result["message_id"]) if call.method == "sendMessage" else 0
        return result

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

    def _door(self) -> str:
        """Where the next update is posted. A test puts a balancer here."""
        return self.webhook

    def _lane_of(self, event: dict[str, Any]) -> int:
        return chat_of(event)

    def _id_of(self, event: dict[str, Any]) -> int:
        return int(event["update_id"])

    def _is_over(self, status: int, tries: int) -> bool:
        return 200 <= status < 300

    async def _hand_over(self, event: dict[str, Any], tries: int) -> int:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self._secret} if self._secret else {}
        try:
            async with self._http.post(self._door(), json=event, headers=headers) as response:
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

    async def _sent(self, request: web.Request) -> web.StreamResponse:
        """GET /control/sent?chat=N: what this person sees; without chat: every call that the bot made."""
        if "chat" in request.query:
            chat = int(request.query["chat"])
            return _answer(200, {"shown": self.shown(chat), "buttons": self.buttons(chat)})
        return _answer(200, {"calls": [[c.method, c.fields, c.status] for c in self.called()]})


def _path(file_id: str) -> str:
    folder, _, number = file_id.rpartition("-")
    return f"{folder}/file {number}.bin"


def _answer(status: int, body: dict[str, Any]) -> web.Response:
    return web.json_response(body, status=status)


def _parsed(fields: dict[str, Any]) -> dict[str, Any]:
    """Of what comes as a form, some values are JSON."""
    return {
        name: json.loads(value) if name in COMPOUND and isinstance(value, str) else value
        for name, value in fields.items()
    }


async def _main(port: int) -> None:
    telegram = FakeTelegram(retry_s=1.0)
    telegram.per_second, telegram.per_chat = 30, 2  # a little more than one a second to one chat, as on the real one
    await run(telegram, port, lambda: f"Bot API at {telegram.url}, token {telegram.token}")


if __name__ == "__main__":
    asyncio.run(_main(options("A small Telegram Bot API on 127.0.0.1", 8081).parse_args().port))
