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
import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from aiohttp import web

TOKEN = "1234567:AAtest-token-of-the-small-telegram"
START = 1_795_000_000
TWO_DAYS = 48 * 3600
COMPOUND = ("reply_markup", "allowed_updates", "message_ids", "commands", "link_preview_options")


class Refused(Exception):
    """The Bot API's `ok: false`."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status, self.description, self.parameters = status, description, parameters


@dataclass
class Call:
    """One call that the bot made, with what it was answered (0: nothing)."""

    method: str
    fields: dict[str, Any]
    status: int = 0


@dataclass
class Fault:
    """What goes wrong with `times` calls of this method (`*`: any) to this chat (0: any), after `skip` good ones.

    kind: status · hang (never answers) · drop (closes before doing anything) · lost (does it, then closes).
    """

    method: str
    kind: str = "status"
    status: int = 500
    description: str = "Internal Server Error"
    retry_after: int = 0
    chat: int = 0
    times: int = 1
    skip: int = 0

    def hits(self, method: str, chat: int) -> bool:
        """Whether this call is struck; counts it if it could be."""
        if self.times == 0 or self.method not in (method, "*") or self.chat not in (chat, 0):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class FakeTelegram:
    """One bot, its chats, and what is on its way. `retry_s`: seconds before a refused webhook is posted again."""

    def __init__(self, token: str = TOKEN, retry_s: float = 0.05) -> None:
        self.token = token
        self.retry_s = retry_s
        self.now = START
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.chats: dict[int, dict[int, dict[str, Any]]] = {}
        self.blocked: set[int] = set()
        self.files: dict[str, bytes] = {}
        self.profile: dict[tuple[str, str], Any] = {}
        self.pending: list[dict[str, Any]] = []
        self.posted: list[tuple[int, int]] = []
        self.webhook = ""
        self.held = False
        self._history: dict[int, dict[str, Any]] = {}
        self._secret = ""
        self._allowed: list[str] = []
        self._queries: set[str] = set()
        self._updates = itertools.count(870_000_001)
        self._messages = itertools.count(1)
        self._ids = itertools.count(1)
        self._pulse = asyncio.Event()
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

    async def until(self, check: Callable[[], Any], seconds: float = 5.0) -> None:
        """Return as soon as `check()` holds; TimeoutError after `seconds`. Looked at after every change in here."""
        async with asyncio.timeout(seconds):
            while not check():
                await self._pulse.wait()

    async def settled(self) -> None:
        """Return when every update was taken by the bot (polling: acknowledged)."""
        await self.until(lambda: not self.pending)

    # ------------------------------------------------------------------------------------------- what people do

    def say(self, chat: int, text: str, **more: Any) -> int:
        """Somebody writes a text; returns the update's id, as all of these do."""
        return self.sends(chat, text=text, **more)

    def sends(self, chat: int, **content: Any) -> int:
        """Somebody sends a message with this content (any field of a Message)."""
        message = self._message(chat, self._user(chat), content)
        return self._update(chat, "message", message)

    def send_photo(self, chat: int, caption: str = "", content: bytes = b"\xff\xd8photo") -> int:
        small, large = self._file("photos", b"small"), self._file("photos", content)
        sizes = [{**small, "width": 90, "height": 60}, {**large, "width": 1280, "height": 853}]
        return self.sends(chat, photo=sizes, **({"caption": caption} if caption else {}))

    def send_voice(self, chat: int, content: bytes = b"OggS") -> int:
        return self.sends(chat, voice={**self._file("voice", content), "duration": 4, "mime_type": "audio/ogg"})

    def send_document(self, chat: int, content: bytes = b"%PDF", name: str = "giay.pdf") -> int:
        return self.sends(chat, document={**self._file("documents", content), "file_name": name})

    def send_location(self, chat: int, latitude: float, longitude: float) -> int:
        return self.sends(chat, location={"latitude": latitude, "longitude": longitude})

    def send_contact(self, chat: int, phone: str) -> int:
        return self.sends(chat, contact={"phone_number": phone, "first_name": "Người quen"})

    def press(self, chat: int, button: str, message_id: int = 0) -> int:
        """Somebody presses a button, named by its label or its data, in the newest message that shows it."""
        for message in reversed(list(self.chats.get(chat, {}).values())):
            if message_id not in (0, message["message_id"]):
                continue
            for shown in _buttons(message):
                if button in (shown["text"], shown["callback_data"]):
                    return self._pressed(chat, message, shown["callback_data"])
        raise LookupError(f"no button {button!r} is shown; there are {self.buttons(chat)}")

    def block(self, chat: int) -> int:
        """Somebody blocks the bot."""
        self.blocked.add(chat)
        member = {"user": {"id": 1234567, "is_bot": True, "first_name": "Nhịp Cầu"}}
        change = {
            "chat": _private(chat),
            "from": self._user(chat),
            "date": self.now,
            "old_chat_member": {**member, "status": "member"},
            "new_chat_member": {**member, "status": "kicked", "until_date": 0},
        }
        return self._update(chat, "my_chat_member", change)

    # -------------------------------------------------------------------------------------- what the network does

    def repeat(self, update_id: int) -> None:
        """Deliver an update once more, as Telegram does when it did not see the answer."""
        self._deliver(self._history[update_id])

    def raw(self, update: dict[str, Any]) -> None:
        """Deliver this update as it is."""
        self._deliver(update)

    def hold(self) -> None:
        """Deliver nothing until `release`."""
        self.held = True

    def release(self, *, reverse: bool = False) -> None:
        """Deliver what was held, the newest first if `reverse`."""
        self.held = False
        if reverse:
            self.pending.reverse()
        self._changed()

    def again(self) -> None:
        """Post refused updates again now."""
        self._again.set()
        self._again = asyncio.Event()

    def fault(self, method: str, **how: Any) -> None:
        """The next calls of this method go wrong; see `Fault`."""
        self.faults.append(Fault(method, **how))

    def pass_time(self, seconds: int) -> None:
        self.now += seconds

    def forget_queries(self) -> None:
        """Every pressed button becomes too old to be answered."""
        self._queries.clear()

    # ---------------------------------------------------------------------------------------------- what is seen

    def shown(self, chat: int) -> list[dict[str, Any]]:
        """The bot's messages that this person sees now, the oldest first."""
        return [m for m in self.chats.get(chat, {}).values() if m["from"]["is_bot"]]

    def texts(self, chat: int) -> list[str]:
        return [message["text"] for message in self.shown(chat)]

    def buttons(self, chat: int) -> list[str]:
        """The labels under the newest message that has any."""
        with_buttons = [message for message in self.shown(chat) if _buttons(message)]
        return [button["text"] for button in _buttons(with_buttons[-1])] if with_buttons else []

    def called(self, *methods: str) -> list[Call]:
        """The calls of these methods (all but getUpdates if none is named), in order."""
        return [c for c in self.calls if c.method in methods or (not methods and c.method != "getUpdates")]

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
        content = _content(fields)
        if fields.get("protect_content") in (True, "true"):
            content["has_protected_content"] = True
        return self._message(chat, self._bot(), content)

    async def _api_editMessageText(self, fields: dict[str, Any]) -> Any:
        return self._edited(fields, _content(fields))

    async def _api_editMessageReplyMarkup(self, fields: dict[str, Any]) -> Any:
        return self._edited(fields, {"text": self._found(fields)["text"], **_markup(fields)})

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

    # ------------------------------------------------------------------------------------------------- inner doings

    def _open(self, fields: dict[str, Any]) -> int:
        chat = int(fields.get("chat_id", 0))
        if chat in self.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if chat not in self.chats:
            raise Refused(400, "Bad Request: chat not found")
        return chat

    def _found(self, fields: dict[str, Any]) -> dict[str, Any]:
        message = self.chats[self._open(fields)].get(int(fields["message_id"]))
        if message is None or not message["from"]["is_bot"]:
            raise Refused(400, "Bad Request: message to edit not found")
        return message

    def _edited(self, fields: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        message = self._found(fields)
        if {key: message[key] for key in ("text", "reply_markup") if key in message} == content:
            raise Refused(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly "
                "the same as a current content and reply markup of the message",
            )
        message.pop("reply_markup", None)
        message.update(content, edit_date=self.now)
        return message

    def _delete(self, chat: int, ids: Iterable[int]) -> None:
        if any(self.chats[chat][one]["date"] < self.now - TWO_DAYS for one in ids):
            raise Refused(400, "Bad Request: message can't be deleted for everyone")
        for one in ids:
            del self.chats[chat][one]

    def _message(self, chat: int, sender: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        number = next(self._messages)
        message = {"message_id": number, "from": sender, "chat": _private(chat), "date": self.now, **content}
        self.chats.setdefault(chat, {})[number] = message
        return message

    def _pressed(self, chat: int, message: dict[str, Any], pressed: str) -> int:
        query = f"43{next(self._ids):016d}"
        self._queries.add(query)
        body = {"id": query, "from": self._user(chat), "message": dict(message), "chat_instance": "1", "data": pressed}
        return self._update(chat, "callback_query", body)

    def _update(self, chat: int, kind: str, content: dict[str, Any]) -> int:
        number = next(self._updates)
        self._history[number] = {"update_id": number, kind: content}
        if not self._allowed or kind in self._allowed:
            self._deliver(self._history[number])
        return number

    def _deliver(self, update: dict[str, Any]) -> None:
        self.pending.append(update)
        self._changed()

    def _changed(self) -> None:
        """Wake whoever waits for something in here, and start posting to the webhook what can be posted."""
        self._pulse.set()
        self._pulse = asyncio.Event()
        if not self.webhook or self.held:
            return
        for chat in {_chat(update) for update in self.pending} - self._workers.keys():
            self._workers[chat] = asyncio.ensure_future(self._work(chat))

    async def _work(self, chat: int) -> None:
        """Post one chat's updates in order; a refused one is repeated before the next."""
        try:
            while self.webhook and not self.held:
                update = next((one for one in self.pending if _chat(one) == chat), None)
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

    async def _post(self, update: dict[str, Any]) -> int:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self._secret} if self._secret else {}
        assert self._http is not None
        try:
            async with self._http.post(self.webhook, json=update, headers=headers) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    def _user(self, chat: int) -> dict[str, Any]:
        return {"id": chat, "is_bot": False, "first_name": "Người dùng", "language_code": "vi"}

    def _bot(self) -> dict[str, Any]:
        return {"id": 1234567, "is_bot": True, "first_name": "Nhịp Cầu", "username": "nhipcau_test_bot"}

    def _file(self, folder: str, content: bytes) -> dict[str, Any]:
        name = f"{folder}-{next(self._ids):04d}"
        self.files[name] = content
        return {"file_id": name, "file_unique_id": name[-8:], "file_size": len(content)}

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
    "say", "sends", "send_photo", "send_voice", "send_document", "send_location", "send_contact", "press", "block",
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


def _content(fields: dict[str, Any]) -> dict[str, Any]:
    text = str(fields.get("text", "")).strip()
    if not text:
        raise Refused(400, "Bad Request: message text is empty")
    if len(text.encode("utf-16-le")) // 2 > 4096:
        raise Refused(400, "Bad Request: message is too long")
    return {"text": text, **_markup(fields)}


def _markup(fields: dict[str, Any]) -> dict[str, Any]:
    rows = (fields.get("reply_markup") or {}).get("inline_keyboard", [])
    buttons = [button for row in rows for button in row]
    if len(buttons) > 100 or any(len(row) > 8 for row in rows):
        raise Refused(400, "Bad Request: REPLY_MARKUP_TOO_LONG")
    if any(not 1 <= len(button.get("callback_data", "").encode()) <= 64 for button in buttons):
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    if any(not button.get("text") for button in buttons):
        raise Refused(400, 'Bad Request: can\'t parse inline keyboard button: field "text" must be non-empty')
    return {"reply_markup": {"inline_keyboard": rows}} if buttons else {}


def _buttons(message: dict[str, Any]) -> list[dict[str, str]]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row]


def _private(chat: int) -> dict[str, Any]:
    return {"id": chat, "type": "private", "first_name": "Người dùng"}


def _chat(update: dict[str, Any]) -> int:
    """The chat whose order this update keeps; 0 where there is none."""
    for content in update.values():
        if isinstance(content, dict):
            chat = (content.get("message") or content).get("chat") or {}
            return int(chat.get("id", 0))
    return 0


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
