"""Whatever comes in over HTTP: a clear answer or a safe ignore, never a fault, never lost, never rendered."""

from __future__ import annotations

import asyncio
import html
import io
import itertools
import json
import re
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio

from bot.channels.telegram.webhook import HEADER
from bot.demo import PASSWORD
from bot.web.guard import LARGEST
from flows.model import Conversation
from storage.base import Address
from storage.turns import address_id
from tests.fakes.telegram import FakeTelegram
from tests.service import SECRET, Service
from tests.world import SAID, leaked

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)>"
SQL = "'; DROP TABLE intake; -- \" OR 1=1"
TURNED = "xem \u202etxt.exe\u202c và \u2066ẩn\u2069"
CONTROL = "một\x00hai\x07ba\x1b[31mbốn\u009fnăm\ud83d"
LONG = "Tôi thấy xe trắng đỗ ở đó. " * 371
"""10,017 code points."""
NASTY = {
    "html": SCRIPT, "sql": SQL, "turned": TURNED, "control": CONTROL, "long": LONG, "braces": "{receipt} {summary} %s {0}",
    "marks": "Ḩ̷̛͖̦e̶l̴p̸" * 40, "blank": " \u200b\ufeff ", "family": "👩‍👩‍👧‍👧" * 50, "slash": "/" + "x" * 300, "one": ".",
}  # fmt: skip
NAMES = tuple(NASTY)

_updates = itertools.count(910_000_001)
_people = itertools.count(1_700_000_001)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(retry_s=0.05) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(telegram: FakeTelegram, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    home = tmp_path_factory.mktemp("service") / "home"
    async with Service(home).with_telegram(telegram, webhook=True) as running:
        await telegram.until(lambda: telegram.webhook)
        yield running
    assert not leaked(running.output)


def message(chat: int, text: str) -> bytes:
    """An update as Telegram posts it; half characters and control characters as JSON escapes them."""
    SAID.add(text)
    person = {"id": chat, "type": "private"}
    body = {"message_id": 1, "date": 1, "from": {"id": chat, "is_bot": False}, "chat": person, "text": text}
    return json.dumps({"update_id": next(_updates), "message": body}).encode()


def press(chat: int, data: str) -> bytes:
    shown = {"message_id": 1, "date": 1, "chat": {"id": chat, "type": "private"}}
    query = {"id": str(next(_updates)), "from": {"id": chat, "is_bot": False}, "message": shown, "data": data}
    return json.dumps({"update_id": next(_updates), "callback_query": query}).encode()


async def post(service: Service, body: bytes, secret: str | None = SECRET) -> int:
    headers = {"Content-Type": "application/json"} | ({} if secret is None else {HEADER: secret})
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{service.url}/telegram", data=io.BytesIO(body), headers=headers) as response,
    ):
        return response.status


def new_person(telegram: FakeTelegram) -> int:
    """Somebody whose chat with the bot Telegram knows."""
    chat = next(_people)
    telegram.chats[chat] = {}
    return chat


async def conversation(service: Service, chat: int) -> Conversation:
    async with service.storage() as storage:
        found = (await storage.load(Address("telegram", str(chat)))).conversation
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------------------- the webhook


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", SECRET.upper()])
async def test_with_a_wrong_secret_nothing_is_stored(telegram: FakeTelegram, service: Service, secret: str) -> None:
    chat, before = new_person(telegram), service.count("SELECT count(*) FROM inbox")
    assert await post(service, message(chat, "xin chào"), secret) == 403
    assert await post(service, b"x" * 5_000_000, secret) in {403, 413}
    assert service.count("SELECT count(*) FROM inbox") == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"update_id": 1e400}',
        b'{"update_id": 1, "message": {"chat": {"id": "x"}}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"update_id": 7, "a": ' + b'{"a":' * 50_000,
        b'{"update_id": 8, "edited_channel_post": {"message_id": 1}}',
        b'{"update_id": 9, "chat_join_request": {}, "poll": {"id": "1"}}',
        b'{"update_id": 10, "something_of_2031": {"deep": [1, 2, {"x": null}]}}',
        b'{"update_id": 11, "message": {"message_id": 1, "date": 1, "chat": {"id": -5, "type": "supergroup"}, "text": "x"}}',
    ],
    ids=range(14),
)  # fmt: skip
async def test_what_is_no_update_for_us_is_taken_and_ignored(service: Service, body: bytes) -> None:
    before = service.count("SELECT count(*) FROM inbox")
    assert await post(service, body) == 200
    assert service.count("SELECT count(*) FROM inbox") == before


async def test_a_body_of_five_megabytes_is_refused(telegram: FakeTelegram, service: Service) -> None:
    body = message(new_person(telegram), "x")[:-1] + b', "padding": "' + b"x" * 5_000_000 + b'"}'
    before = service.count("SELECT count(*) FROM inbox")
    assert await post(service, body) == 413
    assert service.count("SELECT count(*) FROM inbox") == before


@pytest.mark.parametrize("name", NAMES)
async def test_whatever_somebody_writes_is_answered_and_kept(
    telegram: FakeTelegram, service: Service, name: str
) -> None:
    chat = new_person(telegram)
    assert await post(service, message(chat, "/start")) == 200
    assert await post(service, message(chat, NASTY[name])) == 200
    await telegram.until(lambda: len(telegram.texts(chat)) == 2)
    kept = (await conversation(service, chat)).notes
    if name != "blank":
        (note,) = kept
        assert note
        assert note[:100].strip() in printable(NASTY[name])
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", note)
    answer = telegram.texts(chat)[-1]
    assert "alert(" not in answer
    assert "parse_mode" not in telegram.called("sendMessage")[-1].fields


def printable(text: str) -> str:
    return re.sub(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]", "", text
    )


async def test_bytes_that_are_no_utf8_do_not_lose_the_message(telegram: FakeTelegram, service: Service) -> None:
    chat = new_person(telegram)
    assert await post(service, message(chat, "/start")) == 200
    assert await post(service, message(chat, "hong XX mau").replace(b"XX", b"\xff\xc3")) == 200
    (note,) = (await conversation(service, chat)).notes
    assert note.startswith("hong")
    assert note.endswith("mau")


@pytest.mark.parametrize(
    "data", ["p1:nonsense", "p999999999:safe", "o:acknowledge:0123", "", "x" * 64, "p1:" + "a" * 60, "p-1:safe"]
)
async def test_any_button_data_is_answered(telegram: FakeTelegram, service: Service, data: str) -> None:
    chat = new_person(telegram)
    assert await post(service, message(chat, "/start")) == 200
    assert await post(service, press(chat, data)) == 200
    await telegram.until(lambda: len(telegram.texts(chat)) == 2)
    assert (await conversation(service, chat)).step == "safety"


# ------------------------------------------------------------------------------------------------------------ the pages


class Browser:
    """Somebody's browser: keeps cookies, fills in forms, does not run scripts."""

    def __init__(self, service: Service, http: aiohttp.ClientSession) -> None:
        self.service = service
        self.http = http
        self.page = ""
        self.status = 0

    async def get(self, path: str) -> str:
        async with self.http.get(self.service.url + path) as response:
            self.page, self.status = await response.text(), response.status
        return self.page

    async def post(self, path: str, fields: dict[str, str]) -> str:
        """Send a form and follow to the page that answers."""
        body, headers = io.BytesIO(urlencode(fields).encode()), {"Content-Type": "application/x-www-form-urlencoded"}
        async with self.http.post(self.service.url + path, data=body, headers=headers) as response:
            self.page, self.status = await response.text(), response.status
        return self.page

    async def chat(self, **fields: str) -> str:
        SAID.update(fields.values())
        return await self.post("/", {"nonce": self.hidden("nonce"), **fields})

    async def choose(self, label: str) -> str:
        words = re.escape(html.escape(label))
        found = re.search(rf'name="choose" value="([^"]+)">(?:<svg[^<]*(?:<(?!/svg)[^<]*)*</svg>)?{words}<', self.page)
        assert found, f"{label} is not on the page"
        return await self.chat(choose=found[1])

    async def sign_in(self, login: str) -> None:
        await self.get("/officers/sign-in")
        await self.post("/officers/sign-in", {"csrf": self.hidden("csrf"), "login": login, "password": PASSWORD})
        assert self.status == 200

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        assert found, f"no {name} on the page"
        return found[1]


@asynccontextmanager
async def browser(service: Service) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(service, http)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"blank"}])
async def test_whatever_a_visitor_writes_is_answered_and_not_rendered(service: Service, name: str) -> None:
    text = NASTY[name].replace("\ud83d", "\ufffd")
    async with browser(service) as visitor:
        await visitor.get("/")
        await visitor.choose("An toàn")
        await visitor.choose("Tôi thấy việc đáng ngờ")
        page = await visitor.chat(text=text)
        assert visitor.status == 200
        assert "được giữ" in page or "Chúng tôi chưa hiểu" in page or "113" in page
        harmless(page)


async def test_a_form_that_is_none_of_ours_gets_a_clear_answer(service: Service) -> None:
    async with browser(service) as visitor:
        await visitor.get("/")
        for kind, body, expected in (
            ("text/plain", b"x", {400}),
            ("application/json", b"{}", {400}),
            ("multipart/form-data", b"no boundary", {400}),
            ("multipart/form-data; boundary=x", b"--x\r\ngarbage", {303, 400}),
            ("application/x-www-form-urlencoded", b"\xff\xfe=%ZZ&&&=", {200, 303, 400}),
            ("application/x-www-form-urlencoded", b"a=1&" * 5000, {400}),
            ("", b"", {400}),
        ):
            headers = {"Content-Type": kind}
            async with visitor.http.post(
                f"{service.url}/", data=body, headers=headers, allow_redirects=False
            ) as response:
                assert response.status in expected, (kind, response.status)
                page = await response.text()
            if response.status == 400:
                assert "chưa đến nơi" in page, "they are told that it did not arrive"


async def test_a_text_that_is_too_long_is_given_back_and_not_lost(service: Service) -> None:
    async with browser(service) as visitor:
        await visitor.get("/")
        page = await visitor.chat(text="chữ " * 20_000)
        assert visitor.status == 413
        assert "chữ chữ chữ" in page
        assert "lớn quá" in page
        await visitor.get("/")
        page = await visitor.chat(text="x" * 5_000_000)
        assert visitor.status in {400, 413}
        assert 'name="text"' in page


async def test_a_body_beyond_every_cap_ends_early(service: Service) -> None:
    async with browser(service) as visitor:
        await visitor.get("/")
        try:
            async with visitor.http.post(f"{service.url}/", data=io.BytesIO(b"x" * (LARGEST + 1_000_000))) as response:
                assert response.status in {400, 413}
        except aiohttp.ClientError:
            pass  # the connection was closed on them while they still sent
        await visitor.get("/")
        assert visitor.status == 200


@pytest.mark.parametrize(
    "path", ["/%00", "/officers/r/..%2f..", "/officers/r/'%20OR%201=1", "/static/..%2fapp.py", "/" + "a" * 5000]
)
async def test_a_strange_address_is_not_found(service: Service, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    status = int((await asyncio.wait_for(reader.readline(), 60)).split()[1])
    writer.close()
    assert status in {303, 400, 404}


async def test_what_a_person_wrote_is_text_on_the_officers_page(telegram: FakeTelegram, service: Service) -> None:
    chat = new_person(telegram)
    turns = [
        message(chat, "/start"), press(chat, "p1:safe"), press(chat, "p2:tip"), press(chat, "p3:karaoke"), press(chat, "p3:done"),
        press(chat, "p4:no"), press(chat, "p5:in_vn"), press(chat, "p6:more"), message(chat, SCRIPT + SQL),
        press(chat, "p8:today"), press(chat, "p9:unsure"), press(chat, "p10:unsure"), message(chat, TURNED + CONTROL),
        message(chat, LONG), press(chat, "p13:skip"), press(chat, "p14:no"), press(chat, "p15:yes"), press(chat, "p16:send"),
    ]  # fmt: skip
    for body in turns:
        assert await post(service, body) == 200
    where = address_id(Address("telegram", str(chat)), service.sealer)
    found = service.rows(
        "SELECT r.id, o.login FROM referral r JOIN intake i ON i.id = r.intake JOIN conversation c ON c.id = i.conversation "
        "JOIN officer o ON o.office = r.office AND o.login IS NOT NULL WHERE c.address = ?", where,
    )  # fmt: skip
    assert len(found) == 1
    referral, login = found[0]
    await service.at_rest()
    async with browser(service) as officer:
        await officer.sign_in(login)
        harmless(await officer.get("/officers/"))
        page = await officer.get(f"/officers/r/{referral}?mo=1")
    assert officer.status == 200
    harmless(page)
    assert html.escape("<script>") in page, "the officer sees what was written, as text"
    assert "DROP TABLE intake" in html.unescape(page)
    assert "xe trắng" in page
    assert service.count("SELECT count(*) FROM intake") >= 1


def harmless(page: str) -> None:
    """Nothing of what a person wrote is markup here, and nothing turns the direction of the text."""
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069]", page)


# ------------------------------------------------------------------------------------------- the database does not take it


@contextmanager
def locked(service: Service) -> Iterator[None]:
    """Another process holds the database."""
    database = sqlite3.connect(service.database, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        database.execute("ROLLBACK")
        database.close()


@contextmanager
def full(service: Service) -> Iterator[None]:
    """The disk takes no more: no file of the service may grow past its first page."""
    soft, hard = resource.prlimit(service.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (soft, hard))


def everything(service: Service) -> dict[str, int]:
    tables = ("inbox", "address", "conversation", "intake", "referral", "outbox", "audit")
    return {name: service.count(f"SELECT count(*) FROM {name}") for name in tables}  # noqa: S608 - our own names


@pytest.mark.parametrize("trouble", [locked, full])
async def test_while_the_database_takes_nothing_nobody_is_told_it_was_taken(
    telegram: FakeTelegram, service: Service, trouble: Any
) -> None:
    chat = new_person(telegram)
    cry = message(chat, "cứu em với, họ nhốt em trong phòng")
    async with browser(service) as visitor:
        await visitor.get("/")
        await visitor.choose("An toàn")
        await service.at_rest()
        before = everything(service)
        with trouble(service):
            status, page = await asyncio.gather(
                post(service, cry), visitor.chat(text="một điều rất quan trọng"), return_exceptions=False
            )
            assert status == 503, "Telegram sends it again"
            assert visitor.status == 503
            assert "111" in page
            assert "113" in page
            assert "một điều rất quan trọng" in page, "nothing typed is lost"
            assert everything(service) == before, "no half-written turn"
        assert await post(service, cry) == 200
        assert "quan trọng" not in await visitor.get("/")
        await visitor.chat(text="một điều rất quan trọng")
        assert visitor.status == 200
    await telegram.until(lambda: any("113" in text for text in telegram.texts(chat)))
    await service.at_rest()
    after = everything(service)
    assert (after["inbox"] - before["inbox"], after["intake"] - before["intake"]) == (2, 1)
    async with aiohttp.ClientSession() as http, http.get(f"{service.url}/health") as response:
        assert response.status == 200
