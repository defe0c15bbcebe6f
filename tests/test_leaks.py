"""Marked words, planted in everything that people can send, and looked for everywhere that they must never be.

Their own chat may show what somebody wrote, and an officer who opens the case; nothing else: no log of any level or library,
no error, notice, address, export, temporary file or memory image, and no file of the database in clear.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import warnings
import zipfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
import pytest_asyncio

from bot import log
from bot.channels.base import SendError
from bot.channels.telegram.webhook import HEADER
from bot.demo import PASSWORD as DEMO_PASSWORD
from bot.limits import RateLimits
from bot.settings import Settings
from bot.web.site import Site, build_site
from flows.hear.normal import normalise
from storage.base import StorageAway
from storage.keyring import Keyring
from tests.fakes.telegram import FakeTelegram
from tests.service import ROOT, SECRET, Service
from tests.world import World, words_of

CHAT = 1987650431
MARKS = {
    "name": "Hoàng Thị Ngọc Quyên",
    "first name": "Quyênxinh",
    "last name": "Hoàngdiệu",
    "username": "quyen_bongsen_87",
    "phone": "0978351246",
    "place": "thôn Nà Lũngxa",
    "title": "Quán Cây Sấuđôi",
    "chat": str(CHAT),
    "caption": "đây là ảnh chị Hạnhmơ",
    "file name": "giaykhaisinh_Hanhmo.jpg",
    "file content": "NOIDUNGANH77341",
    "button": "p0:zzquyen87",
    "receipt": "7481902635518204",
    "password": "matkhau-Quyen-5512",
    "totp": "640317",
    "token": "tokenQuyen_" + "k3" * 16,
    "secret": "bimat-cua-Quyen-99",
    "path": "duongdan-quyen87",
    "letter": "Chị Quyên ơi mai ra cổng chợ",
    "fault": "loi-mang-theo-Quyen-0978351246",
}
"""By what they are; none occurs in our own texts, and none is short enough to occur by chance."""


def forms(mark: str) -> set[bytes]:
    """How a text may stand in a file or a line."""
    plain = {
        mark,
        mark.casefold(),
        normalise(mark).text,
        json.dumps(mark)[1:-1],
        repr(mark)[1:-1],
        quote(mark),
        quote_plus(mark),
    }
    coded = {one.encode() for one in plain if len(one) >= 6}
    return coded | {mark.encode("utf-16-le"), mark.encode().hex().encode(), base64.b64encode(mark.encode())[:-4]}


FORMS = {name: forms(mark) for name, mark in MARKS.items()}


def found(content: bytes | str, without: frozenset[str] = frozenset()) -> list[str]:
    """The names of the marks that stand in this."""
    text = content.encode("utf-8", "replace") if isinstance(content, str) else content
    folded = text.lower()
    return [
        name
        for name, shapes in FORMS.items()
        if name not in without and any(one in text or one in folded for one in shapes)
    ]


def test_the_search_finds_what_it_looks_for():
    for name, mark in MARKS.items():
        for text in (mark, json.dumps({"a": mark}), quote(mark), repr((mark,)), mark.upper().lower(), f"x{mark}y"):
            assert name in found(text), (name, text)
    assert found("một dòng không có gì") == []


# ------------------------------------------------------------------------------------------- the whole service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(retry_s=0.05) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(telegram: FakeTelegram, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """The service as it runs, with every library asked to say more than it should."""
    home, scratch = tmp_path_factory.mktemp("leaks") / "home", tmp_path_factory.mktemp("scratch")
    loud = {"TMPDIR": str(scratch), "PYTHONASYNCIODEBUG": "1", "PYTHONWARNINGS": "always"}
    running = Service(home, environ=loud, command=[sys.executable, "-m", "bot", "serve"])
    async with running.with_telegram(telegram, webhook=True):
        await telegram.until(lambda: telegram.webhook)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(telegram: FakeTelegram, service: Service) -> list[str]:
    """Everything is planted once. What was answered to those who were refused, and every address that somebody was led to."""
    answers: list[str] = []
    await _officer(telegram, service)
    await _from_telegram(telegram)
    await _from_a_browser(service, answers)
    await _from_strangers(service, answers)
    await telegram.settled()
    await service.until(lambda: service.count("SELECT count(*) FROM intake") >= 2, 15)
    return answers


OFFICER = 1700000999


async def _officer(telegram: FakeTelegram, service: Service) -> None:
    """Somebody at 111 gets the notices on their phone."""
    telegram.say(OFFICER, f"/canbo {await service.invite('hotline-111')}")
    await telegram.until(lambda: telegram.texts(OFFICER))


async def _from_telegram(telegram: FakeTelegram) -> None:
    who = {
        "id": CHAT, "is_bot": False, "first_name": MARKS["first name"], "last_name": MARKS["last name"],
        "username": MARKS["username"], "language_code": "vi",
    }  # fmt: skip
    chat = {"id": CHAT, "type": "private", "first_name": MARKS["first name"], "username": MARKS["username"]}
    telegram.chats[CHAT] = {}
    name = telegram._file("photo", MARKS["file content"].encode())["file_id"]
    place = {"latitude": 21.5, "longitude": 105.25}
    contents: list[dict[str, Any]] = [
        {"text": f"cứu em với, em là {MARKS['name']}, {MARKS['phone']}, ở {MARKS['place']}"},
        {"caption": MARKS["caption"], "photo": [{"file_id": name, "file_unique_id": "u", "width": 1, "height": 1}]},
        {"contact": {"phone_number": MARKS["phone"], "first_name": MARKS["name"]}},
        {"location": place, "venue": {"location": place, "title": MARKS["title"], "address": MARKS["place"]}},
        {"text": MARKS["receipt"]},
        {"text": MARKS["place"], "date": MARKS["name"]},
        {"document": {"file_id": MARKS["token"], "file_unique_id": "d", "file_name": MARKS["file name"]}},
    ]
    telegram.fault("sendMessage", status=400, description=f"Bad Request: {MARKS['fault']}", chat=CHAT)
    telegram.fault("sendMessage", status=500, description=MARKS["fault"], chat=CHAT)
    telegram.fault("sendMessage", kind="drop", chat=CHAT)
    telegram.fault("getFile", status=500, description=MARKS["fault"])
    for number, content in enumerate(contents):
        message = {"message_id": 7000 + number, "date": telegram.now, "from": who, "chat": chat, **content}
        telegram.raw({"update_id": 990000000 + number, "message": message})
    pressed = {"id": "4300", "from": who, "chat_instance": "1", "data": MARKS["button"]}
    telegram.raw(
        {"update_id": 990000100, "callback_query": {**pressed, "message": {"message_id": 1, "date": 1, "chat": chat}}}
    )
    await telegram.until(lambda: len(telegram.texts(CHAT)) >= 3, 20)


async def _from_a_browser(service: Service, answers: list[str]) -> None:
    async with httpx.AsyncClient(base_url=service.url) as browser:
        await browser.get("/")
        photo = {"files": (MARKS["file name"], b"\xff\xd8\xff\xe0" + MARKS["file content"].encode(), "image/jpeg")}
        words = f"cứu em với {MARKS['name']} {MARKS['phone']} {MARKS['place']}"
        for fields in (
            {"text": words},
            {"text": MARKS["receipt"]},
            {"choose": MARKS["button"], "pick": MARKS["button"]},
        ):
            posted = await browser.post("/", data={"nonce": MARKS["token"], **fields}, files=photo)
            assert posted.status_code == 303
            answers.append(str(posted.headers))
        large = {"nonce": "n", "text": MARKS["name"] * 9000, "send": "1"}
        answers.append(str((await browser.post("/", data=large)).headers))


async def _from_strangers(service: Service, answers: list[str]) -> None:
    """Wrong, forged and broken: what is answered to these holds nothing of what was tried."""
    secret = {HEADER: MARKS["secret"]}
    forged = {"Cookie": f"canbo={MARKS['token']}; canbo_cua={MARKS['token']}; nc={MARKS['token']}"}
    body = f'{{"update_id": 1, "message": {{"text": "{MARKS["name"]}" '.encode()
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/telegram", {"content": body, "headers": secret}),
        ("POST", "/telegram", {"content": body, "headers": {HEADER: SECRET}}),
        ("POST", "/telegram", {"content": b"\xff" + body, "headers": {HEADER: SECRET}}),
        ("GET", f"/{MARKS['path']}?q={quote(MARKS['name'])}", {}),
        ("GET", f"/?note={MARKS['path']}&lang={quote(MARKS['name'])}", {}),
        ("GET", f"/static/{MARKS['path']}", {}),
        ("GET", f"/officers/r/{MARKS['path']}", {"headers": forged}),
        ("GET", f"/officers/exports/{MARKS['path']}", {"headers": forged}),
        ("POST", f"/officers/r/{MARKS['path']}", {"data": {"do": MARKS["path"]}, "headers": forged}),
        ("POST", "/officers/sign-in", {"data": {"password": MARKS["password"], "totp": MARKS["totp"], "csrf": MARKS["token"]}}),
        ("POST", "/officers/join", {"data": {"code": MARKS["token"], "password": MARKS["password"]}, "headers": forged}),
        ("PUT", f"/{MARKS['path']}", {"content": body}),
        ("POST", "/", {"content": body, "headers": {"Content-Type": f"multipart/form-data; boundary={MARKS['path']}"}}),
        ("POST", "/", {"content": body, "headers": {"Content-Type": MARKS["path"]}}),
    ]  # fmt: skip
    async with httpx.AsyncClient(base_url=service.url) as stranger:
        for method, path, more in tries:
            answer = await stranger.request(method, path, **more)
            assert answer.status_code < 500, (method, path)
            answers.append(f"{answer.headers} {answer.text}")


@pytest.mark.asyncio(loop_scope="module")
class TestTheService:
    async def test_it_was_all_planted(self, service: Service, telegram: FakeTelegram, told: list[str]) -> None:
        """Otherwise the tests below would look for what never was."""
        async with service.storage() as storage:
            rows = service.rows("SELECT intake FROM referral WHERE route = 'hotline_111'")
            opener = await Keyring(storage).opener_by_password("hotline_111-1", DEMO_PASSWORD)
            contents = [await words_of(storage, one, opener) for (one,) in rows]
        words = repr(contents)
        for name in ("name", "phone", "place", "caption"):
            assert name in found(words), name
        assert service.count("SELECT count(*) FROM attachment") >= 1

    async def test_no_line_of_the_log_holds_any(self, service: Service, told: list[str]) -> None:
        assert '"refused"' in service.output, "it should have said something"
        assert found(service.output) == []

    async def test_who_is_refused_learns_nothing_and_is_led_nowhere_with_it(self, told: list[str]) -> None:
        # The path that was asked for is the caller's own, and led on only where it is a page of ours.
        assert [names for one in told if (names := found(one))] == []

    async def test_health_says_nothing_of_anybody(self, service: Service, told: list[str]) -> None:
        async with httpx.AsyncClient(base_url=service.url) as operator:
            answer = await operator.get("/health")
        assert found(answer.text + str(answer.headers)) == []

    async def test_a_notice_holds_none_and_no_call_names_another_chat(
        self, service: Service, telegram: FakeTelegram, told: list[str]
    ) -> None:
        await telegram.until(lambda: any("KHẨN" in text for text in telegram.texts(OFFICER)), 15)
        mine = [
            json.dumps(call.fields, ensure_ascii=False)
            for call in telegram.calls
            if call.fields.get("chat_id") in (OFFICER, str(OFFICER))
        ]
        assert len(mine) >= 2
        assert found("\n".join(mine)) == []

    async def test_nothing_lies_in_the_database_in_clear(self, service: Service, told: list[str]) -> None:
        files = _files_below(str(service.home))
        assert any(path.name.endswith("-wal") for path in files)
        assert {path.name: names for path in files if (names := found(path.read_bytes()))} == {}

    async def test_neither_backup_nor_export_holds_any(self, service: Service, told: list[str], tmp_path: Path) -> None:
        recipient = _age_recipient()
        for command in (
            ["backup", "--to", "b.age", "--recipient", recipient],
            ["export", "weekly", "--week", "2026-W47", "--to", "."],
        ):
            done = await asyncio.to_thread(_command, service, command, tmp_path)
            assert found(done) == []
        made = _files_below(str(tmp_path))
        assert {path.suffix for path in made} == {".age", ".csv", ".xlsx"}
        for path in made:
            assert found(_unpacked(path)) == [], path.name

    async def test_nothing_lies_in_a_temporary_folder(self, service: Service, told: list[str]) -> None:
        scratch = service.environ["TMPDIR"]
        assert _files_below(scratch) == []
        assert scratch not in _of_process(service, "maps").decode()
        assert [path for path in _open_files(service) if path.startswith(scratch)] == []

    async def test_its_environment_and_command_hold_none(self, service: Service, told: list[str]) -> None:
        assert found(_of_process(service, "environ") + _of_process(service, "cmdline")) == []

    async def test_it_leaves_no_image_of_its_memory(self, service: Service, told: list[str]) -> None:
        line = next(one for one in _of_process(service, "limits").decode().splitlines() if "core file" in one)
        assert line.split()[4:6] == ["0", "0"]


def _files_below(folder: str) -> list[Path]:
    return [path for path in Path(folder).rglob("*") if path.is_file()]


def _of_process(service: Service, name: str) -> bytes:
    return Path(f"/proc/{service.pid}/{name}").read_bytes()


def _open_files(service: Service) -> list[str]:
    return [str(path.resolve()) for path in Path(f"/proc/{service.pid}/fd").iterdir()]


def test_no_core_is_dumped_and_no_neighbour_looks_in():
    """PR_GET_DUMPABLE is 3: https://man7.org/linux/man-pages/man2/prctl.2.html"""
    asks = (
        "import ctypes, resource; from bot.interpreter import keep_memory_in; keep_memory_in();"
        "print(ctypes.CDLL(None).prctl(3), *resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", asks], cwd=ROOT, capture_output=True, text=True, timeout=180, check=True
    )
    assert done.stdout.split() == ["0", "0", "0"]


def _age_recipient() -> str:
    import pyrage

    return str(pyrage.x25519.Identity.generate().to_public())


def _command(service: Service, arguments: list[str], folder: Path) -> str:
    """Everything that a command of the operator says."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "bot", *arguments], cwd=folder, env={**service.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _unpacked(path: Path) -> bytes:
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as book:
        return b"".join(book.read(name) for name in book.namelist())


# ----------------------------------------------------------------------------------------------- every kind of fault


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What would stand on standard error if every library said all it can, with our own log as the service sets it up."""
    names = ["", *"""aiosqlite asyncio telegram aiohttp sqlalchemy sqlalchemy.engine alembic uvicorn uvicorn.error
        uvicorn.access httpx transitions asyncpg py.warnings""".split()]  # fmt: skip
    handlers, ours = logging.root.handlers[:], log._logger.handlers[:]
    levels = {name: logging.getLogger(name).level for name in names}
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    propagates = log._logger.propagate
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    log.set_up()
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    logging.root.handlers[:], log._logger.handlers[:] = handlers, ours
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    log._logger.propagate = propagates
    logging.captureWarnings(False)


CARRIES = f"UNIQUE constraint failed: values ({MARKS['name']!r}, {MARKS['phone']!r}, {MARKS['fault']!r})"


def raises(error: BaseException) -> Any:
    async def fails(*_: Any, **__: Any) -> Any:
        raise error

    return fails


async def everything(world: World) -> None:
    """One person tells all they have, an officer answers, they stop."""
    await world.open("a")
    await world.say("a", f"cứu em với {MARKS['name']} {MARKS['phone']} {MARKS['place']}")
    await world.send("a", "photo", MARKS["caption"])
    await world.say("a", MARKS["receipt"])
    await world.press("a", "stop")


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("commit", sqlite3.IntegrityError(CARRIES)),
        ("commit", StorageAway(CARRIES)),
        ("load", sqlite3.DatabaseError(CARRIES)),
        ("exchange", ValueError(CARRIES)),
        ("send", RuntimeError(CARRIES)),
        ("send", SendError("again", "server")),
        ("send", SendError("never", "bad_request")),
        ("send", SendError("blocked", "blocked")),
        ("decide", KeyError(CARRIES)),
        ("decide", UnicodeEncodeError("ascii", CARRIES, 0, 1, CARRIES)),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
async def test_a_failure_is_told_without_what_it_carries(
    world: World, written: io.StringIO, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
):
    await world.open("a")
    if where == "send":
        monkeypatch.setattr(world.screens["web"], "send", raises(error))
    elif where == "decide":
        monkeypatch.setattr("bot.receive.decide", lambda *_: (_ for _ in ()).throw(error))
    else:
        monkeypatch.setattr(world.storage, where, raises(error))
    try:
        await everything(world)
        await world.wait(timedelta(seconds=1))
    except Exception:  # noqa: S110 - what is raised goes to the platform's door, which is tested above
        pass
    assert found(written.getvalue()) == []


@pytest.mark.parametrize("path", ["/", "/officers/", "/health"])
async def test_a_page_that_breaks_tells_nothing(
    world: World, written: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
):
    site = build_site(
        Site(
            receiver=world.receiver,
            storage=world.storage,
            book=world.book,
            settings=Settings(home=tmp_path),
            now=lambda: world.now,
        )
    )
    for name in ("load", "next_due", "commit"):
        monkeypatch.setattr(world.storage, name, raises(ValueError(CARRIES)))
    monkeypatch.setattr("bot.web.console.signin.demo_officers", lambda *_: (_ for _ in ()).throw(ValueError(CARRIES)))
    transport = httpx.ASGITransport(site, raise_app_exceptions=False)
    cookies = {"nc": "t" * 43}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies) as client:
        shown = [
            await client.get(path, follow_redirects=True),
            await client.post(path, data={"text": MARKS["letter"], "nonce": "n"}),
        ]
    assert any(one.status_code >= 500 for one in shown) or path == "/officers/"
    assert found(written.getvalue()) == []
    assert found("".join(one.text + str(one.headers) for one in shown), frozenset({"letter"})) == []


async def test_what_libraries_and_python_say_for_themselves_is_told_without_its_text(written: io.StringIO):
    """A task nobody waited for, a warning, a thread that died, a driver that logs its statement."""
    for name in ("asyncio", "uvicorn.error", "aiosqlite", "telegram.ext", "sqlalchemy.engine", "unheard.of"):
        logging.getLogger(name).error("failed for %s", MARKS["name"], exc_info=ValueError(CARRIES))
        logging.getLogger(name).warning(CARRIES)
        logging.getLogger(name).debug("executing %r", CARRIES)
    warnings.showwarning(CARRIES, RuntimeWarning, "a file", 1)
    loop = asyncio.get_running_loop()
    loop.call_exception_handler({"message": CARRIES, "exception": ValueError(CARRIES), "future": MARKS["letter"]})
    thread = threading.Thread(target=lambda: (_ for _ in ()).throw(ValueError(CARRIES)).__next__())
    thread.start()
    thread.join(10)
    sys.excepthook(ValueError, ValueError(CARRIES), None)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert {"library.warned", "service.broken"} <= {line["event"] for line in lines}
    assert {line["kind"] for line in lines if "kind" in line} >= {
        "asyncio",
        "uvicorn.error",
        "unheard.of",
        "py.warnings",
    }
    assert found(written.getvalue()) == []


async def test_an_officers_letter_reaches_the_person_and_nothing_else(world: World, written: io.StringIO):
    await world.open("a")
    for pressed in ("safe", "person", "leave_word"):
        await world.choose("a", pressed)
    await world.say("a", MARKS["name"])
    (number,) = world.referrals
    asks = [await world.officer("hotline_111-1", does, number, text=MARKS["letter"]) for does in ("acknowledge", "ask")]
    assert asks == ["", ""]
    shown = " ".join(text for message in await world.phone("a") for text in message.texts)
    assert "letter" in found(shown)
    assert found(written.getvalue()) == []
    rows = [entry for commit in world.commits for entry in commit.audit]
    assert found(repr(rows)) == []


async def test_no_file_of_a_citizen_touches_a_temporary_folder(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Not even for the moment in which a form is read: files that grow large are what libraries put aside."""
    made: list[str] = []

    def makes(*_: Any, **__: Any) -> io.BytesIO:
        made.append("a file")
        return io.BytesIO()

    for name in ("NamedTemporaryFile", "TemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, makes)
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", lambda _: made.append("rolled over"))
    world.receiver.limits = RateLimits()
    site = build_site(
        Site(
            receiver=world.receiver,
            storage=world.storage,
            book=world.book,
            settings=Settings(home=tmp_path),
            now=lambda: world.now,
        )
    )
    transport = httpx.ASGITransport(site, raise_app_exceptions=False)
    photo = {"files": (MARKS["file name"], b"\xff\xd8\xff\xe0" + b"x" * 11_000_000, "image/jpeg")}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies={"nc": "t" * 43}) as client:
        for form in ({"files": photo}, {"data": {"text": MARKS["name"] * 40_000, "nonce": "n"}}):
            assert (await client.post("/", **form)).status_code < 500
    assert made == []


@pytest.fixture(autouse=True)
def no_cores_of_our_own() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    yield
    assert resource.getrlimit(resource.RLIMIT_CORE) == before
