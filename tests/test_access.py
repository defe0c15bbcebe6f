"""Every page of the real router × role × area × method, against the table in access.yaml, which an officer can read.

What the table does not allow must be refused, with nothing of the case in the answer; a page without a line fails. What is
read is in the audit before it is shown, and so is what was asked for in vain.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from bot.book import Book
from bot.channels.telegram.send import TelegramChannel
from bot.over_telegram import door
from bot.settings import Secret, Settings
from bot.web.console.access import COOKIE, csrf
from bot.web.site import Site, build_site
from flows.model import Conversation
from referral.model import Content, Facts, Intake, Referral, Screening
from storage.accounts import Accounts
from storage.base import Address, Commit, Officer
from tests.databases import asked
from tests.world import SAID, World

TABLE = yaml.safe_load((Path(__file__).parent / "access.yaml").read_text("utf-8"))
LINES: dict[str, dict[str, Any]] = {line["page"]: line for line in TABLE["pages"]}
AREAS: dict[str, str] = TABLE["offices"]
ROLES = ("duty", "chief", "admin", "auditor", "statistics")
ENDS_A_SESSION = {"POST /officers/sign-out"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

WORDS = "chiếc xe biển lạ ở bến sông"
FILE = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\1D\0;"
CODE, CASE = "LS7QXK", "a" * 32
EXPORTED = "mã,của mọi nơi"
OF_THE_CASE = (WORDS, hashlib.sha256(FILE).hexdigest(), CODE)
"""What nobody may see who may not see the case: words, hash of the file, code. (Its id stands in the address that they typed.)"""
_networks = (f"10.{one >> 16 & 255}.{one >> 8 & 255}.{one & 255}" for one in itertools.count(1))
"""Each request comes from a network of its own, so that no limit of floods answers for the gate."""


class Who(NamedTuple):
    role: str
    area: str


EVERYBODY = (
    *(Who(role, area) for role in ROLES for area in AREAS),
    Who("revoked", "own"),
    Who("nobody", "own"),
)


def is_in(cells: Mapping[str, list[str]] | str, who: Who) -> bool:
    if isinstance(cells, str):
        return cells == "everyone"
    return bool({"all", who.area} & set(cells.get(who.role, ())))


@dataclass
class House:
    """The service with one case, and a way to knock at every page as anybody."""

    world: World
    site: Starlette
    folder: Path
    noted_to: int = 0

    async def become(self, who: Who) -> tuple[str, str]:
        """(an officer's id, a session's token) of somebody new; empty for nobody."""
        if who.role == "nobody":
            return "", ""
        number = next(self.world._count)
        role = "duty" if who.role == "revoked" else who.role
        found = next(one for one in self.world.book.referral.offices if one.id == AREAS[who.area])
        officer = Officer(f"{who.role}-{who.area}-{number}", "Cán bộ", found.id, found.route, role)
        accounts, now = Accounts(self.world.storage), self.world.now
        await accounts.add(officer, f"code-{officer.id}", now + timedelta(days=1), by="operator", at=now)
        token = f"{number:043}"
        await accounts.open_session(officer.id, token, at=now, expires_at=now + timedelta(hours=1))
        if who.role == "revoked":
            await accounts.revoke(officer.id, by="operator", at=now)
        return officer.id, token

    async def knock(self, method: str, path: str, token: str, form: Mapping[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.site, raise_app_exceptions=False, client=(next(_networks), 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            if token:
                client.cookies.set(COOKIE, token, path="/officers")
            body = {"csrf": csrf(token), **form} if method == "POST" else None
            return await client.request(method, path, data=body)

    async def noted(self, officer: str) -> set[str]:
        """What stands in the audit of an officer since they were last asked about."""
        sql = f"SELECT id, action FROM audit WHERE actor = '{officer}' AND id > {self.noted_to} ORDER BY id"  # noqa: S608
        rows = await asked(self.world.storage, sql)
        self.noted_to = max((row[0] for row in rows), default=self.noted_to)
        return {row[1] for row in rows}


@pytest.fixture
async def house(world: World, tmp_path: Path) -> House:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "weekly-2026-W47.csv").write_text(EXPORTED)
    await a_case(world)
    made = settings(tmp_path)
    telegram = TelegramChannel(made.telegram_token.value)
    routes = (door(telegram, made, world.receiver),)
    parts = Site(
        receiver=world.receiver, storage=world.storage, book=world.book, settings=made, now=lambda: world.now,
        extra_routes=routes, leaving=lambda: True,  # a stream ends after its first word
    )  # fmt: skip
    return House(world, build_site(parts), tmp_path)


def settings(home: Path) -> Settings:
    return Settings(
        home=home, exports=home / "exports", telegram_token=Secret("7:x"), telegram_webhook="https://x.example/telegram",
        telegram_secret=Secret("a-secret-of-32-signs-for-the-test"),
    )  # fmt: skip


async def a_case(world: World) -> None:
    """A tip at the office of this province, with words and a file."""
    SAID.add(WORDS)
    now = world.now
    content = Content({"tip.what": WORDS}, (), (("document", "ref-1", ""),))
    intake = Intake(
        id="b" * 32, conversation="an", kind="tip", level="L2", urgent=False, facts=Facts(kind="tip"),
        screening=Screening("L2", True, False, False, (), {}), channel="telegram", locale="vi", province="20",
        created_at=now, updated_at=now, content=content, answers={}, receipt="3486437032950802", articles=(),
    )  # fmt: skip
    referral = Referral(
        id=CASE, intake=intake.id, code=CODE, to="police", office=AREAS["own"], identified=False, rule="r", because="vì",
        source="law53_art37", ground="", level="L2", urgent=False, province="20", state="sent", created_at=now, sent_at=now,
    )  # fmt: skip
    talk = Conversation("an", channel="telegram", flow="tip", step="end", intake=intake.id)
    await world.storage.commit(
        Commit(now, "telegram", "u1", Address("telegram", "77700042"), conversation=talk, intake=intake, new_intake=True,
               referrals=(referral,))
    )  # fmt: skip
    await world.storage.keep_file("ref-1", "an", "document", FILE, now)


def routes_of(routes: Any) -> Iterator[tuple[str, str]]:
    """(method, path) of everything that the router answers; whatever is no plain route must be thought about first."""
    for route in routes:
        assert isinstance(route, Route), f"{route} is no plain route: say in this test who may use it"
        for method in sorted((route.methods or set()) - {"HEAD"}):
            yield method, route.path


def path_of(line: Mapping[str, Any]) -> str:
    given = {"referral": CASE, **line.get("with", {})}
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: given[found[1]], line["page"].partition(" ")[2])


def shows_the_case(answer: httpx.Response) -> bool:
    everything = answer.content.decode("utf-8", "replace") + str(answer.headers)
    is_file = FILE in answer.content or (answer.headers.get("content-type") == "image/gif" and answer.content != b"")
    return is_file or any(mark in everything for mark in OF_THE_CASE)


def is_refused(answer: httpx.Response) -> bool:
    to_sign_in = answer.status_code == 303 and answer.headers["location"].startswith("/officers/sign-in?")
    return to_sign_in or answer.status_code in (401, 403, 404)


# ------------------------------------------------------------------------------------------------------------ the table


async def test_every_page_of_the_router_has_a_line_and_every_line_a_page(house: House) -> None:
    there = {f"{method} {path}" for method, path in routes_of(house.site.router.routes)}
    assert there == {page.partition("?")[0] for page in LINES}, (
        "write a line in tests/access.yaml for each new page: who may see it, and what the audit says"
    )


async def test_a_new_page_without_a_line_would_be_found(house: House) -> None:
    house.site.router.routes.append(Route("/officers/everything", lambda request: None, methods=["GET"]))
    with pytest.raises(AssertionError, match="write a line"):
        await test_every_page_of_the_router_has_a_line_and_every_line_a_page(house)
    mounted: list[BaseRoute] = [BaseRoute()]
    with pytest.raises(AssertionError, match="no plain route"):
        list(routes_of(mounted))


def test_the_table_names_roles_and_areas_that_exist(book: Book) -> None:
    offices = {one.id: one for one in book.referral.offices}
    own = offices[AREAS["own"]]
    assert {one.route for name in ("same_route", "national") if (one := offices[AREAS[name]])} == {own.route}
    assert offices[AREAS["same_province"]].provinces == own.provinces
    assert offices[AREAS["elsewhere"]].provinces != own.provinces
    assert not offices[AREAS["national"]].provinces
    for line in LINES.values():
        for cells in (line["allowed"], line.get("case_shown_to", {})):
            assert cells == "everyone" or set(cells) <= set(ROLES)
            named = set() if cells == "everyone" else {area for areas in cells.values() for area in areas}
            assert named <= {*AREAS, "all"}


def test_nobody_without_a_role_for_cases_is_shown_one() -> None:
    for page, line in LINES.items():
        assert not set(line.get("case_shown_to", {})) & {"auditor", "statistics"}, page


# ------------------------------------------------------------------------------------------------------- who gets in


async def test_only_those_of_the_table_get_in_and_see_it(house: House) -> None:
    people = {who: await house.become(who) for who in EVERYBODY}
    wrong: list[str] = []
    for page, line in LINES.items():
        for who, (officer, token) in people.items():
            if page in ENDS_A_SESSION:
                officer, token = await house.become(who)
            answer = await house.knock(page.partition(" ")[0], path_of(line), token, line.get("form", {}))
            faults = [*seen_in_vain(line, who, answer), *(await unwritten(house, line, who, officer))]
            wrong += [f"{page} as {who.role} of {who.area} ({answer.status_code}): {fault}" for fault in faults]
    assert wrong == []


def seen_in_vain(line: Mapping[str, Any], who: Who, answer: httpx.Response) -> Iterator[str]:
    """What is wrong with an answer."""
    if line["allowed"] != "everyone" and is_refused(answer) is is_in(line["allowed"], who):
        yield "is let in" if not is_refused(answer) else "is refused"
    if shows_the_case(answer) and not is_in(line.get("case_shown_to", {}), who):
        yield "sees the case"
    if EXPORTED in answer.text and not is_in(line["allowed"], who):
        yield "sees an export"
    if answer.status_code >= 500:
        yield "fails"


async def unwritten(house: House, line: Mapping[str, Any], who: Who, officer: str) -> Iterator[str]:
    """What should stand in the audit about this and does not."""
    noted = await house.noted(officer) if officer else set()
    should = line.get("writes", "") if is_in(line["allowed"], who) else "access.refused"
    has_session = who.role in ROLES and line["allowed"] != "everyone"
    return iter([f"{should} is not in the audit"] if has_session and should and should not in noted else [])


async def test_a_page_answers_its_own_methods_only(house: House) -> None:
    """Even for the administrator of the case's own office, and for nobody."""
    own: dict[str, set[str]] = {}
    for page, line in LINES.items():
        own.setdefault(path_of(line).partition("?")[0], set()).add(page.partition(" ")[0])
    _, token = await house.become(Who("admin", "own"))
    for (path, methods), method in itertools.product(own.items(), METHODS):
        if method in methods:
            continue
        for given in (token, ""):
            answer = await house.knock(method, path, given, {})
            is_head = method == "HEAD" and "GET" in methods
            assert is_head or answer.status_code in (303, 404, 405), (method, path, answer.status_code)
            assert not is_head or answer.content == b""
            assert not shows_the_case(answer)


async def test_those_who_may_really_see_the_case(house: House) -> None:
    """The marks that are looked for are there to be found."""
    _, token = await house.become(Who("duty", "own"))
    parts = ("?mo=1", "/file/0", "/file/0/view")
    seen = [await house.knock("GET", f"/officers/r/{CASE}{part}", token, {}) for part in parts]
    assert WORDS in seen[0].text
    assert CODE in seen[0].text
    assert hashlib.sha256(FILE).hexdigest() in seen[1].text
    assert seen[2].headers["content-type"] == "image/gif"


async def test_an_auditor_sees_who_opened_what_and_no_word_of_it(house: House) -> None:
    officer, token = await house.become(Who("duty", "own"))
    await house.knock("GET", f"/officers/r/{CASE}", token, {})
    _, token = await house.become(Who("auditor", "elsewhere"))
    everything = await house.knock("GET", "/officers/audit", token, {})
    assert f"{officer}</td><td>Mở xem hồ sơ<br><code>case.opened</code>" in everything.text
    assert not shows_the_case(everything)
    about = await house.knock("GET", f"/officers/audit?ma={CASE}&viec=case.", token, {})
    assert (about.text.count("<code>case.opened</code>"), about.text.count("<code>sign_in.done</code>")) == (1, 0)
    nothing = await house.knock("GET", "/officers/audit?ai=nobody&truoc=x", token, {})
    assert "Không có dòng nào" in nothing.text


# ------------------------------------------------------------------------------------------------- the audit comes first

READ = [page for page, line in LINES.items() if "writes" in line and page.startswith("GET ")]


async def test_what_cannot_be_written_down_is_not_shown(house: House) -> None:
    people = {page: (await house.become(first_of(LINES[page]["allowed"])))[1] for page in READ}
    for page, token in people.items():
        assert (await house.knock("GET", path_of(LINES[page]), token, {})).status_code == 200, page
    full = sqlite3.connect(house.folder / "world.db")
    full.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END")
    full.close()
    for page, token in people.items():
        answer = await house.knock("GET", path_of(LINES[page]), token, {})
        assert answer.status_code >= 500, page
        assert not shows_the_case(answer)
        assert EXPORTED not in answer.text


def first_of(cells: Mapping[str, list[str]]) -> Who:
    """Somebody who may."""
    role, areas = next(iter(cells.items()))
    return Who(role, "own" if areas == ["all"] else areas[0])
