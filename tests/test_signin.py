"""Officers' accounts at the door: joining, the second factor, waits that lock nobody out, sessions, and who may manage whom."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.routing import Route

from bot.accounts import passwords, qr, totp
from bot.accounts.joining import may_manage
from bot.book import Book
from bot.demo import PASSWORD as DEMO_PASSWORD
from bot.settings import Settings
from bot.web.console import joining, password, signin, staff, tries
from bot.web.console.routes import ROUTES
from bot.web.english import ENGLISH
from bot.web.site import Site, build_site
from storage.accounts import IDLE, Accounts, CodeReplayed, OfficerUnknown
from storage.base import AuditEntry, Officer
from tests import qr_reader
from tests.world import World

PASSWORD = "bon tu khong lien quan"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASHED = CHEAP.hash(PASSWORD)
SECRET = b"12345678901234567890"
"""The secret of the examples in RFC 4226 and RFC 6238."""
OFFICE = "hotline-111"
ELSEWHERE = "police-national"
HERE, THERE, ELSEWHERE_STILL = "203.0.114.7", "198.51.101.9", "192.0.3.1"
HALF_MINUTE = timedelta(seconds=totp.STEP_S)


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signin, "_hasher", CHEAP)
    monkeypatch.setattr(signin, "_NOBODY", CHEAP.hash("khong ai"))


class Browser:
    """One browser of one person, at one network address."""

    def __init__(self, site: Any, world: World, address: str = HERE) -> None:
        transport = httpx.ASGITransport(site, raise_app_exceptions=False, client=(address, 5000))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
        self.world = world

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def post(self, path: str, page: str, **fields: str) -> httpx.Response:
        """Fill in the form of a page and send it to a path."""
        found = re.findall(r'name="csrf" value="([^"]+)"', (await self.get(page)).text)
        return await self.client.post(path, data={"csrf": found[0] if found else "", **fields})

    async def sign_in(self, login: str, password: str = PASSWORD, code: str | None = None) -> httpx.Response:
        given = self.code() if code is None else code
        return await self.post("/officers/sign-in", "/officers/sign-in", login=login, password=password, code=given)

    def code(self, secret: bytes = SECRET, steps: int = 0) -> str:
        return totp.code(secret, totp.step_of(self.world.now) + steps)

    async def is_in(self) -> bool:
        return (await self.get("/officers/me")).status_code == 200


class Desks:
    """A site, and browsers that are closed in the end."""

    def __init__(self, world: World, folder: Path, *, trial: bool) -> None:
        self.world, self.opened = world, list[Browser]()
        settings = Settings(home=folder, exports=folder, trial=trial)
        self.site = build_site(
            Site(
                world.receiver, world.storage, world.book, settings, now=lambda: world.now,
                leaving=lambda: True,  # a stream ends after its first word
            )
        )  # fmt: skip
        self.accounts = Accounts(world.storage)

    def browser(self, address: str = HERE) -> Browser:
        self.opened.append(Browser(self.site, self.world, address))
        return self.opened[-1]

    async def officer(self, name: str, role: str = "duty", office: str = OFFICE, totp: bytes = SECRET) -> Officer:
        route = next(one.route for one in self.world.book.referral.offices if one.id == office)
        officer, now = Officer(name, f"Cán bộ {name}", office, route, role), self.world.now
        await self.accounts.add(officer, f"code-{name}", now + timedelta(days=1), by="operator", at=now)
        await self.accounts.redeem(f"code-{name}", name, HASHED, at=now, totp=totp)
        return officer

    async def signed_in(self, name: str, role: str = "duty", office: str = OFFICE) -> Browser:
        """An officer of their own secret, so that several can sign in within one half minute."""
        secret = name.encode().ljust(20, b"-")
        await self.officer(name, role, office, secret)
        browser = self.browser()
        assert (await browser.sign_in(name, code=browser.code(secret))).status_code == 303
        return browser

    async def later(self, passed: timedelta = HALF_MINUTE * 3) -> None:
        self.world.now += passed


@pytest.fixture
async def desks(world: World, tmp_path: Path) -> AsyncIterator[Desks]:
    """Production: the second factor is required."""
    made = Desks(world, tmp_path, trial=False)
    yield made
    for browser in made.opened:
        await browser.client.aclose()


@pytest.fixture
async def trial(world: World, tmp_path: Path) -> AsyncIterator[Desks]:
    made = Desks(world, tmp_path, trial=True)
    yield made
    for browser in made.opened:
        await browser.client.aclose()


def noted(world: World, monkeypatch: pytest.MonkeyPatch) -> list[AuditEntry]:
    """Every line of the audit that is written from here on by accounts."""
    from storage import rows, sessions

    found: list[AuditEntry] = []

    def watched(entry: AuditEntry) -> dict[str, Any]:
        found.append(entry)
        return rows.audit_values(entry)

    monkeypatch.setattr(sessions, "audit_values", watched)
    return found


# -------------------------------------------------------------------------------------------------- the second factor


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str):
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp.code(SECRET, totp.step_of(at), digits=8) == code  # appendix B, SHA-1
    assert totp.code(SECRET, totp.step_of(at)) == code[2:]


@pytest.mark.parametrize(
    ("count", "code"), [(0, "755224"), (1, "287082"), (2, "359152"), (3, "969429"), (7, "162583"), (9, "520489")]
)
def test_codes_are_those_of_rfc_4226(count: int, code: str):
    assert totp.code(SECRET, count) == code  # appendix D


def test_a_phone_whose_clock_is_a_step_off_still_works_and_no_more(world: World):
    now = totp.step_of(world.now)
    for step in (now - 1, now, now + 1):
        assert totp.matching_step(SECRET, totp.code(SECRET, step), world.now) == step
    for step in (now - 2, now + 2):
        assert totp.matching_step(SECRET, totp.code(SECRET, step), world.now) == 0
    spaced = totp.code(SECRET, now)[:3] + " " + totp.code(SECRET, now)[3:]
    assert totp.matching_step(SECRET, spaced, world.now) == now
    for wrong in ("", "000000", "１２３４５６", totp.code(SECRET, now)[:5], totp.code(SECRET, now) + "0"):
        assert totp.matching_step(SECRET, wrong, world.now) in (0,)


def test_the_key_is_what_apps_read():
    assert totp.key_of(SECRET) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    uri = totp.uri_of(SECRET, "lan.nguyễn")
    assert uri.startswith("otpauth://totp/Nhip%20Cau:lan.nguy%E1%BB%85n?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&")


@pytest.mark.parametrize("login", ["a", "lan.nguyen", "x" * 40])
def test_a_telephone_that_scans_the_picture_reads_the_key(login: str):
    quiet, matrix = qr_reader.modules(qr.drawn(totp.uri_of(SECRET, login)))
    assert quiet == 4  # ISO/IEC 18004 §6.3.8
    assert qr_reader.read(matrix) == totp.uri_of(SECRET, login)


async def test_the_page_to_join_has_the_key_as_a_picture_and_in_letters(desks: Desks):
    page = (await desks.browser().get("/officers/join")).text
    [svg] = re.findall(r'class="scan"[^>]*>(<svg.*?</svg>)', page)
    [link] = re.findall(r'href="(otpauth:[^"]+)"', page)
    assert qr_reader.read(qr_reader.modules(svg)[1]) == unescape(link)
    [key] = re.findall(r'id="key">([^<]+)<', page)
    assert f"secret={key.replace(' ', '')}&" in unescape(link)
    assert " style=" not in page  # which the policy of pages would leave out


async def test_password_and_code_open_and_either_alone_does_not(desks: Desks):
    await desks.officer("lan")
    browser = desks.browser()
    wrong = [("sai", browser.code()), (PASSWORD, ""), (PASSWORD, "123456"), (PASSWORD, browser.code(steps=-4))]
    answers = [await browser.sign_in("lan", password, code) for password, code in wrong]
    answers.append(await desks.browser(THERE).sign_in("khong-co-ai"))
    assert {answer.status_code for answer in answers} == {401}
    assert len({re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}) == 1
    assert not await browser.is_in()
    assert (await browser.sign_in("lan")).status_code == 303
    assert await browser.is_in()


async def test_a_code_is_taken_once_even_where_somebody_looked_over_a_shoulder(desks: Desks):
    await desks.officer("lan")
    seen = desks.browser().code()
    assert (await desks.browser().sign_in("lan", code=seen)).status_code == 303
    assert (await desks.browser(THERE).sign_in("lan", code=seen)).status_code == 401
    older = desks.browser().code(steps=-1)
    assert (await desks.browser(THERE).sign_in("lan", code=older)).status_code == 401
    await desks.later(HALF_MINUTE)
    assert (await desks.browser(THERE).sign_in("lan")).status_code == 303


async def test_of_two_who_use_a_code_at_once_one_gets_in(desks: Desks):
    await desks.officer("lan")
    browsers = [desks.browser(), desks.browser(THERE)]
    answers = await asyncio.gather(*(one.sign_in("lan") for one in browsers))
    assert sorted(answer.status_code for answer in answers) == [303, 401]


async def test_the_database_itself_refuses_a_code_of_before(desks: Desks):
    """Two processes may both find a code good; only the commit decides."""
    await desks.officer("lan")
    now, until = desks.world.now, desks.world.now + timedelta(hours=1)
    await desks.accounts.open_session("lan", "one", at=now, expires_at=until, step=100)
    for step in (100, 99):
        with pytest.raises(CodeReplayed):
            await desks.accounts.open_session("lan", "two", at=now, expires_at=until, step=step)
    assert await desks.accounts.session("two", now) is None


async def test_in_production_a_password_alone_never_opens(desks: Desks):
    await desks.officer("lan", totp=b"")
    assert (await desks.browser().sign_in("lan", code="")).status_code == 401


async def test_a_trial_goes_without_but_who_has_a_second_factor_needs_it(trial: Desks):
    await trial.officer("lan", totp=b"")
    await trial.officer("hoa")
    assert (await trial.browser().sign_in("lan", code="")).status_code == 303
    assert (await trial.browser().sign_in("hoa", code="")).status_code == 401
    assert (await trial.browser().sign_in("hoa")).status_code == 303


async def test_the_secret_is_not_in_the_database_in_clear(desks: Desks, tmp_path: Path):
    await desks.officer("lan")
    account = await desks.accounts.account("lan")
    assert account is not None
    assert account.totp == SECRET
    assert "1234567890" not in repr(account)
    assert in_files(tmp_path, b"lan")
    assert not in_files(tmp_path, SECRET)


def in_files(folder: Path, what: bytes) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_file() and what in path.read_bytes()]


# ------------------------------------------------------------------------------------------------------------ joining


async def invited(desks: Desks, name: str = "moi", role: str = "duty") -> str:
    route = next(one.route for one in desks.world.book.referral.offices if one.id == OFFICE)
    officer, now = Officer(name, "Nguyễn Thị Mới", OFFICE, route, role), desks.world.now
    await desks.accounts.add(officer, f"AAAA-{name}", now + timedelta(days=7), by="operator", at=now)
    return f"AAAA-{name}"


async def join(browser: Browser, code: str, six: str | None = None, **fields: str) -> tuple[httpx.Response, bytes]:
    """Fill in the page as it stands, with the code that an app makes of the key on it; the answer, and the secret."""
    page = (await browser.get("/officers/join")).text
    csrf, key, shown = (
        re.findall(pattern, page)[0]
        for pattern in (r'name="csrf" value="([^"]+)"', r'name="key" value="([^"]+)"', r'id="key">([A-Z2-7 ]+)<')
    )
    secret = base64.b32decode(shown.replace(" ", ""))
    made = browser.code(secret) if six is None else six
    filled = {
        "csrf": csrf,
        "key": key,
        "code": code,
        "login": "moi",
        "password": PASSWORD,
        "again": PASSWORD,
        "six": made,
    }
    return await browser.client.post("/officers/join", data={**filled, **fields}), secret


async def test_joining_sets_password_and_second_factor_at_once(desks: Desks):
    code, browser = await invited(desks), desks.browser()
    answer, secret = await join(browser, code)
    assert answer.status_code == 303
    again = await browser.sign_in("moi", code=browser.code(secret))
    assert again.status_code == 401  # the code with which they joined was used
    await desks.later(HALF_MINUTE)
    assert (await browser.sign_in("moi", code=browser.code(secret))).status_code == 303
    assert (await join(desks.browser(), code))[0].status_code == 422  # the invite worked once


async def test_without_the_phone_nobody_joins_in_production_and_the_invite_stays_good(desks: Desks):
    code, browser = await invited(desks), desks.browser()
    for six in ("", "000000"):
        answer, _ = await join(browser, code, six)
        assert answer.status_code == 422
        assert joining.BAD_TOTP in unescape(answer.text)
    forged, _ = await join(browser, code, key="00" * 49)
    assert forged.status_code == 422
    assert (await join(browser, code))[0].status_code == 303


async def test_a_trial_lets_the_phone_be_left_out(trial: Desks):
    assert (await join(trial.browser(), await invited(trial), six=""))[0].status_code == 303
    assert (await trial.browser().sign_in("moi", code="")).status_code == 303


@pytest.mark.parametrize(
    "password",
    [
        "password1234", "Password@2026!", "Matkhau@123456", "matkhau123456789", "123456789012", "aaaaaaaaaaaa",
        "abcabcabcabc", "qwertyuiop123", "p@ssw0rdp@ssw0rd", "nhipcau2026!", "Nhịp-Cầu-2026", DEMO_PASSWORD,
        "lan.nguyen.1990", "tổng đài 111 bộ y tế", "nguyenthimoi1990", "anhyeuem123456",
    ],
)  # fmt: skip
async def test_a_password_that_others_would_try_is_refused(trial: Desks, password: str):
    code = await invited(trial)
    answer, _ = await join(trial.browser(), code, "", login="lan.nguyen", password=password, again=password)
    assert answer.status_code == 422
    assert joining.GUESSABLE in unescape(answer.text)
    assert (await join(trial.browser(), code, ""))[0].status_code == 303


@pytest.mark.parametrize(
    "password", [PASSWORD, "correct horse battery staple", "tiengtrongchieuxa", "Tr9!vX2#mQ8z", "mùa hè năm ấy mưa"]
)
def test_a_long_or_a_strange_password_is_good(password: str):
    assert not passwords.is_guessable(password, ("lan", "Tổng đài điện thoại quốc gia bảo vệ trẻ em (111)"))


def test_the_list_says_where_it_comes_from_and_is_found_fast():
    text = passwords.LIST.read_text("utf-8")
    assert "MIT License" in text
    assert len(passwords.common()) > 30_000
    assert {"password", "matkhau", "nhipcau"} <= set(passwords.common())
    words = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(words) == len(set(words))


def test_a_very_long_password_costs_no_more_to_look_at(monkeypatch: pytest.MonkeyPatch):
    looked: list[str] = []
    cost = passwords._cost

    def counted(piece: str, *others: Any) -> float | None:
        looked.append(piece)
        return cost(piece, *others)

    monkeypatch.setattr(passwords, "_cost", counted)
    passwords.bits("x9" * 100_000, {})
    assert 0 < len(looked) < 10_000


async def test_who_guesses_invites_waits_and_a_good_one_is_not_lost(desks: Desks, monkeypatch: pytest.MonkeyPatch):
    code, looked = await invited(desks), list[str]()
    find = Accounts.find_invite

    async def counted(self: Accounts, given: str) -> Any:
        looked.append(given)
        return await find(self, given)

    monkeypatch.setattr(Accounts, "find_invite", counted)
    browser = desks.browser()
    for number in range(joining.FREE_CODES + 5):
        answer, _ = await join(browser, f"ZZZZ-{number:04}")
        assert joining.BAD_CODE in unescape(answer.text)
    assert len(looked) == joining.FREE_CODES + 1
    assert (await join(desks.browser(THERE), code))[0].status_code == 303  # another network is not held up


async def test_a_new_code_replaces_password_phone_and_sessions(desks: Desks):
    browser = await desks.signed_in("lan")
    await desks.accounts.invite(
        "lan", "BBBB-CCCC", desks.world.now + timedelta(days=1), by="operator", at=desks.world.now
    )
    assert await browser.is_in()  # a code alone ends nothing
    fresh = "nam tu moi tinh hoan toan"
    answer, secret = await join(desks.browser(), "BBBB-CCCC", login="lan", password=fresh, again=fresh)
    assert answer.status_code == 303
    assert not await browser.is_in()
    await desks.later()
    assert (await desks.browser().sign_in("lan", code=desks.browser().code(b"lan".ljust(20, b"-")))).status_code == 401
    assert (await desks.browser().sign_in("lan", fresh, desks.browser().code(secret))).status_code == 303


# -------------------------------------------------------------------------------------------------------------- waits


async def test_nobody_keeps_a_colleague_out(desks: Desks):
    """Somebody tries wrong passwords at a name without end; its officer gets in at once from where they were before."""
    own = await desks.signed_in("lan")
    await own.post("/officers/sign-out", "/officers/me")
    stranger = desks.browser(THERE)
    for _ in range(tries.FREE_OF_NAME + 5):
        await desks.later(timedelta(seconds=61))
        await stranger.sign_in("lan", "sai")
    code = own.code(b"lan".ljust(20, b"-"))
    assert (
        await desks.browser(ELSEWHERE_STILL).sign_in("lan", code=code)
    ).status_code == 401  # a strange browser waits
    assert (await own.sign_in("lan", code=code)).status_code == 303


async def test_a_colleague_on_the_same_network_is_not_held_up_by_one_who_forgot_a_password(desks: Desks):
    await desks.officer("lan")
    await desks.officer("hoa")
    for _ in range(tries.FREE_TRIES + 3):
        await desks.browser().sign_in("lan", "sai")
    assert (await desks.browser().sign_in("lan")).status_code == 401
    assert (await desks.browser().sign_in("hoa")).status_code == 303
    assert (await desks.browser(THERE).sign_in("lan")).status_code == 303  # nor is lan herself, from elsewhere


async def test_a_network_that_tries_many_names_waits_at_all_of_them(desks: Desks):
    await desks.officer("lan")
    for number in range(tries.FREE_OF_NETWORK + 2):
        await desks.browser().sign_in(f"ten-{number}", "sai")
    assert (await desks.browser().sign_in("lan")).status_code == 401
    assert (await desks.browser(THERE).sign_in("lan")).status_code == 303


async def test_a_known_browser_waits_for_its_own_wrong_tries(desks: Desks):
    own = await desks.signed_in("lan")
    for _ in range(tries.FREE_TRIES + 1):
        await own.sign_in("lan", "sai")
    await desks.later(timedelta(seconds=1))
    assert (await own.sign_in("lan", code=own.code(b"lan".ljust(20, b"-"), 1))).status_code == 401
    await desks.later(timedelta(seconds=tries.LONGEST_WAIT_S))
    assert (await own.sign_in("lan", code=own.code(b"lan".ljust(20, b"-")))).status_code == 303


async def test_a_made_up_browser_is_a_strange_one(desks: Desks):
    await desks.officer("lan")
    browser = desks.browser()
    browser.client.cookies.set("canbo_may", "x" * 43, path="/officers")
    for _ in range(tries.FREE_TRIES + 1):
        await browser.sign_in("lan", "sai")
    assert (await browser.sign_in("lan")).status_code == 401


async def test_many_tries_at_once_are_no_more_than_one_after_the_other(desks: Desks, monkeypatch: pytest.MonkeyPatch):
    await desks.officer("lan")
    checked: list[str] = []

    def wrong(stored: str, password: str) -> bool:
        checked.append(password)
        return False

    monkeypatch.setattr(signin, "verify", wrong)
    browsers = [desks.browser() for _ in range(12)]
    await asyncio.gather(*(one.sign_in("lan", "sai") for one in browsers))
    assert len(checked) == tries.FREE_TRIES + 1


def test_no_address_is_kept_and_only_so_many_are_remembered(world: World):
    kept = tries.Tries()
    for number in range(tries.REMEMBERED):
        kept.failed(f"ten-{number}", HERE, world.now)
    assert len(kept._counts) == tries.REMEMBERED
    assert HERE not in repr(vars(kept))
    assert kept._of("pair", "lan", HERE) != tries.Tries()._of("pair", "lan", HERE)


# ------------------------------------------------------------------------------------------------------------ sessions


async def test_a_session_ends_when_nobody_is_there_and_lasts_while_somebody_is(desks: Desks):
    browser = await desks.signed_in("lan")
    for _ in range(5):
        await desks.later(IDLE - timedelta(minutes=1))
        assert await browser.is_in()
    await desks.later(IDLE + timedelta(minutes=1))
    assert not await browser.is_in()


async def test_a_session_ends_after_twelve_hours_whatever_is_done(desks: Desks):
    browser = await desks.signed_in("lan")
    for _ in range(24):
        assert await browser.is_in()
        await desks.later(IDLE)
    assert not await browser.is_in()


async def test_a_stolen_session_is_worth_nothing_in_another_browser(desks: Desks):
    browser, thief = await desks.signed_in("lan"), desks.browser(THERE)
    thief.client.cookies.set("canbo", browser.client.cookies["canbo"], path="/officers")
    assert not await thief.is_in()
    thief.client.cookies.set("canbo_may", "y" * 43, path="/officers")
    assert not await thief.is_in()
    assert await browser.is_in()


async def test_signing_in_makes_a_new_session_and_ends_the_one_before(desks: Desks):
    browser = await desks.signed_in("lan")
    before = browser.client.cookies["canbo"]
    await desks.later()
    assert (await browser.sign_in("lan", code=browser.code(b"lan".ljust(20, b"-")))).status_code == 303
    assert browser.client.cookies["canbo"] != before
    device = browser.client.cookies["canbo_may"]
    assert await desks.accounts.session(before, desks.world.now, device) is None


async def test_an_officer_sees_where_they_are_signed_in_and_signs_out_there(desks: Desks):
    first = await desks.signed_in("lan")
    other = await desks.signed_in("hoa")
    await desks.later()
    second, third = desks.browser(), desks.browser()
    assert (await second.sign_in("lan", code=second.code(b"lan".ljust(20, b"-")))).status_code == 303
    await desks.later()
    assert (await third.sign_in("lan", code=third.code(b"lan".ljust(20, b"-")))).status_code == 303
    page = (await third.get("/officers/me")).text
    assert page.count("Chính ở đây") == 1
    ids = re.findall(r'name="session" value="(\w+)"', page)
    assert len(ids) == 2
    await other.post("/officers/me", "/officers/me", do="end", session=ids[0])
    assert await second.is_in()  # nobody ends the session of another
    await third.post("/officers/me", "/officers/me", do="end", session=ids[0])
    assert [await one.is_in() for one in (first, second, third)] == [True, False, True]
    await third.post("/officers/me", "/officers/me", do="end_others")
    assert [await one.is_in() for one in (first, second, third, other)] == [False, False, True, True]


async def test_what_was_being_written_when_a_session_ended_is_sent_after_signing_in_again(desks: Desks):
    browser = await desks.signed_in("lan")
    path = "/officers/r/abc123"
    page = (await browser.get("/officers/me")).text
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    await desks.later(IDLE + timedelta(minutes=1))
    words = 'Chị có thể cho biết <thêm> "giờ" không'
    answer = await browser.client.post(path, data={"csrf": csrf, "do": "ask", "text": words})
    assert answer.status_code == 401
    assert signin.KEPT in unescape(answer.text)
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', answer.text))
    assert unescape(fields["kept.text"]) == words
    filled = {name: unescape(value) for name, value in fields.items()}
    filled |= {"login": "lan", "password": "sai", "code": browser.code(b"lan".ljust(20, b"-"))}
    wrong = await browser.client.post("/officers/sign-in", data=filled)
    assert wrong.status_code == 401
    assert words in unescape(wrong.text)  # nor does a wrong password lose it
    filled["password"] = PASSWORD
    back = await browser.client.post("/officers/sign-in", data=filled)
    assert back.status_code == 200
    assert words in unescape(back.text)
    assert f'action="{path}"' in back.text
    assert await browser.is_in()
    fresh = re.findall(r'name="csrf" value="([^"]+)"', back.text)[0]
    assert fresh == re.findall(r'name="csrf" value="([^"]+)"', (await browser.get("/officers/me")).text)[0] != csrf


async def test_a_form_from_elsewhere_is_never_kept(desks: Desks):
    """Somebody's page sends a form to a case in the officer's name: it is not offered for sending after signing in."""
    browser = await desks.signed_in("lan")
    await desks.later(IDLE + timedelta(minutes=1))
    for csrf in ("", "0" * 64):
        answer = await browser.client.post("/officers/r/abc123", data={"csrf": csrf, "do": "ask", "text": "planted"})
        assert answer.status_code == 303
        assert "planted" not in answer.text
    page = (await browser.get("/officers/sign-in")).text
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    given = {"csrf": csrf, "login": "lan", "password": PASSWORD, "code": browser.code(b"lan".ljust(20, b"-"))}
    for evil in ("https://evil.example/", "//evil.example/x", "/officers/sign-out", "/officers/r/../staff"):
        answer = await browser.client.post(
            "/officers/sign-in", data={**given, "kept_path": evil, "kept.text": "planted"}
        )
        assert "planted" not in answer.text
        given["code"] = "0"


async def test_an_ended_session_is_said_so_kindly(desks: Desks):
    browser = await desks.signed_in("lan")
    await desks.later(IDLE + timedelta(minutes=1))
    answer = await browser.get("/officers/r/abc123")
    assert answer.headers["location"] == "/officers/sign-in?next=/officers/r/abc123&ended=1"
    assert signin.ENDED in unescape((await browser.get(answer.headers["location"])).text)
    assert signin.ENDED not in unescape((await desks.browser().get("/officers/sign-in")).text)


# ------------------------------------------------------------------------------------------------------------- colleagues


async def staff_page(browser: Browser) -> str:
    return unescape((await browser.get("/officers/staff")).text)


async def manage(browser: Browser, do: str, **fields: str) -> httpx.Response:
    return await browser.post("/officers/staff", "/officers/staff", do=do, **fields)


async def new_colleague(browser: Browser, **fields: str) -> httpx.Response:
    given = {"name": "Trần Văn Tân", "office": OFFICE, "role": "duty", "number": "abc123", **fields}
    return await manage(browser, "invite", **given)


async def test_a_chief_invites_a_colleague_who_joins(desks: Desks, monkeypatch: pytest.MonkeyPatch):
    chief = await desks.signed_in("truong", "chief")
    entries = noted(desks.world, monkeypatch)
    answer = await new_colleague(chief)
    code = re.findall(r'<b class="code">([0-9a-f-]+)</b>', answer.text)[0]
    assert code.count("-") == 3
    assert code not in await staff_page(chief)  # it is shown once
    assert [(one.actor, one.action, one.subject) for one in entries] == [
        ("truong", "officer.added", f"{OFFICE}-abc123"),
        ("truong", "officer.invited", f"{OFFICE}-abc123"),
    ]
    again = await new_colleague(chief)  # the page was loaded again
    assert again.status_code == 409
    assert staff.MADE_BEFORE in unescape(again.text)
    browser = desks.browser()
    assert (await join(browser, code.upper().replace("-", " "), login="tan"))[0].status_code == 303


async def test_a_chief_in_person_lets_a_colleague_begin_anew(desks: Desks):
    chief, _ = await desks.signed_in("truong", "chief"), await desks.officer("lan")
    answer = await manage(chief, "again", officer="lan")
    code = re.findall(r'<b class="code">([0-9a-f-]+)</b>', answer.text)[0]
    answer, secret = await join(desks.browser(), code, login="lan")
    assert answer.status_code == 303
    await desks.later()
    browser = desks.browser()
    assert (await browser.sign_in("lan", code=browser.code(secret))).status_code == 303


async def test_a_role_changes_and_the_officer_signs_in_anew(desks: Desks, monkeypatch: pytest.MonkeyPatch):
    chief, lan = await desks.signed_in("truong", "chief"), await desks.signed_in("lan")
    entries = noted(desks.world, monkeypatch)
    assert (await manage(chief, "role", officer="lan", role="chief")).status_code == 200
    assert [(one.actor, one.action, one.subject, dict(one.detail)) for one in entries] == [
        ("truong", "officer.role", "lan", {"role": "chief"})
    ]
    assert not await lan.is_in()
    account = await desks.accounts.account("lan")
    assert account is not None
    assert account.officer.role == "chief"


async def test_revoking_from_the_page_ends_everything_at_once(desks: Desks, monkeypatch: pytest.MonkeyPatch):
    chief, lan = await desks.signed_in("truong", "chief"), await desks.signed_in("lan")
    entries = noted(desks.world, monkeypatch)
    assert "đã thu quyền" in unescape((await manage(chief, "revoke", officer="lan")).text)
    assert [(one.actor, one.action, one.subject) for one in entries] == [("truong", "officer.revoked", "lan")]
    assert not await lan.is_in()
    assert (await manage(chief, "again", officer="lan")).status_code == 409


@pytest.mark.parametrize("role", ["duty", "auditor", "statistics"])
async def test_whoever_manages_nobody_finds_no_page(desks: Desks, role: str):
    browser, _ = await desks.signed_in("ai", role), await desks.officer("lan")
    assert (await browser.get("/officers/staff")).status_code == 404
    assert "/officers/staff" not in (await browser.get("/officers/me")).text
    for do in ("invite", "again", "role", "revoke"):
        answer = await browser.post(
            "/officers/staff", "/officers/me", do=do, officer="lan", role="duty", office=OFFICE, name="X", number="abc123"
        )  # fmt: skip
        assert answer.status_code == 404
    assert [one.id for one in await desks.accounts.officers() if one.active] == ["ai", "lan"]


@pytest.mark.parametrize(
    ("name", "role", "office"), [("khac", "duty", ELSEWHERE), ("qtri", "admin", OFFICE), ("kiem", "auditor", OFFICE)]
)
async def test_a_chief_touches_neither_another_office_nor_a_role_with_other_rights(
    desks: Desks, monkeypatch: pytest.MonkeyPatch, name: str, role: str, office: str
):
    chief, whom = await desks.signed_in("truong", "chief"), await desks.officer(name, role, office)
    entries = noted(desks.world, monkeypatch)
    for do in ("again", "role", "revoke"):
        answer = await manage(chief, do, officer=name, role="duty")
        assert answer.status_code == 409
        assert staff.NOT_YOURS in unescape(answer.text)
    assert entries == []
    account = await desks.accounts.account(name)
    assert account is not None
    assert account.officer == whom
    assert (f"Cán bộ {name}" in await staff_page(chief)) is (office == OFFICE)


async def test_nobody_manages_themselves_or_gives_more_than_they_may(desks: Desks):
    chief = await desks.signed_in("truong", "chief")
    for do in ("again", "role", "revoke"):
        assert (await manage(chief, do, officer="truong", role="duty")).status_code == 409
    for fields in ({"role": "admin"}, {"office": ELSEWHERE}, {"number": "../x"}, {"name": ""}, {"name": "x" * 81}):
        assert (await new_colleague(chief, **fields)).status_code == 409
    await desks.officer("lan")
    assert (await manage(chief, "role", officer="lan", role="admin")).status_code == 409
    assert (await manage(chief, "delete", officer="lan")).status_code == 404
    assert [(one.id, one.role) for one in await desks.accounts.officers()] == [("lan", "duty"), ("truong", "chief")]


async def test_an_admin_manages_all_offices(desks: Desks):
    admin = await desks.signed_in("qtri", "admin")
    await desks.officer("khac", "auditor", ELSEWHERE)
    assert "Cán bộ khac" in await staff_page(admin)
    assert (await manage(admin, "role", officer="khac", role="statistics")).status_code == 200
    assert (await new_colleague(admin, office=ELSEWHERE, role="admin")).status_code == 200
    assert (await manage(admin, "revoke", officer="khac")).status_code == 200


async def test_what_may_be_done_is_asked_again_in_the_moment_it_is_done(desks: Desks):
    """Between the page and the commit the colleague may have become an admin."""
    await desks.officer("lan", "admin")
    chief, now = Officer("truong", "T", OFFICE, "hotline_111", "chief"), desks.world.now
    allowed = partial(may_manage, chief)
    assert not await desks.accounts.revoke("lan", by="truong", at=now, allowed=allowed)
    with pytest.raises(OfficerUnknown):
        await desks.accounts.set_role("lan", "duty", by="truong", at=now, allowed=allowed)
    account = await desks.accounts.account("lan")
    assert account is not None
    assert account.officer.role == "admin"


# ---------------------------------------------------------------------------------------------------------- every page


def get_paths() -> list[str]:
    found = [route.path for route in ROUTES if isinstance(route, Route) and "GET" in (route.methods or ())]
    return [re.sub(r"\{[^}]+\}", "0", path) for path in found]


async def test_every_officers_page_keeps_to_itself(desks: Desks):
    """A strict policy, no cache, no referrer; no inline script or style; forms carry their mark and go nowhere else."""
    chief = await desks.signed_in("truong", "chief")
    assert len(get_paths()) >= 9
    for path in get_paths():
        for browser in (chief, desks.browser()):
            answer = await browser.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "form-action 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
            forms = re.findall(r"<form[^>]*>.*?</form>", answer.text, re.DOTALL)
            sent = [form for form in forms if 'method="post"' in form]
            assert all('name="csrf" value="' in form for form in sent), path
            assert not re.findall(r'action="(?!/officers/)', answer.text), path
            assert not re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", answer.text), path


async def test_every_cookie_is_out_of_reach(desks: Desks):
    await desks.officer("lan")
    browser = desks.browser()
    browser.client.headers["x-forwarded-proto"] = "https"
    browser.client.base_url = httpx.URL("https://127.0.0.1")
    first = (await browser.get("/officers/sign-in")).headers.get_list("set-cookie")
    second = (await browser.sign_in("lan")).headers.get_list("set-cookie")
    names = [cookie.partition("=")[0] for cookie in (*first, *second)]
    assert sorted(names) == ["canbo", "canbo_cua", "canbo_may"]
    for cookie in (*first, *second):
        for attribute in ("HttpOnly", "SameSite=strict", "Path=/officers", "Secure"):
            assert attribute in cookie


async def test_no_secret_is_ever_in_an_address(desks: Desks):
    """Where the console sends a browser on, nothing of what was typed goes along."""
    code, browser = await invited(desks), desks.browser()
    joined, secret = await join(browser, code)
    await desks.later()
    signed = await browser.sign_in("moi", code=browser.code(secret))
    out = await browser.post("/officers/sign-out", "/officers/me")
    for answer in (joined, signed, out):
        assert answer.status_code == 303
        assert re.fullmatch(r"/officers/(?:sign-in)?", answer.headers["location"])


async def test_next_leads_only_to_pages_of_ours(desks: Desks, book: Book):
    await desks.officer("lan")
    for number, wished in enumerate(
        ("https://evil.example", "//evil.example", "/officers/sign-out", "/", "/officers/mexyz")
    ):
        await desks.later()
        given = {"login": "lan", "password": PASSWORD, "code": desks.browser().code(), "next": wished}
        answer = await desks.browser().post("/officers/sign-in", "/officers/sign-in", **given)
        assert answer.headers["location"] == "/officers/", number


def test_every_sentence_of_the_doors_has_its_english():
    said = [
        text
        for module in (signin, joining, password, staff)
        for name, text in vars(module).items()
        if is_sentence(name, text)
    ]
    assert len(said) > 12
    assert [text for text in said if text not in ENGLISH] == []


def is_sentence(name: str, value: object) -> bool:
    return name.isupper() and isinstance(value, str) and value.endswith(".")


async def test_a_page_that_asks_by_itself_does_not_keep_a_session(desks: Desks):
    """An open list asks for news all day; the session of somebody who went away ends all the same."""
    browser = await desks.signed_in("lan")
    for _ in range(3):
        await desks.later(timedelta(minutes=11))
        await browser.client.get("/officers/", headers={"sec-fetch-dest": "empty"})
    assert not await browser.is_in()
