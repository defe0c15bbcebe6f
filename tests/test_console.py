"""The officers' console over real storage: who gets in, what they see, what is written down about it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.routing import Route

from bot.channels.web import sent
from bot.demo import PASSWORD as DEMO_PASSWORD
from bot.demo import add_demo_officers
from bot.settings import Settings
from bot.web import words
from bot.web.console import joining, signin, tries
from bot.web.console.routes import CLOSED, ROUTES
from bot.web.countries import COUNTRIES
from bot.web.site import Site, build_site
from referral.disclose import visible
from referral.model import Facts, Referral
from storage.accounts import Accounts
from storage.base import AuditEntry, Officer, StorageAway
from tests import world as a_world
from tests.world import World

PASSWORD = "mot mat khau du dai"
HASHED = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
MARKER = "<img src=x onerror=alert(1)>"


@dataclass
class Desk:
    """An officer with a browser."""

    client: httpx.AsyncClient
    world: World

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def post(self, path: str, csrf: str | None = None, **fields: str) -> httpx.Response:
        given = await self.csrf() if csrf is None else csrf
        return await self.client.post(path, data={"csrf": given, **fields})

    async def csrf(self) -> str:
        page = await self.client.get("/officers/", follow_redirects=True)
        return re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]

    async def sign_in(self, login: str, password: str = PASSWORD, next: str = "") -> httpx.Response:
        page = await self.client.get(f"/officers/sign-in?next={next}")
        csrf = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
        return await self.post("/officers/sign-in", csrf, login=login, password=password, next=next)


@pytest.fixture
def site(world: World, tmp_path: Path) -> Any:
    (tmp_path / "exports").mkdir()
    return build_site(
        Site(
            receiver=world.receiver,
            storage=world.storage,
            book=world.book,
            settings=Settings(home=tmp_path, exports=tmp_path / "exports"),
            now=lambda: world.now,
        )
    )


@pytest.fixture
async def desk(world: World, site: Any) -> AsyncIterator[Desk]:
    async with browser(site) as client:
        yield Desk(client, world)


def browser(site: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(site, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


async def add_officer(world: World, name: str, office: str, role: str = "duty") -> Officer:
    found = next(one for one in world.book.referral.offices if one.id == office)
    officer = Officer(name, f"Cán bộ {name}", office, found.route, role)
    accounts = Accounts(world.storage)
    await accounts.add(officer, f"code-{name}", world.now + timedelta(days=1), by="operator", at=world.now)
    await accounts.redeem(f"code-{name}", name, HASHED, at=world.now)
    return officer


async def a_tip(world: World, text: str = "cho ben song co xe la", who: str = "an") -> dict[str, Referral]:
    """A tip at the border with a place in the person's own words; its referrals by office."""
    await world.open(who)
    for choice in ("safe", "tip"):
        await world.choose(who, choice)
    await world.choose(who, "karaoke", "done")
    for choice in ("yes", "border", "more"):
        await world.choose(who, choice)
    await world.say(who, text)
    while (await world.step(who)) != "tip.look_over":
        await world.choose(who, "skip")
    await world.choose(who, "send")
    return {one.office: one for one in world.referrals.values()}


async def a_cry(world: World) -> dict[str, Referral]:
    await world.open("binh")
    await world.choose("binh", "danger")
    return {one.office: one for one in world.referrals.values() if one.urgent}


async def audit(world: World, desk: Desk, referral: Referral) -> list[AuditEntry]:
    """The timeline of a referral, as its own office sees it."""
    officer = await add_officer(world, f"reader-{len(world.commits)}", referral.office)
    case = await world.storage.open_case(referral.id, officer, world.now, visible)
    assert case is not None
    return list(case.timeline)


# ------------------------------------------------------------------------------------------------------- nobody gets in


def paths(routes: Any) -> list[tuple[str, str]]:
    fill = {"{referral}": "abc", "{number:int}": "0", "{name}": "weekly-2026-W47.csv"}
    found = []
    for route in routes:
        path = route.path
        for name, value in fill.items():
            path = path.replace(name, value)
        found += [(method, path) for method in sorted(route.methods)]
    return found


@pytest.mark.parametrize(("method", "path"), paths(CLOSED))
async def test_every_route_refuses_without_a_session(desk: Desk, method: str, path: str):
    answer = await desk.client.request(method, path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/officers/sign-in")
    desk.client.cookies.set("canbo", "x" * 43)
    forged = await desk.client.request(method, path)
    assert forged.status_code == 303


def test_no_console_route_is_outside_the_table(site: Any):
    console = [route.path for route in site.routes if route.path.startswith("/officers")]
    assert sorted(console) == sorted(route.path for route in ROUTES if isinstance(route, Route))
    assert len(CLOSED) >= 7


async def test_a_wrong_password_a_wrong_name_and_no_name_get_the_same_answer(world: World, desk: Desk):
    await add_officer(world, "lan", "hotline-111")
    answers = [await desk.sign_in(*pair) for pair in (("lan", "sai"), ("ai-do", PASSWORD), ("", ""))]
    assert {answer.status_code for answer in answers} == {401}
    assert len({re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}) == 1
    assert "canbo=" not in str([answer.headers.get_list("set-cookie") for answer in answers])


async def test_after_many_wrong_passwords_the_right_one_waits_and_then_gets_in(world: World, desk: Desk):
    await add_officer(world, "lan", "hotline-111")
    for _ in range(tries.FREE_TRIES + 2):
        await desk.sign_in("lan", "sai")
    assert (await desk.sign_in("lan")).status_code == 401
    world.now += timedelta(seconds=tries.LONGEST_WAIT_S)
    assert (await desk.sign_in("lan")).status_code == 303
    assert (await desk.sign_in("lan")).status_code == 303  # and the count begins anew


async def test_waiting_does_not_tell_whether_a_name_exists(world: World, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    await add_officer(world, "lan", "hotline-111")
    checks: dict[str, int] = {}
    for name in ("lan", "khong-co-ai"):
        checked: list[str] = []
        monkeypatch.setattr(signin, "verify", lambda hashed, password, seen=checked: seen.append(hashed) or False)
        for _ in range(tries.FREE_TRIES + 4):
            await desk.sign_in(name, "sai")
        checks[name] = len(checked)
    assert checks["lan"] == checks["khong-co-ai"] == tries.FREE_TRIES + 1


async def test_the_wait_is_never_longer_than_a_minute():
    assert tries.wait_s(0) == tries.wait_s(tries.FREE_TRIES) == 0
    assert tries.wait_s(tries.FREE_TRIES + 1) == 2
    assert tries.wait_s(10_000) == tries.LONGEST_WAIT_S


async def test_signing_in_leads_back_to_the_case_and_never_elsewhere(world: World, desk: Desk):
    await add_officer(world, "lan", "hotline-111")
    assert (await desk.sign_in("lan", next="/officers/r/abc123")).headers["location"] == "/officers/r/abc123"
    for evil in ("https://evil.example/", "//evil.example", "/officers/../x", "/officers/r/a%0d%0aX: y"):
        assert (await desk.sign_in("lan", next=evil)).headers["location"] == "/officers/"


async def test_the_session_cookie_is_out_of_reach_and_ends(world: World, desk: Desk):
    await add_officer(world, "lan", "hotline-111")
    cookie = (await desk.sign_in("lan")).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/officers" in cookie
    assert (await desk.get("/officers/")).status_code == 200
    world.now += timedelta(hours=12, seconds=1)
    assert (await desk.get("/officers/")).status_code == 303


async def test_signing_out_ends_the_session_everywhere(world: World, desk: Desk):
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    stolen = desk.client.cookies["canbo"]
    await desk.post("/officers/sign-out")
    desk.client.cookies.set("canbo", stolen)
    assert (await desk.get("/officers/")).status_code == 303


async def test_revoking_an_officer_ends_what_they_see_at_once(world: World, desk: Desk):
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    await Accounts(world.storage).revoke("lan", by="operator", at=world.now)
    assert (await desk.get("/officers/")).status_code == 303


async def test_a_form_without_its_mark_is_refused(world: World, desk: Desk):
    referral = (await a_cry(world))["hotline-111"]
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    for csrf in ("", "0" * 64, "é"):
        assert (await desk.post(f"/officers/r/{referral.id}", csrf, do="acknowledge")).status_code == 403
        assert (await desk.post("/officers/sign-out", csrf)).status_code == 403
    assert (await desk.post("/officers/sign-in", "x", login="lan", password=PASSWORD)).status_code == 403
    multipart = await desk.client.post(f"/officers/r/{referral.id}", files={"do": b"acknowledge"})
    assert multipart.status_code == 403
    stored = (await world.storage.load_referral(referral.id)).referral
    assert stored is not None
    assert stored.acknowledged_at is None


async def test_joining_with_a_one_time_code(world: World, desk: Desk):
    office = next(one for one in world.book.referral.offices if one.id == "hotline-111")
    officer = Officer("moi", "Cán bộ mới", office.id, office.route, "duty")
    accounts = Accounts(world.storage)
    await accounts.add(officer, "ABCD-EFGH-JKLM", world.now + timedelta(days=1), by="operator", at=world.now)
    chosen = "bon tu khong lien quan"
    page = await desk.get("/officers/join")
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]

    async def join(**fields: str) -> httpx.Response:
        filled = {"code": "ABCD-EFGH-JKLM", "login": "moi", "password": chosen, "again": chosen, **fields}
        return await desk.post("/officers/join", csrf, **filled)

    for wrong, why in (
        ({"password": "ngan", "again": "ngan"}, joining.BAD_PASSWORD),
        ({"again": "khac han mat khau"}, joining.NOT_SAME),
        ({"login": "x"}, joining.BAD_LOGIN),
        ({"code": "ZZZZ-ZZZZ"}, joining.BAD_CODE),
    ):
        answer = await join(**wrong)
        assert answer.status_code == 422
        assert why in unescape(answer.text)
    assert (await join()).status_code == 303
    assert (await join()).status_code == 422  # the code worked once
    assert (await desk.sign_in("moi", chosen)).status_code == 303


# ----------------------------------------------------------------------------------------------------------- the list


async def test_the_list_says_what_to_do_now_and_puts_the_urgent_first(world: World, desk: Desk):
    await a_tip(world)
    world.now += timedelta(hours=1)
    await world.deliverer.drain()
    urgent = (await a_cry(world))["police-national"]
    await add_officer(world, "lan", urgent.office)
    await desk.sign_in("lan")
    page = (await desk.get("/officers/")).text
    assert f"1 hồ sơ khẩn chưa ai nhận. Nhận ngay: {urgent.code}." in page
    codes = re.findall(r'class="code" href="[^"]+">(\w+)<', page)
    assert codes[0] == urgent.code
    assert "▲" in page
    assert "Khẩn" in page
    assert "23/11/2026 09:00" in page  # 01:00 UTC and an hour, in Viet Nam
    assert "1 giờ trước" in page
    world.now += timedelta(minutes=30)
    assert "quá hạn 20 phút" in (await desk.get("/officers/")).text


async def test_the_list_holds_no_word_of_a_citizen(world: World, desk: Desk):
    referral = next(iter((await a_tip(world, f"xe tai {MARKER} ben song")).values()))
    await add_officer(world, "lan", referral.office)
    await desk.sign_in("lan")
    page = (await desk.get("/officers/")).text
    assert referral.code in page
    assert "xe tai" not in page


@pytest.mark.parametrize("role", ["auditor", "statistics"])
async def test_a_role_that_may_not_open_cases_sees_none(world: World, desk: Desk, role: str):
    referral = (await a_cry(world))["hotline-111"]
    await add_officer(world, "lan", "hotline-111", role)
    await desk.sign_in("lan")
    begins = await desk.get("/officers/")
    assert begins.headers["location"] == f"/officers/{'audit' if role == 'auditor' else 'exports'}"
    assert referral.code not in begins.text + (await desk.get(begins.headers["location"])).text
    assert (await desk.get(f"/officers/r/{referral.id}")).status_code == 404
    assert (await desk.post(f"/officers/r/{referral.id}", do="acknowledge")).status_code == 404


# ----------------------------------------------------------------------------------------------------------- the case


async def test_opening_a_case_is_written_down(world: World, desk: Desk):
    referral = (await a_cry(world))["hotline-111"]
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    page = await desk.get(f"/officers/r/{referral.id}")
    assert page.status_code == 200
    opened = [entry for entry in await audit(world, desk, referral) if entry.action == "case.opened"]
    assert "lan" in [entry.actor for entry in opened]


async def test_another_office_gets_404_and_not_one_word(world: World, desk: Desk):
    referral = next(one for one in (await a_tip(world, "xe tai ben song dem qua")).values() if one.to == "border_guard")
    await add_officer(world, "khac", "hotline-111")
    await desk.sign_in("khac")
    own = await desk.get(f"/officers/r/{referral.id}")
    nothing = await desk.get("/officers/r/0000")
    assert own.status_code == nothing.status_code == 404
    assert own.text == nothing.text
    acted = await desk.post(f"/officers/r/{referral.id}", do="acknowledge")
    assert acted.status_code == 404
    assert "xe tai" not in own.text + acted.text
    for more in ("?mo=1", "/sheet", "/sheet?toi=hotline-111"):
        asked = await desk.get(f"/officers/r/{referral.id}{more}")
        assert asked.status_code == 404
        assert "xe tai" not in asked.text
    assert referral.code not in (await desk.get(f"/officers/?ma={referral.code}")).text.replace(
        f'value="{referral.code}"', ""
    )


async def test_what_a_person_wrote_is_shown_as_text_and_its_tricks_are_made_visible(world: World, desk: Desk):
    await world.open("an")
    text = f"ben song {MARKER} \u202egnp.exe\u202c \u200b het"
    referral = next(iter((await a_tip(world, text)).values()))
    await add_officer(world, "lan", referral.office)
    await desk.sign_in("lan")
    closed = (await desk.get(f"/officers/r/{referral.id}")).text
    assert "Mở nội dung" in closed
    assert "ben song" not in closed
    page = (await desk.get(f"/officers/r/{referral.id}?mo=1")).text
    assert MARKER not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "\u202e" not in page
    assert "⟦U+202E⟧gnp.exe⟦U+202C⟧ ⟦U+200B⟧ het" in page


async def test_a_case_tells_why_in_words_with_its_source(world: World, desk: Desk):
    referral = next(one for one in (await a_tip(world)).values() if one.to == "border_guard")
    await add_officer(world, "lan", referral.office)
    await desk.sign_in("lan")
    page = unescape((await desk.get(f"/officers/r/{referral.id}")).text)
    assert referral.because in page
    assert world.book.referral.sources[referral.source].title in page
    [intake] = world.intakes.values()
    assert all(reason.because in page for reason in intake.screening.reasons)
    assert "Quán karaoke, quán bar" in page
    assert "Loại nơi" in page
    assert "tạm tính" in page
    assert all(name in page for name in words.DIMENSIONS.values())


async def test_a_case_abroad_names_the_country(world: World, desk: Desk):
    await world.open("an")
    await world.choose("an", "safe")
    await world.choose("an", "danger")
    await world.choose("an", "abroad")
    await world.choose("an", "text_only")
    await world.say("an", "Sihanoukville")
    referral = next(one for one in world.referrals.values() if one.office == "police-national")
    await add_officer(world, "lan", "police-national")
    await desk.sign_in("lan")
    page = (await desk.get(f"/officers/r/{referral.id}")).text
    assert re.search(r"<p>[^<]+ · Campuchia · \d\d/", page)
    assert "chưa rõ tỉnh" in (await desk.get("/officers/")).text  # the list knows no more than the referral does


async def test_a_case_says_what_an_action_means_and_what_was_agreed(world: World, desk: Desk):
    await world.open("an")
    for choice in ("safe", "person", "leave_word", "skip"):
        await world.choose("an", choice)
    referral = next(one for one in world.referrals.values() if one.office == "hotline-111")
    await world.deliverer.drain()
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    path = f"/officers/r/{referral.id}"
    page = (await desk.get(path)).text
    assert "“Tôi nhận”: bạn đã đọc và giữ hồ sơ" in page
    assert "Đồng ý được nhắn lại ở kênh này" in page
    assert "Không có bản ghi đồng ý nào" not in page
    assert "chưa thấy chiều nào</summary>" in page
    await desk.post(path, do="acknowledge")
    page = (await desk.get(path)).text
    assert "bạn đã đọc và giữ hồ sơ" not in page
    assert "Việc còn đang làm thì cứ để mở" in page


async def test_the_ceilings_of_the_law_are_on_a_police_case(world: World, desk: Desk):
    referral = (await a_cry(world))["police-national"]
    await add_officer(world, "lan", "police-national")
    await desk.sign_in("lan")
    page = (await desk.get(f"/officers/r/{referral.id}")).text
    assert "Thời hạn tối đa theo luật" in page
    assert "Giải quyết tố giác, tin báo" in unescape(page)
    assert "13/12/2026 08:00" in page  # 20 days


async def test_a_case_goes_from_taken_to_closed(world: World, desk: Desk):
    referral = (await a_cry(world))["hotline-111"]
    await world.deliverer.drain()
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    path = f"/officers/r/{referral.id}"
    for fields, word in (
        ({"do": "acknowledge"}, "Đã nhận"),
        ({"do": "accept"}, "Đã thụ lý"),
        ({"do": "close", "outcome": "supported", "sure": "1"}, "Đã hỗ trợ"),
    ):
        answer = await desk.post(path, **fields)
        assert answer.status_code == 303
        assert answer.headers["location"] == path
        assert word in (await desk.get(path)).text
    assert referral.code not in (await desk.get("/officers/")).text
    assert referral.code in (await desk.get("/officers/?xem=xong")).text
    assert "Kết thúc: Đã hỗ trợ" in unescape((await desk.get(path)).text)


async def test_a_refused_action_is_explained_on_the_case(world: World, desk: Desk):
    referral = (await a_cry(world))["hotline-111"]
    await world.deliverer.drain()
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    path = f"/officers/r/{referral.id}"
    without_reason = await desk.post(path, do="return", sure="1", reason="because I say so")
    assert without_reason.status_code == 409
    assert "Chọn một lý do trả lại" in without_reason.text
    await desk.post(path, do="return", sure="1", reason="not_our_area")
    twice = await desk.post(path, do="acknowledge")
    assert twice.status_code == 409
    assert "đã trả lại" in twice.text


async def test_two_officers_taking_at_once_leave_one_holder(world: World, site: Any):
    referral = (await a_cry(world))["hotline-111"]
    await world.deliverer.drain()
    desks = []
    for name in ("lan", "hoa"):
        await add_officer(world, name, "hotline-111")
        desks.append(Desk(browser(site), world))
        await desks[-1].sign_in(name)
    path = f"/officers/r/{referral.id}"
    answers = await asyncio.gather(*(one.post(path, do="acknowledge") for one in desks))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    for one in desks:
        await one.client.aclose()


# ------------------------------------------------------------------------------------------------------ files, exports


async def test_a_file_is_opened_by_its_own_office_only_and_never_run(world: World, site: Any, desk: Desk):
    content = b"\xff\xd8\xff\xe0<script>"  # what is shown and what is not: test_media
    await world.open("an")
    await world.choose("an", "danger")
    talk = await world.conversation("an")
    assert talk is not None
    await world.storage.keep_file("w1", talk.id, "photo", content, world.now)
    await world.receiver.citizen(sent("chat-of-an", "photo-1", "photo", "w1", "vi"))
    await world.choose("an", "here")
    referral = next(one for one in world.referrals.values() if one.office == "hotline-111")
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    page = (await desk.get(f"/officers/r/{referral.id}?mo=1")).text
    [path] = re.findall(r'href="(/officers/r/\w+/file/[^"]+)"', page)
    shown = (await desk.get(path)).text
    assert words.NOT_SHOWN["intruder"] in shown
    assert "alert(" not in shown
    assert "file.opened" in [entry.action for entry in await audit(world, desk, referral)]
    assert (await desk.get(f"/officers/r/{referral.id}/file/7")).status_code == 404
    async with browser(site) as client:
        other = Desk(client, world)
        await add_officer(world, "khac", "police-national" if referral.office != "police-national" else "hotline-111")
        await other.sign_in("khac")
        assert (await other.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("office", "role", "may"),
    [
        ("hotline-111", "chief", True),
        ("hotline-111", "statistics", True),
        ("hotline-111", "admin", True),
        ("womens-union-20", "statistics", True),
        ("womens-union-20", "chief", False),
        ("hotline-111", "duty", False),
        ("hotline-111", "auditor", False),
    ],
)
async def test_the_log_of_all_offices_is_not_for_one_provinces_chief(
    world: World, desk: Desk, tmp_path: Path, office: str, role: str, may: bool
):
    (tmp_path / "exports" / "weekly-2026-W47.csv").write_text("a,b\n")
    await add_officer(world, "lan", office, role)
    await desk.sign_in("lan")
    assert ("Số liệu tuần" in (await desk.get("/officers/me")).text) is may
    for path in ("/officers/exports", "/officers/exports/weekly-2026-W47.csv"):
        assert (await desk.get(path)).status_code == (200 if may else 404)
    if may:
        page = (await desk.get("/officers/exports")).text
        assert "toàn bộ các nơi" in page
        assert "--to" in page


async def test_exports_are_for_chiefs_and_each_download_is_written_down(
    world: World, site: Any, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "exports"
    (folder / "weekly-2026-W47.csv").write_text("a,b\n")
    (folder / "weekly-2026-W47.xlsx.part").write_text("half")
    (folder / "notes.txt").write_text("no")
    (tmp_path / "weekly-2026-W46.csv").write_text("outside")
    await add_officer(world, "duty", "hotline-111", "duty")
    await add_officer(world, "chief", "hotline-111", "chief")
    await desk.sign_in("duty")
    assert (await desk.get("/officers/exports")).status_code == 404
    assert (await desk.get("/officers/exports/weekly-2026-W47.csv")).status_code == 404
    await desk.sign_in("chief")
    page = (await desk.get("/officers/exports")).text
    assert "Tuần 47 năm 2026" in page
    assert "notes" not in page
    assert "part" not in page
    noted: list[AuditEntry] = []
    commit = world.storage.commit

    async def watched(one: Any) -> None:
        noted.extend(one.audit)
        await commit(one)

    monkeypatch.setattr(world.storage, "commit", watched)
    answer = await desk.get("/officers/exports/weekly-2026-W47.csv")
    assert answer.text == "a,b\n"
    assert answer.headers["content-disposition"] == 'attachment; filename="weekly-2026-W47.csv"'
    assert [(one.actor, one.action, one.subject) for one in noted] == [
        ("chief", "export.downloaded", "weekly-2026-W47.csv")
    ]
    for name in ("notes.txt", "..%2Fweekly-2026-W46.csv", "weekly-2026-W46.csv"):
        assert (await desk.get(f"/officers/exports/{name}")).status_code == 404


# -------------------------------------------------------------------------------------------------------------- words


async def test_when_storage_is_away_an_officer_is_told_that_nothing_was_written(
    world: World, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    referral = (await a_cry(world))["hotline-111"]
    await add_officer(world, "lan", "hotline-111")
    await desk.sign_in("lan")
    csrf = await desk.csrf()

    async def away(*_: object) -> None:
        raise StorageAway("locked")

    monkeypatch.setattr(world.storage, "commit", away)
    answer = await desk.post(f"/officers/r/{referral.id}", csrf, do="acknowledge")
    assert answer.status_code == 503
    assert "không có gì được ghi lại" in answer.text


async def test_a_link_followed_from_another_site_is_opened_again_from_here(desk: Desk):
    answer = await desk.client.get("/officers/r/abc1", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert 'content="0;url=/officers/r/abc1"' in answer.text
    assert (await desk.client.get("/officers/r/abc1", headers={"sec-fetch-site": "same-origin"})).status_code == 303


def test_every_country_that_is_offered_or_understood_has_a_name(world: World):
    flows = world.book.flows
    offered = {choice.id for choice in flows.flows["screening"].steps["country"].choices} - {"other"}
    understood = {place.country for place in flows.lexicon.places.values()} - {"VN", ""}
    assert offered | understood <= set(COUNTRIES)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Facts(), "chưa rõ nơi"),
        (Facts(where="domestic"), "trong nước, chưa rõ tỉnh"),
        (Facts(where="border", province="20"), "Lạng Sơn, vùng biên giới"),
        (Facts(where="domestic", province="20"), "Lạng Sơn"),
        (Facts(where="abroad"), "nước ngoài, chưa rõ nước"),
        (Facts(where="abroad", country="KH", home_province="20"), "Campuchia, quê Lạng Sơn"),
        (Facts(where="abroad", country="ZZ"), "ZZ"),
    ],
)
def test_a_place_is_said_from_what_is_known(facts: Facts, said: str):
    assert words.place(facts, {"20": "Lạng Sơn"}) == said


async def test_a_trial_shows_its_demo_officers_and_production_none(world: World, desk: Desk, tmp_path: Path):
    page = (await desk.get("/officers/sign-in")).text
    assert "cán bộ thử" not in page  # there are none yet
    await add_demo_officers(Accounts(world.storage), world.book.referral, world.now)
    await Accounts(world.storage).revoke("police-2", by="operator", at=world.now)
    page = (await desk.get("/officers/sign-in")).text
    assert re.search(r"Công an tỉnh Tuyên Quang[^<]*</th><td[^>]*>police-1<", page)
    assert re.search(r"Bộ Công an</th><td[^>]*>police-5<", page)
    assert DEMO_PASSWORD in page
    assert "police-2<" not in page
    parts = Site(
        receiver=world.receiver, storage=world.storage, book=world.book, now=lambda: world.now,
        settings=Settings(home=tmp_path, exports=tmp_path / "exports", trial=False),
    )  # fmt: skip
    async with browser(build_site(parts)) as client:
        page = (await client.get("/officers/sign-in")).text
    assert "police-1" not in page
    assert DEMO_PASSWORD not in page


def test_times_are_said_as_offices_say_them():
    at = a_world.START
    assert words.when(at) == "23/11/2026 08:00"
    assert words.ago(at - timedelta(seconds=30), at) == "dưới 1 phút trước"
    assert words.ago(at - timedelta(minutes=59), at) == "59 phút trước"
    assert words.ago(at - timedelta(hours=47), at) == "47 giờ trước"
    assert words.ago(at - timedelta(days=3), at) == "3 ngày trước"
